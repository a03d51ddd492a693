"""Apache Kafka as a process of this machine: one node, combined mode, loopback only."""

import atexit
import base64
import signal
import subprocess
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.broker.jars import java, kafka_jars
from streams.broker.ready import free_port, wait_until_ready
from streams.errors import BrokerUnavailable

_READY_SECONDS = 90.0
_STOP_SECONDS = 30.0
_MAX_MESSAGE_BYTES = 4 * 1_048_576


class LocalBroker:
    """A broker that keeps its data in ``folder``: it can be killed and started again on the same data and ports.

    ``heap_megabytes`` limits Java's heap; ``brief`` compiles less, which starts sooner and runs slower: for tests, not for benchmarks.
    """

    def __init__(self, folder: Path, *, heap_megabytes: int = 640, brief: bool = True) -> None:
        self.folder = folder
        self.log_file = folder / "broker.log"
        self.port = free_port()
        self.bootstrap_servers = f"127.0.0.1:{self.port}"
        self._controller_port = free_port()
        self._heap_megabytes = heap_megabytes
        self._brief = brief
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start, and wait until it is ready."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    @property
    def pid(self) -> int:
        """Process id; raises ``BrokerUnavailable`` when it is not running."""
        if self._process is None:
            raise BrokerUnavailable("the broker is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and return once it answers; raises ``BrokerUnavailable``."""
        if self.running:
            return
        configuration = self.folder / "server.properties"
        if not configuration.exists():
            self._format(configuration)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", str(configuration), heap=True),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # An interrupt from the terminal is for the command, which then stops the broker in order.
                start_new_session=True,
            )
        atexit.register(self.stop)
        try:
            # Somebody else may have taken the port meanwhile, and would answer too.
            wait_until_ready(self.bootstrap_servers, _READY_SECONDS, lambda: self.running, self._log_end, self._cluster_id())
        except BrokerUnavailable:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to end (SIGTERM), make it end after 30 seconds; nothing where it is not running."""
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._ended()

    def kill(self) -> None:
        """End it without warning (SIGKILL); nothing where it is not running."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._ended()

    def _ended(self) -> None:
        self._process = None
        atexit.unregister(self.stop)

    def restart(self) -> None:
        """Stop and start again on the same data and port."""
        self.stop()
        self.start()

    def _command(self, main: str, *arguments: str, heap: bool = False) -> list[str]:
        options = [f"-Xms{self._heap_megabytes // 2}m", f"-Xmx{self._heap_megabytes}m"] if heap else []
        if self._brief or not heap:
            options += ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        return [java(), *options, "-Dlog4j2.level=WARN", "-cp", f"{kafka_jars()}/*", main, *arguments]

    def _format(self, configuration: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unformatted = configuration.with_suffix(".unformatted")
        unformatted.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")
        formatted = subprocess.run(
            self._command("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(unformatted)), capture_output=True, text=True, check=False
        )
        if formatted.returncode:
            raise BrokerUnavailable(f"Kafka cannot format {self.folder}:\n{formatted.stdout}{formatted.stderr}")
        unformatted.rename(configuration)

    def _cluster_id(self) -> str:
        lines = (self.folder / "data" / "meta.properties").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))

    def _properties(self) -> dict[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap_servers},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap_servers}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self.folder / "data",
            # After a kill the controller waits for the end of the old session before it lets the new one in.
            "broker.session.timeout.ms": 2_000,
            "broker.heartbeat.interval.ms": 500,
            "auto.create.topics.enable": "false",
            "message.max.bytes": _MAX_MESSAGE_BYTES,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1_000,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
        }

    def _log_end(self) -> str:
        return self.log_file.read_text(errors="replace")[-3000:] if self.log_file.exists() else ""
