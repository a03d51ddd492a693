"""Praise that people do not stand by: whatever the order in which answers, withdrawals and refunds come, and however they are cut into batches."""

from collections import Counter
from random import Random
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.accounts.asking import DAY
from streams.core.accounts.praising import NUMBERS, Answered, PraiseTable
from streams.core.batch import Int64s
from streams.core.signals import REGRET_DAYS


class _Answer(NamedTuple):
    purchase: int
    revision: int
    day: int
    top: bool


class _Refund(NamedTuple):
    purchase: int
    day: int


ANSWERS = st.lists(st.builds(_Answer, st.integers(1, 3), st.integers(1, 99), st.integers(0, 60), st.booleans()), max_size=9, unique_by=lambda a: a[1])
REFUNDS = st.lists(st.builds(_Refund, st.integers(1, 3), st.integers(0, 99)), max_size=4)


class _Told:
    """Adds up the differences."""

    def __init__(self) -> None:
        self.sums: Counter[tuple[int, str]] = Counter()

    def hear(self, difference: dict[int, Int64s]) -> None:
        for day, numbers in difference.items():
            self.sums.update({(day, name): int(number) for name, number in zip(NUMBERS, numbers, strict=True)})

    @property
    def numbers(self) -> dict[tuple[int, str], int]:
        return {key: number for key, number in self.sums.items() if number}


def _at_most_four(answers: list[_Answer]) -> list[_Answer]:
    """Of more than four answers that name one purchase the first count, which depends on the order."""
    seen: Counter[int] = Counter()
    kept = []
    for answer in answers:
        seen[answer.purchase] += 1
        if seen[answer.purchase] <= 4:
            kept.append(answer)
    return kept


def _apply(table: PraiseTable, told: _Told, events: list[_Answer | _Refund]) -> None:
    answers, refunds = [e for e in events if isinstance(e, _Answer)], [e for e in events if isinstance(e, _Refund)]
    if answers:
        columns = list(zip(*answers, strict=True))
        days = np.array(columns[2], np.int64)
        told.hear(table.answered(Answered(_keys(columns[0]), _keys(columns[1]), days * DAY, days, np.array(columns[3], np.bool_))))
    if refunds:
        told.hear(table.refunded(_keys([r.purchase for r in refunds]), np.array([r.day * DAY for r in refunds], np.int64)))


def _keys(numbers: object) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(numbers, np.uint64)


@given(ANSWERS, REFUNDS, st.randoms(), st.integers(1, 5), st.data())
def test_what_is_told_adds_up_to_what_happened(
    answers: list[_Answer], refunds: list[_Refund], chance: Random, size: int, data: st.DataObject
) -> None:
    answers = _at_most_four(answers)
    gone = {a.revision for a in answers if data.draw(st.booleans())}
    events: list[_Answer | _Refund] = [*answers, *refunds]
    chance.shuffle(events)
    table, told = PraiseTable(), _Told()
    for at in range(0, len(events), size):
        _apply(table, told, events[at : at + size])
    taken = [a for a in answers if a.revision in gone]
    told.hear(table.taken_out(_keys([a.purchase for a in taken]), _keys([a.revision for a in taken])))

    expected: Counter[tuple[int, str]] = Counter()
    for answer in answers:
        if answer.revision not in gone:
            regretted = any(r.purchase == answer.purchase and 0 <= r.day - answer.day <= REGRET_DAYS for r in refunds)
            kind = "praised" if answer.top else "others"
            expected[answer.day, kind] += 1
            expected[answer.day, "regretted" if answer.top else "others_regretted"] += regretted
    assert told.numbers == {key: number for key, number in expected.items() if number}


def test_an_answer_that_is_told_again_is_not_counted_again() -> None:
    table, told = PraiseTable(), _Told()
    for _ in range(2):
        _apply(table, told, [_Answer(1, 7, 3, True)])
    told.hear(table.taken_out(_keys([2]), _keys([7])))
    assert told.numbers == {(3, "praised"): 1}


def test_an_answer_that_was_taken_out_leaves_room() -> None:
    table, told = PraiseTable(), _Told()
    for revision in range(1, 9):
        _apply(table, told, [_Answer(1, revision, 3, True)])
        told.hear(table.taken_out(_keys([1]), _keys([revision])))
    _apply(table, told, [_Answer(1, 9, 4, False), _Refund(1, 34)])
    assert told.numbers == {(4, "others"): 1, (4, "others_regretted"): 1}
