"""Columns come out of a record as they went in."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s
from streams.core.packed_columns import PackedColumns
from streams.core.state_table import Strings


class Things(PackedColumns):
    size: Int64s
    mark: UInt64s
    name: Strings


ROWS = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1), st.text(max_size=3)), max_size=8)
Row = tuple[int, int, str]


def _things(rows: list[Row]) -> Things:
    return Things(*zip(*rows, strict=True)) if rows else Things()


def _rows(things: Things) -> list[Row]:
    return list(zip(things.size.tolist(), things.mark.tolist(), things.name.tolist(), strict=True))


@given(ROWS)
def test_what_is_packed_is_unpacked(rows: list[Row]) -> None:
    things = Things.unpack(_things(rows).pack())
    assert len(things) == len(rows)
    assert _rows(things) == rows


@given(ROWS, ROWS, st.integers(0, 8), st.integers(0, 8))
def test_parts_are_taken_and_joined(first: list[Row], second: list[Row], begin: int, end: int) -> None:
    joined = Things.concatenated([_things(first), _things(second)])
    assert _rows(joined) == first + second
    assert _rows(joined.take(slice(begin, end))) == (first + second)[begin:end]
