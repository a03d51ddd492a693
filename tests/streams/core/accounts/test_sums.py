"""Sums by key, against a dictionary."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.accounts.sums import Sums

CELL = st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(-3, 3), st.integers(-3, 3))


@given(st.lists(st.lists(CELL, min_size=1, max_size=6), max_size=4))
def test_they_are_those_of_a_dictionary(batches: list[list[tuple[int, int, int, int]]]) -> None:
    sums, firsts, seconds = Sums(2, 2), Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for batch in batches:
        columns = [np.array(column) for column in zip(*batch, strict=True)]
        sums.add(columns[:2], columns[2:])
        for day, unit, first, second in batch:
            firsts[day, unit] += first
            seconds[day, unit] += second
    keys, numbers = sums.take()
    found = {(day, unit): (first, second) for day, unit, first, second in zip(*keys.tolist(), *numbers.tolist(), strict=True)}
    assert found == {key: (firsts[key], seconds[key]) for key in sorted(firsts) if firsts[key] or seconds[key]}
    assert list(found) == sorted(found)
    assert not len(sums.take()[0].T), "they are taken once"
