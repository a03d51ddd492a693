"""Columns that one stage tells another: read and written as blocks of bytes, without an object for each thing that they describe."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

import numpy as np

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s
from streams.core.state_table import Strings

Column = Int64s | UInt64s | Strings
Packed = list[int | bytes | list[str]]
"""As a MessagePack array."""
_KINDS: dict[object, type[np.generic]] = {Int64s: np.int64, UInt64s: np.uint64, Strings: np.object_}


class PackedColumns:
    """Things of one kind. A subclass annotates its columns, all of which have one entry per thing: numbers first, then strings."""

    _NUMBERS: ClassVar[dict[str, tuple[int, type[np.generic]]]]
    """Place and type of each column of numbers."""
    _STRINGS: ClassVar[dict[str, int]]

    def __init_subclass__(cls) -> None:
        kinds = {name: _KINDS[kind] for name, kind in cls.__annotations__.items()}
        cls._NUMBERS = {name: (place, kind) for place, (name, kind) in enumerate(kinds.items()) if kind is not np.object_}
        cls._STRINGS = {name: place for place, name in enumerate(kind for kind in kinds if kind not in cls._NUMBERS)}

    def __init__(self, *columns: Sequence[int] | Sequence[str] | Column) -> None:
        """Takes the columns in the order in which they are annotated; none: no things."""
        given = columns or ((),) * len(self.names())
        numbers = np.empty((len(self._NUMBERS), len(given[0])), np.int64)
        for row, column, (_, kind) in zip(numbers, given[: len(numbers)], self._NUMBERS.values(), strict=True):
            row.view(kind)[:] = column
        self.block: Int64s = numbers
        """All numbers, first axis the columns; hashes as signed numbers."""
        self.strings: list[Strings] = [np.asarray(column, np.object_) for column in given[len(numbers) :]]

    def __getattr__(self, name: str) -> Column:
        # Most are only passed on, so a column is made when it is asked for.
        if name in self._NUMBERS:
            place, kind = self._NUMBERS[name]
            column: Column = self.block[place].view(kind)
            return column
        if name in self._STRINGS:
            return self.strings[self._STRINGS[name]]
        raise AttributeError(name)

    @classmethod
    def of(cls, block: Int64s, strings: Sequence[Strings]) -> Self:
        """Returns the things that a block of numbers and columns of strings describe."""
        made = cls.__new__(cls)
        made.block, made.strings = block, list(strings)
        return made

    def __len__(self) -> int:
        return int(self.block.shape[1])

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the columns."""
        return (*cls._NUMBERS, *cls._STRINGS)

    def column(self, name: str) -> Column:
        """A column by name."""
        column: Column = getattr(self, name)
        return column

    def numbers(self, name: str) -> Int64s:
        """A column of numbers by name; hashes as signed numbers."""
        return np.asarray(self.block[self._NUMBERS[name][0]])

    def take(self, chosen: Int64s | slice) -> Self:
        """Returns these things, in this order."""
        return self.of(self.block[:, chosen], [column[chosen] for column in self.strings])

    @classmethod
    def concatenated(cls, parts: Iterable[Self]) -> Self:
        """Returns the things of all parts."""
        every = [cls(), *parts]
        strings = [np.concatenate(columns) for columns in zip(*(part.strings for part in every), strict=True)]
        return cls.of(np.concatenate([part.block for part in every], axis=1), strings)

    def pack(self) -> Packed:
        """Returns how many columns of numbers there are; these, one after another, as little-endian bytes; and then each column of strings."""
        return [len(self.block), self.block.astype("<i8", copy=False).tobytes(), *(column.tolist() for column in self.strings)]

    @classmethod
    def unpack(cls, packed: Packed) -> Self:
        """Returns what ``pack`` was given; its numbers can only be read. Raises ``ValueError`` where another release packed other columns."""
        columns, numbers, *strings = packed
        if columns != len(cls._NUMBERS):
            raise ValueError(f"{cls.__name__} has {len(cls._NUMBERS)} columns of numbers, and {columns!r} in what another release wrote")
        read = np.frombuffer(numbers, "<i8").reshape(len(cls._NUMBERS), -1)  # type: ignore[arg-type]  # these are the numbers
        return cls.of(read.astype(np.int64, copy=False), [np.array(column, np.object_) for column in strings])
