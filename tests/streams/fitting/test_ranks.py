"""Ranks and what is made of them, against counting pairs and against ranking anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from streams.fitting.ranks import area_under_curve, correlation, ranked, without_each

values = st.lists(st.sampled_from([-2.5, 0.0, 1.0, 1.5, 7.0, 1e9]), min_size=2, max_size=40)


@settings(deadline=None)
@given(values)
def test_equal_values_share_the_mean_rank(drawn: list[float]) -> None:
    assert ranked(np.array(drawn)).ranks == pytest.approx(rankdata(drawn))


def test_values_that_differ_by_rounding_are_equal() -> None:
    assert ranked(np.array([0.1 + 0.2, 0.3, 0.2, -0.3, -(0.1 + 0.2), 0.30000001])).ranks.tolist() == [4.5, 4.5, 3, 1.5, 1.5, 6]
    assert ranked(np.array([0.0, np.mean([0.1, 0.2, -0.3]), 0.5])).ranks.tolist() == [1.5, 1.5, 3]
    assert ranked(np.array([])).ranks.tolist() == []


@settings(deadline=None)
@given(values, st.data())
def test_ranks_without_a_group_are_those_of_what_is_left(drawn: list[float], data: st.DataObject) -> None:
    given_values = np.array(drawn)
    groups = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(drawn), max_size=len(drawn))))

    for kept in without_each(groups):
        assert ranked(given_values).among(kept) == pytest.approx(rankdata(given_values[kept]))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 10)), min_size=3, max_size=60))
def test_the_correlation_of_ranks_is_spearmans(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, dtype=np.float64).T
    found = correlation(ranked(first).ranks, ranked(second).ranks)

    if len(set(first)) == 1 or len(set(second)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_the_area_is_the_share_of_pairs_that_are_in_order(drawn: list[tuple[int, bool]]) -> None:
    score, bought = np.array([value for value, _ in drawn], dtype=np.float64), np.array([again for _, again in drawn])
    found = area_under_curve(ranked(score).ranks, bought)

    pairs = [(a > b) + (a == b) / 2 for a in score[bought] for b in score[~bought]]
    assert found == pytest.approx(np.mean(pairs)) if pairs else np.isnan(found)
