"""BG/NBD against what its authors published, against its own definition integrated by brute force, and against customers who were made by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1
from scipy.stats import beta as beta_distribution
from scipy.stats import gamma as gamma_distribution

from streams.core.batch import Floats
from streams.fitting.purchases import Histories, PurchaseModel, _log_likelihood, beta_quadrature, fit_purchases

PUBLISHED = PurchaseModel(0.243, 4.414, 0.793, 2.426)
shapes = st.floats(0.15, 8.0)


def one(frequency: float, recency: float, age: float) -> Histories:
    return Histories(np.array([frequency]), np.array([recency]), np.array([age]))


def test_the_published_maximum_is_found(cdnow: Floats) -> None:
    """Fader, Hardie and Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426, log-likelihood -9582.4."""
    found = fit_purchases(Histories(cdnow[:, 0], cdnow[:, 1], cdnow[:, 2]))

    assert found.converged
    assert found.parameters == pytest.approx((0.24259291, 4.41353181, 0.79288616, 2.42575372), rel=1e-5)
    assert found.log_likelihood == pytest.approx(-9582.42556056736, abs=1e-6)


def test_the_published_customer_is_expected_to_buy_as_published() -> None:
    """x = 2, t_x = 30.43, T = 38.86: 1.226 purchases in the next 39 weeks."""
    customer = one(2, 30.43, 38.86)

    alive = PUBLISHED.probability_alive(customer)
    expected = alive * PUBLISHED.expected_purchases(customer.frequency, customer.age, np.array([39.0]))[:, 0]

    assert alive[0] == pytest.approx(0.726578570080673, abs=1e-12)
    assert expected[0] == pytest.approx(1.226028174767135, abs=1e-9)


def test_new_customers_are_expected_to_buy_as_published() -> None:
    weeks = np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0])
    assert PurchaseModel(0.24259291, 4.41353181, 0.79288616, 2.42575372).expected_of_new(weeks) == pytest.approx(
        [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=1e-3
    )


@settings(deadline=None)
@given(r=shapes, alpha=st.floats(0.5, 30), a=shapes, b=shapes, x=st.integers(0, 12), recency=st.floats(0.05, 1), age=st.floats(1, 150))
def test_the_published_form_with_a_hypergeometric_function_gives_the_same(
    r: float, alpha: float, a: float, b: float, x: int, recency: float, age: float
) -> None:
    if abs(a - 1) < 0.01 or abs(a + b + x - 1) < 0.01:
        return
    t = 39.0
    customer = one(x, recency * age if x else 0.0, age)
    model = PurchaseModel(r, alpha, a, b)

    found = model.probability_alive(customer)[0] * model.expected_purchases(customer.frequency, customer.age, np.array([t]))[0, 0]

    ratio = (alpha + age) / (alpha + age + t)
    published = (a + b + x - 1) / (a - 1) * (1 - ratio ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + age + t)))
    if x:
        published /= 1 + a / (b + x - 1) * ((alpha + age) / (alpha + customer.recency[0])) ** (r + x)
    assert found == pytest.approx(published, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("x", "recency", "age"), [(0, 0.0, 20.0), (1, 3.0, 20.0), (4, 18.0, 20.0), (9, 12.0, 60.0)])
@pytest.mark.parametrize("model", [PUBLISHED, PurchaseModel(1.7, 6.0, 1.0, 3.0), PurchaseModel(2.5, 9.0, 2.2, 1.4)], ids=repr)
def test_what_is_expected_is_what_the_definition_gives(model: PurchaseModel, x: int, recency: float, age: float) -> None:
    """Rates and probabilities of leaving on a grid of quantiles, weighted by how likely each makes the history: no formula of the model is used."""
    t, points = 26.0, 1500
    middle = (np.arange(points) + 0.5) / points
    rate = gamma_distribution(model.r, scale=1 / model.alpha).ppf(middle)[:, None]
    leaving = beta_distribution(model.a, model.b).ppf(middle)[None, :]
    alive = rate**x * (1 - leaving) ** x * np.exp(-rate * age)
    gone = rate**x * leaving * (1 - leaving) ** (x - 1) * np.exp(-rate * recency) if x else np.zeros_like(alive)
    to_come = np.where(leaving > 1e-12, -np.expm1(-rate * leaving * t) / np.maximum(leaving, 1e-12), rate * t)
    history = one(x, recency, age)

    assert model.probability_alive(history)[0] == pytest.approx(alive.sum() / (alive + gone).sum(), rel=4e-3)
    expected = model.probability_alive(history) * model.expected_purchases(history.frequency, history.age, np.array([t]))[:, 0]
    assert expected[0] == pytest.approx((alive * to_come).sum() / (alive + gone).sum(), rel=4e-3)


@settings(deadline=None)
@given(st.tuples(shapes, st.floats(0.5, 30), shapes, shapes))
def test_the_gradient_is_that_of_the_likelihood(parameters: tuple[float, float, float, float]) -> None:
    x, recency, age = np.array([0.0, 1, 2, 7]), np.array([0.0, 3, 30, 31]), np.array([9.0, 20, 38, 32])
    at, weights = np.array(parameters), np.array([3.0, 1, 2, 1])

    _, gradient = _log_likelihood(at, x, recency, age, weights)

    for number in range(4):
        step = np.zeros(4)
        step[number] = 1e-5 * at[number]
        up, down = (_log_likelihood(at + way * step, x, recency, age, weights)[0] for way in (1, -1))
        assert gradient[number] == pytest.approx((up - down) / (2 * step[number]), rel=1e-4, abs=1e-5)


def simulated(customers: int, r: float, alpha: float, a: float, b: float, weeks: float, seed: int) -> tuple[Histories, Floats, Floats]:
    """Customers who buy and leave as the model says, one event at a time; with who is alive, and purchases in the next 52 weeks."""
    random = np.random.default_rng(seed)
    rows, alive, later = [], [], []
    for _ in range(customers):
        age = weeks * random.uniform(0.5, 1)
        rate, leaving = random.gamma(r, 1 / alpha), random.beta(a, b)
        now, x, recency, to_come, here = 0.0, 0, 0.0, 0, True
        while True:
            now += random.exponential(1 / rate)
            if now > age + 52:
                break
            if now <= age:
                x, recency = x + 1, now
            else:
                to_come += 1
            if random.random() < leaving:
                here = here and now > age
                break
        rows.append((x, recency, age))
        alive.append(here)
        later.append(to_come)
    x_, recency_, age_ = np.array(rows, dtype=np.float64).T
    return Histories(x_, recency_, age_), np.array(alive, dtype=np.float64), np.array(later, dtype=np.float64)


def test_customers_made_by_the_model_give_its_parameters_and_do_what_it_expects() -> None:
    made = (0.9, 7.0, 0.8, 3.0)
    histories, alive, later = simulated(20_000, *made, weeks=104.0, seed=7)

    model = PurchaseModel(*fit_purchases(histories).parameters)

    assert (model.r, model.alpha, model.a / (model.a + model.b)) == pytest.approx((0.9, 7.0, 0.8 / 3.8), rel=0.08)
    told = model.probability_alive(histories)
    expected = told * model.expected_purchases(histories.frequency, histories.age, np.array([52.0]))[:, 0]
    for part in np.array_split(np.argsort(told + expected * 1e-9), 8):
        assert np.mean(told[part]) == pytest.approx(np.mean(alive[part]), abs=4 * np.sqrt(0.25 / len(part)))
    for part in np.array_split(np.argsort(expected), 8):
        assert np.mean(expected[part]) == pytest.approx(np.mean(later[part]), abs=4 * np.std(later[part]) / np.sqrt(len(part)) + 1e-3)


def test_where_nobody_ever_leaves_the_fit_stays_usable() -> None:
    """Customers who buy every four weeks without end: the likelihood rises towards a bound."""
    ages = np.linspace(20, 100, 60)
    histories = Histories(np.floor(ages / 4), np.floor(ages / 4) * 4, ages)

    model = PurchaseModel(*fit_purchases(histories).parameters)

    assert np.all(model.probability_alive(histories) > 0.99)
    expected = model.expected_purchases(histories.frequency, histories.age, np.array([52.0]))[:, 0]
    assert expected == pytest.approx(np.full(60, 13.0), rel=0.1)


@settings(deadline=None)
@given(a=st.floats(1e-3, 1e4), b=st.floats(1e-3, 1e4))
def test_quadrature_gives_the_moments_of_the_beta_distribution(a: float, b: float) -> None:
    points, weights = beta_quadrature(a, b, 64)

    moment = 1.0
    for power in range(1, 8):
        moment *= (a + power - 1) / (a + b + power - 1)
        assert weights @ points**power == pytest.approx(moment, rel=1e-7, abs=1e-13)
    assert np.all((points > 0) & (points <= 1))


def test_customers_with_the_same_history_count_as_often_as_they_come(cdnow: Floats) -> None:
    some = cdnow[:400, :3]
    once, twice = (fit_purchases(Histories(*np.tile(some, (times, 1)).T)) for times in (1, 2))

    assert twice.log_likelihood == pytest.approx(2 * once.log_likelihood)
    assert twice.parameters == pytest.approx(once.parameters, rel=1e-4)
