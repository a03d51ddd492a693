"""Records arrive as they were, where Kafka's own clients would have put them, in order."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.partitioner.default import murmur2

from schemas.enums import Topic
from streams import connections, producing
from streams.broker import LocalBroker
from streams.connections import admin
from streams.errors import KafkaUnavailable, ProblemFound
from streams.files import FileRecord
from streams.producing import EventProducer, TopicLimits, partition_hash, record_bytes, topic_limits
from streams.settings import Settings
from streams.topics_admin import create_topics
from tests.conftest import wait_for
from tests.streams.freezing import freeze
from tests.streams.topics import read_topic


async def _send(settings: Settings, records: Iterable[FileRecord], limits: TopicLimits | None = None) -> int:
    async with EventProducer(settings, limits) as producer:
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


def _of_size(size: int) -> FileRecord:
    """A record that takes so many bytes of a batch."""
    record = FileRecord(Topic.FEEDBACK, 1, b"account", b"x" * (size - 1_000), [("own", b"x"), ("none", None)])
    record.value = b"x" * (size - 1_000 + size - record_bytes(record))
    assert record_bytes(record) == size
    return record


def test_records_of_up_to_the_topics_limit_are_sent_and_larger_ones_are_named(settings: Settings, broker: LocalBroker) -> None:
    """The broker takes exactly what we say that it takes."""
    with admin(settings) as client:
        create_topics(client, settings)
    most = 2 * 1_048_576
    largest, larger = _of_size(most), _of_size(most + 1)
    small = FileRecord(Topic.FEEDBACK, 1, b"a", b"before")
    unlimited = TopicLimits(dict.fromkeys(Topic, 2 * most), {})

    with pytest.raises(ProblemFound, match=rf"record 3 \({settings.topic_prefix}feedback, key of 7 bytes\) takes 2,097,153 bytes.*at most 2,097,152"):
        asyncio.run(_send(settings, [small, largest, larger, small]))
    with pytest.raises(ProblemFound, match=r"max\.message\.bytes"):
        asyncio.run(_send(settings, [larger], unlimited))

    # What comes before the record is sent, also of the same stretch, and nothing after it.
    assert [record.value for record in read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")] == [small.value, largest.value]


def test_the_limit_is_that_of_the_topic_as_it_is(settings: Settings, broker: LocalBroker) -> None:
    with admin(settings) as client:
        create_topics(client, settings)
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.topic_prefix + "feedback", {"max.message.bytes": "100000"})])
        wait_for(lambda: topic_limits(settings).largest[Topic.FEEDBACK] == 100_000, 30)
    limits = topic_limits(settings)
    assert limits.largest[Topic.ACTIONS] == 2 * 1_048_576

    # Many small records are no large one.
    asyncio.run(_send(settings, [FileRecord(Topic.FEEDBACK, 1, b"a", b"x" * 10_000)] * 100, limits))
    with pytest.raises(ProblemFound, match="at most 100,000"):
        asyncio.run(_send(settings, [_of_size(100_001)], limits))

    assert len(read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")) == 100


def test_large_records_go_few_at_once(settings: Settings) -> None:
    """Else a stretch would fill the memory, and the request with all its batches would be too large for the broker."""
    with admin(settings) as client:
        create_topics(client, settings)
    stretches: list[int] = []

    async def send() -> None:
        async with EventProducer(settings) as producer:
            await producer.send([FileRecord(Topic.FEEDBACK, 1, b"a", b"x" * 1_048_576)] * 40, stretches.append)

    asyncio.run(send())

    assert stretches == [31, 9]


@pytest.fixture
def freezing(tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker of the test's own, to be stopped in the midst of something."""
    with LocalBroker(tmp_path / "kafka", heap_megabytes=256) as broker:
        yield broker
        broker.kill()


def test_a_broker_that_freezes_is_told_after_the_deadline(settings: Settings, freezing: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producing, "_DEADLINE_SECONDS", 2)
    monkeypatch.setattr(producing, "_STOP_SECONDS", 0.5)
    monkeypatch.setattr(connections, "_PATIENCE_MS", 2_000)
    own = settings.model_copy(update={"kafka_bootstrap_servers": freezing.bootstrap_servers})
    with admin(own) as client:
        create_topics(client, own)
    record = FileRecord(Topic.FEEDBACK, 1, b"a", b"{}")

    def records() -> Iterator[FileRecord]:
        yield from [record] * 20_000
        freeze(freezing)
        yield from [record] * 20_000

    with pytest.raises(KafkaUnavailable, match="after 20,000 records: no answer for 2 seconds"):
        asyncio.run(asyncio.wait_for(_send(own, records()), 60))
    # It still takes connections.
    with pytest.raises(KafkaUnavailable, match="no answer for 2 seconds"):
        asyncio.run(asyncio.wait_for(_send(own, [record]), 60))
    with pytest.raises(KafkaUnavailable, match=own.kafka_bootstrap_servers):
        topic_limits(own)


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

    with pytest.raises(ProblemFound, match="CANDOR_RETENTION_DAYS"):
        asyncio.run(_send(limited, [FileRecord(Topic.FEEDBACK, 1_000, b"a", b"{}")], topic_limits(limited)))
    assert read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback") == []


@pytest.mark.parametrize(("days", "timestamps"), [(30, [-1, -1]), (None, [-1, -1, -62_135_596_800_000, 0, -1, 1_790_000_000_000_000, -1])])
def test_what_the_broker_keeps_is_sent(settings: Settings, broker: LocalBroker, days: int | None, timestamps: list[int]) -> None:
    """Without retention any time; with it also a record that has none, which Kafka writes as -1."""
    limited = settings.model_copy(update={"retention_days": days})
    with admin(settings) as client:
        create_topics(client, limited)

    asyncio.run(_send(limited, [FileRecord(Topic.FEEDBACK, timestamp, b"a", b"{}") for timestamp in timestamps], topic_limits(limited)))

    assert [record.timestamp for record in read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")] == timestamps


def test_absent_topics_are_told_before_anything_is_sent(settings: Settings) -> None:
    with pytest.raises(ProblemFound, match="candor topics create"):
        topic_limits(settings)


def test_no_broker_is_told(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"):
        asyncio.run(_send(nowhere, []))
