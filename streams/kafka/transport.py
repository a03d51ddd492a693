"""Faust's Kafka transport with reading in batches, seeks that nothing old can pass, and no commits of its own.

Group membership, assignment and delivery stay Faust's. What is replaced is small, and ``tests/streams/kafka/test_contract.py`` fails when
a release of Faust or aiokafka moves it:

* the consumer thread takes whole batches and stamps each with the seek that it follows (see ``Batch``);
* offsets are committed by our own transactions, so every way to a commit ends in a no-op;
* where to read on is asked of the worker, after each assignment and before any record flows.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import aiokafka
import faust
from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as AIOKafkaConsumer
from faust.transport.drivers.aiokafka import Transport as AIOKafkaTransport
from faust.types import TP, ConsumerMessage
from faust.types.transports import TPorTopicSet
from yarl import URL

from streams.core.batch import SourceRecord
from streams.errors import ProblemFound
from streams.kafka.batches import Batch
from streams.kafka.client import ClientOptions

MEMBER_FOR_EVER_MS = 2**31 - 1
"""A worker that waits for ClickHouse takes no records, and must not lose its partitions for that."""

METADATA_AGE_MS = 10_000
"""aiokafka's five minutes would be the longest time that a restart of the broker can leave a whole group without partitions."""

_RECORD_BYTES = 400
"""What Python adds to a record's value: the record, its bytes objects, its numbers."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How inputs are read. Sizes in bytes, times in milliseconds."""

    group: str
    client: ClientOptions
    session_timeout_ms: int = 10_000
    rebalance_timeout_ms: int = 30_000
    partition_fetch_bytes: int = 2 * 1_048_576
    fetch_bytes: int = 16 * 1_048_576
    fetch_wait_ms: int = 200
    """A fetch of idle partitions holds up those that got records meanwhile; Faust's 1,500 would be felt."""


class Positions(Protocol):
    """Who decides where to read on."""

    async def seek_owned(self) -> None:
        """Seek every partition that is owned to the position of its state."""

    def lost_position(self, partition: TP, offset: int) -> None:
        """The broker has nothing at this offset: it was deleted, or the topic was made anew. Called in the event loop."""


@dataclass(slots=True)
class _Stand:
    """Where reading a partition stands: after which seek, and under which assignment of aiokafka."""

    ticket: int
    position: int
    assignment: object


class BatchConsumerThread(AIOKafkaConsumerThread):
    """Takes what aiokafka has fetched, a batch per partition."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stands: dict[TP, _Stand] = {}
        self._numbers = itertools.count()

    def _create_worker_consumer(self, transport: AIOKafkaTransport) -> aiokafka.AIOKafkaConsumer:
        reading = cast("BatchTransport", transport).reading
        # Faust's assignor gives a worker the same partition numbers of all topics and leaves partitions where they are.
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            **reading.client,
            client_id=f"{reading.group}-worker",
            group_id=reading.group,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            # Where there is nothing to read at a position somebody must decide; moving on by itself would lose records.
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=reading.partition_fetch_bytes,
            fetch_max_bytes=reading.fetch_bytes,
            fetch_max_wait_ms=reading.fetch_wait_ms,
            max_poll_interval_ms=MEMBER_FOR_EVER_MS,
            # A broker that has just started may not name the topics yet; a leader that assigns then assigns nothing, until it looks again.
            metadata_max_age_ms=METADATA_AGE_MS,
            session_timeout_ms=reading.session_timeout_ms,
            # A member hears of a rebalance by a heartbeat, and must join before its timeout, or is thrown out, comes back, and starts the next one.
            heartbeat_interval_ms=min(reading.session_timeout_ms, reading.rebalance_timeout_ms) // 5,
            rebalance_timeout_ms=reading.rebalance_timeout_ms,
            request_timeout_ms=max(40_000, reading.session_timeout_ms + 1_000),
        )

    async def begin(self, positions: Mapping[TP, int], ticket: int) -> None:
        """Seek, and stamp all that is taken from here on with ``ticket``; raises ``IllegalStateError`` where a partition is not assigned.

        There is no await in it, so in this thread's loop nothing can be taken between the seek and the stamp.
        """
        consumer = self._ensure_consumer()
        assignment = _assignment_of(consumer)
        for partition, position in positions.items():
            consumer.seek(partition, position)
            self._stands[partition] = _Stand(ticket, position, assignment)

    async def limits(self, partitions: list[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        """First and next offset of each partition at the broker."""
        consumer = self._ensure_consumer()
        return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)

    async def ended(self, partitions: list[TP]) -> dict[TP, int]:
        """Those of which everything at the broker was taken, and where the last batch of each ended; raises ``KafkaError``."""
        consumer = self._ensure_consumer()
        ends = await consumer.end_offsets(partitions)
        assignment = _assignment_of(consumer)
        found = {}
        for partition in partitions:
            state, stand = assignment.state_value(partition), self._stands.get(partition)  # type: ignore[attr-defined]  # aiokafka's, without types
            if state is None or not state.has_valid_position or stand is None or stand.assignment is not assignment:
                continue  # taken away this moment, or not sought yet
            # The consumer's own position: behind the last record of a transaction stands a marker, which is never delivered.
            if state.position >= ends[partition]:
                found[partition] = stand.position
        return found

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  # Faust's signature
        max_records: int | None = None,
    ) -> Mapping[TP, list[Batch]]:
        try:
            taken = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        except NoOffsetForPartitionError:
            return {}  # before our first seek
        except OffsetOutOfRangeError as error:
            for partition, offset in error.args[0].items():
                self._tell_lost(TP(*partition), offset)
            await asyncio.sleep(0.1)
            return {}
        except UnicodeDecodeError as error:
            raise _unreadable(error) from error
        # From taking to stamping there is no await either.
        assignment = _assignment_of(consumer)
        return {TP(*partition): batches for partition, records in taken.items() if (batches := self._stamped(TP(*partition), records, assignment))}

    def _stamped(self, partition: TP, records: list[SourceRecord], assignment: object) -> list[Batch]:
        stand = self._stands.get(partition)
        # Under another assignment aiokafka started at the committed offsets, whatever we had sought before.
        if stand is None or stand.assignment is not assignment:
            return []
        start = stand.position
        stand.position = assignment.state_value(partition).position  # type: ignore[attr-defined]  # aiokafka's own class, without types
        return [Batch(partition.topic, partition.partition, stand.ticket, start, stand.position, records, _size(records), next(self._numbers))]

    def _tell_lost(self, partition: TP, offset: int) -> None:
        consumer = cast("BatchConsumer", self.consumer)
        self.parent_loop.call_soon_threadsafe(consumer.positions.lost_position, partition, offset)


def _unreadable(error: UnicodeDecodeError) -> ProblemFound:
    """The error of a header whose name is not UTF-8; where it stands is known to aiokafka's frame alone."""
    place = "a record"
    frame = error.__traceback__
    while frame is not None:
        found = frame.tb_frame.f_locals
        if frame.tb_frame.f_code.co_name == "_unpack_records" and "next_batch" in found:
            partition, end = found["tp"], found["next_batch"].next_offset
            offset = found["self"].next_fetch_offset
            place = f"record {offset} of {partition.topic}, partition {partition.partition}, in the batch that ends before offset {end},"
        frame = frame.tb_next
    return ProblemFound(
        f"{place} has a header whose name is not UTF-8, which the Kafka client cannot read. "
        "To go on without the batch, delete it with Kafka's kafka-delete-records up to that offset, and start the worker again"
    )


