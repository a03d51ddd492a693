"""Apache Kafka in a container, where Docker is at hand."""

import shutil
import subprocess
from types import TracebackType
from typing import Self

from streams.broker.jars import KAFKA_VERSION
from streams.broker.ready import free_port, wait_until_ready
from streams.errors import BrokerUnavailable

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
_READY_SECONDS = 120.0
_COMMAND_SECONDS = 600
"""The first start fetches the image."""


def docker_answers() -> bool:
    """Whether there is a Docker that runs containers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, check=False, timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class ContainerBroker:
    """A broker in a container on a free loopback port; its data goes with it."""

    def __init__(self) -> None:
        self._port = free_port()
        self.bootstrap_servers = f"127.0.0.1:{self._port}"
        self._container = ""

    def __enter__(self) -> Self:
        """Start, and wait until it is ready."""
        self._container = _docker("run", "--detach", "--rm", "--publish", f"127.0.0.1:{self._port}:9092", *self._environment(), IMAGE)
        try:
            wait_until_ready(self.bootstrap_servers, _READY_SECONDS, self._alive, self._log_end)
        except BrokerUnavailable:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop, and remove the container."""
        self.stop()

    def stop(self) -> None:
        """Stop; nothing where it is not running."""
        if self._container:
            _docker("rm", "--force", self._container)
            self._container = ""

    def _alive(self) -> bool:
        return _docker("ps", "--quiet", "--no-trunc", "--filter", f"id={self._container}") != ""

    def _log_end(self) -> str:
        return _docker("logs", "--tail", "40", self._container) if self._alive() else ""

    def _environment(self) -> list[str]:
        variables = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_LISTENERS": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap_servers}",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_MESSAGE_MAX_BYTES": str(4 * 1_048_576),
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        }
        return [argument for name, value in variables.items() for argument in ("--env", f"{name}={value}")]


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=_COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        raise BrokerUnavailable(f"docker {arguments[0]} did not end within {_COMMAND_SECONDS} s") from None
    if done.returncode:
        raise BrokerUnavailable(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()
