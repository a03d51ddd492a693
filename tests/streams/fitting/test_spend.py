"""Gamma-Gamma and lifetime value: published answers, the definition integrated by brute force, and sums written out."""

import numpy as np
import pytest
from scipy.stats import gamma as gamma_distribution

from streams.core.batch import Floats
from streams.fitting.lifetime import purchases_ahead
from streams.fitting.purchases import Histories, PurchaseModel
from streams.fitting.spend import SpendModel, fit_spend

FIRST_TEN = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]


def test_the_published_maximum_is_found(cdnow: Floats) -> None:
    """Fader and Hardie's note 025: p 6.25, q 3.74, gamma 15.44, from the 946 customers who came back; then their first ten expected values."""
    came_back = cdnow[:, 0] > 0
    assert np.count_nonzero(came_back) == 946

    found = fit_spend(cdnow[came_back, 0], cdnow[came_back, 3])

    assert found.converged
    assert found.parameters == pytest.approx((6.25, 3.74, 15.44), abs=0.02)
    assert SpendModel(*found.parameters).expected_value(cdnow[:10, 0], cdnow[:10, 3]) == pytest.approx(FIRST_TEN, abs=0.1)


def test_another_currency_gives_the_same_customers(cdnow: Floats) -> None:
    some = cdnow[cdnow[:, 0] > 0][:300]
    p, q, gamma = fit_spend(some[:, 0], some[:, 3]).parameters
    found = fit_spend(some[:, 0], some[:, 3] * 1e4)

    assert found.parameters == pytest.approx((p, q, gamma * 1e4), rel=1e-5)
    assert found.log_likelihood == pytest.approx(fit_spend(some[:, 0], some[:, 3]).log_likelihood - 300 * np.log(1e4))


@pytest.mark.parametrize(("frequency", "mean"), [(0.0, 0.0), (1.0, 10.0), (5.0, 70.0)])
def test_what_is_expected_is_what_the_definition_gives(frequency: float, mean: float) -> None:
    """A customer's values are gamma with shape p and a rate that is gamma with shape q and rate gamma; the mean is p over the rate."""
    p, q, gamma = 6.25, 3.74, 15.44
    rate = gamma_distribution(q, scale=1 / gamma).ppf((np.arange(400_000) + 0.5) / 400_000)
    likely = gamma_distribution(p * frequency, scale=1 / (rate * frequency)).pdf(mean) if frequency else np.ones_like(rate)

    found = SpendModel(p, q, gamma).expected_value(np.array([frequency]), np.array([mean]))

    assert found[0] == pytest.approx(np.sum(likely * p / rate) / np.sum(likely), rel=2e-3)


def test_a_mean_that_is_not_finite_is_said() -> None:
    random = np.random.default_rng(3)
    wild = np.exp(random.standard_cauchy(400).clip(-12, 12))

    assert not SpendModel(*fit_spend(np.full(400, 4.0), wild).parameters).has_mean


def test_purchases_ahead_are_the_weeks_one_by_one() -> None:
    model = PurchaseModel(0.6, 5.0, 0.9, 3.0)
    histories = Histories(np.array([0.0, 3, 3, 8]), np.array([0.0, 12, 30, 44]), np.array([6.0, 45, 45, 45]))

    plain, discounted = purchases_ahead(model, histories)

    for number in range(4):
        alive = model.probability_alive(histories)[number]
        total = worth = before = 0.0
        for week in range(1, 53):
            until = model.expected_purchases(histories.frequency[[number]], histories.age[[number]], np.array([float(week)]))[0, 0]
            total += alive * (until - before)
            worth += alive * (until - before) / 1.10 ** (week / 52)
            before = until
        assert (plain[number], discounted[number]) == (pytest.approx(total), pytest.approx(worth))
    assert np.all((discounted < plain) & (discounted > plain / 1.1))
