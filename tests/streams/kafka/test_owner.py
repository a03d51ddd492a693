"""Owning a partition: one owner at a time, and all or nothing of what it writes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.enums import RejectReason, Stage, Topic
from schemas.topics import SIGNALS
from streams.core.stage import CheckpointRecord, DeadLetter, Flush, SignalRecord
from streams.errors import ProblemFound
from streams.kafka.checkpoint import read_checkpoint
from streams.kafka.owner import Ownership, OwnershipLost, PartitionOwner
from tests.streams.kafka.conftest import Scene
from tests.streams.kafka.counting import META, CountingStage, CountingStages

_T = TypeVar("_T")


async def compute(function: Callable[..., _T], *arguments: object) -> _T:
    return function(*arguments)


def ownership(scene: Scene) -> Ownership:
    return Ownership(scene.client, scene.settings.topic_prefix, scene.settings.group, Stage.ACCOUNTS, CountingStages())


async def opened(scene: Scene) -> tuple[PartitionOwner, Flush]:
    owner, first = await PartitionOwner.open(ownership(scene), 1, compute)
    assert first is not None
    return owner, first


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 90))


async def checkpoint(scene: Scene) -> dict[bytes, bytes | None]:
    return dict(await read_checkpoint(scene.client, ownership(scene).checkpoint_topic, 1))


def test_opening_writes_the_raised_epoch_before_anything_else(scene: Scene) -> None:
    async def scenario() -> None:
        first, _ = await opened(scene)
        second, _ = await opened(scene)
        third, _ = await opened(scene)
        stages = [owner.stage for owner in (first, second, third)]
        assert [stage.epoch for stage in stages if isinstance(stage, CountingStage)] == [1, 2, 3]
        assert b'"epoch": 3' in ((await checkpoint(scene))[META] or b"")
        for owner in (first, second, third):
            await owner.close()

    run(scenario())


def test_an_owner_that_has_a_successor_cannot_write(scene: Scene) -> None:
    async def scenario() -> None:
        zombie, first = await opened(scene)
        owner, _ = await opened(scene)
        with pytest.raises(OwnershipLost):
            await zombie.write(replace(first, checkpoint=[CheckpointRecord(b"zombie", b"1")]))
        await owner.write(replace(first, checkpoint=[CheckpointRecord(b"owner", b"1")]))
        assert set(await checkpoint(scene)) == {META, b"owner"}
        await zombie.close()
        await owner.close()

    run(scenario())


def test_a_transaction_that_a_predecessor_left_open_is_aborted(scene: Scene) -> None:
    async def scenario() -> None:
        dead, _ = await opened(scene)
        producer = dead._producer
        await producer.begin_transaction()
        await producer.send_and_wait(ownership(scene).checkpoint_topic, b"1", b"half", partition=1)
        owner, _ = await opened(scene)
        assert set(await checkpoint(scene)) == {META}
        await dead.close()
        await owner.close()

    run(scenario())


def test_a_flush_of_many_megabytes_is_written_and_read_back(scene: Scene) -> None:
    async def scenario() -> None:
        owner, first = await opened(scene)
        large = [CheckpointRecord(b"%d" % number, bytes([number]) * 1_000_000) for number in range(12)]
        small = [CheckpointRecord(b"small %d" % number, b"x") for number in range(5_000)]
        await owner.write(replace(first, checkpoint=[*large, *small]))
        found = await checkpoint(scene)
        assert {key: value for key, value in found.items() if key != META} == dict([*large, *small])
        await owner.close()

    run(scenario())


def test_signals_go_where_their_unit_lives_or_to_everybody_and_only_with_their_flush(scene: Scene) -> None:
    """Kafka's own producer decides where a unit lives."""

    async def scenario() -> None:
        partitions = scene.settings.partitions
        names = [f"unit {number} ü".encode() for number in range(20)]
        async with AIOKafkaProducer(**scene.client) as producer:
            await producer.partitions_for(ownership(scene).prefix + SIGNALS.name)
            homes = {name: producer._partition(ownership(scene).prefix + SIGNALS.name, None, name, None, name, None) for name in names}
        zombie, _ = await _telling(scene)
        owner, first = await _telling(scene)
        signals = [*(SignalRecord(name, b"of " + name) for name in names), SignalRecord(None, b"to all"), SignalRecord(names[0], b"later")]
        with pytest.raises(OwnershipLost):
            await zombie.write(replace(first, signals=[SignalRecord(None, b"of a zombie")]))
        await owner.write(replace(first, signals=signals))
        found = await scene._read(ownership(scene).prefix + SIGNALS.name)
        keyed = Counter((record.key, record.value, record.partition) for record in found if record.key)
        assert keyed == Counter((signal.unit_id, signal.value, homes[signal.unit_id]) for signal in signals if signal.unit_id)
        assert sorted((r.value, r.partition) for r in found if r.key is None) == [(b"to all", partition) for partition in range(partitions)]
        assert [r.value for r in found if r.key == names[0]] == [b"of " + names[0], b"later"]
        await zombie.close()
        await owner.close()

    run(scenario())


