"""The engine of all detectors: known paths, and its promise on simulated days."""

import numpy as np
import pytest

from streams.core.integrity.day_batches import DayBatchRatios
from streams.core.integrity.e_detector import advance, alarms, log_mean_of_processes, log_mixture

NOTHING = np.array([-np.inf])


def _path(ratios: list[float]) -> list[float]:
    evidence, path = NOTHING, []
    for ratio in ratios:
        evidence = advance(evidence, np.log([ratio]))
        path.append(float(np.exp(log_mixture(evidence))))
    return path


def test_a_known_path_of_hits_and_misses() -> None:
    """Half expected, three quarters looked for: a hit weighs 1.5, a miss 0.5."""
    assert _path([1.5 if hit else 0.5 for hit in (1, 1, 0, 1, 1, 1)]) == pytest.approx([1.5, 3.75, 2.375, 5.0625, 9.09375, 15.140625])


def test_a_known_path_of_bounded_values() -> None:
    """The ratio 1 + lambda * (x / mean - 1), with mean and lambda one half."""
    assert _path([1 + 0.5 * (x / 0.5 - 1) for x in (0.9, 1.0, 0.2, 0.8)]) == pytest.approx([1.4, 3.6, 3.22, 5.486])


def test_a_known_path_of_normal_values() -> None:
    """Standard normal, mean 0 or below expected, against mean 1: the e-SR with one component, in logarithms."""
    evidence, path = NOTHING, []
    for x in (1.0, 3.0, 2.0):
        evidence = advance(evidence, np.array([x - 0.5]))
        path.append(float(log_mixture(evidence)))
    assert path == pytest.approx([0.5, 0.5 + 2.5 + np.log1p(np.exp(-0.5)), path[1] + 1.5 + np.log1p(np.exp(-path[1]))])


def test_evidence_stays_a_number() -> None:
    evidence = NOTHING
    for _ in range(10):
        evidence = advance(evidence, np.array([500.0]))
    assert np.isfinite(evidence).all()


def test_the_mean_of_detectors_is_a_mean_of_values() -> None:
    values = np.array([[1.0, 3.0, 8.0], [0.0, 0.0, 6.0]])
    with np.errstate(divide="ignore"):
        assert np.exp(log_mean_of_processes(np.log(values))) == pytest.approx([4.0, 2.0])


def test_the_budget_is_split_between_the_mean_and_the_single_detectors() -> None:
    budget, detectors, pairs = 100.0, 4, 1
    values = np.full((4, detectors + pairs), 1.0)
    values[1] = 2 * budget
    values[2, 0] = 2 * budget * (detectors + pairs)
    values[3, detectors] = 2 * budget * (detectors + pairs)
    single, together = alarms(np.log(values), detectors, budget)
    assert single.shape == (4, detectors)
    assert single.any(axis=1).tolist() == [False, False, True, False]
    assert together.tolist() == [False, True, True, True]


def test_a_detector_that_is_alone_has_the_whole_budget() -> None:
    single, together = alarms(np.log([[99.0], [100.0]]), 1, 100.0)
    assert single[:, 0].tolist() == together.tolist() == [False, True]


@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.1])
def test_a_clean_unit_runs_at_least_as_long_as_was_promised(correlation: float) -> None:
    """400 units, 8 answers a day, until each has sounded or 4,000 days have passed; the promise is 200 days in expectation."""
    promised, units, days, answers, rate = 200.0, 400, 4_000, 8, 0.3
    generator = np.random.default_rng(20)
    ratios = DayBatchRatios(0.1, [0.05, 0.1, 0.2, 0.4])
    evidence = np.full((units, 4), -np.inf)
    ran = np.full(units, days)
    for day in range(days):
        size = 1 / correlation - 1 if correlation else 0.0
        rates = generator.beta(rate * size, (1 - rate) * size, units) if correlation else np.full(units, rate)
        hits = generator.binomial(answers, rates)
        evidence = advance(evidence, ratios.log_ratios(hits, np.full(units, answers), np.full(units, rate)))
        sounds = (log_mixture(evidence) >= np.log(promised)) & (ran == days)
        ran[sounds] = day + 1
    assert ran.mean() - 3 * ran.std() / np.sqrt(units) >= promised
    assert (ran < days).mean() > 0.5, "the test must see alarms to mean anything"
