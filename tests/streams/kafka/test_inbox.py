"""The inbox keeps what follows from the last seek, in order, and nothing else."""

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.batch import SourceRecord
from streams.kafka.batches import Batch
from streams.kafka.inbox import Inbox, Taken


@dataclass
class Record:
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b"x"
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)


_numbers = itertools.count()


def batch(start: int, end: int, ticket: int = 1, topic: str = "t", partition: int = 0) -> Batch:
    records: list[SourceRecord] = [Record(offset) for offset in range(start, end)]
    return Batch(topic, partition, ticket, start, end, records, 10 * (end - start), next(_numbers))


@pytest.fixture
def inbox() -> Inbox:
    inbox = Inbox(100, 10_000)
    inbox.expect("t", 0, 1, 0)
    return inbox


def offsets(inbox: Inbox, most: int = 1000) -> list[tuple[str, list[int]]]:
    return [(topic, [record.offset for record in records]) for topic, records in inbox.take(0, most)]


def test_batches_that_follow_one_another_are_kept_and_joined(inbox: Inbox) -> None:
    assert inbox.offer(batch(0, 3), 0) is Taken.KEPT
    assert inbox.offer(batch(3, 5), 0) is Taken.KEPT
    assert offsets(inbox) == [("t", [0, 1, 2, 3, 4])]
    assert inbox.waiting_since(0) is None


def test_what_was_read_before_the_seek_is_stale(inbox: Inbox) -> None:
    inbox.expect("t", 0, 2, 0)
    assert inbox.offer(batch(0, 3, ticket=1), 0) is Taken.STALE


def test_a_partition_that_is_not_expected_is_stale(inbox: Inbox) -> None:
    assert inbox.offer(batch(0, 3, partition=1), 0) is Taken.STALE


def test_a_batch_that_does_not_follow_is_a_gap_and_changes_nothing(inbox: Inbox) -> None:
    inbox.offer(batch(0, 3), 0)
    assert inbox.offer(batch(5, 7), 0) is Taken.GAP
    assert inbox.offer(batch(3, 5), 0) is Taken.KEPT


def test_offsets_may_be_missing_within_a_batch_but_positions_may_not(inbox: Inbox) -> None:
    marker = Batch("t", 0, 1, 0, 9, [Record(2)], 1, 0)
    assert inbox.offer(marker, 0) is Taken.KEPT
    assert inbox.offer(batch(9, 10), 0) is Taken.KEPT


def test_a_seek_drops_what_waits(inbox: Inbox) -> None:
    inbox.offer(batch(0, 3), 0)
    inbox.expect("t", 0, 2, 1)
    assert offsets(inbox) == []
    assert inbox.total_records == 0


def test_whole_batches_are_taken_up_to_a_bound_in_the_order_in_which_they_came(inbox: Inbox) -> None:
    inbox.expect("u", 0, 1, 0)
    inbox.offer(batch(0, 4, topic="u"), 0)
    inbox.offer(batch(0, 4), 0)
    inbox.offer(batch(4, 8, topic="u"), 0)
    assert offsets(inbox, 8) == [("u", [0, 1, 2, 3]), ("t", [0, 1, 2, 3])]
    assert inbox.waiting_since(0) == 0
    assert offsets(inbox, 1) == [("u", [4, 5, 6, 7])]


@pytest.mark.parametrize(("records", "size"), [(2, 10_000), (100, 20)])
def test_it_is_full_at_its_bound_of_records_or_bytes_and_has_room_again_once_emptied(records: int, size: int) -> None:
    async def scenario() -> None:
        inbox = Inbox(records, size)
        inbox.expect("t", 0, 1, 0)
        inbox.offer(batch(0, 2), 0)
        waiting = asyncio.ensure_future(inbox.wait_for_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        inbox.take(0, 10)
        await waiting

    asyncio.run(scenario())


def test_dropping_a_partition_makes_room(inbox: Inbox) -> None:
    inbox.offer(batch(0, 100), 0)
    inbox.drop(0)
    assert inbox.total_records == 0
    asyncio.run(asyncio.wait_for(inbox.wait_for_room(), 5))
    assert inbox.offer(batch(100, 101), 0) is Taken.STALE


@given(st.lists(st.sampled_from(["deliver", "lose", "repeat", "old", "seek", "take"]), max_size=60))
def test_whatever_is_delivered_late_twice_or_never_what_is_taken_is_whole(steps: list[str]) -> None:
    """Deliveries that go wrong in any way: every offset is taken, in order."""
    inbox = Inbox(10_000, 10**9)
    ticket, at, applied = 1, 0, 0
    old: list[Batch] = []
    inbox.expect("t", 0, ticket, 0)
    for step in steps:
        gap = False
        if step in {"deliver", "lose", "repeat"}:
            new = batch(at, at + 2, ticket)
            at += 2
            old.append(new)
            gap = step != "lose" and inbox.offer(new, 0) is Taken.GAP
            if step == "repeat" and not gap:
                assert inbox.offer(new, 0) is not Taken.KEPT
        elif step == "old" and old:
            inbox.offer(old[0], 0)
        for _, records in inbox.take(0, 4) if step == "take" else ():
            assert [record.offset for record in records] == list(range(applied, applied + len(records)))
            applied += len(records)
        if step == "seek" or gap:
            ticket += 1
            at = applied
            inbox.expect("t", 0, ticket, at)
