"""Who owns a partition when things go wrong at the same time; owners and the consumer are stand-ins that only remember."""

import asyncio
from typing import cast

import pytest
from faust.types import TP

from schemas.enums import Stage, Topic
from sinks.memory import MemorySink
from streams.core.stage import Flush
from streams.kafka.client import ClientOptions
from streams.kafka.owner import Compute, Ownership, OwnershipLost, PartitionOwner
from streams.kafka.pace import Pace
from streams.kafka.shell import Shell
from streams.kafka.sinking import SinkWriter
from streams.kafka.transport import BatchConsumer
from tests.streams.kafka.counting import CountingStage, CountingStages

OWNERSHIP = Ownership(ClientOptions(bootstrap_servers=[], security_protocol="PLAINTEXT"), "p.", "g", Stage.ACCOUNTS, CountingStages())


class Owner:
    """An owner that has a stage and can be closed."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.stage = CountingStage(partition, [])
        self.closed = False

    def positions(self) -> dict[str, int]:
        return {"p." + topic: self.stage.position(topic) for topic in Topic}

    async def write(self, flush: Flush) -> None:
        del flush

    async def close(self) -> None:
        self.closed = True


class Consumer:
    """Remembers what was asked of it."""

    def __init__(self) -> None:
        self.paused: set[TP] = set()
        self.begun: list[dict[TP, int]] = []

    def assignment(self) -> set[TP]:
        return {TP("p." + topic, 0) for topic in Topic}

    def pause_partitions(self, partitions: set[TP]) -> None:
        self.paused |= partitions

    def resume_partitions(self, partitions: set[TP]) -> None:
        self.paused -= partitions

    async def begin(self, positions: dict[TP, int], ticket: int) -> None:
        del ticket
        self.begun.append(positions)

    async def limits(self, partitions: list[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
        return dict.fromkeys(partitions, 0), dict.fromkeys(partitions, 100)


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> list[Owner]:
    """The owners that were opened, in order."""
    opened: list[Owner] = []

    async def open_owner(ownership: Ownership, partition: int, compute: Compute) -> tuple[Owner, Flush | None]:
        del ownership, compute
        await asyncio.sleep(0)
        opened.append(Owner(partition))
        return opened[-1], None

    monkeypatch.setattr(PartitionOwner, "open", open_owner)
    return opened


def test_a_partition_that_is_lost_during_a_rebalance_is_opened_once(owners: list[Owner]) -> None:
    """By the assignment alone: whoever would have reopened it gives up, and what was paused flows again."""

    async def scenario() -> None:
        failures: list[BaseException] = []
        shell = Shell(OWNERSHIP, SinkWriter(MemorySink()), Pace(reopen_delay=0.05), failures.append)
        consumer = Consumer()
        shell.start(cast("BatchConsumer", consumer))
        await shell.assigned({0})
        await shell.seek_owned()
        await shell.revoked()
        shell._lose(shell._slots[0], OwnershipLost("fenced"))
        await shell.assigned({0})
        await shell.seek_owned()
        reopening = [task for task in shell._tasks if "_reopen" in repr(task)] or list(shell._tasks)
        await asyncio.wait(reopening, timeout=0.5)

        assert [owner.closed for owner in owners] == [True, False]
        assert cast("Owner", shell._slots[0].owner) is owners[1]
        assert consumer.paused == set()
        assert failures == []
        await shell.close()

    asyncio.run(scenario())


def test_a_partition_that_was_lost_does_not_decide_where_its_successor_reads(owners: list[Owner]) -> None:
    async def scenario() -> None:
        shell = Shell(OWNERSHIP, SinkWriter(MemorySink()), Pace(reopen_delay=0.01), lambda _: None)
        consumer = Consumer()
        shell.start(cast("BatchConsumer", consumer))
        await shell.assigned({0})
        lost = shell._slots[0]
        owners[0].stage.positions[Topic.FEEDBACK] = 50
        await shell.revoked()
        shell._lose(lost, OwnershipLost("fenced"))
        await shell.assigned({0})
        consumer.begun.clear()
        await shell._seek([lost])

        assert consumer.begun == [{}]
        await shell.close()

    asyncio.run(scenario())


@pytest.mark.usefixtures("owners")
def test_a_topic_that_is_resumed_while_positions_are_sought_is_sought_too() -> None:
    class SlowConsumer(Consumer):
        """Is asked to go on while it still says where."""

        async def begin(self, positions: dict[TP, int], ticket: int) -> None:
            if not self.begun:
                await shell.resume_paused()
            await super().begin(positions, ticket)
            if TP("p.feedback", 0) in positions:
                sought.set()

    async def scenario() -> None:
        await shell.assigned({0})
        shell._slots[0].paused.add(Topic.FEEDBACK)
        shell.lost_position(TP("p.actions", 0), 1)
        await asyncio.wait_for(sought.wait(), timeout=10)

        assert [TP("p.feedback", 0) in positions for positions in consumer.begun] == [False, True]
        await shell.close()

    sought = asyncio.Event()
    consumer = SlowConsumer()
    shell = Shell(OWNERSHIP, SinkWriter(MemorySink()), Pace(), lambda _: None)
    shell._consumer = cast("BatchConsumer", consumer)
    asyncio.run(scenario())
