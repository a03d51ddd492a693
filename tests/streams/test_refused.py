"""Dead letters are found by every filter, page by page, and come out byte for byte."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
import pytest

from schemas.enums import RejectReason, Topic
from sinks.clickhouse import ClickHouse, connect
from streams.files import FileRecord
from streams.refused import REPLAY_OF, REPLAYS, Filters, Refused, count_by_reason, find
from tests.streams.letters import Letter, store


@pytest.fixture
def table(migrated_url: str) -> Iterator[ClickHouse]:
    clickhouse = connect(migrated_url)
    yield clickhouse
    clickhouse.close()


LETTERS = [
    Letter(1, Topic.FEEDBACK, timestamp=datetime(2026, 1, 1, tzinfo=UTC), field="score", reason=RejectReason.OUT_OF_RANGE, message="Score of 11"),
    Letter(2, Topic.FEEDBACK, 1, key=None, value=None, message="null"),
    Letter(2, Topic.ACTIONS, 0, datetime(2026, 2, 1, tzinfo=UTC), key=b"\xff\x00", value=b"\xfe\x00'\\", headers=[("h", b"\xff"), ("h", b"")]),
    Letter(3, Topic.OUTCOMES, 0, datetime(2026, 3, 1, tzinfo=UTC), reason=RejectReason.UNKNOWN_CURRENCY, field="currency", key=b"it's"),
]


@pytest.mark.parametrize(
    ("filters", "positions"),
    [
        (Filters(), ["actions/0/2", "feedback/0/1", "feedback/1/2", "outcomes/0/3"]),
        (Filters(topics=[Topic.FEEDBACK]), ["feedback/0/1", "feedback/1/2"]),
        (Filters(topics=[Topic.FEEDBACK, Topic.OUTCOMES], reasons=[RejectReason.MALFORMED]), ["feedback/1/2"]),
        (Filters(reasons=[RejectReason.OUT_OF_RANGE, RejectReason.UNKNOWN_CURRENCY]), ["feedback/0/1", "outcomes/0/3"]),
        (Filters(since=datetime(2026, 2, 1, tzinfo=UTC)), ["actions/0/2", "outcomes/0/3"]),
        (Filters(since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 3, 1, tzinfo=UTC)), ["actions/0/2"]),
        (Filters(field="score"), ["feedback/0/1"]),
        (Filters(message="SCORE"), ["feedback/0/1"]),
        (Filters(key="it's"), ["outcomes/0/3"]),
        (Filters(partition=0, offset=2), ["actions/0/2"]),
        (Filters(key="' OR 1 = 1 --"), []),
    ],
)
def test_filters_choose(table: ClickHouse, filters: Filters, positions: list[str]) -> None:
    store(table, LETTERS)

    assert [letter.position for letter in find(table, filters)] == positions


def test_records_come_out_byte_for_byte(table: ClickHouse) -> None:
    store(table, LETTERS)

    assert [letter.record for letter in find(table, Filters(topics=[Topic.ACTIONS]))] == [
        FileRecord(Topic.ACTIONS, 1_769_904_000_000, b"\xff\x00", b"\xfe\x00'\\", [("h", b"\xff"), ("h", b"")])
    ]
    assert [(letter.record.key, letter.record.value) for letter in find(table, Filters(partition=1))] == [(None, None)]


@pytest.mark.parametrize("timestamp", [-1, -1_790_000_000_001, 0, 1_790_000_000_000_000, 9_223_372_036_854_775])
def test_timestamps_come_out_as_they_were_however_far(table: ClickHouse, timestamp: int) -> None:
    """Microseconds taken for milliseconds are the year 58693, which Python's calendar does not have; -1 is none at all."""
    store(table, [Letter(1, timestamp=timestamp)])

    assert [letter.record.timestamp for letter in find(table, Filters())] == [timestamp]


def test_what_comes_while_letters_are_read_is_not_among_them(table: ClickHouse) -> None:
    store(table, [Letter(i) for i in range(600)])
    found = []

    for letter in find(table, Filters()):
        found.append(letter.offset)
        if letter.offset in (0, 400):
            # As a worker does that refuses again what is sent again, here and in a partition that had none.
            store(table, [Letter(letter.offset + 600 + i, partition=i % 2) for i in range(10)])

    assert found == list(range(600))


def test_large_values_are_read_one_by_one_or_not_at_all(table: ClickHouse) -> None:
    class Counting:
        """Remembers the bytes of every answer."""

        def __init__(self) -> None:
            self.answers: list[int] = []

        def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False) -> pa.Table:
            answer = table.query(sql, parameters, binary=binary)
            self.answers.append(answer.nbytes)
            return answer

    large = [b"%d" % i * 1_000_000 for i in range(8)]
    store(table, [Letter(i, value=value) for i, value in enumerate(large)])

    reader = Counting()
    assert [(letter.record.value, letter.unread) for letter in find(reader, Filters())] == [(value, 0) for value in large]
    assert max(reader.answers) < 1_100_000

    reader = Counting()
    assert [(letter.record.value, letter.unread) for letter in find(reader, Filters(), largest_value=999_999)] == [(None, 1_000_000)] * 8
    assert max(reader.answers) < 100_000


def test_all_pages_are_read_in_order_up_to_the_limit(table: ClickHouse) -> None:
    store(table, [Letter(i // 3, partition=i % 3) for i in range(1_300)])

    everything = [(letter.partition, letter.offset) for letter in find(table, Filters())]

    assert len(everything) == 1_300
    assert all(one < other for one, other in pairwise(everything))
    assert [(letter.partition, letter.offset) for letter in find(table, Filters(), 777)] == everything[:777]
    assert [(letter.partition, letter.offset) for letter in find(table, Filters(), 500)] == everything[:500]


def test_a_letter_that_was_sent_again_is_stood_for_by_the_newest_copy(table: ClickHouse) -> None:
    store(table, [Letter(1), Letter(2), Letter(9, headers=[("own", b"x"), (REPLAYS, b"1"), (REPLAY_OF, b"feedback/0/1")])])

    assert [letter.position for letter in find(table, Filters(not_sent_again=True))] == ["feedback/0/2", "feedback/0/9"]


def test_sending_again_keeps_the_record_and_counts() -> None:
    record = FileRecord(Topic.FEEDBACK, 5, b"k", None, [("own", b"\xff"), (REPLAYS, b"1"), (REPLAY_OF, b"feedback/0/1"), ("own", b"2")])
    letter = Refused(3, 9, "accounts", "malformed", None, "", record)

    assert letter.replays == 1
    assert letter.again() == FileRecord(
        Topic.FEEDBACK, 5, b"k", None, [("own", b"\xff"), ("own", b"2"), (REPLAYS, b"2"), (REPLAY_OF, b"feedback/3/9")]
    )
    assert letter.again(timestamp=7).timestamp == 7


def test_letters_are_counted_by_topic_and_reason(table: ClickHouse) -> None:
    store(table, [*LETTERS, Letter(7)])

    assert count_by_reason(table, Filters(topics=[Topic.FEEDBACK])) == [("feedback", "malformed", 2), ("feedback", "out_of_range", 1)]
