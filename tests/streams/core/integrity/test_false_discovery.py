"""Which units are named at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.integrity.false_discovery import e_benjamini_hochberg, e_value_of


def test_a_known_answer() -> None:
    e_values = np.array([10, 0.05, 500, 2, 120, 1, 60, 0.5, 0.3, 0.1])
    assert np.flatnonzero(e_benjamini_hochberg(e_values, 0.1)).tolist() == [2, 4, 6]


@given(st.lists(st.floats(0, 1e6), max_size=40), st.floats(0.01, 0.5))
def test_it_is_the_definition(e_values: list[float], level: float) -> None:
    count = len(e_values)
    fitting = [k for k in range(1, count + 1) if sorted(e_values, reverse=True)[k - 1] >= count / (level * k)]
    rejected = e_benjamini_hochberg(np.array(e_values), level)
    assert rejected.sum() >= max(fitting, default=0)
    if fitting:
        assert min(np.array(e_values)[rejected]) >= count / (level * max(fitting))
    else:
        assert not rejected.any()


def test_a_p_value_becomes_an_e_value() -> None:
    assert e_value_of(np.array([0.001]))[0] == pytest.approx(15.8113883)
    grid = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert e_value_of(grid).mean() == pytest.approx(1, abs=2e-3)
