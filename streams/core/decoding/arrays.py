"""Arrow arrays made straight from buffers or from lists of plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.core.batch import Bools, Int64s

_MONEY = pa.decimal128(18, 4)
_INSTANT = pa.timestamp("us", tz="UTC")


def names(codes: npt.NDArray[np.int8], members: Sequence[str]) -> pa.Array:
    """A column of names given by their index in ``members``; -1 is null."""
    column = pa.array(list(members), pa.string())
    return column.take(pa.array(codes, pa.int8(), mask=codes < 0) if (codes < 0).any() else pa.array(codes))


def _validity(given: Bools | None) -> pa.Buffer | None:
    if given is None or given.all():
        return None
    return pa.py_buffer(np.packbits(given, bitorder="little").tobytes())


def money(ten_thousandths: Int64s, given: Bools | None = None) -> pa.Array:
    """A column of money; null where not ``given``."""
    return decimals(ten_thousandths, _MONEY, given)


def decimals(values: Int64s, kind: pa.DataType, given: Bools | None = None) -> pa.Array:
    """Integers as decimals of the kind's scale, 12345 with scale 4 is 1.2345; null where not ``given``."""
    if given is not None and not given.any():
        return pa.nulls(len(values), kind)
    words = np.empty((len(values), 2), np.int64)
    words[:, 0] = values
    words[:, 1] = values >> 63
    return pa.Array.from_buffers(kind, len(values), [_validity(given), pa.py_buffer(words)])


def instants(microseconds: Int64s, given: Bools | None = None) -> pa.Array:
    """A column of instants; null where not ``given``."""
    if given is not None and not given.any():
        return pa.nulls(len(microseconds), _INSTANT)
    return pa.Array.from_buffers(_INSTANT, len(microseconds), [_validity(given), pa.py_buffer(np.ascontiguousarray(microseconds))])


def days(local_days: npt.NDArray[np.int32]) -> pa.Array:
    """A column of dates."""
    return pa.Array.from_buffers(pa.date32(), len(local_days), [None, pa.py_buffer(np.ascontiguousarray(local_days))])


def lists(values: Sequence[Sequence[Any] | None], item: pa.DataType) -> pa.Array:
    """A column of lists; an absent one is empty."""
    if not any(values):
        return pa.ListArray.from_arrays(np.zeros(len(values) + 1, np.int32), pa.nulls(0, item))
    return pa.array([value or () for value in values], pa.list_(item))


def maps(values: Sequence[dict[str, float] | None]) -> pa.Array:
    """A column of maps from names to numbers; an absent one is empty."""
    present = [value for value in values if value]
    keys = pa.array([key for value in present for key in value], pa.string())
    items = pa.array([item for value in present for item in value.values()], pa.float64())
    return pa.MapArray.from_arrays(ends([len(value) if value else 0 for value in values]), keys, items)


def ends(lengths: Sequence[int]) -> pa.Array:
    """Offsets of lists with these lengths."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(np.array(lengths, np.int32), out=offsets[1:])
    return pa.array(offsets)
