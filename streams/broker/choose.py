"""Which broker to use: the one that is given, else a container, else jars, installing Java and Maven where that needs no question."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from streams.broker.container import ContainerBroker, docker_answers
from streams.broker.jars import java, kafka_jars
from streams.broker.local import LocalBroker
from streams.errors import BrokerUnavailable
from streams.settings import KAFKA_LIBS, variable

GIVEN = variable("kafka_bootstrap_servers")
_JAVA_PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless")
"""The first that the system's package manager has is taken."""


class Broker(Protocol):
    """A broker that answers."""

    @property
    def bootstrap_servers(self) -> str:
        """Addresses, host:port, separated by commas."""


class GivenBroker:
    """A broker that somebody else runs."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Leave it running."""


@contextmanager
def start_broker(folder: Path, say: Callable[[str], None], *, brief: bool = False) -> Iterator[Broker]:
    """A broker while entered: the one of ``CANDOR_KAFKA_BOOTSTRAP_SERVERS``; else a container; else jars, with their data in ``folder``.

    ``say`` is told what was chosen. Raises ``BrokerUnavailable`` that says what was tried and what would help.
    """
    with ExitStack() as stack:
        yield _started(stack, folder, say, brief=brief)


def _started(stack: ExitStack, folder: Path, say: Callable[[str], None], *, brief: bool) -> Broker:
    given = os.environ.get(GIVEN)
    if given:
        say(f"Kafka at {given}, as {GIVEN} says")
        return GivenBroker(given)
    no_container = "Docker does not answer"
    if docker_answers():
        say("Kafka in a container")
        try:
            return stack.enter_context(ContainerBroker())
        except BrokerUnavailable as reason:
            # Docker may answer and yet be unable to fetch the image.
            no_container = f"Docker cannot run it ({reason})"
            say(f"{no_container}; trying Java")
    try:
        _need_java_and_maven(say)
    except BrokerUnavailable as reason:
        raise BrokerUnavailable(
            f"There is no broker: {GIVEN} is not set, {no_container}, and {reason}. "
            "Set the variable, start Docker, or install Java 17 or newer and Maven."
        ) from None
    say("Kafka from Maven Central, as a process")
    kafka_jars()
    return stack.enter_context(LocalBroker(folder, brief=brief))


def _need_java_and_maven(say: Callable[[str], None]) -> None:
    try:
        java()
        have_java = True
    except BrokerUnavailable:
        have_java = False
    if have_java and (os.environ.get(KAFKA_LIBS) or shutil.which("mvn")):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BrokerUnavailable("there is no Java 17 or newer with Maven, nor may they be installed without asking")
    _run("apt-get", "update", "-q")
    names = _run("apt-cache", "pkgnames", "openjdk-").split()
    packages = [next((name for name in _JAVA_PACKAGES if name in names), "default-jre-headless"), "maven"]
    say(f"Installing {' and '.join(packages)} with apt-get")
    _run("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)
    java()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode:
        raise BrokerUnavailable(f"{' '.join(command[:2])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
