"""Checkpoints that do not belong to the topics, the group or the database are not used."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import msgspec
import pytest

from schemas.enums import Stage
from streams.core.segments import CheckpointUnreadable
from streams.core.stage import CheckpointRecord
from streams.errors import ProblemFound
from streams.kafka.checkpoint import read_checkpoint
from streams.kafka.identity import KEY, Identity, check, check_positions, split
from streams.kafka.owner import Ownership, PartitionOwner
from tests.streams.kafka.conftest import Scene
from tests.streams.kafka.counting import CountingStage, CountingStages

IDENTITY = Identity("g", 4, {"feedback": "id-1", "actions": ""}, "2026-01-01 00:00:00.000")


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ({"group": "h"}, "belongs to the group 'g'.*Set CANDOR_GROUP=g"),
        ({"partitions": 8}, "have 8 partitions now.*made with 4.*delete the topics p.signals and p.checkpoint"),
        ({"topics": {"feedback": "id-2"}}, "feedback was made anew.*delete the topics p.signals and p.checkpoint"),
        ({"database": "2026-01-02 00:00:00.000"}, "the database was made anew.*CANDOR_CLICKHOUSE_URL"),
    ],
)
def test_what_differs_is_named_with_what_to_do(present: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemFound, match=message):
        check(IDENTITY, msgspec.structs.replace(IDENTITY, **present), "p.checkpoint.accounts")


@pytest.mark.parametrize("present", [{}, {"database": ""}, {"topics": {"feedback": "id-1", "actions": "id-9"}}, {"topics": {}}])
def test_what_is_the_same_or_not_known_is_no_problem(present: dict[str, object]) -> None:
    check(IDENTITY, msgspec.structs.replace(IDENTITY, **present), "p.checkpoint.accounts")


def test_what_retention_took_unread_is_counted_once() -> None:
    positions = {"read": 5, "behind": 5, "never read": 0}
    first, following = {"read": 5, "behind": 9, "never read": 40}, {"read": 5, "behind": 20, "never read": 50}
    assert check_positions(positions, first, following, "p.checkpoint.accounts", {}) == 4
    assert check_positions(positions, first, following, "p.checkpoint.accounts", first) == 0
    assert check_positions(positions, {**first, "behind": 12}, following, "p.checkpoint.accounts", first) == 3
    with pytest.raises(ProblemFound, match="which ends at 4"):
        check_positions({"read": 5}, {"read": 0}, {"read": 4}, "p.checkpoint.accounts", {})


async def _call(function: object, *arguments: object) -> object:
    return function(*arguments)  # type: ignore[operator]


def _open(ownership: Ownership) -> None:
    async def scenario() -> None:
        owner, _ = await PartitionOwner.open(ownership, 0, _call)  # type: ignore[arg-type]
        await owner.close()

    asyncio.run(scenario())


def test_an_owner_writes_the_identity_once_and_the_next_one_checks_it(scene: Scene) -> None:
    anyone = Ownership(scene.client, scene.settings.topic_prefix, scene.settings.group, Stage.ACCOUNTS, CountingStages())
    identity = msgspec.structs.replace(IDENTITY, group=scene.settings.group)
    _open(replace(anyone, identity=identity))
    _open(replace(anyone, identity=identity))
    records = asyncio.run(read_checkpoint(scene.client, anyone.checkpoint_topic, 0))

    assert [record.key for record in records].count(KEY) == 1
    assert split(records)[0] == identity
    with pytest.raises(ProblemFound, match="partitions now"):
        _open(replace(anyone, identity=msgspec.structs.replace(identity, partitions=9)))


def test_a_database_with_rows_and_no_checkpoint_is_refused(scene: Scene) -> None:
    asked: list[int] = []

    def holds_rows(partition: int) -> bool:
        asked.append(partition)
        return True

    anyone = Ownership(scene.client, scene.settings.topic_prefix, scene.settings.group, Stage.ACCOUNTS, CountingStages())
    with pytest.raises(ProblemFound, match=r"holds rows of partition 0, but .*checkpoint\.accounts is empty"):
        _open(replace(anyone, holds_rows=holds_rows))
    _open(anyone)
    _open(replace(anyone, holds_rows=holds_rows))

    assert asked == [0]


def test_a_checkpoint_of_which_records_were_deleted_is_named_with_what_to_do(scene: Scene) -> None:
    class Incomplete(CountingStages):
        def restore(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> CountingStage:
            raise CheckpointUnreadable(f"the checkpoint of {partition} lacks units/2/0 of {len(list(checkpoint))} records. Restore the topic")

    anyone = Ownership(scene.client, scene.settings.topic_prefix, scene.settings.group, Stage.ACCOUNTS, Incomplete())
    with pytest.raises(ProblemFound, match=r"checkpoint\.accounts, partition 0: .* lacks units/2/0.* Restore the topic.* count everything anew"):
        _open(anyone)
