"""Owning one source partition: its transactional producer, its state, and the one way of writing both."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from schemas.enums import Stage
from schemas.topics import CHECKPOINTS, DEAD_LETTERS, READ, SIGNALS, consumer_group
from streams.core.segments import CheckpointUnreadable
from streams.core.stage import CheckpointRecord, DeadLetter, Flush, PartitionStage, SignalRecord, StageFactory
from streams.errors import ProblemFound
from streams.kafka.checkpoint import read_checkpoint
from streams.kafka.client import ClientOptions
from streams.kafka.deadletters import dead_letter_headers
from streams.kafka.identity import Identity, check, rows_without_checkpoint, split, unreadable
from streams.kafka.opening import Openings

_log = structlog.get_logger(__name__)
# Batches stay below the smallest max.message.bytes of our topics (2 MiB), also where a record of 1 MiB ends one.
_BATCH_BYTES = 1_048_576
_CLOSE_SECONDS = 5.0
_T = TypeVar("_T")
_Record = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]
"""Key, value and headers."""


class Compute(Protocol):
    """Runs a function of the core outside the event loop and gives its result."""

    def __call__(self, function: Callable[..., _T], *arguments: object) -> Awaitable[_T]:
        """The function's result, or what it raises."""


class OwnershipLost(Exception):
    """A transaction did not certainly commit: fenced, failed, or its answer lost. The state must not be used any more; the checkpoint decides."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """What owners of all partitions have in common."""

    client: ClientOptions
    prefix: str
    group: str
    stage: Stage
    factory: StageFactory
    partitions: int = 0
    """Of the inputs, and so of the signals; 0 where the stage tells nobody anything."""
    transaction_timeout_ms: int = 60_000
    identity: Identity | None = None
    """What checkpoints must belong to; None: whatever they belong to."""
    holds_rows: Callable[[int], bool] = lambda _: False
    """Whether the database holds rows of a partition; called in a thread, may raise what a sink raises."""
    openings: Openings = field(default_factory=Openings)
    """Those that are under way."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics that the stage reads, without the prefix."""
        return READ[self.stage]

    @property
    def consumer_group(self) -> str:
        """The group that reads them."""
        return consumer_group(self.group, self.stage)

    @property
    def checkpoint_topic(self) -> str:
        """The topic that holds the state."""
        return self.prefix + CHECKPOINTS[self.stage].name

    @property
    def dead_letter_topic(self) -> str:
        """The topic that holds what could not be used."""
        return self.prefix + DEAD_LETTERS.name

    def check_partitions(self, partitions: set[int]) -> None:
        """Raises ``ProblemFound`` where these are more partitions than there were when the worker began."""
        if self.identity is not None and max(partitions, default=0) >= self.identity.partitions:
            check(self.identity, msgspec.structs.replace(self.identity, partitions=max(partitions) + 1), self.checkpoint_topic)

    def transactional_id(self, partition: int) -> str:
        """The id that all owners of a partition share, so that a new one fences the old one."""
        return f"{self.group}-{self.stage}-{partition}"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was read back when a partition was opened: records, and bytes of their keys and values."""

    records: int
    size: int


class PartitionOwner:
    """Owns a partition from ``open`` on, until another owner of it opens or a write fails."""

    def __init__(
        self, ownership: Ownership, partition: int, producer: AIOKafkaProducer, stage: PartitionStage, recovered: Recovered = Recovered(0, 0)
    ) -> None:
        self.partition = partition
        self.stage = stage
        self.recovered = recovered
        self._closing = asyncio.Event()
        self._ownership = ownership
        self._producer = producer

    @classmethod
    async def open(cls, ownership: Ownership, partition: int, compute: Compute) -> tuple["PartitionOwner", Flush | None]:
        """A new owner and its first flush, whose checkpoint is written and whose cells are not.

        The order is what makes it safe: the producer first, which ends and fences any earlier owner's; then the checkpoint, to its end; then the
        raised epoch, before any row carries it. Raises ``KafkaError`` or ``OwnershipLost``.
        """
        with ownership.openings.of(partition) as tell:
            return await cls._opened(ownership, partition, compute, tell)

    @classmethod
    async def _opened(
        cls, ownership: Ownership, partition: int, compute: Compute, tell: Callable[[int], None]
    ) -> tuple["PartitionOwner", Flush | None]:
        producer = AIOKafkaProducer(
            **ownership.client,
            client_id=ownership.transactional_id(partition),
            transactional_id=ownership.transactional_id(partition),
            transaction_timeout_ms=ownership.transaction_timeout_ms,
            max_batch_size=_BATCH_BYTES,
            max_request_size=DEAD_LETTERS.max_message_bytes,
        )
        try:
            await producer.start()
            held, checkpoint = split(await read_checkpoint(ownership.client, ownership.checkpoint_topic, partition, tell))
            await _check(ownership, partition, held, is_empty=not checkpoint)
            try:
                stage, first = await compute(_restored, ownership.factory, partition, checkpoint)
            except CheckpointUnreadable as error:
                raise unreadable(partition, ownership.checkpoint_topic, error) from error
            recovered = Recovered(len(checkpoint), sum(len(record.key) + len(record.value or b"") for record in checkpoint))
            owner = cls(ownership, partition, producer, stage, recovered)
            if first is not None:
                await owner.write(first if held == ownership.identity or ownership.identity is None else _with(first, ownership.identity))
        except BaseException:
            await _stop(producer)
            raise
        return owner, first

    async def write(self, flush: Flush) -> None:
        """Checkpoint, dead letters and offsets in one transaction; returns only once it is known to be committed.

        Raises ``OwnershipLost`` where that is not certain; the owner is then of no use. Waits while the broker is away.
        """
        if self.closed:
            raise OwnershipLost("the partition was given up")
        # A stopped producer leaves its futures open, so whoever waits for one must watch for that.
        transaction = asyncio.ensure_future(self._transaction(flush))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({transaction, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not transaction.done():
                raise OwnershipLost("the partition was given up meanwhile")
            transaction.result()
        except MessageSizeTooLargeError as error:
            raise ProblemFound(
                f"a record of the state or of the dead letters is larger than its topic takes: {error}. "
                "Run `candor topics create --repair`, which sets max.message.bytes"
            ) from error
        except (KafkaError, IllegalOperation, AssertionError) as error:  # aiokafka asserts what a fenced producer cannot hold
            raise OwnershipLost(f"{type(error).__name__}: {error}") from error
        finally:
            transaction.cancel()
            closing.cancel()

    async def _transaction(self, flush: Flush) -> None:
        producer, ownership = self._producer, self._ownership
        await producer.begin_transaction()
        sent = [
            *await self._send(ownership.checkpoint_topic, self.partition, ((record.key, record.value, ()) for record in flush.checkpoint)),
            *await self._send(ownership.dead_letter_topic, self.partition, map(_letter, flush.dead_letters)),
        ]
        for partition, signals in _by_partition(flush.signals, ownership.partitions).items():
            sent += await self._send(ownership.prefix + SIGNALS.name, partition, signals)
        # aiokafka commits also where a batch was refused, so every answer is read before.
        await asyncio.gather(*sent)
        offsets = {TopicPartition(ownership.prefix + topic, self.partition): offset for topic, offset in flush.offsets.items()}
        if offsets:
            await producer.send_offsets_to_transaction(offsets, ownership.consumer_group)
        await producer.commit_transaction()

    async def _send(self, topic: str, partition: int, records: Iterable[_Record]) -> list[asyncio.Future[object]]:
        """Futures of the batches that hold the records, in order. ``send`` would refuse a record without key and value, and cost a future each."""
        sent = []
        batch = self._producer.create_batch()
        for key, value, headers in records:
            if batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
                sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                # The first record of a batch is taken whatever its size.
                batch.append(timestamp=None, key=key, value=value, headers=list(headers))
        if batch.record_count():
            sent.append(await self._producer.send_batch(batch, topic, partition=partition))
        return sent

    @property
    def closed(self) -> bool:
        """Whether it was given up."""
        return self._closing.is_set()

    def positions(self) -> dict[str, int]:
        """Next offset to read of each input, by the full name of its topic."""
        return {self._ownership.prefix + topic: self.stage.position(topic) for topic in self._ownership.inputs}

    async def close(self) -> None:
        """Let go of the producer; an open transaction is left to the next owner or to its timeout. Doing it twice is fine."""
        if not self.closed:
            self._closing.set()
            await _stop(self._producer)


async def _check(ownership: Ownership, partition: int, held: Identity | None, *, is_empty: bool) -> None:
    """Raises ``ProblemFound`` where the checkpoint does not belong to this worker's topics and database."""
    if held is not None and ownership.identity is not None:
        check(held, ownership.identity, ownership.checkpoint_topic)
    elif is_empty and await asyncio.to_thread(ownership.holds_rows, partition):
        raise rows_without_checkpoint(partition, ownership.checkpoint_topic)


def _with(flush: Flush, identity: Identity) -> Flush:
    return replace(flush, checkpoint=[*flush.checkpoint, identity.record()])


def _restored(factory: StageFactory, partition: int, checkpoint: list[CheckpointRecord]) -> tuple[PartitionStage, Flush | None]:
    stage = factory.restore(partition, checkpoint)
    return stage, stage.flush()


def _by_partition(signals: Sequence[SignalRecord], partitions: int) -> dict[int, list[_Record]]:
    """Records for each partition, in order; keyed ones go where Kafka's own producers would send them."""
    records: dict[int, list[_Record]] = {}
    for unit_id, value in signals:
        for partition in range(partitions) if unit_id is None else ((murmur2(unit_id) & 0x7FFFFFFF) % partitions,):
            records.setdefault(partition, []).append((unit_id, value, ()))
    return records


def _letter(letter: DeadLetter) -> _Record:
    # Without a timestamp of its own the letter counts from now, so that retention does not delete those of an old backfill at once.
    return letter.key, letter.value, dead_letter_headers(letter)


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop it, but not for ever: while its broker is away aiokafka would wait for the open transaction."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
    except (KafkaError, TimeoutError):
        await producer.client.close()
