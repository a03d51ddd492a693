"""Nothing that was read before a seek, or under another assignment, is ever stamped as what follows from that seek."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from streams.kafka.batches import Batch, BatchScheduler
from streams.kafka.transport import BatchConsumerThread, _unreadable

FEEDBACK = TP("feedback", 0)


class Record:
    value = b"xyz"


class Assignment:
    """As aiokafka's: positions of partitions, an object per assignment."""

    def __init__(self, **positions: int) -> None:
        self.states = {TP(topic, 0): SimpleNamespace(position=position) for topic, position in positions.items()}

    def state_value(self, partition: TP) -> SimpleNamespace:
        return self.states[partition]


class Consumer:
    """As much of aiokafka's consumer as the thread touches."""

    def __init__(self) -> None:
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=Assignment(feedback=0)))

    @property
    def assignment_now(self) -> Assignment:
        assignment = self._subscription.subscription.assignment
        assert isinstance(assignment, Assignment)
        return assignment

    def reassign(self, **positions: int) -> None:
        self._subscription.subscription.assignment = Assignment(**positions)

    def seek(self, partition: TP, position: int) -> None:
        self.assignment_now.states[partition].position = position


class Scripted:
    """A thread whose driver takes what the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.consumer = Consumer()
        self.takes = 0
        self.error: Exception | None = None
        self.lost: list[tuple[TP, int]] = []
        self.thread = BatchConsumerThread.__new__(BatchConsumerThread)
        monkeypatch.setattr(AIOKafkaConsumerThread, "__post_init__", lambda _: None)
        monkeypatch.setattr(AIOKafkaConsumerThread, "_ensure_consumer", lambda _: self.consumer)
        monkeypatch.setattr(AIOKafkaConsumerThread, "_fetch_records", self._take)
        monkeypatch.setattr(BatchConsumerThread, "_tell_lost", lambda _, partition, offset: self.lost.append((partition, offset)))
        self.thread.__post_init__()

    async def _take(self, *_: object) -> dict[TP, list[Record]]:
        if self.error is not None:
            raise self.error
        state = self.consumer.assignment_now.states[FEEDBACK]
        state.position += self.takes
        return {FEEDBACK: [Record()] * self.takes}

    def begin(self, position: int, ticket: int) -> None:
        run(self.thread.begin({FEEDBACK: position}, ticket))

    def take(self, records: int) -> list[tuple[int, int, int]]:
        """Ticket, start and end of what comes out."""
        self.takes = records
        found = run(self.thread._fetch_records(self.consumer, {FEEDBACK}))
        return [(batch.ticket, batch.start, batch.end) for batches in found.values() for batch in batches]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    return Scripted(monkeypatch)


def test_before_the_first_seek_nothing_is_delivered(scripted: Scripted) -> None:
    assert scripted.take(5) == []


def test_batches_follow_from_the_seek_one_after_another(scripted: Scripted) -> None:
    scripted.begin(100, 1)
    assert [scripted.take(5), scripted.take(2)] == [[(1, 100, 105)], [(1, 105, 107)]]


def test_what_is_taken_after_a_seek_has_its_ticket(scripted: Scripted) -> None:
    scripted.begin(100, 1)
    scripted.take(5)
    scripted.begin(50, 2)
    assert scripted.take(5) == [(2, 50, 55)]


def test_under_a_new_assignment_nothing_is_delivered_before_its_seek(scripted: Scripted) -> None:
    scripted.begin(100, 1)
    scripted.take(5)
    # aiokafka starts at the committed offset, here far ahead of what we have read.
    scripted.consumer.reassign(feedback=900)
    assert scripted.take(5) == []
    scripted.begin(105, 2)
    assert scripted.take(5) == [(2, 105, 110)]


def test_markers_move_the_end_of_a_batch_and_the_start_of_the_next(scripted: Scripted) -> None:
    scripted.begin(0, 1)
    scripted.take(3)
    scripted.consumer.assignment_now.states[FEEDBACK].position += 2  # markers behind the batch
    assert scripted.take(1) == [(1, 3, 6)]


def test_a_position_that_the_broker_does_not_have_is_reported(scripted: Scripted) -> None:
    scripted.begin(100, 1)
    scripted.error = OffsetOutOfRangeError({FEEDBACK: 100})
    assert scripted.take(1) == []
    assert scripted.lost == [(FEEDBACK, 100)]


def test_no_committed_offset_is_no_error(scripted: Scripted) -> None:
    scripted.error = NoOffsetForPartitionError(FEEDBACK)
    assert scripted.take(1) == []
    assert scripted.lost == []


def test_the_size_of_a_batch_counts_values_and_what_python_adds(scripted: Scripted) -> None:
    scripted.begin(0, 1)
    scripted.takes = 2
    found = run(scripted.thread._fetch_records(scripted.consumer, {FEEDBACK}))
    assert found[FEEDBACK][0].size > 2 * len(Record.value)


def test_the_scheduler_hands_over_every_batch_with_its_partition() -> None:
    batches = [Batch("feedback", 0, 1, 0, 1, [], 0, number) for number in range(2)]
    assert list(BatchScheduler().iterate({FEEDBACK: batches})) == [(FEEDBACK, batch) for batch in batches]


def test_a_header_name_that_cannot_be_read_is_told_with_its_place() -> None:
    """With aiokafka's own reading of a batch, in which a name was spoilt and the checksum made right."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1_000)
    for offset in range(3):
        builder.append(offset, 1, b"key", b"value", [("spoilt" if offset == 1 else "fine", b"")])
    batch = bytearray(bytes(builder.build()).replace(b"spoilt", b"\xff\xfeoilt"))
    batch[17:21] = calc_crc32c(batch[21:]).to_bytes(4, "big")
    records = PartitionRecords(TopicPartition("p.feedback", 3), MemoryRecords(bytes(batch)), [], 0, None, None, True, 0)
    with pytest.raises(UnicodeDecodeError) as raised:
        list(records)

    message = str(_unreadable(raised.value))
    assert message.startswith("record 1 of p.feedback, partition 3, in the batch that ends before offset 3, has a header whose name is not UTF-8")
    assert "kafka-delete-records" in message
