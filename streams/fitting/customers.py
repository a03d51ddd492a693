"""What is expected of each account: still alive, how many purchases, worth how much."""

from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from schemas.model_enums import Model
from schemas.rows import Table
from streams.core.batch import Floats
from streams.fitting.lifetime import DISCOUNT_A_YEAR, WEEKS, purchases_ahead, purchases_of_new
from streams.fitting.purchases import LEAST_REPEATERS, Histories, PurchaseModel, fit_purchases
from streams.fitting.reading import floats
from streams.fitting.report import Report, unstamped
from streams.fitting.spend import SpendModel, fit_spend

_SETTINGS = {"horizon_weeks": float(WEEKS), "discount_a_year": DISCOUNT_A_YEAR}


class Customers(NamedTuple):
    """What was found. Where purchases cannot be fitted there are no rows."""

    accounts: pa.Table
    """A row per account with a history."""
    newcomers: pa.Table
    """A row per number of weeks since a first purchase."""
    reports: list[Report]
    """What is to be told of both models."""


def fit_customers(read: pa.Table, as_of: date, margin: float) -> Customers:
    """Fit both models to histories; ``margin`` stands in where an account has no known cost."""
    histories = Histories(floats(read, "frequency"), floats(read, "recency_weeks"), floats(read, "age_weeks"))
    mean_value = floats(read, "mean_value")
    data = f"{len(read):,} accounts with a purchase, {histories.repeaters:,} of them on several days"
    if histories.repeaters < LEAST_REPEATERS:
        why = f"{histories.repeaters} accounts have bought on several days; {LEAST_REPEATERS} are needed"
        reports = [Report(model, as_of, len(read), data, explanation=why) for model in (Model.PURCHASES, Model.SPEND)]
        nothing = np.empty(0)
        return Customers(_rows(read.slice(0, 0), *(nothing for _ in range(5))), _newcomers(*(nothing for _ in range(4))), reports)
    found = fit_purchases(histories)
    model = PurchaseModel(*found.parameters)
    parameters = dict(zip(("r", "alpha", "a", "b"), found.parameters, strict=True))
    purchases = Report(Model.PURCHASES, as_of, len(read), data, {**parameters, "log_likelihood": found.log_likelihood, **_SETTINGS})
    expected, discounted = purchases_ahead(model, histories)
    spend, value, value_of_new = _spend(histories.frequency, mean_value, as_of)
    known = floats(read, "margin")
    margins = np.where(np.isfinite(known), known, margin)
    rows = _rows(read, margins, model.probability_alive(histories), expected, value, margins * value * discounted)
    weeks, expected_of_new, discounted_of_new = purchases_of_new(model)
    worth = float(margins.mean()) * value_of_new * discounted_of_new
    newcomers = _newcomers(weeks, expected_of_new, model.probability_of_return(weeks), worth)
    return Customers(rows, newcomers, [purchases, spend])


def _spend(frequency: Floats, mean_value: Floats, as_of: date) -> tuple[Report, Floats, float]:
    """The report of the model of spend, and what a purchase of each account and of one of which nothing is known is expected to be worth.

    NaN where it cannot be told.
    """
    came_back = (frequency > 0) & (mean_value > 0)
    n = int(np.count_nonzero(came_back))
    found = fit_spend(frequency[came_back], mean_value[came_back])
    model = SpendModel(*found.parameters)
    told = {**dict(zip(("p", "q", "gamma"), found.parameters, strict=True)), "log_likelihood": found.log_likelihood}
    data = f"{n:,} accounts with purchases on several days"
    if not model.has_mean:
        why = f"spend differs so much between accounts that it has no finite mean (q = {model.q:.3f}, and must be above 1)"
        return Report(Model.SPEND, as_of, n, data, told, why), np.full(len(frequency), np.nan), np.nan
    expected = model.expected_value(frequency, np.where(came_back, mean_value, 0.0))
    return Report(Model.SPEND, as_of, n, data, told), expected, float(model.expected_value(np.zeros(1), np.zeros(1))[0])


def _rows(read: pa.Table, margin: Floats, alive: Floats, expected: Floats, value: Floats, lifetime: Floats) -> pa.Table:
    made = {
        "margin": margin, "probability_alive": alive, "expected_purchases": expected, "expected_value": value, "lifetime_value": lifetime,
    }  # fmt: skip
    schema = unstamped(Table.FIT_ACCOUNTS)
    arrays = [pa.array(made[name], from_pandas=True) if name in made else read.column(name) for name in schema.names]
    return pa.table(arrays, schema=schema)


def _newcomers(weeks: Floats, expected: Floats, returning: Floats, value: Floats) -> pa.Table:
    made = {"weeks": weeks.astype(np.int64), "expected_purchases": expected, "probability_of_return": returning, "value": value}
    schema = unstamped(Table.FIT_NEWCOMERS)
    return pa.table([pa.array(made[name], from_pandas=True) for name in schema.names], schema=schema)
