"""Tables of state in memory: one NumPy array a column, rows found by 64-bit key, changes remembered until the next checkpoint."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.core.batch import Bools, Int64s
from streams.core.hash_index import HashIndex
from streams.core.hashing import UInt64s
from streams.core.ordering import are_distinct, last_places

Strings = npt.NDArray[np.object_]
Columns = Mapping[str, npt.DTypeLike]
_SMALLEST = 256
_UNSAVED = -1


class StateTable:
    """Rows that live as long as their key.

    A subclass names its columns in ``COLUMNS`` and annotates each; a column is an array indexed by row, longer than the table has rows.
    ``object`` columns hold strings; a dtype with a shape, such as ``(float, (3, 2))``, gives each row an array.
    Writers call ``touch`` for the rows that they changed. ``DENSE`` tables have keys 0, 1, 2 ...
    which are also the rows, after a restore too, so that others may refer to a row by its number.
    """

    NAME: ClassVar[str]
    COLUMNS: ClassVar[Columns]
    DERIVED: ClassVar[Columns] = {}
    """Columns that are not kept in checkpoints, since they follow from the others."""
    DENSE: ClassVar[bool] = False
    UNSET: ClassVar[Mapping[str, int]] = {}
    """What columns of numbers hold in rows that were just added, where it is not 0."""

    def __init__(self) -> None:
        self.count = 0
        self.keys: UInt64s = np.empty(_SMALLEST, np.uint64)
        self.home: Int64s = np.full(_SMALLEST, _UNSAVED, np.int64)
        """The checkpoint segment that holds the newest copy of a row."""
        self._dirty: Bools = np.zeros(_SMALLEST, np.bool_)
        for name, dtype in {**self.COLUMNS, **self.DERIVED}.items():
            setattr(self, name, self._unset(name, np.zeros(_SMALLEST, dtype)))
        self._index = HashIndex()

    @property
    def nbytes(self) -> int:
        """Bytes of memory of the arrays; strings themselves are not counted."""
        arrays = sum(self.column(name).nbytes for name in (*self.COLUMNS, *self.DERIVED))
        return arrays + self.keys.nbytes + self.home.nbytes + self._dirty.nbytes + self._index.nbytes

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """The array of a column, by name."""
        array: npt.NDArray[np.generic] = getattr(self, name)
        return array

    def find(self, keys: UInt64s) -> Int64s:
        """Returns the row of each key, -1 where it is unknown."""
        return self._index.find(keys)

    def append(self, keys: UInt64s) -> Int64s:
        """Adds rows for keys that are unknown, each given once; columns are as ``UNSET`` says, else zero, strings None. Returns their rows.

        They are changed by this.
        """
        rows = np.arange(self.count, self.count + len(keys), dtype=np.int64)
        self._grow(self.count + len(keys))
        self.keys[rows] = keys
        self._dirty[rows] = True
        self.count += len(keys)
        if not self.DENSE:
            self._index.insert(keys, rows)
        return rows

    def append_dense(self, count: int) -> Int64s:
        """Adds rows to a dense table; returns their numbers."""
        return self.append(np.arange(self.count, self.count + count, dtype=np.uint64))

    def find_or_append(self, keys: UInt64s) -> tuple[Int64s, Int64s]:
        """Returns the row of each key, which may repeat, and the rows that had to be added, in order of first appearance."""
        rows = self.find(keys)
        missing = np.flatnonzero(rows < 0)
        if not len(missing):
            return rows, missing
        if are_distinct(keys[missing]):
            rows[missing] = added = self.append(keys[missing])
            return rows, added
        unknown, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        added = self.append(unknown[order])
        of_unknown = np.empty_like(added)
        of_unknown[order] = added
        rows[missing] = of_unknown[inverse]
        return rows, added

    def touch(self, rows: Int64s) -> None:
        """Marks rows as changed since the last checkpoint."""
        self._dirty[rows] = True

    def changed(self) -> Int64s:
        """Returns the rows that changed since the last checkpoint, ascending."""
        return np.flatnonzero(self._dirty[: self.count])

    def saved(self, rows: Int64s, segment: int) -> None:
        """The newest copy of these rows is in this checkpoint segment now."""
        self.home[rows] = segment
        self._dirty[rows] = False

    def keep(self, kept: Bools) -> None:
        """Forgets the rows that are not kept; the others get new numbers, in the same order."""
        rows = np.flatnonzero(kept)
        if len(rows) == self.count:
            return
        self._before_keep(rows)
        self.count = len(rows)
        # What is cut now and then grows in between.
        room = max(_SMALLEST, self.count + self.count // 4)
        self._move(rows, room)
        self._index = HashIndex(room)
        self._index.insert(self.keys[: self.count], np.arange(self.count, dtype=np.int64))

    def to_arrow(self, rows: Int64s) -> pa.RecordBatch:
        """Returns these rows with their keys, for the checkpoint."""
        columns: dict[str, pa.Array] = {"key": pa.array(self.keys[rows])}
        for name in self.COLUMNS:
            values = self.column(name)[rows]
            columns[name] = _arrow(values)
        return pa.RecordBatch.from_pydict(columns)

    @classmethod
    def from_arrow(cls, segments: Iterable[tuple[int, pa.Table]]) -> Self:
        """Returns the table that these segments hold, given in ascending order: of one key the last copy counts."""
        table = cls()
        pieces = list(segments)
        if not pieces:
            return table
        whole = pa.concat_tables([piece for _, piece in pieces])
        home = np.repeat([segment for segment, _ in pieces], [piece.num_rows for _, piece in pieces]).astype(np.int64)
        keys: UInt64s = _numpy(whole["key"], np.dtype(np.uint64)).astype(np.uint64, copy=False)
        newest = last_places(keys)
        chosen = newest if cls.DENSE else np.sort(newest)  # np.unique has put dense keys in order already
        rows = table.append(keys[chosen])
        picked = whole.take(pa.array(chosen))
        for name, dtype in cls.COLUMNS.items():
            table.column(name)[rows] = _numpy(picked[name], np.dtype(dtype))
        table._load(picked)
        table.saved(rows, 0)
        table.home[rows] = home[chosen]
        return table

    def _load(self, picked: pa.Table) -> None:
        """For a subclass that keeps more than columns: the rows that were just restored."""

    def _before_keep(self, rows: Int64s) -> None:
        """For a subclass that keeps more than columns: only these rows will stay."""

    def _grow(self, count: int) -> None:
        capacity = len(self.keys)
        if count <= capacity:
            return
        self._move(slice(self.count), max(_SMALLEST, count, capacity + capacity // 2))

    def _move(self, rows: slice | Int64s, capacity: int) -> None:
        """Puts these rows into new columns with room for so many; there are ``count`` of them."""
        for name in ("keys", "home", "_dirty", *self.COLUMNS, *self.DERIVED):
            old = self.column(name)
            new = np.zeros((capacity, *old.shape[1:]), old.dtype)
            new[: self.count] = old[rows]
            self._unset(name, new[self.count :])
            setattr(self, name, new)
        self.home[self.count :] = _UNSAVED

    def _unset(self, name: str, rows: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Makes these new rows of a column, which are zero, what they are as long as nothing is set; returns them."""
        if rows.dtype == np.object_:
            rows.fill(None)
        elif name in self.UNSET:
            rows[:] = self.UNSET[name]
        return rows


def _arrow(values: npt.NDArray[np.generic]) -> pa.Array:
    if values.dtype == np.object_:
        return pa.array(values, pa.string())
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), int(np.prod(values.shape[1:])))


def _numpy(column: pa.ChunkedArray, dtype: np.dtype[np.generic]) -> npt.NDArray[np.generic]:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return _numpy(pa.chunked_array([column.combine_chunks().flatten()]), base).reshape(-1, *shape)
    if dtype == np.object_:
        strings = np.empty(len(column), np.object_)
        strings[:] = column.to_pylist()
        return strings
    array: npt.NDArray[np.generic] = column.to_numpy()
    return array.astype(dtype, copy=False)
