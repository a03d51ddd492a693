"""Grades, and how well predictors tell who buys again."""

import numpy as np
import pytest

from streams.fitting.prediction import grades, predict

NAN = float("nan")


@pytest.mark.parametrize(
    ("surpassed", "relative", "grade"),
    [
        (0.1, 1.06, "A"), (0.4, 1.2, "A"), (0.1, 1.05, "B"), (0.1, NAN, "B"), (0.0, 1.06, "B"), (-0.3, 1.06, "B"),
        (0.0, 1.0, "C"), (0.09, NAN, "C"), (-0.09, 0.5, "C"), (-0.1, 1.0, "D"), (-0.1, NAN, "D"), (-0.19, 0.96, "D"),
        (-0.2, 1.0, "F"), (-0.1, 0.94, "F"), (-0.5, NAN, "F"), (NAN, 1.2, None),
    ],
)  # fmt: skip
def test_grades_follow_the_table(surpassed: float, relative: float, grade: str | None) -> None:
    """A both good, B one of them, C as expected, D below by a tenth of the scale, F by two tenths, or by one while competitors are better."""
    found = grades(np.array([surpassed]), np.array([relative]), 0.1, 0.05)[0]

    assert found == {"A": 4, "B": 3, "C": 2, "D": 1, "F": 0}[grade] if grade else np.isnan(found)


@pytest.mark.parametrize(("perceived", "expected", "low", "high", "grade"), [(9, 8, 0, 10, 3), (4.4, 4, 1, 5, 3), (7, 8, 0, 10, 1), (6, 8, 0, 10, 0)])
def test_a_tenth_of_the_scale_is_a_tenth_whatever_rounding_does(perceived: float, expected: float, low: float, high: float, grade: int) -> None:
    surpassed = (perceived - expected) / (high - low)

    assert grades(np.array([surpassed]), np.array([NAN]), 0.1, 0.05)[0] == grade


def test_a_predictor_by_hand() -> None:
    """Of the pairs of a buyer and one who is none, 4 of 6 are in order and one is level."""
    found = predict(np.array([3.0, 1, 2, 2, 0, NAN]), np.array([True, True, True, False, False, True]), np.arange(6))

    assert (found.n, found.bought, found.gain) == (5, 3, None)
    assert found.auc is not None
    assert found.auc.value == pytest.approx(4.5 / 6)
    assert found.auc.low is None


@pytest.mark.parametrize("bought", [[True, True], [False, False]])
def test_without_both_outcomes_nothing_is_told(bought: list[bool]) -> None:
    found = predict(np.array([1.0, 2.0]), np.array(bought), np.array([0, 1]))

    assert (found.n, found.auc) == (2, None)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Values of buyers lie one deviation higher: the area is the normal probability of 1 / sqrt(2), .7602. Answers of an account are alike."""
    random = np.random.default_rng(8)
    held = 0
    for _ in range(300):
        mood = np.repeat(random.normal(size=150), 3)
        bought = np.repeat(random.random(150) < 0.5, 3)
        values = bought + np.sqrt(0.7) * mood + np.sqrt(0.3) * random.normal(size=450)
        found = predict(values, bought, np.repeat(random.integers(0, 64, 150), 3)).auc
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.76025 <= found.high

    assert 0.91 <= held / 300 <= 0.985


def test_what_one_predictor_gains_over_another_is_told_on_the_same_responses() -> None:
    random = np.random.default_rng(9)
    bought = random.random(3000) < 0.4
    feeling, noise = bought + random.normal(size=3000), random.normal(size=3000)
    feeling[:500] = NAN
    group = np.arange(3000) % 64

    better = predict(feeling, bought, group, noise)

    assert better.n == 2500
    assert better.gain is not None
    assert better.gain.low is not None
    assert better.gain.low > 0.1
    same = predict(feeling, bought, group, feeling * 3 + 1).gain
    assert same is not None
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0), abs=1e-12)
