"""A worker on a real broker and a real engine, looked at as Prometheus does."""

import re
import signal
import time
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.enums import Topic
from sinks.clickhouse import connect
from streams.broker.ready import free_port
from streams.files import FileRecord, write_events
from streams.settings import Settings
from tests.conftest import wait_for
from tests.streams.commands.conftest import Run
from tests.streams.commands.test_worker import RECORDS, worker_process
from tests.streams.metrics.test_server import fetch

_NOT_AN_EVENT = FileRecord(Topic.FEEDBACK, 1, b"a", b"{")


class Scraped:
    """One scrape of a worker."""

    def __init__(self, port: int) -> None:
        self.status, self.text = fetch(port, "/metrics")
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float:
        return self._values[f"candor_{name}", frozenset(labels.items())]


def _answers(port: int) -> bool:
    try:
        return fetch(port, "/live")[0] == 200
    except OSError:
        return False


def _live_records() -> list[FileRecord]:
    now = int(time.time() * 1000)
    return [
        FileRecord(record.topic, now, record.key, (record.value or b"").replace(b'"e-', b'"f-').replace(b'"r-', b'"s-')) for record in RECORDS[:40]
    ]


def test_a_worker_tells_what_it_did(candor: Run, settings: Settings, tmp_path: Path) -> None:
    """Copies, a dead letter, records of a file and live ones; then it ends as it would without."""
    log, events, live = tmp_path / "worker.log", tmp_path / "events.ndjson", tmp_path / "live.ndjson"
    write_events(events, [*RECORDS, *RECORDS, _NOT_AN_EVENT])
    for command in (("topics", "create"), ("migrate",), ("produce", str(events))):
        assert candor(*command).exit_code == 0
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    port = free_port()

    with worker_process(log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2", CANDOR_METRICS_PORT=str(port)) as worker:
        wait_for(lambda: clickhouse.command("SELECT sum(n) FROM loyalty_daily") == "110", 60, log.read_text)
        wait_for(lambda: clickhouse.command("SELECT count() FROM dead_letters") == "1", 60, log.read_text)
        wait_for(lambda: fetch(port, "/ready")[0] == 200, 30, log.read_text)
        wait_for(lambda: Scraped(port).of("committed_records_total", stage="accounts") == 221, 30, log.read_text)
        scraped = Scraped(port)
        assert scraped.of("records_total", stage="accounts") == 221
        assert scraped.of("accepted_total", stage="accounts") == 110
        assert scraped.of("duplicates_total", stage="accounts") == 110
        assert scraped.of("dead_letters_total", stage="accounts", reason="malformed") == 1
        assert scraped.of("dead_letters_total", stage="accounts", reason="oversize") == 0
        assert scraped.of("sink_rows_total", table="fact_responses") == 110
        assert scraped.of("sink_rows_total", table="fact_dead_letters") == 1
        assert scraped.of("sink_away", table="fact_responses") == 0
        assert scraped.of("latency_seconds_count", stage="accounts") == 0
        assert scraped.of("watermark_timestamp_seconds", topic="feedback") == 1_767_323_045
        assert scraped.of("checkpoint_bytes_total", stage="accounts") > scraped.of("checkpoint_records_total", stage="accounts") > 0
        assert {scraped.of("partitions_owned", stage=stage) for stage in ("accounts", "units")} == {settings.partitions}

        write_events(live, _live_records())
        assert candor("produce", str(live)).exit_code == 0
        wait_for(lambda: Scraped(port).of("latency_seconds_count", stage="accounts") == 40, 60, log.read_text)
        assert Scraped(port).of("latency_seconds_bucket", stage="accounts", le="1800.0") == 40
        # The accounts stage tells the units stage in transactions of now.
        wait_for(lambda: Scraped(port).of("latency_seconds_count", stage="units") > 0, 60, log.read_text)
        wait_for(lambda: Scraped(port).of("uncommitted_records", stage="accounts") == 0, 30, log.read_text)

        worker.send_signal(signal.SIGTERM)
        wait_for(lambda: worker.poll() is not None, 60, log.read_text)
        assert worker.returncode == 0
    clickhouse.close()


@pytest.mark.usefixtures("settings")
def test_two_workers_share_the_partitions_and_export_no_series_of_any(candor: Run, tmp_path: Path) -> None:
    for command in (("topics", "create"), ("migrate",)):
        assert candor(*command).exit_code == 0
    ports = [free_port(), free_port()]
    logs = [tmp_path / "one.log", tmp_path / "two.log"]

    def told() -> str:
        return "\n".join(log.read_text() for log in logs)

    with worker_process(logs[0], CANDOR_METRICS_PORT=str(ports[0])), worker_process(logs[1], CANDOR_METRICS_PORT=str(ports[1])):
        wait_for(lambda: all(map(_answers, ports)), 60, told)
        for stage in ("accounts", "units"):
            wait_for(lambda stage=stage: [Scraped(port).of("partitions_owned", stage=stage) for port in ports] == [2, 2], 90, told)  # type: ignore[misc]
        wait_for(lambda: all(fetch(port, "/ready")[0] == 200 for port in ports), 30, told)
        assert not any(re.search(r'\bpartition="', Scraped(port).text) for port in ports)
        assert all(Scraped(port).of("rebalances_total", stage="accounts") >= 1 for port in ports[:1])


@pytest.mark.usefixtures("settings")
def test_a_worker_that_waits_for_clickhouse_is_alive_and_not_ready_and_its_address_is_local(tmp_path: Path) -> None:
    log, port = tmp_path / "worker.log", free_port()
    with worker_process(log, CANDOR_CLICKHOUSE_URL="http://127.0.0.1:1/candor", CANDOR_METRICS_PORT=str(port)) as worker:
        wait_for(lambda: "waiting_for_clickhouse" in log.read_text(), 60, log.read_text)
        assert fetch(port, "/live") == (200, "starting\n")
        assert fetch(port, "/ready")[0] == 503
        listening = {connection.laddr for connection in psutil.Process(worker.pid).net_connections() if connection.status == psutil.CONN_LISTEN}
        assert listening == {("127.0.0.1", port)}
