"""Half a year of a simulated company, replayed into ClickHouse: growth, messages and value are what the oracle computes from the records alone."""

from calendar import monthrange
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from yaml import safe_load

from schemas.catalog import Catalog
from sinks.clickhouse import ClickHouse
from streams.simulate import Plan, Simulation, simulate
from tests.chaos.compare import differences, read_views
from tests.oracle.records import Rows

VIEWS = ("accounts", "account_months", "growth_monthly", "referrals_monthly", "message_attention", "messages_monthly", "value_delivered")


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(Plan(seed=12, events=9_000, accounts=400, units=8, months=6))


@pytest.fixture(scope="module")
def catalog(simulation: Simulation) -> Catalog:
    return Catalog.model_validate(safe_load(simulation.catalog()))


def test_every_view_holds_what_the_oracle_says(clickhouse: ClickHouse, expected: dict[str, Rows]) -> None:
    problems = differences({view: expected[view] for view in VIEWS}, read_views(clickhouse, VIEWS))

    assert not problems, "\n".join(problems)


def test_the_company_has_some_of_everything(expected: dict[str, Rows]) -> None:
    """Else equal rows would say little."""
    growth = list(expected["growth_monthly"].values())
    assert len(growth) >= 6
    assert {row["standing"] for row in expected["account_months"].values()} >= {"kept", "lost", "earned_new", "bought_new", "other_new", "returned"}
    for view in VIEWS[2:]:
        for name in {name for row in expected[view].values() for name in row}:
            assert any(row[name] not in (None, 0, []) for row in expected[view].values()), f"{view}.{name} is never above nothing"
    assert {row["quadrant"] for row in expected["accounts"].values()} >= {None, "thriving", "loved_not_served"}


def test_the_days_of_a_month_give_that_month(clickhouse: ClickHouse, expected: dict[str, Rows]) -> None:
    """Of growth, what does not depend on how many days were before: no month of this company follows one of equal length."""
    compared = 0
    for view, last_days in (("messages_monthly", "messages_last_days"), ("growth_monthly", "growth_last_days")):
        for row in expected[view].values():
            first = row["month"]
            assert isinstance(first, date)
            days = monthrange(first.year, first.month)[1]
            found = clickhouse.query(f"SELECT * FROM {last_days}(days = {days}, as_of = '{first.replace(day=days)}')").to_pylist()[0]
            names = set(found) & set(row)
            if view == "growth_monthly":
                names &= {"revenue", "gross_revenue", "refunds", "customers"}
            assert len(names) > 3
            for name in names:
                assert found[name] == (None if row[name] is None else pytest.approx(number(row[name]))), (view, first, name)
            compared += 1
    assert compared >= 12


def number(value: object) -> Decimal | float:
    """What ClickHouse gives for a number of the oracle."""
    if isinstance(value, Decimal):
        return value
    assert isinstance(value, int | Fraction)
    return float(value)
