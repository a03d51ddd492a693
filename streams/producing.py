"""Records of event files to Kafka: whole batches, each to the partition that Kafka's default partitioner gives its key."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import size_of_varint
from aiokafka.structs import RecordMetadata

from schemas.enums import Topic
from schemas.topics import INPUTS
from streams.connections import admin, kafka_options
from streams.errors import KafkaUnavailable, ProblemFound
from streams.files import FileRecord
from streams.settings import Settings, variable
from streams.topics_admin import existing_topics

_RECORDS_AT_ONCE = 20_000
_BYTES_AT_ONCE = 32 * 1_048_576
_STRETCHES_A_SECOND = 20
_BATCH_BYTES = 512 * 1024
_REQUEST_BYTES = 64 * 1_048_576
"""A request holds a stretch or one larger record; brokers cut the connection at 100 MiB."""
_DEADLINE_SECONDS = 60
_STOP_SECONDS = 5
_BATCH_HEAD_BYTES = 61
_NO_TIMESTAMP = -1


@dataclass(frozen=True, slots=True)
class TopicLimits:
    """What the broker takes and keeps of the input topics' records."""

    largest: Mapping[Topic, int]
    """Most bytes of a record; see ``record_bytes``."""
    oldest: Mapping[Topic, int]
    """Least timestamp, in milliseconds since 1970, that is kept now; without the topics that keep for ever."""


DECLARED_LIMITS = TopicLimits({topic: spec.max_message_bytes for topic, spec in INPUTS.items()}, {})
"""Those of topics as ``candor topics create`` makes them, without retention."""


@lru_cache(maxsize=500_000)
def partition_hash(key: bytes) -> int:
    """What Kafka's default partitioner takes modulo the number of partitions; accounts come again and again, so it is remembered."""
    return int(murmur2(key)) & 0x7FFFFFFF


def record_bytes(record: FileRecord) -> int:
    """What the record takes in a batch of its own, which is what the broker compares with ``max.message.bytes``."""
    # Before key, value and headers come attributes, time and offset, the latter two as differences: 0.
    size = 3 + int(DefaultRecordBatchBuilder.size_of(record.key, record.value, record.headers))
    return _BATCH_HEAD_BYTES + int(size_of_varint(size)) + size


def topic_limits(settings: Settings) -> TopicLimits:
    """What the topics take and keep now.

    Raises ``ProblemFound`` where a topic is absent, ``KafkaUnavailable`` where no broker answers.
    """
    names = {topic: settings.topic_prefix + topic for topic in Topic}
    with admin(settings) as client:
        existing = existing_topics(client, list(names.values()))
    absent = [name for name in names.values() if name not in existing]
    if absent:
        raise ProblemFound(f"there is no topic {', '.join(absent)}; create it: candor topics create")
    now = time.time_ns() // 1_000_000
    configurations = {topic: existing[name].configuration for topic, name in names.items()}
    kept = {topic: int(configuration.get("retention.ms", "-1")) for topic, configuration in configurations.items()}
    taken = {topic: int(configurations[topic].get("max.message.bytes", largest)) for topic, largest in DECLARED_LIMITS.largest.items()}
    return TopicLimits(
        {topic: min(largest, _REQUEST_BYTES) for topic, largest in taken.items()},
        {topic: now - milliseconds for topic, milliseconds in kept.items() if milliseconds >= 0},
    )