async def _telling(scene: Scene) -> tuple[PartitionOwner, Flush]:
    owner, first = await PartitionOwner.open(replace(ownership(scene), partitions=scene.settings.partitions), 1, compute)
    assert first is not None
    return owner, first


LETTER = DeadLetter(Topic.FEEDBACK, 1, 7, 1_767_225_600_000, b"key", b"value", [], Stage.ACCOUNTS, RejectReason.MISSING_FIELD, "score", "absent")


def test_dead_letters_hold_the_record_as_it_was_and_say_why(scene: Scene) -> None:
    async def scenario() -> None:
        owner, first = await opened(scene)
        own: list[tuple[str, bytes | None]] = [("h", b"\xff\x00"), ("h", b""), ("candor-reason", b"of an earlier life")]
        letters = [replace(LETTER, headers=own), replace(LETTER, key=None, value=None, field=None), replace(LETTER, value=b"x" * 2_000_000)]
        await owner.write(replace(first, dead_letters=letters))
        await owner.close()
        found = await scene._read(ownership(scene).dead_letter_topic)
        assert [(record.key, record.value, record.partition) for record in found] == [(it.key, it.value, 1) for it in letters]
        headers = list(found[0].headers)
        assert headers[:3] == own
        assert headers[3:] == [
            ("candor-reason", b"missing_field"),
            ("candor-field", b"score"),
            ("candor-message", b"absent"),
            ("candor-topic", b"feedback"),
            ("candor-partition", b"1"),
            ("candor-offset", b"7"),
            ("candor-timestamp", b"1767225600000"),
            ("candor-stage", b"accounts"),
        ]
        assert "candor-field" not in dict(found[1].headers)

    run(scenario())


def test_offsets_are_committed_with_the_transaction_or_not_at_all(scene: Scene) -> None:
    async def scenario() -> None:
        owner, first = await opened(scene)
        feedback = TopicPartition(scene.topic(Topic.FEEDBACK), 1)
        await owner.write(replace(first, offsets={Topic.FEEDBACK: 5}))
        assert await scene._committed() == {feedback: 5}
        with pytest.raises(ProblemFound, match=r"larger than its topic takes.*candor topics create --repair"):
            await owner.write(replace(first, offsets={Topic.FEEDBACK: 9}, checkpoint=[CheckpointRecord(b"too large", b"x" * 3_000_000)]))
        assert await scene._committed() == {feedback: 5}
        await owner.close()
        successor, _ = await opened(scene)
        assert set(await checkpoint(scene)) == {META}
        await successor.close()

    run(scenario())


def test_a_closed_owner_writes_nothing_and_does_not_wait(scene: Scene) -> None:
    async def scenario() -> None:
        owner, first = await opened(scene)
        await owner.close()
        await owner.close()
        with pytest.raises(OwnershipLost):
            await owner.write(first)

    run(scenario())


def test_closing_ends_a_write_that_waits_for_its_broker(scene_to_end: Scene) -> None:
    async def scenario() -> None:
        owner, first = await opened(scene_to_end)
        scene_to_end.broker.kill()
        try:
            writing = asyncio.ensure_future(owner.write(first))
            done, _ = await asyncio.wait({writing}, timeout=0.5)
            assert not done
            await owner.close()
            with pytest.raises(OwnershipLost):
                await writing
        finally:
            await asyncio.to_thread(scene_to_end.broker.start)

    run(scenario())


def test_the_next_offset_of_every_input_is_known(scene: Scene) -> None:
    async def scenario() -> None:
        owner, _ = await opened(scene)
        assert owner.positions() == {scene.topic(topic): 0 for topic in Topic}
        await owner.close()

    run(scenario())
