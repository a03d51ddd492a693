"""Which customers were asked after a purchase: what shows that those with a bad experience are left out.

A customer was asked if an invitation that names the purchase was sent within ``ASK_DAYS`` of it, before or after, and none that names it bounced in
that time. A customer was drawn if an invitation that names the purchase was sampled in that time: who was not drawn need not be asked. Nor need
those who are said to have been left out by quarantine in that time, as asked shortly before. All goes by local days, so that who is asked
on the same day of the next week was asked in time, at any hour. Order does not matter: what was known of a purchase
before and after an event is compared, and the difference is told.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s
from streams.core.ordering import distinct, first_places
from streams.core.signals import ASK_DAYS
from streams.core.state_table import Columns, StateTable

Days = npt.NDArray[np.int32]
"""Local days since 1970-01-01."""
DAY = 86_400_000_000
"""Microseconds."""
SOLD, RISKY = (np.uint8(1 << bit) for bit in range(2))
_EMPTY = 2**30
"""A slot that holds no day."""
_UNSEEN = -(2**26)
"""A day before all days, also in microseconds."""
MOST_SAMPLED, MOST_QUARANTINED, MOST_SENT, MOST_BOUNCED = 2, 2, 4, 2
"""Of more invitations that name one purchase the earliest count."""
_OF_ALL = ("transactions", "asked", "risky", "risky_unasked")
NUMBERS = (*_OF_ALL, *(f"drawn_{name}" for name in _OF_ALL), "quarantined", "risky_quarantined")
"""What is told of a purchase; see ``Flows``."""


class Step(StrEnum):
    """What happened to an invitation; named as the column of ``PurchaseTable`` that keeps when."""

    SAMPLED = "sampled"
    QUARANTINED = "quarantined"
    SENT = "sent"
    BOUNCED = "bounced"


class PurchaseTable(StateTable):
    """Purchases of the last days and the invitations that name them, by transaction; either may come first."""

    NAME = "asked_purchases"
    COLUMNS: ClassVar[Columns] = {
        "known": np.uint8,
        "unit": np.int32,
        "day": np.int32,
        "sampled": (np.int32, (MOST_SAMPLED,)),
        "quarantined": (np.int32, (MOST_QUARANTINED,)),
        "sent": (np.int32, (MOST_SENT,)),
        "bounced": (np.int32, (MOST_BOUNCED,)),
        "seen_on": np.int32,
    }
    UNSET: ClassVar[Mapping[str, int]] = {**dict.fromkeys(("sampled", "quarantined", "sent", "bounced"), _EMPTY), "seen_on": _UNSEEN}
    known: npt.NDArray[np.uint8]
    unit: npt.NDArray[np.int32]
    day: Days
    """On which it was sold."""
    sampled: Days
    """Days on which invitations were sampled, ascending; ``_EMPTY`` where there are fewer."""
    quarantined: Days
    """Days on which they were suppressed by quarantine, likewise."""
    sent: Days
    """Days on which they were sent, likewise."""
    bounced: Days
    """Days on which they bounced, likewise."""
    seen_on: Days
    """Day of the newest event."""

    def sold(self, keys: UInt64s, units: Int64s, days: Int64s, risky: Bools) -> "Difference":
        """Takes in purchases, each given once."""
        count = self.count
        rows, _ = self.find_or_append(keys)
        # Of most nothing is known, and nothing was told, before they are sold.
        known = np.flatnonzero(rows < count)
        before = self._told(rows[known])
        self.known[rows] |= SOLD | np.where(risky, RISKY, np.uint8(0))
        self.unit[rows], self.day[rows] = units, days
        self.seen_on[rows] = np.maximum(self.seen_on[rows], days)
        self.touch(rows)
        numbers = np.zeros((len(rows), len(NUMBERS)), np.int64)
        numbers[:, 0], numbers[:, 2], numbers[:, 3] = 1, risky, risky
        numbers[known] = self._told(rows[known]) - before
        return Difference(rows, numbers)

    def invited(self, keys: UInt64s, days: Int64s, steps: Int64s) -> "Difference":
        """Takes in steps of invitations (positions in ``Step``), by the purchase that they name; several may name one."""
        every, _ = self.find_or_append(keys)
        rows = distinct(every)
        before = self._told(rows)
        for place, step in enumerate(Step):
            of_step = steps == place
            keep_earliest(self._days(step), every[of_step], days[of_step])
        np.maximum.at(self.seen_on, every, days.astype(np.int32))
        self.touch(rows)
        return Difference(rows, self._told(rows) - before)

    def seen_at(self) -> Int64s:
        """Returns of each row the start of the day of its newest event, in microseconds as if that were a day of UTC."""
        return self.seen_on.astype(np.int64) * DAY

    def _days(self, step: Step) -> Days:
        days: Days = getattr(self, step)
        return days

    def _told(self, rows: Int64s) -> Int64s:
        """Returns what is told of each purchase: a column for each of ``NUMBERS``."""
        known = self.known[rows]
        sold, risky = known & SOLD != 0, known & RISKY != 0
        day = self.day[rows]
        drawn, quarantined, sent, bounced = (_any_within(self._days(step)[rows], day - ASK_DAYS, day + ASK_DAYS) for step in Step)
        asked = sent & ~bounced
        of_all = np.stack([sold, sold & ~risky & asked, sold & risky, sold & risky & ~asked], axis=1)
        left_out = sold & drawn & quarantined & ~asked
        return np.column_stack([of_all, of_all & drawn[:, None], left_out, left_out & risky]).astype(np.int64)


def keep_earliest(slots: Int64s | Days, rows: Int64s, times: Int64s) -> None:
    """Adds times to the slots of rows, each of which may be given several times; of too many the earliest stay."""
    while len(rows):
        first = first_places(rows)
        chosen, added = rows[first], times[first]
        held = slots[chosen]
        new = np.flatnonzero(~(held == added[:, None]).any(axis=1))
        slots[chosen[new]] = np.sort(np.concatenate([held[new], added[new, None]], axis=1), axis=1)[:, : slots.shape[1]]
        rows, times = np.delete(rows, first), np.delete(times, first)


def _any_within(days: Days, first: Days, last: Days) -> Bools:
    return np.asarray(((days >= first[:, None]) & (days <= last[:, None])).any(axis=1))


class Difference:
    """What changed of purchases: rows of the table, and the difference of each of ``NUMBERS``."""

    def __init__(self, rows: Int64s, numbers: Int64s) -> None:
        changed = numbers.any(axis=1)
        self.rows, self.numbers = rows[changed], numbers[changed]
