"""A Prometheus that runs scrapes what is served, by the shipped configuration, and evaluates every rule."""

import json
import subprocess
from pathlib import Path
from typing import Any

from schemas.enums import RejectReason, SinkFailure, Stage
from schemas.rows import Table
from streams.broker.ready import free_port
from streams.lag.probe import Probe
from streams.lag.reading import Place
from streams.lag.rules import Look
from streams.metrics.alerts import ALERTS
from streams.metrics.collectors import combinations
from streams.metrics.declared import BUSINESS
from streams.metrics.health import Health
from streams.metrics.server import MetricsServer
from streams.metrics.worker import WorkerMetrics, new_registry
from tests.conftest import wait_for
from tests.deploy.prometheus import prometheus_command
from tests.web import text_of


def _asked(url: str) -> Any:
    answer = text_of(url)
    return json.loads(answer)["data"] if answer else None


def _worker() -> MetricsServer:
    metrics = WorkerMetrics()
    metrics.stage(Stage.ACCOUNTS).dead_letters[RejectReason.MALFORMED].add()
    metrics.tables[Table.RESPONSES].failures[SinkFailure.UNAVAILABLE].add()
    return MetricsServer(metrics.registry, Health(), "127.0.0.1", 0)


def _probe() -> MetricsServer:
    probe, registry = Probe(60.0), new_registry()
    registry.register(probe)
    probe.saw_lag({Place(Stage.ACCOUNTS, "feedback", 0): Look(1_000.0, 10, 30, 940.0, is_owned=True)})
    probe.saw_business({metric: dict.fromkeys(combinations(metric), 1.0) for metric in BUSINESS})
    return MetricsServer(registry, Health(), "127.0.0.1", 0)


def test_prometheus_scrapes_both_and_every_rule_can_be_evaluated(tmp_path: Path) -> None:
    worker, probe = _worker(), _probe()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = prometheus_command(tmp_path, port, {"candor-worker": [worker.port], "candor-lag": [probe.port]})
    log = tmp_path / "log"

    def rules() -> list[dict[str, Any]]:
        found = _asked(f"{url}/api/v1/rules") or {"groups": []}
        return [rule for group in found["groups"] for rule in group["rules"]]

    def value(query: str) -> str | None:
        found = (_asked(f"{url}/api/v1/query?query={query}") or {"result": []})["result"]
        return str(found[0]["value"][1]) if found else None

    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as prometheus:
        try:
            for job in ("candor-worker", "candor-lag"):
                wait_for(lambda job=job: value(f"up%7Bjob%3D%22{job}%22%7D") == "1", 60, log.read_text)  # type: ignore[misc]
            wait_for(lambda: {rule["health"] for rule in rules()} == {"ok"}, 60, lambda: f"{rules()}\n{log.read_text()}")
            wait_for(lambda: any(rule["name"] == "CandorWatchdog" and rule["alerts"] for rule in rules()), 60, log.read_text)
            assert {rule["name"] for rule in rules() if rule["type"] == "alerting"} == {alert.name for alert in ALERTS}
            # A rule may have been evaluated before the first scrape.
            wait_for(lambda: value("candor:lag_records:sum") == "20", 60, log.read_text)
            assert value("sum(candor_dead_letters_total)") == "1"
        finally:
            prometheus.terminate()
    worker.close()
    probe.close()
