"""Intervals against published ones and an independent library, and how often a difference is claimed where there is none."""

from math import isclose
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from schemas.enums import Metric
from streams.reporting.numbers import Sums, difference, mean, net_promoter_score, percentage, representativeness, share


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_has_wilsons_interval(given_: tuple[int, int]) -> None:
    successes, n = given_
    found = share(successes, n)
    wanted = binomtest(successes, n).proportion_ci(method="wilson")
    assert found is not None
    assert isclose(found.low, wanted.low, abs_tol=1e-6)
    assert isclose(found.high, wanted.high, abs_tol=1e-6)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_difference_of_shares_is_that_of_newcombe() -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10."""
    for (a, n), (b, m), low, high in (((56, 70), (48, 80), 0.0524, 0.3339), ((10, 10), (0, 10), 0.6075, 1.0), ((9, 10), (3, 10), 0.1705, 0.8090)):
        one, other = share(a, n), share(b, m)
        assert one is not None
        assert other is not None
        found = difference(one, other)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize("n", [(3, 3), (5, 40), (20, 20), (200, 1000)])
@pytest.mark.parametrize("classes", [(0.5, 0.3, 0.2), (0.9, 0.05, 0.05), (0.34, 0.33, 0.33), (0.98, 0.01, 0.01)])
def test_a_change_is_seldom_told_where_nothing_changed(n: tuple[int, int], classes: tuple[float, float, float]) -> None:
    random = np.random.default_rng(1)
    before, after = (random.multinomial(size, classes, 3_000).tolist() for size in n)
    wrong = 0
    for (p, q, d), (promoters, passives, detractors) in zip(before, after, strict=True):
        one, other = net_promoter_score(p, d, p + q + d), net_promoter_score(promoters, detractors, promoters + passives + detractors)
        assert one is not None
        assert other is not None
        gap = difference(other, one)
        wrong += gap.low > 0 or gap.high < 0
    assert wrong / 3_000 <= 0.065


@given(st.sampled_from(Metric), st.lists(st.tuples(*[st.integers(0, 30)] * 6), max_size=5))
def test_sums_add_up_in_any_grouping_and_bounds_are_in_order(metric: Metric, parts: list[tuple[int, ...]]) -> None:
    made = [Sums(metric, p + q + d + fp + fq + fd, p + fp, d + fd, p + q + fp + fq, fp + fq + fd, fp, fd, fp + fq) for p, q, d, fp, fq, fd in parts]
    total = sum(made, Sums(metric))
    assert total == sum(reversed(made), Sums(metric))
    if total.n == 0:
        assert (total.raw, total.excluded, total.bound_low, total.bound_mid) == (None,) * 4
        return
    assert total.raw is not None
    assert total.bound_low is not None
    assert total.bound_mid is not None
    assert total.bound_low <= total.bound_mid <= total.raw.value
    assert (total.excluded is None) == (total.flagged == total.n)
    assert -100 <= total.raw.low <= total.raw.high <= 100


def test_a_score_of_other_metrics_is_the_share_of_the_two_best_steps() -> None:
    """8 of 10 answers are in the two best steps; of the 3 flagged ones 2 are."""
    for metric in set(Metric) - {Metric.NPS}:
        sums = Sums(metric, n=10, top_two_box=8, flagged=3, flagged_top_two_box=2)
        assert sums.raw == percentage(8, 10)
        assert sums.excluded == percentage(6, 7)
        assert (sums.bound_mid, sums.bound_low) == (60, 60)


def test_answers_of_two_metrics_have_no_score_together() -> None:
    with pytest.raises(ValueError, match="csat and rating"):
        Sums(Metric.CSAT, n=1) + Sums(Metric.RATING, n=1)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=200))
def test_a_mean_has_the_interval_of_its_standard_error(scores: list[int]) -> None:
    found = mean(Metric.CSAT, sum(scores), sum(score**2 for score in scores), len(scores))
    if len(set(scores)) == 1:
        assert found is None
        return
    assert found is not None
    low, high = t.interval(0.95, len(scores) - 1, fmean(scores), stdev(scores) / len(scores) ** 0.5)
    assert found.n == len(scores)
    assert [found.value, found.low, found.high] == pytest.approx([fmean(scores), max(1, low), min(5, high)])


def test_how_sure_the_mean_of_one_is_cannot_be_told() -> None:
    assert mean(Metric.CES, 5, 25, 1) is None


def test_strata_that_answer_alike_are_wholly_representative() -> None:
    assert representativeness([(100, 25), (40, 10)]) == 1
    assert representativeness([(100, 100), (100, 0)]) == 0
    assert representativeness([]) is None
