"""``candor worker``: events in, numbers out, and an end in order."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.enums import Topic
from schemas.topics import CHECKPOINTS, SIGNALS
from sinks.clickhouse import connect
from streams.connections import admin
from streams.files import FileRecord, write_events
from streams.settings import Settings
from tests.conftest import wait_for
from tests.streams.commands.conftest import Run


def _response(number: int) -> FileRecord:
    account = f"a-{number}"
    value = (
        f'{{"event_id":"e-{number}","event_type":"response.submitted","occurred_at":"2026-01-02T03:04:05Z","account_id":"{account}","unit_id":"u-1",'
        f'"channel":"web","response_id":"r-{number}","survey_id":"s","metric":"nps","score":{number % 11}}}'
    )
    return FileRecord(Topic.FEEDBACK, 1_767_400_000_000, account.encode(), value.encode())


RECORDS = [_response(number) for number in range(110)]


@contextmanager
def worker_process(log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that writes its log there."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "streams.commands", "worker"], stdout=output, stderr=output, env={**os.environ, **environment}
        ) as worker,
    ):
        try:
            yield worker
        finally:
            worker.kill()


def _ended(worker: subprocess.Popen[bytes], log: Path) -> int:
    wait_for(lambda: worker.poll() is not None, 60, log.read_text)
    return worker.returncode


def test_events_become_numbers_and_sigterm_ends_it(candor: Run, settings: Settings, tmp_path: Path) -> None:
    log, events = tmp_path / "worker.log", tmp_path / "events.ndjson"
    write_events(events, [*RECORDS, *RECORDS, FileRecord(Topic.FEEDBACK, 1, b"a", b"{")])
    assert candor("topics", "create").exit_code == 0
    assert candor("migrate").exit_code == 0
    assert candor("produce", str(events)).exit_code == 0
    clickhouse = connect(settings.clickhouse_url.get_secret_value())

    with worker_process(log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2", CANDOR_IDLE_SECONDS="0.5") as worker:
        wait_for(lambda: clickhouse.command("SELECT sum(n) FROM loyalty_daily") == "110", 60, log.read_text)
        wait_for(lambda: clickhouse.command("SELECT count() FROM dead_letters") == "1", 60, log.read_text)
        # Nothing more comes, so what is there is judged: the day of the answers, but none after it.
        judged = f"SELECT countIf(up_to_date AND judged = '2026-01-01') = {settings.partitions} FROM integrity_progress"
        wait_for(lambda: clickhouse.command(judged) == "1", 60, log.read_text)
        worker.send_signal(signal.SIGTERM)
        assert _ended(worker, log) == 0

    assert clickhouse.query("SELECT sum(n) AS n, sum(promoters) AS promoters, sum(detractors) AS detractors FROM loyalty_daily").to_pylist() == [
        {"n": 110, "promoters": 20, "detractors": 70}
    ]
    clickhouse.close()


@pytest.mark.usefixtures("settings")
def test_it_waits_while_clickhouse_is_away(candor: Run, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    assert candor("topics", "create").exit_code == 0

    with worker_process(log, CANDOR_CLICKHOUSE_URL="http://127.0.0.1:1/candor", CANDOR_LOG_FORMAT="json") as worker:
        wait_for(lambda: log.read_text().count('"event": "waiting_for_clickhouse"') > 1, 60, log.read_text)
        worker.send_signal(signal.SIGHUP)
        seen = log.read_text().count('"event": "waiting_for_clickhouse"')
        wait_for(lambda: log.read_text().count('"event": "waiting_for_clickhouse"') > seen, 60, log.read_text)
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        wait_for(lambda: worker.poll() is not None, 60, log.read_text)

        assert worker.returncode == 0


def test_a_database_or_a_checkpoint_that_was_made_anew_is_noticed(candor: Run, settings: Settings, tmp_path: Path) -> None:
    log, events = tmp_path / "worker.log", tmp_path / "events.ndjson"
    write_events(events, RECORDS)
    for command in (("topics", "create"), ("migrate",), ("produce", str(events))):
        assert candor(*command).exit_code == 0
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    with worker_process(log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2") as worker:
        wait_for(lambda: clickhouse.command("SELECT sum(n) FROM loyalty_daily") == "110", 60, log.read_text)
        worker.send_signal(signal.SIGTERM)
        assert _ended(worker, log) == 0

    own = [settings.topic_prefix + name for name in (*(spec.name for spec in CHECKPOINTS.values()), SIGNALS.name)]
    for deleted in (own[:1], own):
        _delete(settings, deleted)
        assert candor("topics", "create").exit_code == 0
        with worker_process(log) as worker:
            assert _ended(worker, log) == 1
        # Whichever stage opens a partition first.
        noticed = f"the database holds rows of partition|{own[0]} was made anew" if len(deleted) == 1 else "the database holds rows of partition"
        assert re.search(noticed, log.read_text())
        assert f"delete the topics {settings.topic_prefix}signals and {settings.topic_prefix}checkpoint.*" in log.read_text()

    _delete(settings, own)
    assert candor("topics", "create").exit_code == 0
    database = clickhouse.address.database
    clickhouse.command(f"DROP DATABASE {database}")
    assert candor("migrate").exit_code == 0
    with worker_process(log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2") as worker:
        wait_for(lambda: clickhouse.command("SELECT sum(n) FROM loyalty_daily") == "110", 60, log.read_text)
        worker.send_signal(signal.SIGTERM)
        assert _ended(worker, log) == 0

    clickhouse.command(f"DROP DATABASE {database}")
    assert candor("migrate").exit_code == 0
    with worker_process(log) as worker:
        assert _ended(worker, log) == 1
    assert "the database was made anew" in log.read_text()
    clickhouse.close()


def _delete(settings: Settings, topics: list[str]) -> None:
    with admin(settings) as kafka:
        kafka.delete_topics(topics)
        wait_for(lambda: not set(topics) & set(kafka.list_topics()), 30)


@pytest.mark.usefixtures("settings")
def test_a_database_of_replays_is_refused(candor: Run, tmp_path: Path) -> None:
    log, events = tmp_path / "worker.log", tmp_path / "events.ndjson"
    write_events(events, RECORDS[:5])
    assert candor("replay", str(events)).exit_code == 0
    with worker_process(log) as worker:
        assert _ended(worker, log) == 1
    assert "is filled by candor replay" in log.read_text()


@pytest.mark.usefixtures("settings")
def test_what_has_to_be_done_first_is_told(candor: Run, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"

    with worker_process(log) as worker:
        assert _ended(worker, log) == 1
    assert "candor migrate" in log.read_text()

    assert candor("migrate").exit_code == 0
    with worker_process(log) as worker:
        assert _ended(worker, log) == 2
    assert "candor topics" in log.read_text()

    with worker_process(log, CANDOR_CATALOG="/nowhere/catalog.yaml") as worker:
        assert _ended(worker, log) == 2
    assert "/nowhere/catalog.yaml" in log.read_text()
