"""One flush of all partitions of a worker, in the order that makes it exact."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import structlog

from streams.core.stage import Flush, PartitionStage
from streams.kafka.owner import Compute, OwnershipLost, PartitionOwner
from streams.kafka.rejects import RejectWatch
from streams.kafka.sinking import SinkWriter, concatenated

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Slot:
    """An owned partition as the worker sees it."""

    owner: PartitionOwner
    unprojected: list[Flush]
    """Committed flushes whose cells are not yet in the sink."""
    floors: dict[str, int]
    """First offset of each input at the broker when the partition was opened: below it there is nothing to read."""
    projected: int | None = None
    """Sequence of the last flush whose cells are in the sink; the stage hears of it with the next flush, which is the first to keep it."""
    pending: int = 0
    """Records applied since the last flush was taken."""
    watches: dict[str, RejectWatch] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    busy_at: dict[str, float] = field(default_factory=dict)
    """When records of each input were applied last, or when it was last looked whether there are more."""
    resting: set[str] = field(default_factory=set)
    """Inputs of which the stage was told that there is nothing more to read for now."""

    @property
    def partition(self) -> int:
        """The source partition."""
        return self.owner.partition


class Flushing:
    """Flushes slots, one round after another.

    Facts of all partitions go to the sink; then each partition commits its transaction; then the cells of those that did go to the sink.
    """

    def __init__(self, sink: SinkWriter, compute: Compute, lose: Callable[[Slot, OwnershipLost], None]) -> None:
        self._sink = sink
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
            await self._sink.insert(concatenated(flush.facts for _, flush in taken))
            times.append(time.monotonic())
            written = await asyncio.gather(*(self._write(slot, flush) for slot, flush in taken))
            times.append(time.monotonic())
            await self._project([slot for slot in slots() if slot.unprojected])
            times.append(time.monotonic())
            if taken:
                _log.debug("flushed", records=sum(flush.records for _, flush in taken), **_durations(times))
            return [flush for flush in written if flush is not None]

    async def _take(self, slots: list[Slot]) -> list[tuple[Slot, Flush]]:
        # What is applied from here on is of the next flush, also while the core is still busy: it takes calls in order.
        for slot in slots:
            slot.pending = 0
        flushes = await self._compute(_flush_all, [(slot.owner.stage, slot.projected) for slot in slots])
        return [(slot, flush) for slot, flush in zip(slots, flushes, strict=True) if flush is not None]

    async def _write(self, slot: Slot, flush: Flush) -> Flush | None:
        try:
            await slot.owner.write(flush)
        except OwnershipLost as error:
            self._lose(slot, error)
            return None
        slot.unprojected.append(flush)
        return flush

    async def _project(self, slots: list[Slot]) -> None:
        """Cells only follow their commit, so that the sink never shows a state that a crash could take back."""
        projected = [(slot, list(slot.unprojected)) for slot in slots]
        await self._sink.insert(concatenated(flush.cells for _, flushes in projected for flush in flushes))
        for slot, flushes in projected:
            del slot.unprojected[: len(flushes)]
            slot.projected = flushes[-1].sequence


def _durations(times: list[float]) -> dict[str, float]:
    steps = ("take_seconds", "facts_seconds", "commit_seconds", "cells_seconds")
    return {step: round(end - begin, 3) for step, (begin, end) in zip(steps, pairwise(times), strict=True)}


def _flush_all(stages: list[tuple[PartitionStage, int | None]]) -> list[Flush | None]:
    """In one call, so that no apply gets between: each would hold up the whole round."""
    for stage, projected in stages:
        if projected is not None:
            stage.acknowledge(projected)
    return [stage.flush() for stage, _ in stages]
