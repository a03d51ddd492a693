"""Retrying: for ever, reported, and ended by a shutdown."""

from collections.abc import Iterator
from threading import Event, Thread

import pyarrow as pa
import pytest

from schemas.rows import Table
from sinks.base import SinkRefused, SinkUnavailable
from sinks.memory import MemorySink
from sinks.retry import RetryingSink, RetryPolicy, Waiting
from tests.sinks.rows import column, rows

QUICK = RetryPolicy(first_seconds=0.001, longest_seconds=0.002)


class Flaky(MemorySink):
    """Fails as it is told, then works; an insert may be stored although its answer is lost."""

    def __init__(self, *failures: Exception, stored: bool = False) -> None:
        super().__init__()
        self.failures: Iterator[Exception] = iter(failures)
        self.stored = stored
        self.inserts = 0

    def insert(self, table: Table, rows: pa.Table) -> None:
        """Fail, or store."""
        self.inserts += 1
        failure = next(self.failures, None)
        if failure is None or self.stored:
            super().insert(table, rows)
        if failure is not None:
            raise failure


def test_an_insert_goes_on_until_it_is_acknowledged_and_each_wait_is_reported() -> None:
    flaky, waits = Flaky(*[SinkUnavailable("away")] * 20), list[Waiting]()

    RetryingSink(flaky, waits.append, policy=QUICK).insert(Table.CASES, rows(Table.CASES, {"case_id": "a"}))

    assert column(flaky.rows(Table.CASES), "case_id") == ["a"]
    assert [wait.attempt for wait in waits] == list(range(1, 21))
    assert all(str(wait.error) == "away" for wait in waits)
    assert [wait.waited_seconds for wait in waits] == sorted(wait.waited_seconds for wait in waits)


def test_an_insert_whose_answer_was_lost_is_there_once() -> None:
    flaky = Flaky(*[SinkUnavailable("timed out")] * 3, stored=True)

    RetryingSink(flaky, policy=QUICK).insert(Table.CASES, rows(Table.CASES, {}))

    assert (flaky.inserts, flaky.rows(Table.CASES).num_rows) == (4, 1)


def test_what_is_refused_is_not_tried_again() -> None:
    flaky = Flaky(SinkRefused("no such table"))

    with pytest.raises(SinkRefused, match="no such table"):
        RetryingSink(flaky, policy=QUICK).insert(Table.CASES, rows(Table.CASES, {}))

    assert flaky.inserts == 1


def test_a_limit_of_attempts_raises_the_last_error() -> None:
    flaky = Flaky(*[SinkUnavailable(f"attempt {number}") for number in range(1, 9)])

    with pytest.raises(SinkUnavailable, match="attempt 3"):
        RetryingSink(flaky, policy=RetryPolicy(0.001, 0.002, attempts=3)).insert(Table.CASES, rows(Table.CASES, {}))


def test_a_shutdown_ends_a_wait_of_any_length() -> None:
    stopping, waiting, outcome = Event(), Event(), list[Exception]()

    def insert() -> None:
        try:
            RetryingSink(Flaky(*[SinkUnavailable("away", retry_after_seconds=3600)] * 9), lambda _: waiting.set(), stopping).insert(
                Table.CASES, rows(Table.CASES, {})
            )
        except SinkUnavailable as error:
            outcome.append(error)

    thread = Thread(target=insert, daemon=True)
    thread.start()
    assert waiting.wait(30)
    stopping.set()
    thread.join(30)

    assert [str(error) for error in outcome] == ["away"]


def test_after_a_shutdown_nothing_is_tried_twice() -> None:
    stopping = Event()
    stopping.set()
    flaky = Flaky(SinkUnavailable("away"))

    with pytest.raises(SinkUnavailable):
        RetryingSink(flaky, stopping=stopping).insert(Table.CASES, rows(Table.CASES, {}))

    assert flaky.inserts == 1


def test_waits_grow_up_to_a_bound_and_are_never_shorter_than_asked_for() -> None:
    waits = list[Waiting]()
    asked = [SinkUnavailable("away", 0.0)] * 30 + [SinkUnavailable("busy", 0.05)]

    RetryingSink(Flaky(*asked), waits.append, policy=RetryPolicy(0.0001, 0.001)).insert(Table.CASES, rows(Table.CASES, {}))

    seconds = [wait.wait_seconds for wait in waits]
    assert max(seconds[:30]) <= 0.001
    assert len(set(seconds[:30])) > 5
    assert seconds[30] >= 0.05


def test_closing_closes_the_sink() -> None:
    sink = MemorySink()

    RetryingSink(sink).close()

    with pytest.raises(SinkRefused, match="closed"):
        sink.insert(Table.CASES, rows(Table.CASES, {}))
