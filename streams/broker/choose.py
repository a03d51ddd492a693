"""Which broker to use: the one that is given, else a container, else jars, installing Java and Maven where that needs no question."""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from streams.broker.container import ContainerBroker, docker_answers
from streams.broker.jars import java, kafka_jars
from streams.broker.local import LocalBroker
from streams.errors import BrokerUnavailable
from streams.settings import KAFKA_LIBS, variable

GIVEN = variable("kafka_bootstrap_servers")
_PACKAGES = ("openjdk-17-jre-headless", "maven")


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


def start_broker(folder: Path, say: Callable[[str], None], *, brief: bool = False) -> AbstractContextManager[Broker]:
    """A broker, to be entered: the one of ``CANDOR_KAFKA_BOOTSTRAP_SERVERS``; else a container; else jars, with their data in ``folder``.

    ``say`` is told what was chosen. Raises ``BrokerUnavailable`` that says what was tried and what would help.
    """
    given = os.environ.get(GIVEN)
    if given:
        say(f"Kafka at {given}, as {GIVEN} says")
        return GivenBroker(given)
    if docker_answers():
        say("Kafka in a container")
        return ContainerBroker()
    try:
        _need_java_and_maven(say)
    except BrokerUnavailable as reason:
        raise BrokerUnavailable(
            f"There is no broker: {GIVEN} is not set, Docker does not answer, and {reason}. "
            "Set the variable, start Docker, or install Java 17 and Maven."
        ) from None
    say("Kafka from Maven Central, as a process")
    kafka_jars()
    return LocalBroker(folder, brief=brief)


def _need_java_and_maven(say: Callable[[str], None]) -> None:
    try:
        java()
        have_java = True
    except BrokerUnavailable:
        have_java = False
    if have_java and (os.environ.get(KAFKA_LIBS) or shutil.which("mvn")):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BrokerUnavailable("there is no Java 17 with Maven, nor may they be installed without asking")
    say(f"Installing {' and '.join(_PACKAGES)} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *_PACKAGES]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise BrokerUnavailable(f"{' '.join(command[:2])} failed: {done.stderr.strip()[-500:]}")
    java()
