"""Open-addressing hash tables that look up and insert whole arrays at a time.

A Python dict costs about 100 bytes and 80 ns an entry; these cost 16 to 32 bytes and, in batches of thousands, about as little
time, without a Python object per key.
"""

import numpy as np
import numpy.typing as npt

from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s, scramble
from streams.core.ordering import are_distinct, first_places

Slots = npt.NDArray[np.intp]

_SMALLEST = 1024
_EMPTY = -1


class HashIndex:
    """A map from 64-bit keys to numbers from 0 up, row numbers for example; at most half full, so probes stay short.

    ``dtype`` is the integer type in which the numbers are kept.
    """

    def __init__(self, expected: int = 0, dtype: npt.DTypeLike = np.int32) -> None:
        self._dtype = dtype
        self._allocate(_SMALLEST)
        self._reserve(expected)

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the table occupies."""
        return self._keys.nbytes + self._rows.nbytes

    def find(self, keys: UInt64s) -> Int64s:
        """Returns the row of each key, -1 where it is unknown."""
        found = np.full(len(keys), _EMPTY, np.int64)
        if not self._count or not len(keys):
            return found
        slots = self._slots(keys)
        waiting: Slots | None = None
        while True:
            looked_up = keys if waiting is None else keys[waiting]
            rows = self._rows[slots]
            taken = rows != _EMPTY
            hit = taken & (self._keys[slots] == looked_up)
            if waiting is None:
                found[hit] = rows[hit]
            else:
                found[waiting[hit]] = rows[hit]
            more = np.flatnonzero(taken & ~hit)
            if not len(more):
                return found
            waiting = more if waiting is None else waiting[more]
            slots = (slots[more] + 1) & self._mask

    def insert(self, keys: UInt64s, rows: Int64s) -> None:
        """Adds keys that are not there yet, each given once."""
        self._reserve(self._count + len(keys))
        self._place(keys, rows)

    def replace(self, keys: UInt64s, rows: Int64s) -> None:
        """Gives keys that are there, each given once, another number."""
        slots = self._slots(keys)
        while len(keys):
            found = self._keys[slots] == keys
            found &= self._rows[slots] != _EMPTY
            self._rows[slots[found]] = rows[found]
            keys, rows, slots = keys[~found], rows[~found], (slots[~found] + 1) & self._mask

    def drop_below(self, row: int) -> None:
        """Forgets the keys whose number is below ``row``; costs as much as inserting the others."""
        kept = self._rows >= max(row, 0)
        keys, rows = self._keys[kept], self._rows[kept]
        self._allocate(_SMALLEST)
        self._reserve(len(keys))
        self._place(keys, rows)

    def is_full(self, more: int) -> bool:
        """Returns whether adding so many keys makes the table grow."""
        return (self._count + more) * 2 > self._mask + 1

    def _place(self, keys: UInt64s, rows: npt.NDArray[np.signedinteger]) -> None:
        self._count += len(keys)
        slots = self._slots(keys)
        while len(keys):
            free = np.flatnonzero(self._rows[slots] == _EMPTY)
            # Of several keys that want one slot the last write wins; the others see that and go on to the next slot.
            self._keys[slots[free]] = keys[free]
            won = free[self._keys[slots[free]] == keys[free]]
            self._rows[slots[won]] = rows[won]
            lost = np.ones(len(keys), np.bool_)
            lost[won] = False
            keys, rows, slots = keys[lost], rows[lost], (slots[lost] + 1) & self._mask

    def _slots(self, keys: UInt64s) -> Slots:
        return (keys & np.uint64(self._mask)).astype(np.intp)

    def _allocate(self, capacity: int) -> None:
        self._count = 0
        self._mask = capacity - 1
        self._keys: UInt64s = np.zeros(capacity, np.uint64)
        self._rows: npt.NDArray[np.signedinteger] = np.full(capacity, _EMPTY, self._dtype)

    def _reserve(self, count: int) -> None:
        if count * 2 <= self._mask + 1:
            return
        taken = self._rows != _EMPTY
        keys, rows = self._keys[taken], self._rows[taken]
        self._allocate(1 << (count * 2 - 1).bit_length())
        self._place(keys, rows)


def copies(keys: UInt64s, times: Int64s, held: Int64s, since: Int64s) -> Bools:
    """Returns which of the things are copies: of one that is held, or of one before in the arrays, whose time is at or after ``since``.

    All have one entry per thing: ``times`` its time, ``held`` the time of the one that is held, least where there is none. Of a thing that is no copy
    the later of its own time and the held one is held from there on.
    """
    copy: Bools = held >= since
    if are_distinct(keys):
        return copy
    newest: dict[int, int] = {}
    repeated = np.delete(keys, first_places(keys))
    for i in np.flatnonzero(np.isin(keys, repeated)).tolist():
        key = int(keys[i])
        known = newest.get(key, int(held[i]))
        copy[i] = known >= since[i]
        newest[key] = known if copy[i] else max(known, int(times[i]))
    return copy


def spread(values: Int64s) -> UInt64s:
    """Returns keys for a table from integers that are unique already."""
    return scramble(values.view(np.uint64))
