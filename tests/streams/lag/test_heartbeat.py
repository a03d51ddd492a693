"""Heartbeats: where they go, what is known of them, and what happens while nobody takes them or answers for them."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import NamedTuple

import pyarrow as pa
import pytest
from kafka.partitioner.default import murmur2
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from schemas.catalog import Catalog
from schemas.enums import Topic
from sinks.base import SinkUnavailable
from streams.core.accounts import AccountsStages
from streams.core.signals import FleetSignals, decode
from streams.core.stage import Flush
from streams.errors import KafkaUnavailable
from streams.files import FileRecord
from streams.lag.heartbeat import ACCOUNT, Heartbeats, Passed, accounts_of, heartbeat, keep_beating, send
from streams.settings import load_settings
from streams.stages import signalling_of


def _exported(heartbeats: Heartbeats) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(heartbeats)
    lines = [line.split() for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("candor_heartbeat_"): float(value) for name, value in lines}


@pytest.mark.parametrize("partitions", [1, 4, 12, 100])
def test_each_partition_has_an_account_by_kafkas_own_partitioner(partitions: int) -> None:
    accounts = accounts_of(partitions)

    assert [(murmur2(account.encode()) & 0x7FFFFFFF) % partitions for account in accounts] == list(range(partitions))


def test_until_one_passed_it_is_told_when_it_began_and_no_latency() -> None:
    heartbeats = Heartbeats(60.0, 1_000.0)
    assert _exported(heartbeats) == {"interval_seconds": 60, "sent_timestamp_seconds": 0, "timestamp_seconds": 1_000}

    heartbeats.sent(1_060.0)
    assert heartbeats.is_awaited
    # One of another day, which it was not there for.
    heartbeats.saw(Passed(900.0, 0.25))
    assert _exported(heartbeats) == {
        "interval_seconds": 60, "sent_timestamp_seconds": 1_060, "timestamp_seconds": 1_000, "latency_seconds": 0.25,
    }  # fmt: skip
    heartbeats.saw(Passed(1_060.0, 0.75))
    assert not heartbeats.is_awaited
    assert (_exported(heartbeats)["timestamp_seconds"], _exported(heartbeats)["latency_seconds"]) == (1_060, 0.75)


def test_when_one_passed_stays_true_while_nobody_can_look_and_how_long_it_took_is_not_told() -> None:
    heartbeats = Heartbeats(60.0, 1_000.0)
    heartbeats.saw(Passed(1_060.0, 0.75))
    heartbeats.blind()

    assert _exported(heartbeats)["timestamp_seconds"] == 1_060
    assert "latency_seconds" not in _exported(heartbeats)


class _Table:
    """A reader of what arrived, while it answers."""

    def __init__(self) -> None:
        self.arrived: list[float] = []
        self.away = False

    def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False) -> pa.Table:
        del sql, parameters, binary
        if self.away:
            raise SinkUnavailable("away")
        return pa.table({"sent_at": self.arrived[-1:], "latency": [-0.1] * len(self.arrived[-1:])})


def test_who_is_away_is_told_of_once_and_asked_at_each_turn() -> None:
    stop, table, heartbeats, tried = Event(), _Table(), Heartbeats(0.001, 0.0), list[FileRecord]()

    def take(record: FileRecord) -> None:
        tried.append(record)
        table.away = 6 <= len(tried) < 9
        if len(tried) == 12:
            stop.set()
        if len(tried) < 4:
            raise KafkaUnavailable("away")
        table.arrived.append(time.time())

    with capture_logs() as told:
        keep_beating(heartbeats, take, table, 4, 0.001, stop)

    assert [one["event"] for one in told] == [
        "heartbeat_failed", "heartbeat_works_again", "look_for_heartbeat_failed", "look_for_heartbeat_works_again",
    ]  # fmt: skip
    # Each partition in its turn, whoever is away.
    assert [record.key.decode() for record in tried[:8] if record.key] == [*accounts_of(4)] * 2
    assert len({record.value for record in tried}) == len(tried) == 12
    assert _exported(heartbeats)["latency_seconds"] == 0


def test_what_was_sent_is_found_again_as_exactly_as_a_row_tells_it() -> None:
    stop, table, found = Event(), _Table(), list[float]()

    def take(record: FileRecord) -> None:
        assert record.value is not None
        at = datetime.fromisoformat(json.loads(record.value)["occurred_at"])
        table.arrived.append(round((at - datetime.fromtimestamp(0, UTC)) / timedelta(microseconds=1)) / 1e6)

    class Noting(Heartbeats):
        def saw(self, passed: Passed | None) -> None:
            super().saw(passed)
            assert not self.is_awaited
            found.append(table.arrived[-1])
            if len(found) == 20:
                stop.set()

    keep_beating(Noting(0.001, 0.0), take, table, 4, 0.001, stop)

    assert found == table.arrived


def test_a_kafka_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

    with pytest.raises(KafkaUnavailable, match=r"Kafka at 127\.0\.0\.1:1"):
        send(load_settings(), heartbeat(f"{ACCOUNT}0", time.time(), "s"))


class _Source(NamedTuple):
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def _source(record: FileRecord, offset: int) -> _Source:
    return _Source(offset, record.timestamp, record.key, record.value)


def _answer(number: int, at: float) -> FileRecord:
    event = {
        "event_id": f"e-{number}", "event_type": "response.submitted", "occurred_at": datetime.fromtimestamp(at, UTC).isoformat(), "account_id": "a",
        "unit_id": "u", "channel": "web", "response_id": f"r-{number}", "survey_id": "s", "metric": "nps", "score": 9,
    }  # fmt: skip
    return FileRecord(Topic.FEEDBACK, round(at * 1_000), b"a", json.dumps(event).encode())


def _told(flush: Flush | None) -> list[FleetSignals]:
    """What the units stage hears of time."""
    assert flush is not None
    return [signals for record in flush.signals if isinstance(signals := decode(record.value), FleetSignals)]


def test_a_heartbeat_is_a_fact_and_moves_nothing_else() -> None:
    """Neither accounts nor cells, nor the time that units are judged by: that stands where answers of months before have brought it."""
    topics = tuple(Topic)
    long_ago = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
    now = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
    stages = AccountsStages(Catalog(), signalling=signalling_of(Catalog()))
    beaten, quiet = stages.restore(0, []), stages.restore(0, [])
    heard: dict[bool, list[tuple[int | None, bool]]] = {True: [], False: []}

    for number in range(4):
        for stage in (beaten, quiet):
            stage.apply(Topic.FEEDBACK, [_source(_answer(number, long_ago + 86_400 * number), number)])
            heard[stage is beaten] += [(one.clock, one.caught_up) for one in _told(stage.flush())]
        beat = beaten.apply(Topic.OPERATIONS, [_source(heartbeat(f"{ACCOUNT}0", now + 60 * number, "s"), number)])
        assert (beat.accepted, beat.duplicates, dict(beat.rejected)) == (1, 0, {})
        flush = beaten.flush()
        assert flush is not None
        assert [(table.value, rows.num_rows) for table, rows in flush.facts.items()] == [("fact_operations", 1)]
        assert not flush.cells
        assert not flush.dead_letters
        # It tells the time again, and never another one.
        assert {one.clock for one in _told(flush)} <= {None, *(clock for clock, _ in heard[True])}
        for stage in (beaten, quiet, beaten, quiet):
            stage.rest(topics)
        for stage in (beaten, quiet):
            heard[stage is beaten] += [(one.clock, one.caught_up) for one in _told(stage.flush())]

    assert heard[True] == heard[False]
    assert any(caught_up for _, caught_up in heard[True])
    assert beaten.state.accounts.count == quiet.state.accounts.count == 1