def _size(records: list[SourceRecord]) -> int:
    return sum(len(record.value) for record in records if record.value is not None) + _RECORD_BYTES * len(records)


def _assignment_of(consumer: aiokafka.AIOKafkaConsumer) -> object:
    """The object that aiokafka makes anew at each assignment; a position belongs to one of them."""
    subscription = consumer._subscription.subscription  # noqa: SLF001  # the public view of it has no identity
    if subscription is None or subscription.assignment is None:
        raise IllegalStateError("nothing is assigned")
    return subscription.assignment


class BatchConsumer(AIOKafkaConsumer):
    """Delivers batches; seeks where it is told; never commits."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.positions: Positions = cast("BatchTransport", self.transport).positions
        # Faust takes a message's offset for progress and drops what seems to go back. Going back is ours to decide, so it sees a counter
        # that only grows, and lies above all offsets.
        self._deliveries = itertools.count(2**62)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Batch) -> ConsumerMessage:
        return ConsumerMessage(
            topic=record.topic,
            partition=record.partition,
            offset=next(self._deliveries),
            timestamp=0.0,
            timestamp_type=0,
            headers=None,
            key=None,
            value=record,  # type: ignore[arg-type]  # BatchSchema passes it on untouched
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def begin(self, positions: Mapping[TP, int], ticket: int) -> None:
        """Seek; all batches with this ticket follow from these positions. Raises ``IllegalStateError`` where a partition is not assigned."""
        thread = cast("BatchConsumerThread", self._thread)
        await thread.call_thread(thread.begin, dict(positions), ticket)

    async def limits(self, partitions: list[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        """First and next offset of each partition at the broker; raises ``KafkaError``."""
        thread = cast("BatchConsumerThread", self._thread)
        first, following = await thread.call_thread(thread.limits, partitions)
        return first, following

    async def ended(self, partitions: list[TP]) -> dict[TP, int]:
        """Those of which everything at the broker was taken, and where the last batch of each ended; raises ``KafkaError``."""
        thread = cast("BatchConsumerThread", self._thread)
        ended: dict[TP, int] = await thread.call_thread(thread.ended, partitions)
        return ended

    async def perform_seek(self) -> None:
        """Ask the worker, not the group's committed offsets."""
        await self.positions.seek_owned()

    async def commit(self, topics: TPorTopicSet | None = None, start_new_transaction: bool = True) -> bool:
        """Nothing: offsets are committed with the state that they belong to."""
        del topics, start_new_transaction
        return False

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        del offsets
        return False

    async def wait_empty(self) -> None:
        """Nothing: what was delivered and not applied is read again."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: a partition may rightly stand still while ClickHouse is away."""

    def highwater(self, tp: TP) -> int:
        """Next offset at the broker as of the last fetch; 0 where it is not known."""
        try:
            return super().highwater(tp) or 0
        except (AssertionError, AttributeError, KeyError):
            return 0  # taken away from us this moment


class BatchTransport(AIOKafkaTransport):
    """Makes ``BatchConsumer``."""

    Consumer = BatchConsumer

    def __init__(self, app: faust.App, reading: Reading, positions: Positions) -> None:
        super().__init__([URL(f"aiokafka://{server}") for server in reading.client["bootstrap_servers"]], app)
        self.reading = reading
        self.positions = positions
