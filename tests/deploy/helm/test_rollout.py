"""The chart's pods as processes, in the order in which Helm and Kubernetes start and stop them, on a real broker and a real engine."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from schemas.enums import Topic
from sinks.clickhouse import connect, quoted
from sinks.copies import database_of_copies
from streams.broker import LocalBroker
from streams.broker.ready import free_port
from streams.files import FileRecord, write_events
from tests.conftest import PATIENCE, wait_for
from tests.deploy.helm.chart import CHART, ROOT, VALUES, Manifest, Pod, parsed, pods_of, told
from tests.streams.metrics.test_server import fetch

EVENTS, RATE = 2_500, 250


def _response(number: int) -> FileRecord:
    value = (
        f'{{"event_id":"e-{number}","event_type":"response.submitted","occurred_at":"2026-01-02T03:04:05Z","account_id":"a-{number}","unit_id":"u-1",'
        f'"channel":"web","response_id":"r-{number}","survey_id":"s","metric":"nps","score":{number % 11}}}'
    )
    return FileRecord(Topic.FEEDBACK, 1_767_400_000_000, f"a-{number}".encode(), value.encode())


@dataclass(slots=True)
class Process:
    """A pod's container, with a port of its own since all are on one machine."""

    pod: Pod
    folder: Path
    port: int = field(default_factory=free_port)

    def start(self) -> "subprocess.Popen[bytes]":
        environment = {**self.pod.environment, "CANDOR_METRICS_HOST": "127.0.0.1", "CANDOR_METRICS_PORT": str(self.port)}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "streams.commands", *self.pod.container["args"]],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
            )

    @property
    def log(self) -> Path:
        return self.folder / f"{self.pod.component}-{self.port}.log"

    def does_its_work(self) -> None:
        """Returns once it has ended well."""
        assert self.start().wait(120) == 0, self.log.read_text()

    def is_ready(self) -> bool:
        try:
            return fetch(self.port, "/ready")[0] == 200
        except OSError:
            return False


def _manifests(broker: LocalBroker, clickhouse_url: str, prefix: str) -> tuple[Manifest, ...]:
    """For one broker, which cannot replicate."""
    given = {
        "kafka.bootstrapServers": broker.bootstrap_servers,
        "clickhouse.url": clickhouse_url,
        "settings.CANDOR_TOPIC_PREFIX": prefix,
        "settings.CANDOR_GROUP": prefix.rstrip("."),
        "settings.CANDOR_REPLICATION_FACTOR": "1",
        "settings.CANDOR_MIN_INSYNC_REPLICAS": "1",
        "settings.CANDOR_PARTITIONS": "4",
    }
    # One worker, so two while it is replaced: more would show nothing that the crash trials do not, and each costs seconds to start.
    settings = ["--set", "worker.replicas=1", *(argument for name, value in given.items() for argument in ("--set-string", f"{name}={value}"))]
    return parsed(told("template", "candor", str(CHART), "--values", str(VALUES / "copies.yaml"), *settings))


def test_an_upgrade_under_load_loses_nothing_and_numbers_never_go_back(
    broker: LocalBroker, clickhouse_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    manifests = _manifests(broker, clickhouse_url, topic_prefix)
    by_component = {pod.component: pod for pod in pods_of(manifests) if pod.component != "setup"}
    hooks = [pod for pod in pods_of(manifests) if pod.component == "setup"]
    for pod in sorted(hooks, key=lambda pod: int(pod.owner["metadata"]["annotations"]["helm.sh/hook-weight"])):
        Process(pod, tmp_path).does_its_work()
    (deployment,) = [one for one in manifests if one["kind"] == "Deployment" and one["metadata"]["name"].endswith("-worker")]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    events = tmp_path / "events.ndjson"
    write_events(events, [_response(number) for number in range(EVENTS)])
    clickhouse = connect(clickhouse_url)
    seen = [0]

    def count() -> int:
        seen.append(int(clickhouse.command("SELECT sum(n) FROM loyalty_daily") or 0))
        assert seen[-1] >= seen[-2], seen
        return seen[-1]

    with ExitStack() as stack:

        def started(process: Process) -> "subprocess.Popen[bytes]":
            popen = process.start()
            stack.callback(popen.wait)
            stack.callback(popen.kill)
            return popen

        generation = []
        for _ in range(deployment["spec"]["replicas"]):
            process = Process(by_component["worker"], tmp_path)
            generation.append((process, started(process)))
        wait_for(lambda: all(process.is_ready() for process, _ in generation), 90, generation[0][0].log.read_text)
        feeding = {**by_component["worker"].environment, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        produce = [sys.executable, "-m", "streams.commands", "produce", str(events), "--rate", str(RATE)]
        feed = subprocess.Popen(produce, env=feeding, cwd=tmp_path, stderr=subprocess.DEVNULL)
        stack.callback(feed.kill)
        wait_for(lambda: count() > 0, 60, generation[0][0].log.read_text)

        for old, popen in generation:
            new = Process(by_component["worker"], tmp_path)
            started(new)
            wait_for(lambda new=new: count() >= 0 and new.is_ready(), 90, new.log.read_text)  # type: ignore[misc]
            popen.send_signal(signal.SIGTERM)
            # No patience: Kubernetes has none.
            wait_for(lambda popen=popen: count() >= 0 and popen.poll() is not None, grace / PATIENCE, old.log.read_text)  # type: ignore[misc]
            assert popen.returncode == 0, old.log.read_text()
            assert '"event": "worker_stopped"' in old.log.read_text()

        assert feed.wait(120) == 0
        wait_for(lambda: count() == EVENTS, 60, lambda: str(seen[-1]))
        assert clickhouse.command("SELECT count() FROM responses") == str(EVENTS)
        # Of the same release: hooks of an upgrade, which change nothing, what helm test and the cron jobs run, and the probe.
        once = [Process(pod, tmp_path) for pod in (*hooks, *(by_component[name] for name in ("doctor", "fit", "materialize")))]
        ended = [started(process) for process in once]
        lag = Process(by_component["lag"], tmp_path)
        probing = started(lag)
        wait_for(lag.is_ready, 90, lag.log.read_text)
        assert "candor_lag_records{" in fetch(lag.port, "/metrics")[1]
        probing.send_signal(signal.SIGTERM)
        for process, popen in zip([*once, lag], [*ended, probing], strict=True):
            assert popen.wait(120) == 0, process.log.read_text()
    assert clickhouse.command("SELECT count(DISTINCT run_id) FROM model_runs") == "1"
    copies = quoted(database_of_copies(clickhouse.address).database)
    assert clickhouse.command(f"SELECT sum(rows) > 0 FROM {copies}.copied WHERE name = 'loyalty_total'") == "1"
    assert clickhouse.command(f"SELECT max(n) FROM {copies}.loyalty_total") == clickhouse.command("SELECT max(n) FROM loyalty_total")
    clickhouse.close()
