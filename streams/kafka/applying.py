"""What is done with the records of an inbox in the thread of the core: applied, timed, and their arrival noted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from schemas.enums import Topic
from streams.core.batch import Int64s, SourceRecord
from streams.core.stage import Applied, PartitionStage
from streams.kafka.owner import Recovered
from streams.metrics.worker import StageMetrics

LIVE_MS = 86_400_000
"""A record that was younger when it was applied is live. Others come from event files, whose timestamps are of the past."""
_NONE = np.empty(0, np.int64)
_MICROSECONDS = 1e6


class Arrivals:
    """Kafka timestamps, in milliseconds since 1970, of the live records that the next flush covers. For the thread of the core alone."""

    def __init__(self) -> None:
        self._parts: list[Int64s] = []

    def add(self, records: Sequence[SourceRecord], position: int, now: float) -> None:
        """Note those from ``position`` on; ``now`` is in milliseconds since 1970."""
        if records and records[0].offset < position:
            records = [record for record in records if record.offset >= position]
        timestamps = np.fromiter(map(attrgetter("timestamp"), records), np.int64, len(records))
        self._parts.append(timestamps[timestamps > now - LIVE_MS])

    def take(self) -> Int64s:
        """What was noted since the last call."""
        parts, self._parts = self._parts, []
        return np.concatenate(parts) if parts else _NONE


@dataclass(frozen=True, slots=True)
class Work:
    """What one call of ``apply_all`` did."""

    seconds: float
    applied: Sequence[tuple[str, int, Applied]]
    """Topic, number of records and what became of them."""


def apply_all(stage: PartitionStage, prefix: str, taken: list[tuple[str, Sequence[SourceRecord]]], arrivals: Arrivals) -> Work:
    """Apply records of several topics, given by full name."""
    begun, now = time.monotonic(), time.time() * 1000
    results = []
    for name, records in taken:
        topic = name.removeprefix(prefix)
        arrivals.add(records, stage.position(topic), now)
        results.append((topic, len(records), stage.apply(topic, records)))
    return Work(time.monotonic() - begun, results)


def count(metrics: StageMetrics, work: Work) -> None:
    """Add what was done to the metrics."""
    metrics.apply_seconds.observe(work.seconds)
    for topic, records, applied in work.applied:
        metrics.records.add(records)
        metrics.accepted.add(applied.accepted)
        metrics.duplicates.add(applied.duplicates)
        metrics.replayed.add(applied.replayed)
        metrics.unknown_fields.add(applied.unknown_fields)
        for reason, number in applied.rejected.items():
            metrics.dead_letters[reason].add(number)
        if applied.newest is not None:
            watermark = metrics.watermark[Topic(topic)]
            watermark.set(max(watermark.read(), applied.newest / _MICROSECONDS))
        if applied.behind is not None:
            metrics.lateness[Topic(topic)].observe_all(applied.behind / _MICROSECONDS)


def count_opened(metrics: StageMetrics, recovered: Recovered, seconds: float) -> None:
    """Add to the metrics that a partition was opened."""
    metrics.recovery_seconds.observe(seconds)
    metrics.recovered_records.add(recovered.records)
    metrics.recovered_bytes.add(recovered.size)
