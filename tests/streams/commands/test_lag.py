"""``candor lag`` on a real broker, with real workers."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.enums import Topic
from sinks.clickhouse import ClickHouse, connect
from streams.broker.ready import free_port
from streams.kafka.client import client_options
from streams.lag.heartbeat import accounts_of, newest
from streams.settings import Settings
from tests.conftest import wait_for
from tests.streams.commands.conftest import Run
from tests.streams.commands.test_worker import worker_process
from tests.streams.metrics.test_server import fetch

Rows = Mapping[tuple[str, str, int], Mapping[str, object]]


def _looked(candor: Run, seconds: float, exit_code: int) -> Rows:
    result = candor("lag", "--json", "--seconds", str(seconds))
    assert result.exit_code == exit_code, result.output
    return {(row["stage"], row["topic"], row["partition"]): row for row in json.loads(result.stdout)}


def _send(settings: Settings, timestamps: Iterable[int], *, transaction: str | None = None, abort: bool = False) -> None:
    asyncio.run(_sent(settings, timestamps, transaction, abort=abort))


async def _sent(settings: Settings, timestamps: Iterable[int], transaction: str | None, *, abort: bool) -> None:
    """Dead letters to be, in partition 0 of feedback."""
    async with AIOKafkaProducer(**client_options(settings), transactional_id=transaction) as producer:
        if transaction:
            await producer.begin_transaction()
        for timestamp in timestamps:
            await producer.send_and_wait(settings.topic_prefix + Topic.FEEDBACK, b"{", b"a", partition=0, timestamp_ms=timestamp)
        if transaction:
            await (producer.abort_transaction() if abort else producer.commit_transaction())


FEEDBACK = ("accounts", "feedback", 0)


def test_who_never_began_is_stopped_where_records_wait_and_well_elsewhere(candor: Run, settings: Settings) -> None:
    assert candor("topics", "create").exit_code == 0
    now = int(time.time() * 1000)
    _send(settings, [now - 600_000, now])

    once = _looked(candor, 0, 0)
    assert len(once) == 9 * settings.partitions
    assert {key for key, row in once.items() if row["state"] != "ok"} == {FEEDBACK}
    assert (once[FEEDBACK]["state"], once[FEEDBACK]["lag"], once[FEEDBACK]["committed"]) == ("unknown", 2, None)
    assert float(str(once[FEEDBACK]["lag_seconds"])) == pytest.approx(600, abs=60)

    assert _looked(candor, 2, 1)[FEEDBACK]["state"] == "stopped"
    table = candor("lag", "--seconds", "2")
    assert table.exit_code == 1
    assert re.search(r"accounts\s+feedback\s+0\s+2\s+2\s+6\d\d\.\d\s+stopped", table.stdout)
    assert "1 of 36 partitions: feedback/0 stopped" in table.stderr


def test_markers_of_transactions_are_no_lag_for_a_worker_that_read_all(candor: Run, settings: Settings, tmp_path: Path) -> None:
    """Neither those of committed transactions nor those of aborted ones, whose records nobody may read; then the worker is gone, and then hangs."""
    log = tmp_path / "worker.log"
    for command in (("topics", "create"), ("migrate",)):
        assert candor(*command).exit_code == 0
    now = int(time.time() * 1000)
    _send(settings, [now] * 3, transaction=f"{settings.group}-test")
    with worker_process(log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2", CANDOR_SESSION_TIMEOUT_SECONDS="60") as worker:
        wait_for(lambda: _looked_at(candor)["committed"] == 3, 60, log.read_text)
        _send(settings, [now] * 2, transaction=f"{settings.group}-test", abort=True)
        row = _looked_at(candor)
        assert (row["end"], row["lag"], row["state"]) == (7, 0, "ok")

        # It holds its partitions until the session ends, and does nothing.
        worker.send_signal(signal.SIGSTOP)
        _send(settings, [now])
        stalled = _looked(candor, 3, 1)[FEEDBACK]
        assert (stalled["state"], stalled["lag"]) == ("stalled", 5)
        worker.send_signal(signal.SIGCONT)
        wait_for(lambda: _looked_at(candor)["lag"] == 0, 60, log.read_text)
        worker.send_signal(signal.SIGTERM)
        wait_for(lambda: worker.poll() is not None, 60, log.read_text)
    _send(settings, [now])
    assert _looked(candor, 2, 1)[FEEDBACK]["state"] == "stopped"


def _looked_at(candor: Run) -> Mapping[str, object]:
    return _looked(candor, 0, 0)[FEEDBACK]


@pytest.mark.usefixtures("settings")
def test_missing_topics_are_named(candor: Run) -> None:
    result = candor("lag", "--seconds", "0")

    assert result.exit_code == 1
    assert "candor topics create" in result.stderr


def test_what_is_seen_is_served_until_told_to_stop(candor: Run, settings: Settings, tmp_path: Path) -> None:
    for command in (("topics", "create"), ("migrate",)):
        assert candor(*command).exit_code == 0
    _send(settings, [int(time.time() * 1000)] * 4)
    log, port = tmp_path / "lag.log", free_port()
    arguments = [sys.executable, "-m", "streams.commands", "lag", "--serve", "--port", str(port), "--interval", "1", "--window", "3"]
    with log.open("wb") as output, subprocess.Popen(arguments, stdout=output, stderr=output, env=dict(os.environ)) as probe:
        try:
            wait_for(lambda: "metrics_served" in log.read_text(), 60, log.read_text)
            wait_for(lambda: _state(port) == "stopped", 60, log.read_text)
            wait_for(lambda: 'candor_units{state="suspect"} 0.0' in fetch(port, "/metrics")[1], 60, log.read_text)
            text = fetch(port, "/metrics")[1]
            assert "candor_heartbeat" not in text
            assert 'candor_lag_records{partition="0",stage="accounts",topic="feedback"} 4.0' in text
            assert re.search(r'candor_probe_last_success_timestamp_seconds\{source="clickhouse"\} 1\.\d+e\+09', text)
            assert fetch(port, "/ready")[0] == 200
            probe.send_signal(signal.SIGTERM)
            assert probe.wait(30) == 0
        finally:
            probe.kill()


@contextmanager
def _beating(log: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A probe that sends a heartbeat every second."""
    arguments = ["lag", "--serve", "--port", str(port), "--interval", "1", "--clickhouse-interval", "1", "--heartbeat", "1"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "streams.commands", *arguments], stdout=output, stderr=output, env={**os.environ, **environment}
        ) as probe,
    ):
        try:
            wait_for(lambda: "metrics_served" in log.read_text(), 60, log.read_text)
            yield probe
        finally:
            probe.kill()


