"""Sending the stream to Kafka and reading back what is there."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from tests.oracle.records import INPUT_TOPICS, Record, Row

OURS = {"reason", "field", "message", "topic", "partition", "offset", "timestamp", "stage"}
_FETCH_BYTES = 8 * 1_048_576


class Topics:
    """The topics of one prefix."""

    def __init__(self, bootstrap_servers: str, prefix: str, partitions: int) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.prefix = prefix
        self.partitions = partitions
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Record]) -> None:
        """Each record to its partition, in order; returns once all are acknowledged, however long the broker is away."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap_servers, enable_idempotence=True, max_request_size=4 * 1_048_576, request_timeout_ms=120_000
            )
            await self._producer.start()
        sent = [
            await self._producer.send(
                self.prefix + record.topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                timestamp_ms=record.timestamp_ms,
                headers=list(record.headers),
            )
            for record in records
        ]
        await asyncio.gather(*sent)

    async def close(self) -> None:
        """Let go of the producer."""
        if self._producer is not None:
            await self._producer.stop()

    async def ends(self) -> dict[TopicPartition, int]:
        """The end offset of each input."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        try:
            ends: dict[TopicPartition, int] = await consumer.end_offsets(self._inputs())
            return ends
        finally:
            await consumer.stop()

    async def behind(self, group: str) -> int:
        """How many records the group has not committed; all of them where the broker knows of no group."""
        ends = await self.ends()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            committed = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            committed = {}
        finally:
            await admin.close()
        return sum(end - max(0, committed[partition].offset if partition in committed else 0) for partition, end in ends.items())

    async def inputs(self) -> list[Record]:
        """Every record of the input topics, as it stands in Kafka."""
        return [
            Record(
                record.topic.removeprefix(self.prefix),
                record.partition,
                record.offset,
                record.timestamp,
                record.key,
                record.value,
                tuple((name, value) for name, value in record.headers),
            )
            for record in await self._read(self._inputs())
        ]

    async def dead_letters(self) -> list[Row]:
        """Every committed record of the dead letter topic, its headers told apart from those that were added."""
        records = await self._read([TopicPartition(f"{self.prefix}dead_letters", partition) for partition in range(self.partitions)])
        return [_letter(record.key, record.value, list(record.headers)) for record in records]

    def _inputs(self) -> list[TopicPartition]:
        return [TopicPartition(self.prefix + topic, partition) for topic in INPUT_TOPICS for partition in range(self.partitions)]

    async def _read(self, partitions: list[TopicPartition]) -> list[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        await consumer.start()
        try:
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning()
            records = []
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    records += fetched
            return records
        finally:
            await consumer.stop()


def _letter(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]) -> Row:
    first_of_ours = next(i for i in range(len(headers)) if all(name.removeprefix("candor-") in OURS for name, _ in headers[i:]))
    ours = {name.removeprefix("candor-"): (text or b"").decode() for name, text in headers[first_of_ours:]}
    return {
        "topic": ours["topic"],
        "partition": int(ours["partition"]),
        "offset": int(ours["offset"]),
        "timestamp_ms": int(ours["timestamp"]),
        "reason": ours["reason"],
        "field": ours.get("field"),
        "key": key,
        "value": value,
        "headers": headers[:first_of_ours],
    }
