"""Likelihood ratios of counts, against exact sums."""

from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.integrity.counts import log_ratios

LIFTS = (1.5, 2.0, 4.0)


def _negative_binomial(n: int, mean: float, size: float) -> float:
    return exp(lgamma(n + size) - lgamma(size) - lgamma(n + 1) + size * log(size / (size + mean)) + n * log(mean / (size + mean)))


def _poisson(n: int, mean: float) -> float:
    return exp(n * log(mean) - mean - lgamma(n + 1))


@given(n=st.integers(0, 60), mean=st.floats(0.05, 30), size=st.floats(0.5, 50), lift=st.floats(1.1, 8))
def test_the_ratio_is_that_of_two_negative_binomials(n: int, mean: float, size: float, lift: float) -> None:
    found = log_ratios(np.array([n]), np.array([mean]), size, [lift])[0, 0]
    assert found == pytest.approx(log(_negative_binomial(n, lift * mean, size) / _negative_binomial(n, mean, size)), abs=1e-6)


@given(baseline=st.floats(0.05, 10), share=st.floats(0.1, 1), size=st.floats(2, 50))
def test_the_expectation_is_at_most_one_for_counts_that_vary_as_much_or_less(baseline: float, share: float, size: float) -> None:
    counts = np.arange(400)
    ratios = np.exp(log_ratios(counts, np.full(len(counts), baseline), size, LIFTS))
    for chance in (
        [_poisson(n, baseline * share) for n in counts.tolist()],
        [_negative_binomial(n, baseline * share, size) for n in counts.tolist()],
        [_negative_binomial(n, baseline * share, size * 3) for n in counts.tolist()],
    ):
        assert (np.array(chance) @ ratios).max() <= 1 + 1e-6
