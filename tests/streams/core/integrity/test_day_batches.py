"""Likelihood ratios of days, against exact sums over every outcome of a day."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.integrity.day_batches import MOST_ANSWERS, DayBatchRatios
from tests.streams.core.integrity.beta_binomial import chances

RISES = (0.05, 0.1, 0.2, 0.4)
RATIOS = DayBatchRatios(0.1, RISES)
CORRELATIONS = st.floats(1e-6, 0.1)


def _ratios(ratios: DayBatchRatios, answers: int, rate: float) -> np.ndarray:
    """For 0 to ``answers`` hits, by rise."""
    return np.exp(ratios.log_ratios(np.arange(answers + 1), np.full(answers + 1, answers), np.full(answers + 1, rate)))


def test_a_published_ratio() -> None:
    """9 of 10 where 45 % were expected, against 70 %, at correlation 0.05; 10.7889 before it is divided by what it can be expected to be at most."""
    ratios = DayBatchRatios(0.05, [0.25])
    at = int(np.searchsorted(ratios.rates, 0.45))
    exact = chances(10, float(ratios.raised[at, 0]), 0.05)[9] / chances(10, float(ratios.rates[at]), 0.05)[9]
    assert chances(10, 0.7, 0.05)[9] / chances(10, 0.45, 0.05)[9] == pytest.approx(10.788897972035162)
    assert _ratios(ratios, 10, 0.45)[9, 0] == pytest.approx(exact)
    assert exact == pytest.approx(10.788897972035162, rel=0.05)


@given(answers=st.integers(1, 200), baseline=st.floats(0.001, 0.98), share=st.floats(0.05, 1), correlation=CORRELATIONS)
def test_the_expectation_is_at_most_one_whatever_is_true(answers: int, baseline: float, share: float, correlation: float) -> None:
    """For every true rate up to the baseline and every correlation up to the one that was promised."""
    expectation = chances(answers, baseline * share, correlation) @ _ratios(RATIOS, answers, baseline)
    assert expectation.max() <= 1 + 1e-6


@given(answers=st.integers(1, MOST_ANSWERS), baseline=st.floats(0.01, 0.9))
def test_more_hits_are_more_evidence(answers: int, baseline: float) -> None:
    assert (np.diff(_ratios(RATIOS, answers, baseline), axis=0) > 0).all()


@given(hits=st.integers(0, 300), more=st.integers(0, 300), baseline=st.floats(0.01, 0.9))
def test_a_day_with_many_answers_never_counts_for_more_than_its_share(hits: int, more: int, baseline: float) -> None:
    answers = max(hits + more, 1)
    few = min(answers, MOST_ANSWERS)
    at_most = _ratios(RATIOS, few, baseline)[hits * few // answers]
    assert (_ratios(RATIOS, answers, baseline)[hits] <= at_most + 1e-12).all()


def test_a_day_without_answers_says_nothing() -> None:
    assert RATIOS.log_ratios(np.array([0]), np.array([0]), np.array([0.3])).tolist() == [[0.0] * len(RISES)]


def test_the_binomial_ratio_would_have_been_dishonest() -> None:
    """Why days are judged by the beta-binomial distribution: what a ratio for independent answers expects of clustered ones."""
    answers, rate, raised = 10, 0.45, 0.7
    hits = np.arange(answers + 1)
    binomial = (raised / rate) ** hits * ((1 - raised) / (1 - rate)) ** (answers - hits)
    assert chances(answers, rate, 0.1) @ binomial > 2
