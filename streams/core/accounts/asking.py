"""Which customers were asked after a purchase: what shows that those with a bad experience are left out.

A customer was asked if an invitation that names the purchase was sent within ``ASK_DAYS``, and none that names it bounced. Order does not matter:
what was known of a purchase before and after an event is compared, and the difference is told.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s
from streams.core.signals import ASK_DAYS
from streams.core.state_table import Columns, StateTable

DAY = 86_400_000_000
"""Microseconds."""
SOLD, RISKY, SENT, BOUNCED = (np.uint8(1 << bit) for bit in range(4))
_NEVER = 2**62
NUMBERS = ("transactions", "asked", "risky", "risky_unasked")
"""What is told of a purchase; see ``Flow``."""


class PurchaseTable(StateTable):
    """Purchases of the last days and the invitations that name them, by transaction; either may come first."""

    NAME = "asked_purchases"
    COLUMNS: ClassVar[Columns] = {"known": np.uint8, "unit": np.int32, "day": np.int32, "sold_at": np.int64, "sent_at": np.int64, "seen_at": np.int64}
    known: npt.NDArray[np.uint8]
    unit: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    sold_at: Int64s
    sent_at: Int64s
    """Of the first invitation, counted back from a distant future so that a new row has none."""
    seen_at: Int64s
    """Time of the newest event."""

    def sold(self, keys: UInt64s, units: Int64s, days: Int64s, times: Int64s, risky: Bools) -> "Difference":
        """Takes in purchases, each given once."""
        rows, _ = self.find_or_append(keys)
        before = self._told(rows)
        self.known[rows] |= SOLD | np.where(risky, RISKY, np.uint8(0))
        self.unit[rows], self.day[rows], self.sold_at[rows] = units, days, times
        self._see(rows, times)
        return Difference(rows, self._told(rows) - before)

    def invited(self, keys: UInt64s, times: Int64s, bounced: Bools) -> "Difference":
        """Takes in invitations sent, and those of them that ``bounced``, by the purchase that they name; several may name one."""
        every, _ = self.find_or_append(keys)
        rows = np.unique(every)
        before = self._told(rows)
        np.bitwise_or.at(self.known, every, np.where(bounced, BOUNCED, SENT))
        np.maximum.at(self.sent_at, every[~bounced], _NEVER - times[~bounced])
        self._see(every, times)
        return Difference(rows, self._told(rows) - before)

    def _see(self, rows: Int64s, times: Int64s) -> None:
        np.maximum.at(self.seen_at, rows, times)
        self.touch(rows)

    def _told(self, rows: Int64s) -> Int64s:
        """Returns what is told of each purchase: a column for each of ``NUMBERS``."""
        known = self.known[rows]
        sold, risky = known & SOLD != 0, known & RISKY != 0
        in_time = _NEVER - self.sent_at[rows] <= self.sold_at[rows] + ASK_DAYS * DAY
        asked = (known & SENT != 0) & (known & BOUNCED == 0) & in_time
        return np.stack([sold, sold & ~risky & asked, sold & risky, sold & risky & ~asked], axis=1).astype(np.int64)


class Difference:
    """What changed of purchases: rows of the table, and the difference of each of ``NUMBERS``."""

    def __init__(self, rows: Int64s, numbers: Int64s) -> None:
        changed = numbers.any(axis=1)
        self.rows, self.numbers = rows[changed], numbers[changed]
