"""Whole workers on a real broker: whatever happens to them, everything counts once."""

import asyncio
import os
import signal
from collections import Counter

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.enums import Stage, Topic
from schemas.topics import CHECKPOINTS
from streams.kafka import worker as worker_module
from streams.kafka.shell import Shell
from streams.kafka.worker import _Worker
from streams.metrics.monitor import Monitor
from streams.topics_admin import wanted_topics
from tests.streams.kafka.conftest import Scene
from tests.streams.kafka.counting import CountingStages


def test_what_is_sent_is_counted_once_and_the_groups_offsets_follow(scene: Scene) -> None:
    scene.send(700)
    scene.start_ready()
    scene.wait_until_all_counted()
    scene.check()
    ends = Counter(dict.fromkeys(scene.committed(), 0))
    scene.wait(lambda: sum(scene.committed().values()) == scene.sent)
    assert len(ends) <= len(Topic) * 2


def test_records_and_state_of_every_codec_are_read(scene: Scene) -> None:
    """The broker compresses the checkpoint anew, as one does whose topics say how."""
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        asyncio.run(_configure_checkpoint(scene, {"compression.type": codec or "uncompressed", "cleanup.policy": "compact"}))
        worker = scene.start_ready()
        scene.send(140, codec=codec)
        scene.wait_until_all_counted()
        worker.send(signal.SIGTERM)
        assert worker.exit_code() == 0
    scene.start_ready()
    scene.check()


def test_a_checkpoint_that_kafka_would_delete_is_refused(scene: Scene) -> None:
    asyncio.run(_configure_checkpoint(scene, {"cleanup.policy": "delete"}))
    worker = scene.start()

    assert worker.exit_code() == 2
    assert "cleanup.policy=delete" in worker.log


async def _configure_checkpoint(scene: Scene, configuration: dict[str, str]) -> None:
    client = AIOKafkaAdminClient(**scene.client)
    await client.start()
    name = scene.settings.topic_prefix + CHECKPOINTS[Stage.ACCOUNTS].name
    await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configuration)])
    await client.close()


