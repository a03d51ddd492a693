"""Columns to JSON text: one object a row, built a field at a time over all rows."""

import json
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from streams.core.batch import Bools, Int64s

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def names(pattern: str, numbers: Int64s) -> list[str]:
    """Ids such as ``a-000017``; ``pattern`` is a %-format with one integer."""
    return [pattern % number for number in numbers.tolist()]


def hashes(salt: int, numbers: npt.NDArray[np.integer]) -> list[str]:
    """16 hexadecimal digits for each number, as a producer's keyed hash would look."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) + np.uint64(salt) * _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        mixed ^= mixed >> np.uint64(31)
    return [f"{value:016x}" for value in mixed.tolist()]


def times(microseconds: Int64s, unit: Literal["s", "ms"] = "ms") -> list[str]:
    """RFC 3339 in UTC."""
    return [text + "Z" for text in np.datetime_as_string(microseconds.astype("datetime64[us]"), unit=unit).tolist()]


def times_at_offset(microseconds: Int64s, hours: int) -> list[str]:
    """RFC 3339 with a fixed offset, in whole seconds, as tills and shops write it."""
    local = (microseconds + hours * 3_600_000_000).astype("datetime64[us]")
    return [text + f"{hours:+03d}:00" for text in np.datetime_as_string(local, unit="s").tolist()]


def money(cents: Int64s) -> list[str]:
    """Decimal text with two digits; ``cents`` must not be negative."""
    return [f"{amount // 100}.{amount % 100:02d}" for amount in cents.tolist()]


def quoted(texts: Sequence[str]) -> list[str]:
    """JSON strings; equal texts are encoded once."""
    known = {text: json.dumps(text, ensure_ascii=False) for text in set(texts)}
    return [known[text] for text in texts]


class Objects:
    """JSON objects in the making, ``n`` of them. Every method adds one field, to all rows or only ``where`` it applies."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._columns: list[list[str]] = []

    def raw(self, name: str, values: Sequence[str], where: Bools | None = None) -> "Objects":
        """Values that are JSON already: numbers, lists, objects, encoded strings."""
        start = f'{"," if self._columns else ""}"{name}":'
        if where is None:
            self._columns.append([start + value for value in values])
        else:
            self._columns.append([start + value if there else "" for value, there in zip(values, where.tolist(), strict=True)])
        return self

    def text(self, name: str, values: Sequence[str], where: Bools | None = None) -> "Objects":
        """Values of letters, digits and plain punctuation that need no escaping."""
        start = f'{"," if self._columns else ""}"{name}":"'
        if where is None:
            self._columns.append([f'{start}{value}"' for value in values])
        else:
            self._columns.append([f'{start}{value}"' if there else "" for value, there in zip(values, where.tolist(), strict=True)])
        return self

    def code(self, name: str, members: Sequence[str], codes: npt.NDArray[np.integer], where: Bools | None = None) -> "Objects":
        """A closed set: ``codes`` are indices of ``members``."""
        start = f'{"," if self._columns else ""}"{name}":"'
        fields = [f'{start}{member}"' for member in members]
        if where is None:
            self._columns.append([fields[code] for code in codes.tolist()])
        else:
            self._columns.append([fields[code] if there else "" for code, there in zip(codes.tolist(), where.tolist(), strict=True)])
        return self

    def integers(self, name: str, values: npt.NDArray[np.integer], where: Bools | None = None) -> "Objects":
        """Whole numbers."""
        return self.raw(name, [str(value) for value in values.tolist()], where)

    def flags(self, name: str, values: Bools, where: Bools | None = None) -> "Objects":
        """Booleans."""
        return self.raw(name, ["true" if value else "false" for value in values.tolist()], where)

    def render(self) -> list[str]:
        """The objects, in row order."""
        return ["{" + "".join(row) + "}" for row in zip(*self._columns, strict=True)]
