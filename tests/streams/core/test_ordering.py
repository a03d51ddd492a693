"""Each order against NumPy's own, on arrays with few and with many repetitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from streams.core.batch import Int64s
from streams.core.ordering import are_distinct, distinct, first_places, last_places, order_by, packed, runs

_ANY = st.integers(-(2**63), 2**63 - 1)
_VALUES = hnp.arrays(np.int64, st.integers(0, 40), elements=_ANY | st.integers(-3, 3))


def _keys(parts: int) -> st.SearchStrategy[Int64s]:
    return st.integers(0, 40).flatmap(lambda count: hnp.arrays(np.int64, (parts, count), elements=_ANY | st.integers(-3, 3)))


@given(_VALUES)
def test_each_value_once_and_where_it_stands_first_and_last(values: Int64s) -> None:
    expected, first = np.unique(values, return_index=True)
    last = len(values) - 1 - np.unique(values[::-1], return_index=True)[1]
    for given_as in (values, values.view(np.uint64)):
        assert are_distinct(given_as) == (len(expected) == len(values))
    np.testing.assert_array_equal(distinct(values), expected)
    np.testing.assert_array_equal(first_places(values), first)
    np.testing.assert_array_equal(last_places(values), last)


@given(_keys(3))
def test_order_goes_by_the_first_value_then_by_the_next(keys: Int64s) -> None:
    order = order_by(*keys)
    assert sorted(order.tolist()) == list(range(keys.shape[1]))
    np.testing.assert_array_equal(keys[:, order], keys[:, np.lexsort(keys[::-1])])


@given(_keys(3))
def test_packed_keys_ascend_as_the_keys_do(keys: Int64s) -> None:
    numbers = packed(keys)
    ordered = sorted(zip(map(tuple, keys.T.tolist()), numbers.tolist(), strict=True))
    for (key, number), (next_key, next_number) in itertools.pairwise(ordered):
        assert (number < next_number) == (key < next_key)
        assert (number == next_number) == (key == next_key)


@pytest.mark.parametrize("parts", [1, 2, 4])
@given(data=st.data())
def test_runs_begin_where_the_key_changes(parts: int, data: st.DataObject) -> None:
    keys = data.draw(_keys(parts))
    order, starts = runs(keys)
    expected = np.unique(keys, axis=1)
    np.testing.assert_array_equal(keys[:, order[starts]], expected)
    np.testing.assert_array_equal(keys[:, order], keys[:, np.lexsort(keys[::-1])])
