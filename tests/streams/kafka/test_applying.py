"""What is measured of the records that a stage applies and a flush writes."""

import asyncio
import time
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.enums import FlushStep, RejectReason, SinkFailure, Stage, Topic
from schemas.rows import Table
from sinks.base import SinkUnavailable
from streams.core.batch import Numbered
from streams.core.stage import Applied, Flush
from streams.kafka.applying import LIVE_MS, Arrivals, Work, apply_all, count
from streams.kafka.flushing import Flushing, Slot
from streams.kafka.owner import OwnershipLost, PartitionOwner
from streams.kafka.sinking import SinkWriter
from streams.metrics.collectors import Histogram
from streams.metrics.worker import WorkerMetrics
from tests.conftest import wait_for
from tests.streams.kafka.counting import CountingStage
from tests.streams.kafka.test_sinking import ROWS, Sink

_DAY_MS = 86_400_000


def _record(offset: int, timestamp: int, value: bytes = b"v") -> Numbered:
    return Numbered(offset, timestamp, b"a", value)


def _count(histogram: Histogram) -> int:
    return histogram.read()[0][-1]


@settings(deadline=None)
@given(st.lists(st.integers(-3 * _DAY_MS, _DAY_MS), max_size=20), st.integers(0, 20))
def test_live_records_are_those_from_the_position_on_that_are_younger_than_a_day(ages: list[int], position: int) -> None:
    now = 1_800_000_000_000
    arrivals = Arrivals()
    records = [_record(offset, now - age) for offset, age in enumerate(ages)]
    arrivals.add(records[:7], position, now)
    arrivals.add(records[7:], position, now)

    assert arrivals.take().tolist() == [now - age for offset, age in enumerate(ages) if offset >= position and age < LIVE_MS]
    assert arrivals.take().tolist() == []


def test_what_became_of_records_is_counted_once_each() -> None:
    metrics = WorkerMetrics()
    applied = Applied(3, 2, 1, {RejectReason.MALFORMED: 4}, 5, newest=1_700_000_000_000_000, behind=np.array([0, 90_000_000, 0]))
    count(metrics.stage(Stage.ACCOUNTS), Work(0.03, [("feedback", 10, applied), ("feedback", 0, Applied(0, 0, 0, {}, 0, newest=1, behind=None))]))

    read = {name: getattr(metrics, name).of("accounts").read() for name in ("records", "accepted", "duplicates", "replayed", "unknown_fields")}
    assert read == {"records": 10, "accepted": 3, "duplicates": 2, "replayed": 1, "unknown_fields": 5}
    assert metrics.dead_letters.of("accounts", "malformed").read() == 4
    # Of several partitions the newest counts, whichever was applied last.
    assert metrics.watermark.of("feedback").read() == 1_700_000_000
    assert metrics.lateness.of("feedback").read() == ([2, 2, 3, 3, 3, 3, 3, 3], 90.0)
    assert _count(metrics.apply_seconds.of("accounts")) == 1


class _Owner:
    """Writes nothing; loses the partition where it is told to."""

    def __init__(self) -> None:
        self.partition = 0
        self.stage = CountingStage(0, [])
        self.fails = False

    async def write(self, flush: Flush) -> None:
        del flush
        if self.fails:
            raise OwnershipLost("fenced")


def _applied(slot: Slot, first: int, timestamps: list[int]) -> None:
    records = [_record(first + place, timestamp) for place, timestamp in enumerate(timestamps)]
    apply_all(slot.owner.stage, "p.", [("p.feedback", records)], slot.arrivals)
    slot.pending += len(records)


def test_latency_counts_each_live_record_once_when_its_cells_are_acknowledged() -> None:
    metrics = WorkerMetrics()
    stage = metrics.stage(Stage.ACCOUNTS)
    now = int(time.time() * 1000)

    async def compute(function, *arguments):  # type: ignore[no-untyped-def]  # as Compute
        return function(*arguments)

    async def scenario() -> None:
        owner = _Owner()
        slot = Slot(cast("PartitionOwner", owner), [])
        flushing = Flushing(SinkWriter(Sink(), metrics.tables), compute, lambda *_: None, stage)
        await flushing.round(lambda: [slot])
        assert _count(stage.latency) == 0

        _applied(slot, 0, [now - 90_000, now - 90_000, now - 2 * _DAY_MS, now + 3_600_000])
        await flushing.round(lambda: [slot])
        counts, total = stage.latency.read()
        # One of the future took no time; one of two days ago is from a file; two took a minute and a half.
        assert counts == [1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3]
        assert total == pytest.approx(180, abs=60)
        assert (slot.writing, slot.pending) == (0, 0)

        _applied(slot, 4, [now])
        owner.fails = True
        await flushing.round(lambda: [slot])
        assert _count(stage.latency) == 3
        assert slot.writing == 1

    asyncio.run(scenario())
    assert stage.flushes.read() == 2
    assert stage.committed.read() == 4
    assert stage.checkpoint_records.read() == 3
    assert stage.checkpoint_bytes.read() > 100
    assert stage.last_commit.read() == pytest.approx(time.time(), abs=60)
    assert [_count(stage.flush_seconds[step]) for step in FlushStep] == [3, 3, 3, 3]


def test_inserts_are_counted_by_table_with_each_failure_and_retry() -> None:
    metrics = WorkerMetrics()
    sink = Sink(SinkUnavailable("away"), SinkUnavailable("away"))

    async def run() -> None:
        writer = SinkWriter(sink, metrics.tables)
        await writer.insert({Table.RESPONSES: ROWS})
        await writer.insert({Table.CASES: ROWS})
        writer.close()

    asyncio.run(run())
    table = metrics.tables[Table.RESPONSES]
    assert (table.rows.read(), table.inserts.read(), table.retries.read(), table.away.read()) == (2, 1, 2, 0)
    assert {failure: counter.read() for failure, counter in table.failures.items()} == {SinkFailure.UNAVAILABLE: 2, SinkFailure.REFUSED: 0}
    assert (metrics.tables[Table.CASES].inserts.read(), metrics.tables[Table.CASES].retries.read()) == (1, 0)
    assert _count(table.seconds) == 1


def test_a_table_is_away_while_an_insert_waits() -> None:
    metrics = WorkerMetrics()

    async def run() -> None:
        writer = SinkWriter(Sink(*(SinkUnavailable("away", 60.0) for _ in range(3))), metrics.tables)
        inserting = asyncio.ensure_future(writer.insert({Table.RESPONSES: ROWS}))
        await asyncio.to_thread(wait_for, lambda: writer.away, 10)
        assert metrics.tables[Table.RESPONSES].away.read() == 1
        assert metrics.tables[Table.CASES].away.read() == 0
        writer.close()
        with pytest.raises(SinkUnavailable):
            await asyncio.wait_for(inserting, 10)

    asyncio.run(run())


def test_topics_of_the_units_stage_have_no_watermark() -> None:
    """They are not times of events."""
    metrics = WorkerMetrics()
    count(metrics.stage(Stage.UNITS), Work(0.0, [("signals", 2, Applied(2, 0, 0, {}, 0))]))

    assert metrics.records.of("units").read() == 2
    assert all(metrics.watermark.of(topic).read() == 0 for topic in Topic)
