"""One flush of all partitions of a worker, in the order that makes it exact."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import structlog
from faust.types import TP

from schemas.enums import FlushStep
from streams.core.batch import Int64s
from streams.core.stage import Flush, PartitionStage
from streams.kafka.applying import Arrivals
from streams.kafka.owner import Compute, OwnershipLost, PartitionOwner
from streams.kafka.rejects import RejectWatch
from streams.kafka.sinking import SinkWriter, concatenated
from streams.metrics.worker import StageMetrics

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """A flush, and the Kafka timestamps, in milliseconds since 1970, of the live records that it covers."""

    flush: Flush
    arrived: Int64s = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(slots=True, eq=False)
class Slot:
    """An owned partition as the worker sees it."""

    owner: PartitionOwner
    unprojected: list[Outgoing]
    """Committed flushes whose cells are not yet in the sink."""
    projected: int | None = None
    """Sequence of the last flush whose cells are in the sink; the stage hears of it with the next flush, which is the first to keep it."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    """Of the records that were applied since the last flush was taken."""
    pending: int = 0
    """Records applied since the last flush was taken."""
    writing: int = 0
    """Records of the flush that is being written."""
    watches: dict[str, RejectWatch] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    busy_at: dict[str, float] = field(default_factory=dict)
    """When records of each input were applied last."""
    opened_at: float = field(default_factory=time.monotonic)

    def silent(self, inputs: Iterable[TP], seconds: float, now: float) -> list[TP]:
        """Those of the inputs of which nothing was applied for so long, in order."""
        return sorted(partition for partition in inputs if now - self.busy_at.get(partition.topic, self.opened_at) >= seconds)

    @property
    def partition(self) -> int:
        """The source partition."""
        return self.owner.partition


class Flushing:
    """Flushes slots, one round after another.

    Facts of all partitions go to the sink; then each partition commits its transaction; then the cells of those that did go to the sink.
    """

    def __init__(self, sink: SinkWriter, compute: Compute, lose: Callable[[Slot, OwnershipLost], None], metrics: StageMetrics) -> None:
        self._sink = sink
        self._metrics = metrics
        self._compute = compute
        self._lose = lose
        self._one_at_a_time = asyncio.Lock()

    @property
    def under_way(self) -> bool:
        """Whether a round is being written."""
        return self._one_at_a_time.locked()

    async def round(self, slots: Callable[[], Iterable[Slot]]) -> list[Flush]:
        """Flush what the slots hold once the round before has ended; the flushes that are committed. Raises ``SinkRefused``."""
        async with self._one_at_a_time:
            times = [time.monotonic()]
            taken = await self._take(list(slots()))
            times.append(time.monotonic())
            await self._sink.insert(concatenated(one.flush.facts for _, one in taken))
            times.append(time.monotonic())
            written = await asyncio.gather(*(self._write(slot, one) for slot, one in taken))
            times.append(time.monotonic())
            await self._project([slot for slot in slots() if slot.unprojected])
            times.append(time.monotonic())
            if taken:
                for step, seconds in _durations(times).items():
                    self._metrics.flush_seconds[step].observe(seconds)
                told = {f"{step}_seconds": round(seconds, 3) for step, seconds in _durations(times).items()}
                _log.debug("flushed", records=sum(one.flush.records for _, one in taken), **told)
            return [flush for flush in written if flush is not None]

    async def _take(self, slots: list[Slot]) -> list[tuple[Slot, Outgoing]]:
        # What is applied from here on is of the next flush, also while the core is still busy: it takes calls in order.
        for slot in slots:
            slot.writing, slot.pending = slot.pending, 0
        flushes = await self._compute(_flush_all, [(slot.owner.stage, slot.projected, slot.arrivals) for slot in slots])
        taken = [(slot, outgoing) for slot, outgoing in zip(slots, flushes, strict=True) if outgoing is not None]
        for slot in {*slots} - {slot for slot, _ in taken}:
            slot.writing = 0
        return taken

    async def _write(self, slot: Slot, taken: Outgoing) -> Flush | None:
        flush, metrics = taken.flush, self._metrics
        try:
            await slot.owner.write(flush)
        except OwnershipLost as error:
            self._lose(slot, error)
            return None
        slot.unprojected.append(taken)
        slot.writing = 0
        metrics.flushes.add()
        metrics.committed.add(flush.records)
        metrics.checkpoint_records.add(len(flush.checkpoint))
        metrics.checkpoint_bytes.add(sum(len(record.key) + len(record.value or b"") for record in flush.checkpoint))
        metrics.last_commit.set(time.time())
        return flush

    async def _project(self, slots: list[Slot]) -> None:
        """Cells only follow their commit, so that the sink never shows a state that a crash could take back."""
        projected = [(slot, list(slot.unprojected)) for slot in slots]
        await self._sink.insert(concatenated(one.flush.cells for _, taken in projected for one in taken))
        now = time.time() * 1000
        for slot, taken in projected:
            for one in taken:
                # A clock of a producer that is ahead of ours by a little must not make a negative time.
                self._metrics.latency.observe_all(np.maximum(now - one.arrived, 0) / 1000)
            del slot.unprojected[: len(taken)]
            slot.projected = taken[-1].flush.sequence


def _durations(times: list[float]) -> dict[FlushStep, float]:
    return {step: end - begin for step, (begin, end) in zip(FlushStep, pairwise(times), strict=True)}


def _flush_all(stages: list[tuple[PartitionStage, int | None, Arrivals]]) -> list[Outgoing | None]:
    """In one call, so that no apply gets between: each would hold up the whole round."""
    for stage, projected, _ in stages:
        if projected is not None:
            stage.acknowledge(projected)
    return [None if (flush := stage.flush()) is None else Outgoing(flush, arrivals.take()) for stage, _, arrivals in stages]