def test_what_fails_while_a_worker_lets_go_is_no_failure(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebalance may reach a shell that has closed already."""

    class RebalancedShell(Shell):
        async def assigned(self, partitions: set[int]) -> None:
            await super().assigned(partitions)
            opened.set()

        async def close(self) -> None:
            await super().close()
            self._fail(RuntimeError("cannot schedule new futures after shutdown"))

    async def scenario() -> int:
        worker = _Worker(scene.settings, {Stage.ACCOUNTS: lambda _: CountingStages()}, scene.sink, lambda _: None, None, Monitor())
        running = asyncio.create_task(worker.run())
        await opened.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        return await running

    opened = asyncio.Event()
    monkeypatch.setattr(worker_module, "Shell", RebalancedShell)
    assert asyncio.run(scenario()) == 0


def test_sigterm_commits_what_was_applied_and_leaves_the_group(scene: Scene) -> None:
    scene.send(300)
    worker = scene.start_ready()
    scene.wait_until_all_counted()
    worker.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    assert sum(scene.committed().values()) == scene.sent
    successor = scene.start_ready()
    scene.send(300)
    scene.wait_until_all_counted()
    scene.check()
    assert successor.process.poll() is None


def test_nothing_is_lost_or_counted_twice_when_one_of_two_workers_is_killed(scene: Scene) -> None:
    scene.start_ready()
    victim = scene.start()
    scene.wait(lambda: bool(victim.opened()))
    for _ in range(5):
        scene.send(400)
    scene.wait(lambda: scene.counted() > 0)
    victim.send(signal.SIGKILL)
    scene.send(400)
    scene.wait_until_all_counted()
    scene.check()


def test_workers_come_and_go_while_records_flow(scene: Scene) -> None:
    first = scene.start_ready()
    scene.send(300)
    scene.start_ready(1)
    scene.send(300)
    first.send(signal.SIGTERM)
    scene.send(300)
    assert first.exit_code() == 0
    scene.wait_until_all_counted()
    scene.check()


def test_a_worker_that_was_frozen_beyond_its_session_does_no_harm(scene: Scene) -> None:
    zombie = scene.start_ready()
    scene.send(300)
    scene.wait_until_all_counted()
    scene.send(100)
    zombie.send(signal.SIGSTOP)
    successor = scene.start_ready()
    scene.send(300)
    scene.wait_until_all_counted()
    zombie.send(signal.SIGCONT)
    scene.wait(lambda: len(zombie.opened()) >= 3)  # it is back in the group
    scene.send(300)
    scene.wait_until_all_counted()
    scene.check()
    assert successor.process.poll() is None
    assert zombie.process.poll() is None


@pytest.mark.parametrize("brutally", [False, True])
def test_a_restart_of_the_broker_is_waited_for(scene_to_end: Scene, brutally: bool) -> None:
    scene = scene_to_end
    worker = scene.start_ready()
    scene.send(300)
    scene.wait(lambda: scene.counted() > 0)
    if brutally:
        scene.broker.kill()
    scene.broker.restart()
    scene.send(300)
    scene.wait_until_all_counted(120)
    scene.check()
    assert worker.process.poll() is None


def test_while_the_sink_is_away_nothing_is_lost_and_membership_is_kept(scene: Scene) -> None:
    worker = scene.start_ready()
    away = scene.folder / "sink" / "away"
    away.touch()
    scene.send(600)
    scene.wait(lambda: "sink_away" in worker.log)
    assert scene.counted() == 0
    assert not any(scene.committed().values())
    away.unlink()
    scene.wait_until_all_counted()
    scene.check()
    assert sorted(worker.opened()) == [0, 1]


def test_a_worker_that_is_stopped_while_the_sink_is_away_says_so_and_its_successor_goes_on(scene: Scene) -> None:
    worker = scene.start_ready()
    away = scene.folder / "sink" / "away"
    away.touch()
    scene.send(300)
    scene.wait(lambda: "sink_away" in worker.log)
    worker.send(signal.SIGTERM)
    assert worker.exit_code() == 3
    away.unlink()
    scene.start_ready()
    scene.wait_until_all_counted()
    scene.check()


@pytest.mark.parametrize("offset", [0, 10_000])
def test_the_checkpoint_decides_where_to_read_on_and_the_groups_offsets_do_not(scene: Scene, offset: int) -> None:
    worker = scene.start_ready()
    scene.send(350)
    scene.wait_until_all_counted()
    worker.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    asyncio.run(_commit(scene, offset))
    scene.send(350)
    scene.start_ready()
    scene.wait_until_all_counted()
    scene.check()


async def _commit(scene: Scene, offset: int) -> None:
    consumer = AIOKafkaConsumer(**scene.client, group_id=scene.settings.group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(scene.topic(topic), number) for topic in Topic for number in range(2)]
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, offset))
    finally:
        await consumer.stop()


def test_records_of_open_and_aborted_transactions_are_not_read(scene: Scene) -> None:
    scene.start_ready()
    asyncio.run(_abort_and_commit(scene))
    scene.sent = 3
    scene.wait_until_all_counted()
    scene.check(accounts=3)


async def _abort_and_commit(scene: Scene) -> None:
    async with AIOKafkaProducer(**scene.client, transactional_id=f"{scene.settings.group}-source") as producer:
        topic = scene.topic(Topic.FEEDBACK)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"value-9", b"account-9")
        await producer.abort_transaction()
        async with producer.transaction():
            for i in range(3):
                await producer.send_and_wait(topic, b"value-%d" % i, b"account-%d" % i)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"value-8", b"account-8")
        await producer.abort_transaction()


def test_refused_records_go_to_the_dead_letters_byte_for_byte(scene: Scene) -> None:
    scene.start_ready()
    scene.produce([(Topic.FEEDBACK, b"\xff\x00key", b"bad \xfe\x00"), (Topic.ACTIONS, b"key", None)])
    name = scene.settings.topic_prefix + "dead_letters"
    scene.wait(lambda: len(scene.read(name)) == 2)
    found = {letter.key: letter for letter in scene.read(name)}
    assert found[b"\xff\x00key"].value == b"bad \xfe\x00"
    assert found[b"key"].value is None
    headers = dict(found[b"\xff\x00key"].headers)
    assert headers["candor-topic"] == b"feedback"
    assert headers["candor-reason"] == b"malformed"
    assert headers["candor-offset"] == b"0"


def test_a_topic_of_which_most_is_refused_stands_still_until_it_is_told_to_go_on(scene: Scene) -> None:
    scene.environment["CANDOR_PAUSE_REJECT_MINIMUM"] = "50"
    worker = scene.start_ready()
    scene.produce(((Topic.FEEDBACK, b"key", b"bad") for _ in range(60)), partition=0)
    scene.wait(lambda: "paused_because_most_is_refused" in worker.log)
    scene.produce(((Topic.FEEDBACK, b"key", b"bad") for _ in range(20)), partition=0)
    scene.send(70)
    scene.wait(lambda: scene.counted() >= 60)
    letters = scene.settings.topic_prefix + "dead_letters"
    assert len(scene.read(letters)) == 60
    worker.send(signal.SIGHUP)
    scene.wait_until_all_counted()
    scene.wait(lambda: len(scene.read(letters)) == 80)
    scene.check()


def test_a_bug_of_the_stage_ends_the_worker_with_what_is_committed_intact(scene: Scene) -> None:
    worker = scene.start_ready()
    scene.send(70)
    scene.wait_until_all_counted()
    scene.produce([(Topic.FEEDBACK, b"account-0", b"crash")])
    assert worker.exit_code() == 1
    assert "ZeroDivisionError" in worker.log
    scene.check()


def test_what_retention_took_before_it_was_read_is_said_and_the_rest_is_read(scene: Scene) -> None:
    worker = scene.start_ready()
    scene.send(70)
    scene.wait_until_all_counted()
    worker.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    scene.produce((Topic.FEEDBACK, b"account-%d" % i, b"taken by retention") for i in range(20))
    asyncio.run(_delete_all(scene))
    successor = scene.start_ready()
    scene.send(70)
    scene.wait_until_all_counted()
    scene.check()
    assert "records_deleted_before_they_were_read" in successor.log


async def _delete_all(scene: Scene) -> None:
    client = AIOKafkaAdminClient(**scene.client)
    await client.start()
    try:
        await client.delete_records({TopicPartition(scene.topic(Topic.FEEDBACK), number): RecordsToDelete(before_offset=-1) for number in range(2)})
    finally:
        await client.close()


def test_without_topics_the_worker_says_what_to_do(scene: Scene) -> None:
    scene.environment["CANDOR_TOPIC_PREFIX"] = "absent."
    worker = scene.start()
    assert worker.exit_code() == 2
    assert "candor topics" in worker.log


def test_inputs_of_different_numbers_of_partitions_are_refused_at_start(scene: Scene) -> None:
    asyncio.run(_grow(scene))
    worker = scene.start()
    assert worker.exit_code() == 2
    assert "same number of partitions" in worker.log
    assert wanted_topics(scene.settings)


async def _grow(scene: Scene) -> None:
    client = AIOKafkaAdminClient(**scene.client)
    await client.start()
    try:
        await client.create_partitions({scene.topic(Topic.FEEDBACK): NewPartitions(3)})
    finally:
        await client.close()


def test_a_topic_that_was_made_anew_stops_the_worker(scene: Scene) -> None:
    worker = scene.start_ready()
    scene.send(70)
    scene.wait_until_all_counted()
    worker.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    asyncio.run(_make_anew(scene))
    successor = scene.start()
    assert successor.exit_code() == 1
    assert "made anew" in successor.log


async def _make_anew(scene: Scene) -> None:
    client = AIOKafkaAdminClient(**scene.client)
    await client.start()
    try:
        name = scene.topic(Topic.FEEDBACK)
        await client.delete_topics([name])
        deadline = asyncio.get_running_loop().time() + 30
        while True:
            answer = await client.create_topics([NewTopic(name, 2, 1)])
            if not answer.topic_errors[0][1]:
                return
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.2)
    finally:
        await client.close()