def _metrics(port: int) -> dict[str, float]:
    lines = [line for line in fetch(port, "/metrics")[1].splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0].removeprefix("candor_"): float(line.rpartition(" ")[2]) for line in lines}


def test_heartbeats_go_the_whole_way_through_each_partition_and_are_counted_nowhere(candor: Run, settings: Settings, tmp_path: Path) -> None:
    worker_log, log, port = tmp_path / "worker.log", tmp_path / "lag.log", free_port()
    for command in (("topics", "create"), ("migrate",)):
        assert candor(*command).exit_code == 0
    began = time.time()
    with worker_process(worker_log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2"), _beating(log, port), closing(_connected(settings)) as clickhouse:
        # Of each partition, whose turn it was.
        query = "SELECT countDistinct(source_partition) FROM fact_operations WHERE synthetic"
        wait_for(lambda: clickhouse.command(query) == str(settings.partitions), 90, lambda: log.read_text() + worker_log.read_text())
        # Since the probe began that stands for one that passed.
        wait_for(lambda: "heartbeat_latency_seconds" in _metrics(port), 30, log.read_text)
        metrics = _metrics(port)
        assert began < metrics["heartbeat_timestamp_seconds"] <= metrics["heartbeat_sent_timestamp_seconds"] <= time.time()
        assert 0 <= metrics["heartbeat_latency_seconds"] < time.time() - began
        assert metrics["heartbeat_interval_seconds"] == 1

        found = newest(clickhouse, accounts_of(settings.partitions), time.time())
        assert found is not None
        assert clickhouse.command("SELECT toUnixTimestamp64Micro(max(occurred_at)) FROM operations") >= f"{found.sent_at * 1e6:.0f}"
        assert newest(clickhouse, accounts_of(settings.partitions), time.time() + 2 * 86_400) is None
        assert clickhouse.command("SELECT countIf(NOT startsWith(account_id, 'candor-heartbeat-')) FROM operations") == "0"
        for nowhere in (
            "cell_accounts",
            "cell_loyalty",
            "accounts",
            "account_profiles",
            "growth_monthly",
            "loyalty_total",
            "scorecard_moves",
            "dead_letters",
        ):
            assert (nowhere, clickhouse.command(f"SELECT count() FROM {nowhere}")) == (nowhere, "0")


@pytest.mark.usefixtures("settings")
def test_a_probe_that_kafka_takes_no_heartbeats_of_answers_and_says_so_once(candor: Run, tmp_path: Path) -> None:
    log, port = tmp_path / "lag.log", free_port()
    assert candor("migrate").exit_code == 0
    with _beating(log, port, CANDOR_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1") as probe:
        wait_for(lambda: _metrics(port)['probe_failures_total{source="kafka"}'] >= 3, 60, log.read_text)
        assert fetch(port, "/live")[0] == 200
        assert (_metrics(port)["heartbeat_sent_timestamp_seconds"], _metrics(port)['units{state="suspect"}']) == (0, 0)
        assert log.read_text().count("heartbeat_failed") == 1
        assert "aiokafka" not in log.read_text()
        probe.send_signal(signal.SIGTERM)
        assert probe.wait(30) == 0


@pytest.mark.usefixtures("settings")
def test_a_probe_whose_clickhouse_is_away_sends_heartbeats_and_says_so_once(candor: Run, tmp_path: Path) -> None:
    log, port = tmp_path / "lag.log", free_port()
    assert candor("topics", "create").exit_code == 0
    with _beating(log, port, CANDOR_CLICKHOUSE_URL="http://127.0.0.1:1/candor"):
        wait_for(lambda: _metrics(port)["heartbeat_sent_timestamp_seconds"] > 0, 60, log.read_text)
        first = _metrics(port)["heartbeat_sent_timestamp_seconds"]
        wait_for(lambda: _metrics(port)["heartbeat_sent_timestamp_seconds"] > first, 30, log.read_text)
        assert _metrics(port)["heartbeat_timestamp_seconds"] < first
        assert log.read_text().count("look_for_heartbeat_failed") == 1
        assert _state(port) is not None


@pytest.mark.usefixtures("settings")
def test_heartbeats_that_nobody_could_look_for_are_refused(candor: Run) -> None:
    result = candor("lag", "--serve", "--port", "0", "--heartbeat", "60", "--no-clickhouse")

    assert result.exit_code == 2
    assert "--heartbeat looks for what it sent in ClickHouse" in result.stderr


def _connected(settings: Settings) -> ClickHouse:
    return connect(settings.clickhouse_url.get_secret_value())


def _state(port: int) -> str | None:
    found = re.search(r'candor_lag_state\{partition="0",stage="accounts",state="(\w+)",topic="feedback"\} 1\.0', fetch(port, "/metrics")[1])
    return found[1] if found else None
