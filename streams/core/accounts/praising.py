"""Which purchases were given back soon after their customers had answered: praise that people do not stand by.

An answer that names a purchase is regretted if a refund of that purchase comes within ``REGRET_DAYS`` after it. What was known of a purchase before
and after an event is compared, and the difference is told; order does not matter as long as a purchase has no more than four answers at a time.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.core.accounts.asking import DAY, keep_earliest
from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s
from streams.core.ordering import distinct, first_places
from streams.core.signals import REGRET_DAYS
from streams.core.state_table import Columns, StateTable

MOST_ANSWERS, MOST_REFUNDS = 4, 4
"""Of more answers that name one purchase the first that were counted are followed, of more refunds the earliest."""
NUMBERS = ("praised", "regretted", "others", "others_regretted")
"""What is told of a day; see ``PraiseDays``."""
_EMPTY = 2**62
"""A slot that holds no time."""


class Answered(NamedTuple):
    """Answers that name purchases; one entry each. An answer is known by its revision."""

    purchase: UInt64s
    revision: UInt64s
    occurred_at: Int64s
    day: Int64s
    top_box: Bools


class PraiseTable(StateTable):
    """Purchases of the last days that were answered about or given back, by transaction."""

    NAME = "praised_purchases"
    COLUMNS: ClassVar[Columns] = {
        "revision": (np.uint64, (MOST_ANSWERS,)),
        "answered_at": (np.int64, (MOST_ANSWERS,)),
        "day": (np.int32, (MOST_ANSWERS,)),
        "top_box": (np.bool_, (MOST_ANSWERS,)),
        "refunded_at": (np.int64, (MOST_REFUNDS,)),
        "seen_at": np.int64,
    }
    UNSET: ClassVar[Mapping[str, int]] = {"answered_at": _EMPTY, "refunded_at": _EMPTY, "seen_at": -_EMPTY}
    revision: UInt64s
    """Answers that count; their other columns hold ``_EMPTY`` times where there are fewer."""
    answered_at: Int64s
    day: npt.NDArray[np.int32]
    top_box: Bools
    refunded_at: Int64s
    """Times of refunds, ascending; ``_EMPTY`` where there are fewer."""
    seen_at: Int64s
    """Time of the newest event."""

    def answered(self, answers: Answered) -> dict[int, Int64s]:
        """Takes in answers that begin to count; several may name one purchase. Returns the difference of ``NUMBERS``, by day."""
        every, _ = self.find_or_append(answers.purchase)
        rows = distinct(every)
        before = self._told(rows)
        waiting = np.arange(len(every))
        while len(waiting):
            # Each purchase once.
            first = first_places(every[waiting])
            self._keep(every[waiting[first]], answers, waiting[first])
            waiting = np.delete(waiting, first)
        np.maximum.at(self.seen_at, every, answers.occurred_at)
        self.touch(rows)
        return _difference(before, self._told(rows))

    def taken_out(self, purchases: UInt64s, revisions: UInt64s) -> dict[int, Int64s]:
        """Takes out answers that cease to count. Returns the difference of ``NUMBERS``, by day."""
        every = self.find(purchases)
        rows = distinct(every[every >= 0])
        before = self._told(rows)
        known = np.flatnonzero(every >= 0)
        held = (self.revision[every[known]] == revisions[known, None]) & (self.answered_at[every[known]] != _EMPTY)
        place, slot = np.nonzero(held)
        self.answered_at[every[known[place]], slot] = _EMPTY
        self.touch(rows)
        return _difference(before, self._told(rows))

    def refunded(self, purchases: UInt64s, times: Int64s) -> dict[int, Int64s]:
        """Takes in refunds of purchases; several may be of one. Returns the difference of ``NUMBERS``, by day."""
        every, _ = self.find_or_append(purchases)
        rows = distinct(every)
        before = self._told(rows)
        keep_earliest(self.refunded_at, every, times)
        np.maximum.at(self.seen_at, every, times)
        self.touch(rows)
        return _difference(before, self._told(rows))

    def _keep(self, rows: Int64s, answers: Answered, places: Int64s) -> None:
        free = self.answered_at[rows] == _EMPTY
        held = ((self.revision[rows] == answers.revision[places, None]) & ~free).any(axis=1)
        new = np.flatnonzero(free.any(axis=1) & ~held)
        rows, places, slots = rows[new], places[new], free[new].argmax(axis=1)
        self.revision[rows, slots], self.answered_at[rows, slots] = answers.revision[places], answers.occurred_at[places]
        self.day[rows, slots], self.top_box[rows, slots] = answers.day[places], answers.top_box[places]

    def _told(self, rows: Int64s) -> tuple[Int64s, Int64s]:
        """Returns the day of each answer of these purchases, and what is told of it: a column for each of ``NUMBERS``."""
        answered = self.answered_at[rows]
        at = np.nonzero(answered != _EMPTY)
        since = answered[at][:, None]
        refunds = self.refunded_at[rows][at[0]]
        regretted = ((refunds >= since) & (refunds <= since + REGRET_DAYS * DAY)).any(axis=1)
        top = self.top_box[rows][at]
        return self.day[rows][at].astype(np.int64), np.stack([top, top & regretted, ~top, ~top & regretted], axis=1).astype(np.int64)


def _difference(before: tuple[Int64s, Int64s], after: tuple[Int64s, Int64s]) -> dict[int, Int64s]:
    days, places = np.unique(np.concatenate([before[0], after[0]]), return_inverse=True)
    sums = np.zeros((len(days), len(NUMBERS)), np.int64)
    np.subtract.at(sums, places[: len(before[0])], before[1])
    np.add.at(sums, places[len(before[0]) :], after[1])
    return {day: numbers for day, numbers in zip(days.tolist(), sums, strict=True) if numbers.any()}
