"""Records arrive as they were, where Kafka's own clients would have put them, in order."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from schemas.enums import Topic
from streams.broker import LocalBroker
from streams.connections import admin
from streams.errors import KafkaUnavailable, ProblemFound
from streams.files import FileRecord
from streams.producing import EventProducer, partition_hash, retained_since
from streams.settings import Settings
from streams.topics_admin import create_topics
from tests.streams.topics import read_topic


async def _send(settings: Settings, records: list[FileRecord]) -> int:
    async with EventProducer(settings) as producer:
        return await producer.send(records)


@pytest.mark.parametrize(
    ("key", "expected"),
    # From the tests of Kafka's own client: Utils.murmur2.
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_keys_are_hashed_as_by_kafkas_own_client(key: bytes, expected: int) -> None:
    assert partition_hash(key) == expected & 0x7FFFFFFF


@given(st.binary(max_size=64))
def test_keys_are_hashed_as_by_another_client(key: bytes) -> None:
    assert partition_hash(key) == murmur2(key) & 0x7FFFFFFF


def test_records_arrive_whole_in_order_and_in_the_partition_of_their_key(settings: Settings, broker: LocalBroker) -> None:
    sent = [
        FileRecord(
            Topic.FEEDBACK, 1_000 + i, f"a-{i % 50}".encode(), None if i % 7 == 0 else b"\xff%d" % i, [("h", b"1"), ("h", b"\xfe")] if i % 3 else []
        )
        for i in range(3_000)
    ]
    with admin(settings) as client:
        create_topics(client, settings)

    assert asyncio.run(_send(settings, sent)) == 3_000

    arrived = read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")
    for partition in range(4):
        expected = [r for r in sent if r.key is not None and partition_hash(r.key) % 4 == partition]
        found = [FileRecord(Topic.FEEDBACK, r.timestamp, r.key, r.value, list(r.headers)) for r in arrived if r.partition == partition]
        assert found == expected


def test_another_producer_chooses_the_same_partitions(settings: Settings, broker: LocalBroker) -> None:
    keys = [f"account-{i}".encode() for i in range(200)]
    with admin(settings) as client:
        create_topics(client, settings)

    async def send_by_aiokafka() -> dict[bytes, int]:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers)
        await producer.start()
        try:
            sent = {key: await producer.send_and_wait(settings.topic_prefix + "actions", b"{}", key=key) for key in keys}
        finally:
            await producer.stop()
        return {key: metadata.partition for key, metadata in sent.items()}

    assert asyncio.run(send_by_aiokafka()) == {key: partition_hash(key) % 4 for key in keys}


def test_records_without_key_are_spread(settings: Settings, broker: LocalBroker) -> None:
    with admin(settings) as client:
        create_topics(client, settings)

    asyncio.run(_send(settings, [FileRecord(Topic.FEEDBACK, 1, None, b"x") for _ in range(8)]))

    arrived = read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")
    assert [record.partition for record in arrived] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_values_of_up_to_the_topics_limit_are_sent_and_larger_ones_are_told(settings: Settings, broker: LocalBroker) -> None:
    with admin(settings) as client:
        create_topics(client, settings)
    large = b"x" * (2 * 1_048_576 - 1_000)

    asyncio.run(_send(settings, [FileRecord(Topic.FEEDBACK, 1, b"a", b"before"), FileRecord(Topic.FEEDBACK, 1, b"a", large)]))
    with pytest.raises(KafkaUnavailable, match="MessageSizeTooLarge"):
        asyncio.run(_send(settings, [FileRecord(Topic.FEEDBACK, 1, b"a", large + large)]))

    assert [record.value for record in read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")] == [b"before", large]


def test_a_rate_is_kept_by_sending_little_at_once(settings: Settings) -> None:
    with admin(settings) as client:
        create_topics(client, settings)
    stretches: list[int] = []

    async def send_slowly() -> None:
        async with EventProducer(settings) as producer:
            await producer.send([FileRecord(Topic.FEEDBACK, 1, b"a", b"{}")] * 100, stretches.append, rate=800)

    asyncio.run(send_slowly())

    assert stretches == [40, 40, 20]


def test_records_that_the_broker_would_delete_at_once_are_not_sent(settings: Settings, broker: LocalBroker) -> None:
    limited = settings.model_copy(update={"retention_days": 30})
    with admin(settings) as client:
        create_topics(client, limited)

    async def send_old() -> None:
        async with EventProducer(limited, retained_since(limited)) as producer:
            await producer.send([FileRecord(Topic.FEEDBACK, 1_000, b"a", b"{}")])

    with pytest.raises(ProblemFound, match="CANDOR_RETENTION_DAYS"):
        asyncio.run(send_old())
    assert read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback") == []


def test_absent_topics_are_told_before_anything_is_sent(settings: Settings) -> None:
    with pytest.raises(ProblemFound, match="candor topics create"):
        retained_since(settings)


def test_no_broker_is_told(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"):
        asyncio.run(_send(nowhere, []))
