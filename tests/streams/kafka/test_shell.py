"""Who owns a partition when things go wrong at the same time; owners and the consumer are stand-ins that only remember."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from faust.types import TP

from schemas.enums import Stage, Topic
from sinks.memory import MemorySink
from streams.core.batch import Numbered
from streams.core.stage import Flush
from streams.kafka.batches import Batch
from streams.kafka.client import ClientOptions
from streams.kafka.owner import Compute, Ownership, OwnershipLost, PartitionOwner, Recovered
from streams.kafka.pace import Pace
from streams.kafka.shell import Shell
from streams.kafka.sinking import SinkWriter
from streams.kafka.transport import BatchConsumer
from streams.metrics.worker import WorkerMetrics
from tests.streams.kafka.counting import CountingStage, CountingStages, FolderSink

OWNERSHIP = Ownership(ClientOptions(bootstrap_servers=[], security_protocol="PLAINTEXT"), "p.", "g", Stage.ACCOUNTS, CountingStages())


class Owner:
    """An owner that has a stage and can be closed."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.stage = CountingStage(partition, [])
        self.recovered = Recovered(0, 0)
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
        self.taken = 0
        """Where everything that was taken from the broker ends."""

    def assignment(self) -> set[TP]:
        return {TP("p." + topic, 0) for topic in Topic}

    def pause_partitions(self, partitions: set[TP]) -> None:
        self.paused |= partitions

    def resume_partitions(self, partitions: set[TP]) -> None:
        self.paused -= partitions

    async def begin(self, positions: dict[TP, int], ticket: int) -> None:
        del ticket
        self.begun.append(positions)

    async def ended(self, partitions: list[TP]) -> dict[TP, int]:
        return dict.fromkeys(partitions, self.taken)

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


def test_what_kafka_deleted_before_it_was_read_is_counted_once(owners: list[Owner]) -> None:
    class Deleting(Consumer):
        first = 0

        async def limits(self, partitions: list[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
            return dict.fromkeys(partitions, self.first), dict.fromkeys(partitions, 100)

    async def scenario() -> None:
        metrics = WorkerMetrics().stage(Stage.ACCOUNTS)
        shell = Shell(OWNERSHIP, SinkWriter(MemorySink()), Pace(), lambda error: pytest.fail(repr(error)), metrics)
        consumer = shell._consumer = Deleting()  # type: ignore[assignment]  # as much of one as is asked
        await shell.assigned({0})
        owners[0].stage.positions[Topic.FEEDBACK] = 50
        counted = []
        for consumer.first in (50, 60, 60, 75):
            shell.lost_position(TP("p.feedback", 0), 50)
            await asyncio.gather(*shell._tasks)
            counted.append(metrics.deleted.read())

        assert counted == [0, 10, 10, 25]
        assert consumer.begun[-1][TP("p.feedback", 0)] == 75
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


def _batch(topic: Topic, start: int, records: int) -> Batch:
    return Batch("p." + topic, 0, 1, start, start + records, [Numbered(offset, 0, b"a", b"v") for offset in range(start, start + records)], 1, start)


async def _look(shell: Shell) -> None:
    """So long after everything that whatever is silent is idle."""
    await shell._let_rest(time.monotonic() + 100.0)


def test_a_topic_rests_once_nothing_came_for_a_while_and_all_that_was_taken_is_applied(owners: list[Owner], tmp_path: Path) -> None:
    async def scenario() -> None:
        shell = Shell(OWNERSHIP, SinkWriter(FolderSink(tmp_path)), Pace(idle=30.0, linger=0.0), lambda error: pytest.fail(repr(error)))
        consumer = Consumer()
        shell.start(cast("BatchConsumer", consumer))
        await shell.assigned({0})
        await shell.seek_owned()
        stage = owners[0].stage
        consumer.taken = 1  # of each topic a batch was taken that is still on its way
        await _look(shell)
        assert stage.resting == set()
        consumer.taken = 0
        await _look(shell)
        assert stage.resting == set(Topic)
        # Of what comes there is more than was applied; of the others it is said again.
        await shell.deliver(_batch(Topic.FEEDBACK, 0, 5))
        await eventually(lambda: stage.positions[Topic.FEEDBACK] == 5 and "p.feedback" in shell._slots[0].busy_at)
        await _look(shell)
        assert stage.resting == set(Topic) - {Topic.FEEDBACK}
        consumer.taken = 5
        await shell._let_rest(time.monotonic())
        assert stage.resting == set(), "it is too early to tell"
        await _look(shell)
        assert stage.resting == {Topic.FEEDBACK}
        await shell.close()

    asyncio.run(scenario())


def test_nothing_rests_while_partitions_are_being_assigned(owners: list[Owner], tmp_path: Path) -> None:
    async def scenario() -> None:
        shell = Shell(OWNERSHIP, SinkWriter(FolderSink(tmp_path)), Pace(idle=30.0), lambda error: pytest.fail(repr(error)))
        shell.start(cast("BatchConsumer", Consumer()))
        await shell.assigned({0})
        await shell.seek_owned()
        await shell.revoked()
        await _look(shell)
        assert owners[0].stage.resting == set()
        await shell.close()

    asyncio.run(scenario())


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.01)