class EventProducer:
    """Sends records in the order of arrival per partition, acknowledged by all replicas, once also when requests are repeated.

    To be used in ``async with``. ``limits`` are those of the topics; see ``topic_limits``.
    """

    def __init__(self, settings: Settings, limits: TopicLimits | None = None) -> None:
        self._prefix = settings.topic_prefix
        self._servers = settings.kafka_bootstrap_servers
        self._limits = limits or DECLARED_LIMITS
        self._producer = AIOKafkaProducer(
            **kafka_options(settings),
            client_id="candor-produce",
            acks="all",
            enable_idempotence=True,
            max_batch_size=min(_BATCH_BYTES, *self._limits.largest.values()),
            max_request_size=_REQUEST_BYTES,
            request_timeout_ms=_DEADLINE_SECONDS * 1000,
        )
        self._partitions: dict[Topic, int] = {}
        self._keyless = 0
        self._heard = 0.0

    async def __aenter__(self) -> Self:
        """Connect; raises ``KafkaUnavailable``, after 60 seconds also where a broker takes the connection and does not answer."""
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._stop()
            raise self._unavailable(error) from error
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close the connection."""
        await self._stop()

    async def _stop(self) -> None:
        """Close the connection, within 5 seconds also where the broker is silent: the client would wait for it for ever."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._producer.stop()
        except TimeoutError:
            await self._producer.client.close()

    def _unavailable(self, error: Exception, place: str = "") -> KafkaUnavailable:
        said = f"no answer for {_DEADLINE_SECONDS} seconds" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
        return KafkaUnavailable(f"Kafka at {self._servers}{place}: {said}")

    async def send(self, records: Iterable[FileRecord], acknowledged: Callable[[int], None] = lambda _: None, rate: float | None = None) -> int:
        """How many records were sent, all of them acknowledged; ``acknowledged`` is told the number of each stretch.

        ``rate`` is the most records a second. Iterating over ``records`` blocks the event loop for up to 20,000 of them, or 32 MiB.
        Raises ``KafkaUnavailable``, after 60 seconds without any acknowledgement at the latest, and ``ProblemFound`` for a record that the
        broker would refuse or delete at once, when all before it have been sent.
        """
        total = 0
        size = _RECORDS_AT_ONCE if rate is None else max(1, min(_RECORDS_AT_ONCE, int(rate / _STRETCHES_A_SECOND)))
        began = time.monotonic()
        for stretch in self._stretches(records, size):
            try:
                await self._send_stretch(stretch)
            except MessageSizeTooLargeError as error:
                raise ProblemFound(
                    f"the broker refuses a batch after {total:,} records as too large: a topic's max.message.bytes is less than what is declared; "
                    "run candor topics create --repair"
                ) from error
            except (KafkaError, OSError) as error:
                raise self._unavailable(error, f", after {total:,} records") from error
            total += len(stretch)
            acknowledged(len(stretch))
            if rate is not None:
                await asyncio.sleep(began + total / rate - time.monotonic())
        return total

    def _stretches(self, records: Iterable[FileRecord], most: int) -> Iterator[list[FileRecord]]:
        """The records, up to ``most`` and 32 MiB at once; raises ``ProblemFound`` at one that must not be sent, after those before it."""
        stretch: list[FileRecord] = []
        held = 0
        for number, record in enumerate(records, 1):
            size = record_bytes(record)
            problem = self._problem(record, size)
            if stretch and (problem is not None or held + size > _BYTES_AT_ONCE):
                yield stretch
                stretch, held = [], 0
            if problem is not None:
                name = self._prefix + record.topic
                key = "no key" if record.key is None else f"key of {len(record.key):,} bytes"
                raise ProblemFound(f"record {number:,} ({name}, {key}) {problem} The {number - 1:,} records before it were sent.")
            stretch.append(record)
            held += size
            if len(stretch) == most:
                yield stretch
                stretch, held = [], 0
        if stretch:
            yield stretch

    def _problem(self, record: FileRecord, size: int) -> str | None:
        """Why the broker would not take or not keep the record, and what to do; None where it would."""
        largest = self._limits.largest[record.topic]
        if size > largest:
            return f"takes {size:,} bytes, and the topic takes at most {largest:,}: leave it out, or raise the topic's max.message.bytes."
        oldest = self._limits.oldest.get(record.topic)
        if oldest is not None and record.timestamp < oldest and record.timestamp != _NO_TIMESTAMP:
            return (
                f"has timestamp {record.timestamp}, and the topic keeps records for less time than has passed since: it would be deleted unread. "
                f"Unset {variable('retention_days')} and run candor topics create --repair, or set retention.ms otherwise."
            )
        return None

    async def _send_stretch(self, stretch: list[FileRecord]) -> None:
        """Raises ``TimeoutError`` once nothing was acknowledged for 60 seconds: an idempotent producer repeats its requests for ever."""
        self._heard = time.monotonic()
        sending = asyncio.ensure_future(self._send_batches(stretch))
        try:
            while not sending.done():
                remaining = self._heard + _DEADLINE_SECONDS - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError
                await asyncio.wait({sending}, timeout=remaining)
            sending.result()
        finally:
            sending.cancel()

    def _hear(self, _: object) -> None:
        self._heard = time.monotonic()

    async def _send_batches(self, stretch: list[FileRecord]) -> None:
        by_partition: dict[tuple[Topic, int], list[FileRecord]] = {}
        for record in stretch:
            by_partition.setdefault((record.topic, await self._partition(record)), []).append(record)
        sending = [self._send_partition(self._prefix + topic, partition, queue) for (topic, partition), queue in by_partition.items()]
        failures = [result for result in await asyncio.gather(*sending, return_exceptions=True) if result is not None]
        if failures:
            raise failures[0]

    async def _partition(self, record: FileRecord) -> int:
        count = self._partitions.get(record.topic) or await self._count_partitions(record.topic)
        if record.key is None:
            self._keyless += 1
            return self._keyless % count
        return partition_hash(record.key) % count

    async def _count_partitions(self, topic: Topic) -> int:
        partitions = await self._producer.partitions_for(self._prefix + topic)
        self._partitions[topic] = len(partitions)
        return len(partitions)

    async def _send_partition(self, name: str, partition: int, queue: list[FileRecord]) -> None:
        await asyncio.gather(*[await self._send_batch(batch, name, partition) for batch in self._batches(queue)])

    def _batches(self, queue: list[FileRecord]) -> Iterator[BatchBuilder]:
        """The records in batches; one that begins with a record without timestamp has only such.

        The client takes a first timestamp of -1 for none yet, and would give such records that of the next.
        """
        batch = self._producer.create_batch()
        timeless = queue[0].timestamp == _NO_TIMESTAMP
        for record in queue:
            apart = timeless and record.timestamp != _NO_TIMESTAMP
            if apart or not _append(batch, record):
                yield batch
                batch = self._producer.create_batch()
                timeless = record.timestamp == _NO_TIMESTAMP
                _append(batch, record)
        yield batch

    async def _send_batch(self, batch: BatchBuilder, name: str, partition: int) -> asyncio.Future[RecordMetadata]:
        acknowledged: asyncio.Future[RecordMetadata] = await self._producer.send_batch(batch, name, partition=partition)
        acknowledged.add_done_callback(self._hear)
        return acknowledged


def _append(batch: BatchBuilder, record: FileRecord) -> bool:
    """Whether there was room for it."""
    return batch.append(key=record.key, value=record.value, timestamp=record.timestamp, headers=record.headers) is not None
