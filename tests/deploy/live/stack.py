"""Everything of ``docker-compose.yml`` as processes of this machine, on the shipped configurations, with time running faster for rules."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import yaml
from kafka import KafkaProducer

from schemas.enums import Stage, Topic
from schemas.rows import Table
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.broker import LocalBroker
from streams.broker.ready import free_port
from streams.metrics.alerts import PROBE_JOB, WORKER_JOB, rules_file
from streams.metrics.rule import Pace
from tests.chaos.processes import Process
from tests.conftest import wait_for
from tests.deploy.live.webhook import Webhook
from tests.deploy.prometheus import FOLDER, prometheus_command
from tests.web import text_of

PACE = Pace(15)
"""Five minutes of a rule are twenty seconds."""
HOURS = Pace(120)
"""Of rules that look back for hours: one is half a minute."""
DAYS = Pace(720)
"""Of rules about what changes by the day: an hour is five seconds."""
_WORKERS = 2
_CANDOR = (sys.executable, "-m", "streams.commands")
ACCOUNTS = 200
"""Of whom answers come."""
_LOAD_PAUSE = 0.2
"""Seconds between two records of the load."""
_GLANCE = 0.3
"""Seconds between two looks at what is waited for."""


class Stack:
    """Two workers, the probe, ClickHouse, Prometheus, Alertmanager and who is told; Kafka is given."""

    def __init__(
        self,
        folder: Path,
        broker: LocalBroker,
        prefix: str,
        catalog: Path | None = None,
        session_timeout_seconds: float = 6.0,
        paces: Mapping[str, Pace] | None = None,
    ) -> None:
        self.folder = folder
        self._paces = paces
        self._broker = broker
        self._troubles: list[Thread] = []
        self._relieved = Event()
        self._numbers = count(1)
        self.prefix = prefix
        self.partitions = 4
        self.bootstrap_servers = broker.bootstrap_servers
        self.clickhouse_port, self.probe_port, self.alertmanager_port, self.prometheus_port = (free_port() for _ in range(4))
        self.worker_ports = [free_port() for _ in range(_WORKERS)]
        self._nobody = socket.create_server(("127.0.0.1", 0))
        self.silence = f"127.0.0.1:{self._nobody.getsockname()[1]}"
        """An address at which connections are taken, and nobody answers."""
        self.webhook = Webhook()
        self.clickhouse: Process | None = None
        self.probe: Process | None = None
        self.workers: list[Process | None] = [None] * _WORKERS
        self.environment = {
            "CANDOR_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "CANDOR_CLICKHOUSE_URL": f"http://default@127.0.0.1:{self.clickhouse_port}/candor",
            "CANDOR_TOPIC_PREFIX": prefix,
            "CANDOR_PARTITIONS": str(self.partitions),
            "CANDOR_GROUP": prefix.strip("."),
            "CANDOR_SESSION_TIMEOUT_SECONDS": str(session_timeout_seconds),
            "CANDOR_REBALANCE_TIMEOUT_SECONDS": "5",
            "CANDOR_IDLE_SECONDS": "1",
            "CANDOR_LOG_FORMAT": "json",
            **({"CANDOR_CATALOG": str(catalog)} if catalog else {}),
        }

    def candor(self, *arguments: str) -> None:
        """Run a command to its end; it must say that all is well."""
        done = subprocess.run([*_CANDOR, *arguments], env=self._whole_environment(), capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def shell(self, line: str, **variables: str) -> str:
        """What a line of a page prints, typed into a shell in which ``candor`` is this one; a tool that cannot be used at all fails the test."""
        for shipped, ours in (("9464", self.worker_ports[0]), ("9465", self.probe_port), ("9093", self.alertmanager_port)):
            line = line.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{ours}")
        script = f'candor() {{ {_CANDOR[0]} -m streams.commands "$@"; }}\n{line}'
        done = subprocess.run(
            ["bash", "-c", script], env={**self._whole_environment(), **variables}, capture_output=True, text=True, check=False, timeout=120
        )
        said = done.stdout + done.stderr
        # 1: a problem was found; 3: something is away; 7 and 28: curl was refused, or waited in vain. These are answers too.
        assert done.returncode in {0, 1, 3, 7, 28}, f"{line}: exit code {done.returncode}\n{said}"
        assert "Traceback" not in said, said
        return said

    def _whole_environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "NO_COLOR": "1"}

    def start_clickhouse(self) -> None:
        """Start it, with the folder that it had, and wait until it answers."""
        arguments = ["clickhouse", "--path", str(self.folder / "clickhouse"), "--port", str(self.clickhouse_port)]
        started = self.clickhouse = self._process("clickhouse", arguments, {})
        wait_for(lambda: text_of(f"http://127.0.0.1:{self.clickhouse_port}/ping") is not None, 60, started.tail)

    def start_worker(self, number: int, **settings: str) -> None:
        """Start a worker on the port that Prometheus knows, with settings of its own."""
        self.workers[number] = self._process(f"worker-{number}", ["worker"], {"CANDOR_METRICS_PORT": str(self.worker_ports[number]), **settings})

    def start_probe(self) -> None:
        """Start the probe; it looks as often as rules are evaluated."""
        paced = ["--interval", "1", "--window", PACE.seconds(120), "--clickhouse-interval", "5", "--heartbeat", PACE.seconds(60)]
        self.probe = self._process("probe", ["lag", "--serve", "--port", str(self.probe_port), *paced], {})

    def running(self, number: int) -> Process:
        """A worker that was started."""
        worker = self.workers[number]
        assert worker is not None
        return worker

    @contextmanager
    def connected(self) -> Iterator[ClickHouse]:
        """A connection to the database of the stack."""
        with closing(connect(self.environment["CANDOR_CLICKHOUSE_URL"])) as clickhouse:
            yield clickhouse

    def send(self, topic: Topic, records: Iterable[tuple[bytes, bytes]], partition: int | None = None, age_seconds: float = 0.0) -> None:
        """Append records, with the time of so long ago."""
        sent_at = round((time.time() - age_seconds) * 1_000)
        with closing(KafkaProducer(bootstrap_servers=self.bootstrap_servers, linger_ms=20)) as producer:
            for key, value in records:
                producer.send(self.prefix + topic, key=key, value=value, partition=partition, timestamp_ms=sent_at)
            producer.flush()

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """What Prometheus says."""
        asked = text_of(f"http://127.0.0.1:{self.prometheus_port}/api/v1/query?query={urllib.parse.quote(expression)}")
        found = json.loads(asked)["data"]["result"] if asked else []
        return [(one["metric"], float(one["value"][1])) for one in found]

    def alerts(self) -> dict[str, set[str]]:
        """Alerts by their state, pending or firing, as Prometheus sees them."""
        states: dict[str, set[str]] = {"pending": set(), "firing": set()}
        for labels, _ in self.query("ALERTS"):
            states[labels["alertstate"]].add(labels["alertname"])
        return states

    def told(self, alert: str, *, firing: bool, since: int = 0) -> set[str]:
        """Who was told so of an alert, leaving out the first so many notifications."""
        return {one.receiver for one in self.webhook.heard()[since:] if one.alert == alert and one.firing is firing}

    def named(self, alert: str) -> list[int]:
        """The workers that an alert that fires names."""
        instances = {labels.get("instance") for labels, _ in self.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')}
        return [number for number, port in enumerate(self.worker_ports) if f"127.0.0.1:{port}" in instances]

    def explain(self) -> str:
        """What a person would look at first."""
        processes = [process for process in (*self.workers, self.probe, self.clickhouse) if process is not None]
        told = sorted({f"{one.receiver}: {one.alert} {one.severity} {'fires' if one.firing else 'ended'}" for one in self.webhook.heard()})
        return "\n".join([str(self.alerts()), *told, *(f"--- {process.name}\n{process.tail(12)}" for process in processes)])

    def _process(self, name: str, arguments: list[str], more: Mapping[str, str]) -> Process:
        # A log of its own for each start, so that what an earlier one said is not taken for its.
        return Process(name, [*_CANDOR, *arguments], {**self.environment, **more}, self.folder / f"{name}-{next(self._numbers)}.log")

    def start(self) -> None:
        """Start everything, and wait until it is well."""
        self.start_clickhouse()
        with self.connected() as clickhouse:
            clickhouse.create_database()
            Migrator(clickhouse).apply()
        self.candor("topics", "create")
        self.start_probe()
        for number in range(_WORKERS):
            self.start_worker(number)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once workers and the probe say that they are."""
        for port in (*self.worker_ports, self.probe_port):
            wait_for(lambda port=port: text_of(f"http://127.0.0.1:{port}/ready") is not None, 90, self.explain)  # type: ignore[misc]

    def freeze_kafka(self) -> None:
        """It takes connections, and answers nobody."""
        os.kill(self._broker.pid, signal.SIGSTOP)

    def thaw_kafka(self) -> None:
        """It goes on as if nothing had happened."""
        os.kill(self._broker.pid, signal.SIGCONT)

    def starve(self, number: int) -> None:
        """Let a worker stand still until another has its partitions, and go on until it has some again, for as long as it lives."""
        worker = self.running(number)
        owned = f'sum(candor_partitions_owned{{instance="127.0.0.1:{self.worker_ports[number]}"}})'
        others = f'sum(candor_partitions_owned{{instance!="127.0.0.1:{self.worker_ports[number]}"}})'

        def starve() -> None:
            all_ = float(len(Stage) * self.partitions)
            while worker.running and not self._relieved.is_set():
                worker.freeze()
                self._wait(lambda: not worker.running or self._values(others) == [all_])
                worker.thaw()
                # What it says before it has noticed is not true any more: the others must have given up some.
                self._wait(lambda: not worker.running or (self._values(others) < [all_] and self._values(owned) > [0.0]))

        self._trouble(starve)

    def hamper(self) -> None:
        """Let ClickHouse have too many parts of answers until an insert has failed, and bear them until all have passed, until it is relieved."""
        away = f'max(candor_sink_away{{table="{Table.RESPONSES}"}})'

        def hamper() -> None:
            with self.connected() as clickhouse:
                while not self._relieved.is_set():
                    clickhouse.command(f"ALTER TABLE {Table.RESPONSES} MODIFY SETTING parts_to_throw_insert = 1")
                    self._wait(lambda: self._values(away) == [1.0])
                    clickhouse.command(f"ALTER TABLE {Table.RESPONSES} RESET SETTING parts_to_throw_insert")
                    self._wait(lambda: self._values(away) == [0.0])

        self._trouble(hamper)

    def relieve(self) -> None:
        """What troubles it ends."""
        self._relieved.set()
        for trouble in self._troubles:
            trouble.join()
        self._troubles.clear()
        self._relieved.clear()

    def _trouble(self, make: Callable[[], None]) -> None:
        self._troubles.append(Thread(target=make, name=make.__name__, daemon=True))
        self._troubles[-1].start()

    def _wait(self, condition: Callable[[], bool]) -> None:
        while not self._relieved.is_set() and not condition():
            time.sleep(_GLANCE)

    def _values(self, expression: str) -> list[float]:
        return [value for _, value in self.query(expression)]

    def kill(self) -> None:
        """End everything."""
        if self._broker.running:
            self.thaw_kafka()
        # Before ClickHouse, which is told so.
        self.relieve()
        for process in (*self.workers, self.probe, self.clickhouse):
            if process is not None:
                process.kill()
        self.webhook.close()
        self._nobody.close()

    def prometheus(self) -> list[str]:
        """Its command, on the shipped configuration but for addresses, and for time."""
        rules = self.folder / "rules.yml"
        rules.write_text(rules_file(PACE, self._paces), encoding="utf-8")
        targets = {WORKER_JOB: self.worker_ports, PROBE_JOB: [self.probe_port]}
        # Alertmanager ends an alert of which it hears no more; it hears of each once in so long.
        resend = "--rules.alert.resend-delay=2s"
        return [*prometheus_command(self.folder, self.prometheus_port, targets, rules, self.alertmanager_port), resend]

    def alertmanager(self) -> list[str]:
        """Its command, on the shipped configuration but for receivers, and for time."""
        shipped = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
        for receiver in shipped["receivers"]:
            receiver["webhook_configs"] = [{"url": self.webhook.url + receiver["name"], "send_resolved": True}]
        file = self.folder / "alertmanager.yml"
        file.write_text(yaml.safe_dump(_paced(shipped)), encoding="utf-8")
        return [
            "prometheus-alertmanager", f"--config.file={file}", f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.alertmanager_port}", "--cluster.listen-address=",
        ]  # fmt: skip


