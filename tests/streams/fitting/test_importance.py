"""Importance of drivers: the published answers, all orders tried one by one, and sums that add up."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.batch import Floats
from streams.fitting.drivers import Aim, analyse
from streams.fitting.importance import Sums, johnson, lmg, r_squared
from streams.fitting.jackknife import interval

SWISS_LMG = [0.05709122, 0.17117303, 0.26013468, 0.10557015, 0.11276592]
SWISS_JOHNSON = [0.0484169, 0.15470825, 0.2719641, 0.11468003, 0.11696572]


def sums(values: Floats) -> Sums:
    return Sums(len(values), values.sum(axis=0), values.T @ values)


def explained(values: Floats, chosen: tuple[int, ...]) -> float:
    """R squared of a regression of the last column on the chosen ones, by least squares on the responses themselves."""
    score = values[:, -1]
    design = np.column_stack([np.ones(len(values)), *(values[:, number] for number in chosen)])
    left = score - design @ np.linalg.lstsq(design, score, rcond=None)[0]
    return float(1 - left @ left / np.sum((score - score.mean()) ** 2))


def over_all_orders(values: Floats) -> list[float]:
    drivers = values.shape[1] - 1
    orders = list(permutations(range(drivers)))
    gained = [0.0] * drivers
    for order in orders:
        for place, driver in enumerate(order):
            gained[driver] += explained(values, order[: place + 1]) - explained(values, order[:place])
    return [gain / len(orders) for gain in gained]


def test_swiss_gives_the_published_shares(swiss: Floats) -> None:
    """The example of R's relaimpo."""
    correlations = sums(swiss).correlations()
    assert correlations is not None

    assert lmg(correlations) == pytest.approx(SWISS_LMG, abs=1e-8)
    assert johnson(correlations) == pytest.approx(SWISS_JOHNSON, abs=1e-7)
    assert r_squared(correlations) == pytest.approx(0.7067350015927254, abs=1e-12)
    assert lmg(correlations).sum() == pytest.approx(0.7067350015927254, abs=1e-12)


def test_lmg_is_the_mean_over_all_orders(mtcars: Floats, swiss: Floats) -> None:
    for values in (mtcars, swiss):
        correlations = sums(values).correlations()
        assert correlations is not None
        assert lmg(correlations) == pytest.approx(over_all_orders(values), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.booleans())
def test_lmg_of_any_responses_is_the_mean_over_all_orders(seed: int, drivers: int, twice: bool) -> None:
    """Answers from 1 to 5, in some cases with a question that says the same as another."""
    random = np.random.default_rng(seed)
    values = random.integers(1, 6, (60, drivers + 1)).astype(np.float64)
    values[:, -1] = values[:, 0] + random.integers(0, 4, 60)
    if twice and drivers < 5:
        values = np.column_stack((values[:, 0], values))
    correlations = sums(values).correlations()
    assert correlations is not None

    assert lmg(correlations) == pytest.approx(over_all_orders(values), abs=1e-8)
    assert johnson(correlations).sum() == pytest.approx(lmg(correlations).sum(), abs=1e-8)


def test_a_driver_that_does_not_vary_explains_nothing() -> None:
    random = np.random.default_rng(5)
    values = np.column_stack((np.full(80, 4.35), random.integers(1, 6, (80, 2)))).astype(np.float64)
    correlations = sums(values).correlations()
    assert correlations is not None

    assert lmg(correlations)[0] == pytest.approx(0, abs=1e-15)
    assert johnson(correlations)[0] == pytest.approx(0, abs=1e-15)
    assert lmg(correlations)[1] == pytest.approx(explained(values, (1,)), abs=1e-12)


def test_a_score_that_does_not_vary_cannot_be_explained() -> None:
    assert sums(np.column_stack((np.arange(50.0), np.full(50, 8.7)))).correlations() is None


def test_the_interval_of_a_mean_is_that_of_student() -> None:
    """Of equal groups the jackknife's error of a mean is the deviation of the group means over the root of their number."""
    groups = np.random.default_rng(1).normal(3, 2, (16, 25))
    without = np.array([np.delete(groups, number, axis=0).mean() for number in range(16)])

    found = interval(float(groups.mean()), without)

    error = groups.mean(axis=1).std(ddof=1) / 4
    assert found == pytest.approx((groups.mean() - 2.131449546 * error, groups.mean() + 2.131449546 * error), rel=1e-8)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Shares of 300 surveys of 400 accounts each: 95 % of the intervals hold the share in the whole population, within the error of 300 trials."""
    random = np.random.default_rng(11)
    big = _answers(random, 400_000)
    correlations = sums(big).correlations()
    assert correlations is not None
    truth = lmg(correlations)
    aims = {name: Aim(10.0, 1.0) for name in "ab"}
    held = 0
    for _ in range(300):
        groups = [sums(part) for part in np.array_split(_answers(random, 400), 64)]
        row = analyse(["a", "b"], groups, aims)[0]
        assert row.lmg is not None
        assert row.lmg.low is not None
        assert row.lmg.high is not None
        held += row.lmg.low <= truth[0] <= row.lmg.high

    assert 0.91 <= held / 300 <= 0.985


def _answers(random: np.random.Generator, n: int) -> Floats:
    mood = random.normal(size=n)
    drivers = mood[:, None] + random.normal(size=(n, 2))
    return np.column_stack((drivers, drivers @ [0.7, 0.3] + random.normal(size=n)))


def test_priority_is_share_times_headroom_over_cost(swiss: Floats) -> None:
    names = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
    aims = {name: Aim(100.0, cost) for name, cost in zip(names, (1.0, 2.0, 0.5, 4.0, 1.0), strict=True)}

    rows = analyse(names, [sums(swiss)], aims)

    total = sum(SWISS_LMG)
    for row, share, mean in zip(rows, SWISS_LMG, swiss.mean(axis=0)[:-1], strict=True):
        assert row.priority is not None
        assert row.priority.value == pytest.approx(share / total * (100 - mean) / aims[row.driver].cost, rel=1e-6)
        assert row.performance.value == pytest.approx(mean)
        assert (row.n, row.priority.low) == (47, None)
    assert rows[0].r_squared == pytest.approx(total, abs=1e-7)


def test_too_few_responses_tell_means_and_no_importance() -> None:
    values = np.random.default_rng(2).integers(1, 6, (29, 3)).astype(np.float64)

    row = analyse(["a", "b"], [sums(values)], dict.fromkeys("ab", Aim(5.0, 1.0)))[0]

    assert (row.n, row.lmg, row.johnson, row.priority, row.r_squared) == (29, None, None, None, None)
    assert row.performance.value == pytest.approx(values[:, 0].mean())


def test_beyond_twelve_drivers_johnson_stands_in_for_lmg() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(400, 14))
    values[:, -1] = values[:, 0] * 2 + values[:, 1] + random.normal(size=400)
    names = [f"d{number:02}" for number in range(13)]

    rows = analyse(names, [sums(values)], dict.fromkeys(names, Aim(1.0, 1.0)))

    assert all(row.lmg is None for row in rows)
    weights = [row.johnson.value for row in rows if row.johnson is not None]
    assert len(weights) == 13
    assert rows[0].priority is not None
    assert rows[0].priority.value == pytest.approx(weights[0] / sum(weights) * (1 - values[:, 0].mean()))
