"""What was read and not yet applied, for all partitions of a worker, bounded in records and bytes."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain

from streams.core.batch import SourceRecord
from streams.kafka.batches import Batch


class Taken(Enum):
    """What became of a batch that was offered."""

    KEPT = auto()
    STALE = auto()
    """Read before the last seek, or of a partition that is not ours: of no interest."""
    GAP = auto()
    """Something between the last batch and this one got lost on the way: reading must start again at the state's position."""


@dataclass(slots=True)
class _Lane:
    """Batches of one topic and partition, in order."""

    ticket: int
    expected: int
    waiting: deque[Batch] = field(default_factory=deque)


class Inbox:
    """Batches in the order of their offsets, per partition and topic.

    Of each topic and partition it takes only what follows, position by position, from the last seek.
    """

    def __init__(self, most_records: int, most_bytes: int) -> None:
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._lanes: dict[int, dict[str, _Lane]] = defaultdict(dict)
        self._records: dict[int, int] = defaultdict(int)
        self._bytes = 0
        self._oldest: dict[int, float] = {}
        self._room = asyncio.Event()
        self._room.set()
        self.filled = asyncio.Event()
        """Set whenever a batch was kept; cleared by whoever waits for it."""

    def expect(self, topic: str, partition: int, ticket: int, position: int) -> None:
        """From now on keep only what follows from this seek; what waits of the topic and partition is dropped."""
        self.drop(partition, topic)
        self._lanes[partition][topic] = _Lane(ticket, position)

    def offer(self, batch: Batch, now: float) -> Taken:
        """Keep the batch if it is the next one."""
        lane = self._lanes[batch.partition].get(batch.topic)
        if lane is None or batch.ticket != lane.ticket:
            return Taken.STALE
        if batch.start != lane.expected:
            return Taken.GAP
        lane.expected = batch.end
        lane.waiting.append(batch)
        self._oldest.setdefault(batch.partition, now)
        self._account(batch.partition, (batch,), 1)
        self.filled.set()
        return Taken.KEPT

    async def wait_for_room(self) -> None:
        """Return once there is room for another batch."""
        await self._room.wait()

    def take(self, partition: int, most_records: int) -> list[tuple[str, Sequence[SourceRecord]]]:
        """Records to apply, per topic: whole batches in the order in which they came, at least one, no more than ``most_records`` else."""
        lanes = self._lanes[partition]
        taken: dict[str, list[Batch]] = {}
        records = 0
        while waiting := [(lane.waiting[0].number, topic) for topic, lane in lanes.items() if lane.waiting]:
            topic = min(waiting)[1]
            if taken and records + len(lanes[topic].waiting[0].records) > most_records:
                break
            batch = lanes[topic].waiting.popleft()
            records += len(batch.records)
            taken.setdefault(topic, []).append(batch)
        if not waiting:
            self._oldest.pop(partition, None)
        self._account(partition, chain.from_iterable(taken.values()), -1)
        return [(topic, _joined(batches)) for topic, batches in taken.items()]

    def drop(self, partition: int, topic: str | None = None) -> None:
        """Forget what waits of a partition, or of one topic of it, and keep nothing more of it until ``expect``."""
        topics = [topic] if topic is not None else list(self._lanes[partition])
        for name in topics:
            lane = self._lanes[partition].pop(name, None)
            if lane is not None:
                self._account(partition, lane.waiting, -1)
        if not self._lanes[partition]:
            self._oldest.pop(partition, None)

    def reached(self, topic: str, partition: int) -> int | None:
        """Where the last batch that was kept ended, or reading began, if nothing waits of it; None where something does, or nothing is expected."""
        lane = self._lanes[partition].get(topic)
        return lane.expected if lane is not None and not lane.waiting else None

    def records(self, partition: int) -> int:
        """Records that wait."""
        return self._records[partition]

    def waiting_since(self, partition: int) -> float | None:
        """When the oldest batch that waits was offered; None where none waits."""
        return self._oldest.get(partition)

    @property
    def total_records(self) -> int:
        """Records that wait, of all partitions."""
        return sum(self._records.values())

    def _account(self, partition: int, batches: Iterable[Batch], sign: int) -> None:
        for batch in batches:
            self._records[partition] += sign * len(batch.records)
            self._bytes += sign * batch.size
        if self.total_records >= self._most_records or self._bytes >= self._most_bytes:
            self._room.clear()
        else:
            self._room.set()


def _joined(batches: list[Batch]) -> Sequence[SourceRecord]:
    return batches[0].records if len(batches) == 1 else list(chain.from_iterable(batch.records for batch in batches))
