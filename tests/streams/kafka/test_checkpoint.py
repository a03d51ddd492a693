"""A partition of the checkpoint topic is read to its end, whatever lies there."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import PolicyViolationError

from streams.core.stage import CheckpointRecord
from streams.kafka import checkpoint
from streams.kafka.checkpoint import read_checkpoint
from tests.streams.kafka.conftest import Scene

Change = tuple[bytes, bytes | None]


def read(scene: Scene, partition: int = 0) -> list[CheckpointRecord]:
    return asyncio.run(asyncio.wait_for(read_checkpoint(scene.client, topic(scene), partition), 60))


def topic(scene: Scene) -> str:
    return scene.settings.topic_prefix + "checkpoint.accounts"


def write(scene: Scene, *transactions: tuple[bool, list[Change]]) -> None:
    """Transactions, each with whether it is committed."""

    async def run() -> None:
        async with AIOKafkaProducer(**scene.client, transactional_id=scene.settings.group) as producer:
            for committed, changes in transactions:
                await producer.begin_transaction()
                for key, value in changes:
                    await producer.send_and_wait(topic(scene), value, key, partition=0)
                await (producer.commit_transaction() if committed else producer.abort_transaction())

    asyncio.run(run())


def test_an_empty_partition_gives_nothing(scene: Scene) -> None:
    assert read(scene) == []


def test_the_last_value_of_each_key_counts_in_the_order_of_the_log(scene: Scene) -> None:
    write(scene, (True, [(b"a", b"1"), (b"b", b"1")]), (True, [(b"a", b"2")]))
    assert read(scene) == [(b"b", b"1"), (b"a", b"2")]
    assert read(scene, partition=1) == []


def test_what_is_left_is_told_until_nothing_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that not all of it comes at once.
    monkeypatch.setattr(checkpoint, "_FETCH_BYTES", 300_000)
    write(scene, (True, [(b"%d" % number, bytes(200_000)) for number in range(4)]))
    left: list[int] = []

    async def run() -> None:
        await asyncio.wait_for(read_checkpoint(scene.client, topic(scene), 0, left.append), 60)

    asyncio.run(run())

    assert left == sorted(left, reverse=True)
    assert left[0] > 0
    assert left[-1] == 0


def test_tombstones_take_their_keys_away(scene: Scene) -> None:
    write(scene, (True, [(b"a", b"1"), (b"b", b"1"), (b"a", None)]))
    assert read(scene) == [(b"b", b"1")]


def test_aborted_transactions_at_the_end_are_passed(scene: Scene) -> None:
    write(scene, (True, [(b"a", b"1")]), (False, [(b"a", b"2")]), (False, [(b"c", b"2")]))
    assert read(scene) == [(b"a", b"1")]


def test_a_partition_of_aborted_records_only_gives_nothing(scene: Scene) -> None:
    write(scene, (False, [(b"a", b"1")]))
    assert read(scene) == []


def test_a_log_that_does_not_start_at_zero_is_read_from_its_start(scene: Scene) -> None:
    write(scene, (True, [(b"a", b"1")]), (True, [(b"b", b"1")]))
    asyncio.run(_delete_before(scene, 2))
    assert read(scene) == [(b"b", b"1")]


def test_a_log_of_which_all_was_deleted_gives_nothing(scene: Scene) -> None:
    write(scene, (True, [(b"a", b"1")]))
    asyncio.run(_delete_before(scene, -1))
    assert read(scene) == []


async def _delete_before(scene: Scene, offset: int) -> None:
    client = AIOKafkaAdminClient(**scene.client)
    await client.start()
    try:
        # Only logs that may be deleted from can be cut.
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic(scene), {"cleanup.policy": "compact,delete"})])
        async with asyncio.timeout(30):
            while not await _cut(client, TopicPartition(topic(scene), 0), offset):
                await client.list_topics()
    finally:
        await client.close()


async def _cut(client: AIOKafkaAdminClient, partition: TopicPartition, offset: int) -> bool:
    """Whether it is cut; the broker takes a moment to hear of the policy that allows it."""
    try:
        await client.delete_records({partition: RecordsToDelete(before_offset=offset)})
    except PolicyViolationError:
        return False
    return True


def test_large_records_are_read_whole(scene: Scene) -> None:
    changes: list[Change] = [(b"%d" % number, bytes([number]) * 1_000_000) for number in range(20)]
    write(scene, (True, changes))
    assert read(scene) == changes


def test_the_open_transaction_of_somebody_else_is_waited_for(scene: Scene) -> None:
    async def run() -> list[CheckpointRecord]:
        async with AIOKafkaProducer(**scene.client, transactional_id=scene.settings.group) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic(scene), b"1", b"a", partition=0)
            reading = asyncio.ensure_future(read_checkpoint(scene.client, topic(scene), 0))
            done, _ = await asyncio.wait({reading}, timeout=1)
            assert not done
            await producer.commit_transaction()
            return await asyncio.wait_for(reading, 30)

    assert asyncio.run(run()) == [(b"a", b"1")]
