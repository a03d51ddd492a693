"""Reading a partition of the checkpoint topic to its end."""

import time
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.core.stage import CheckpointRecord
from streams.kafka.client import ClientOptions

_log = structlog.get_logger(__name__)
_FETCH_BYTES = 32 * 1_048_576
_POLL_MS = 250
_PATIENCE_SECONDS = 10.0


async def read_checkpoint(client: ClientOptions, topic: str, partition: int, tell: Callable[[int], None] = lambda _: None) -> list[CheckpointRecord]:
    """The last value of each key, in log order; tombstones and what they delete are left out. No records: an empty list.

    Aborted records are left out. To be called once the transactional producer of the partition was initialised: it has then
    ended every transaction of an earlier owner, so that the end does not move any more. It waits, and says so, while the transaction
    of anybody else is open there. ``tell`` hears again and again how many offsets are left. Raises ``KafkaError``.
    """
    consumer = AIOKafkaConsumer(
        **client,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_POLL_MS,
    )
    await consumer.start()
    try:
        return await _read(consumer, TopicPartition(topic, partition), tell)
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, partition: TopicPartition, tell: Callable[[int], None]) -> list[CheckpointRecord]:
    consumer.assign([partition])
    latest: dict[bytes, bytes] = {}
    warn_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        fetched = await consumer.getmany(partition, timeout_ms=_POLL_MS)
        for record in fetched.get(partition, ()):
            # Taken out first, so that the order stays that of the log.
            latest.pop(record.key, None)
            if record.value is not None:
                latest[record.key] = record.value
        # Markers and gaps of compaction have offsets but give no records; the position counts them, as the end of the log does.
        position = await consumer.position(partition)
        end = consumer.highwater(partition)
        if end is not None:
            tell(max(end - position, 0))
        if end is not None and position >= end:
            return [CheckpointRecord(key, value) for key, value in latest.items()]
        if fetched:
            warn_at = time.monotonic() + _PATIENCE_SECONDS
        elif time.monotonic() > warn_at:
            _log.warning("checkpoint_end_not_reached", topic=partition.topic, partition=partition.partition, position=position, end=end)
            warn_at = time.monotonic() + _PATIENCE_SECONDS
