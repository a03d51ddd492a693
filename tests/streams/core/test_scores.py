"""A net promoter score with its interval."""

from math import sqrt
from statistics import pvariance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.scores import score


@settings(deadline=None)
@given(st.integers(1, 10_000), st.data())
def test_the_interval_lies_around_a_score_that_chance_moves(n: int, data: st.DataObject) -> None:
    """It narrows with n, is the same the other way round, and stays on the scale."""
    promoters = data.draw(st.integers(0, n))
    detractors = data.draw(st.integers(0, n - promoters))
    found, turned, more = score(n, promoters, detractors), score(n, detractors, promoters), score(100 * n, 100 * promoters, 100 * detractors)

    assert found is not None
    assert turned is not None
    assert more is not None
    assert -100 <= found.low < found.high <= 100
    assert (turned.nps, turned.low, turned.high) == pytest.approx((-found.nps, -found.high, -found.low))
    assert more.high - more.low < found.high - found.low
    if n > 1_000:
        spread = pvariance([100.0] * promoters + [-100.0] * detractors + [0.0] * (n - promoters - detractors))
        assert found.high - found.low == pytest.approx(2 * 1.96 * sqrt(spread / n), abs=1.0)


def test_there_is_no_score_of_nothing() -> None:
    assert score(0, 0, 0) is None