def _paced(given: Any) -> Any:
    """The same with every duration of routes shortened."""
    if isinstance(given, list):
        return [_paced(one) for one in given]
    if not isinstance(given, dict):
        return given
    durations = {"group_wait", "group_interval", "repeat_interval"}
    return {name: PACE.of(value) if name in durations and value != "0s" else _paced(value) for name, value in given.items()}


def response(number: int, score: int = 9, at: datetime | None = None, **more: object) -> tuple[bytes, bytes]:
    """Key and value of an answer, by default of this moment."""
    account = f"live-{number % ACCOUNTS}"
    event = {
        "event_id": f"live-{number}", "event_type": "response.submitted", "occurred_at": (at or datetime.now(UTC)).isoformat(),
        "account_id": account, "unit_id": f"unit-{number % 4}", "channel": "web", "response_id": f"live-{number}", "survey_id": "visit",
        "metric": "nps", "score": score, **more,
    }  # fmt: skip
    return account.encode(), json.dumps(event).encode()


@contextmanager
def load(stack: Stack) -> Iterator[None]:
    """Answers come in all the while."""
    stop = Event()

    def send(producer: KafkaProducer) -> None:
        for number in count():
            if stop.wait(_LOAD_PAUSE):
                return
            key, value = response(number, (7 * number) % 11)
            producer.send(stack.prefix + Topic.FEEDBACK, key=key, value=value)

    with closing(KafkaProducer(bootstrap_servers=stack.bootstrap_servers)) as producer:
        thread = Thread(target=send, args=(producer,), name="load", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    """The stack while it runs, with Prometheus and Alertmanager; starts with nothing pending and nobody told of anything but the watchdog."""
    with ExitStack() as ending:
        ending.callback(stack.kill)
        stack.start()
        for command in (stack.alertmanager(), stack.prometheus()):
            ending.callback(Process(command[0], command, {}, stack.folder / f"{command[0]}.log").kill)

        def is_well() -> bool:
            alerts = stack.alerts()
            # Of each stage a worker has as many partitions as the other: no rebalance is under way.
            owned = {number for _, number in stack.query("candor_partitions_owned")}
            return (
                owned == {stack.partitions / _WORKERS}
                and alerts == {"pending": set(), "firing": {"CandorWatchdog"}}
                and stack.told("CandorWatchdog", firing=True) == {"dead-man"}
            )

        wait_for(is_well, 90, stack.explain)
        yield stack
