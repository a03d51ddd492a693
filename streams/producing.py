"""Records of event files to Kafka: whole batches, each to the partition that Kafka's default partitioner gives its key."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from schemas.enums import Topic
from streams.connections import admin, kafka_options
from streams.errors import KafkaUnavailable, ProblemFound
from streams.files import FileRecord
from streams.settings import Settings, variable
from streams.topics_admin import existing_topics

_RECORDS_AT_ONCE = 20_000
_STRETCHES_A_SECOND = 20
_BATCH_BYTES = 512 * 1024
_REQUEST_BYTES = 4 * 1_048_576
_DEADLINE_MS = 60_000


@lru_cache(maxsize=500_000)
def partition_hash(key: bytes) -> int:
    """What Kafka's default partitioner takes modulo the number of partitions; accounts come again and again, so it is remembered."""
    return int(murmur2(key)) & 0x7FFFFFFF


def retained_since(settings: Settings) -> dict[Topic, int]:
    """Per input topic the least timestamp, in milliseconds since 1970, that the broker keeps now.

    Raises ``ProblemFound`` where a topic is absent, ``KafkaUnavailable`` where no broker answers.
    """
    names = {topic: settings.topic_prefix + topic for topic in Topic}
    with admin(settings) as client:
        existing = existing_topics(client, list(names.values()))
    absent = [name for name in names.values() if name not in existing]
    if absent:
        raise ProblemFound(f"there is no topic {', '.join(absent)}; create it: candor topics create")
    now = time.time_ns() // 1_000_000
    kept = {topic: int(existing[name].configuration.get("retention.ms", "-1")) for topic, name in names.items()}
    return {topic: now - milliseconds if milliseconds >= 0 else 0 for topic, milliseconds in kept.items()}


class EventProducer:
    """Sends records in the order of arrival per partition, acknowledged by all replicas, once also when requests are repeated.

    To be used in ``async with``. ``oldest`` gives, per topic, the least timestamp (milliseconds) that the broker keeps; see ``retained_since``.
    """

    def __init__(self, settings: Settings, oldest: Mapping[Topic, int] | None = None) -> None:
        self._prefix = settings.topic_prefix
        self._servers = settings.kafka_bootstrap_servers
        self._oldest = oldest or {}
        self._producer = AIOKafkaProducer(
            **kafka_options(settings),
            client_id="candor-produce",
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
            request_timeout_ms=_DEADLINE_MS,
        )
        self._partitions: dict[Topic, int] = {}
        self._keyless = 0

    async def __aenter__(self) -> Self:
        """Connect; raises ``KafkaUnavailable``."""
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise KafkaUnavailable(f"Kafka at {self._servers}: {error}") from error
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close the connection."""
        await self._producer.stop()

    async def send(self, records: Iterable[FileRecord], acknowledged: Callable[[int], None] = lambda _: None, rate: float | None = None) -> int:
        """How many records were sent, all of them acknowledged; ``acknowledged`` is told the number of each stretch.

        ``rate`` is the most records a second. Iterating over ``records`` blocks the event loop for up to 20,000 of them.
        Raises ``KafkaUnavailable``, and ``ProblemFound`` for a record that the broker would refuse or delete at once.
        """
        source = iter(records)
        total = 0
        size = _RECORDS_AT_ONCE if rate is None else max(1, min(_RECORDS_AT_ONCE, int(rate / _STRETCHES_A_SECOND)))
        began = time.monotonic()
        try:
            while stretch := list(islice(source, size)):
                await self._send_stretch(stretch)
                total += len(stretch)
                acknowledged(len(stretch))
                if rate is not None:
                    await asyncio.sleep(began + total / rate - time.monotonic())
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"Kafka at {self._servers}, after {total:,} records: {type(error).__name__}: {error}") from error
        return total

    async def _send_stretch(self, stretch: list[FileRecord]) -> None:
        by_partition: dict[tuple[Topic, int], list[FileRecord]] = {}
        for record in stretch:
            by_partition.setdefault((record.topic, await self._partition(record)), []).append(record)
        sending = [self._send_partition(topic, partition, queue) for (topic, partition), queue in by_partition.items()]
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

    async def _send_partition(self, topic: Topic, partition: int, queue: list[FileRecord]) -> None:
        name = self._prefix + topic
        oldest = self._oldest.get(topic, 0)
        batch = self._producer.create_batch()
        sent = []
        for record in queue:
            if record.timestamp < oldest:
                raise ProblemFound(
                    f"{name} keeps records for less time than has passed since timestamp {record.timestamp}: they would be deleted unread. "
                    f"Unset {variable('retention_days')} and run candor topics create --repair, or set retention.ms otherwise."
                )
            if batch.append(key=record.key, value=record.value, timestamp=record.timestamp, headers=record.headers) is None:
                sent.append(await self._producer.send_batch(batch, name, partition=partition))
                batch = self._producer.create_batch()
                batch.append(key=record.key, value=record.value, timestamp=record.timestamp, headers=record.headers)
        sent.append(await self._producer.send_batch(batch, name, partition=partition))
        await asyncio.gather(*sent)
