"""Reading topics to compare with."""

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

_SECONDS = 30


def read_topic(bootstrap_servers: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every record that is in the topic now, in the order of partition and offset."""
    return asyncio.run(_read(bootstrap_servers, topic))


async def _read(bootstrap_servers: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", isolation_level="read_committed")
    await consumer.start()
    try:
        async with asyncio.timeout(_SECONDS):
            await consumer._client._wait_on_metadata(topic)
            partitions = [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic) or ())]
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            read: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = {partition: [] for partition in partitions}
            while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    read[partition] += records
    finally:
        await consumer.stop()
    return [record for partition in partitions for record in read[partition]]
