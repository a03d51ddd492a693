"""Numbers that add up, given batch by batch and added up when they are asked for: few numpy calls a flush instead of a few a record."""

from collections.abc import Sequence

import numpy as np

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s
from streams.core.ordering import runs


class Sums:
    """Sums of several numbers under keys of several parts; all keys have as many parts, and as many numbers."""

    def __init__(self, parts: int, numbers: int) -> None:
        self._parts, self._numbers = parts, numbers
        self._given: list[tuple[Int64s, Int64s]] = []

    def add(self, key: Sequence[Int64s] | Int64s, numbers: Sequence[Int64s] | Int64s) -> None:
        """Adds columns of numbers to the keys that the columns of parts make."""
        self._given.append((np.array(key, np.int64), np.array(numbers, np.int64)))

    def take(self) -> tuple[Int64s, Int64s]:
        """Returns the keys under which not all numbers are zero, ascending by their first part, then the next, and their sums, once.

        First axis the parts, or the numbers.
        """
        given, self._given = self._given, []
        keys = np.concatenate([np.empty((self._parts, 0), np.int64), *(key for key, _ in given)], axis=1)
        numbers = np.concatenate([np.empty((self._numbers, 0), np.int64), *(added for _, added in given)], axis=1)
        order, starts = runs(keys)
        sums = np.add.reduceat(numbers[:, order], starts, axis=1) if len(starts) else numbers
        kept = sums.any(axis=0)
        return keys[:, order[starts]][:, kept], sums[:, kept]


def signed(hashes: UInt64s) -> Int64s:
    """Returns hashes as parts of a key."""
    return hashes.view(np.int64)
