"""Revenue at risk: segments as of any day from what had been said and bought by then, and their revenue, against plain Python."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from schemas.catalog import Catalog, LoyaltyMatrix
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import moved, refund, sale
from tests.sinks.loyalty import one, response, withdrawal
from tests.sinks.rows import rows

FIRST = date(2025, 1, 6)
R, ALPHA, A, B = 0.243, 4.414, 0.793, 2.426
"""The published parameters of the CDNOW customers."""


pytestmark = pytest.mark.usefixtures("with_catalog")


def on(day: int) -> Mapping[str, object]:
    """Noon so many days after the first."""
    local = FIRST + timedelta(day)
    return {"occurred_at": datetime(local.year, local.month, local.day, 12, tzinfo=UTC), "day": local}


def fitted(clickhouse: ClickHouse, alive: Mapping[str, float] | None = None, **values: object) -> None:
    """A run, with what it expects of accounts."""
    parameters = [("r", R), ("alpha", ALPHA), ("a", A), ("b", B)]
    known = {"run_id": "run", "model": "purchases", "state": "fitted", "parameters": parameters}
    clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {**known, **values}))
    for account, probability in (alive or {}).items():
        told = {
            "run_id": "run",
            "account_id": account,
            "frequency": 0 if account == "trapped" else 2,
            "probability_alive": probability,
            "lifetime_value": 10.0,
        }
        clickhouse.insert(Table.FIT_ACCOUNTS, rows(Table.FIT_ACCOUNTS, told))


def known(clickhouse: ClickHouse, revenues: Mapping[str, float]) -> None:
    """Accounts with their revenue over all time, first seen on the first day."""
    told = ({"account_id": account, "revenue": Decimal(str(value)), "first_seen": on(0)["occurred_at"]} for account, value in revenues.items())
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, *told))


def felt(day: int, feeling: float, account: str = "a", /, **values: object) -> Mapping[str, object]:
    """A response with a score of 0 to 1."""
    of_scale = {"score": feeling, "scale_min": 0.0, "scale_max": 1.0, "unit_id": "u"}
    return response(**{**of_scale, "account_id": account, "response_id": f"r{day:03}", **on(day), **values})


def said(clickhouse: ClickHouse, *responses: Mapping[str, object]) -> None:
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *responses))


def as_of(clickhouse: ClickHouse, day: int, view: str = "account_segments_as_of") -> list[dict[str, object]]:
    found: list[dict[str, object]] = clickhouse.query(f"SELECT * FROM {view}(as_of = '{FIRST + timedelta(day)}') ORDER BY ALL").to_pylist()
    return found


def test_who_is_alive_is_that_of_the_published_example(clickhouse: ClickHouse) -> None:
    """Two repeats, the last after 30.43 weeks, as of 38.86 weeks: 0.726579. In whole days 30.4286 and 38.8571 weeks."""
    fitted(clickhouse)
    known(clickhouse, {"a": 0})
    moved(clickhouse, *(sale("a", f"t{day}", 1, 10, **on(day)) for day in (0, 100, 213)))
    said(clickhouse, felt(5, 0.9))

    found = as_of(clickhouse, 272)

    assert [row["probability_alive"] for row in found] == [pytest.approx(0.726579, abs=1e-4)]
    assert found[0]["loyalty_segment"] == "truly_loyal"


def test_segments_move_with_what_was_said_and_bought_by_then(clickhouse: ClickHouse) -> None:
    """Bought on days 0, 7 to 49, and got 4 back on day 58; felt well from day 10 and ill from day 60 on, at another unit; then never came back."""
    fitted(clickhouse)
    known(clickhouse, {"a": 80})
    moved(clickhouse, *(sale("a", f"t{day:03}", 1, 10, **on(day)) for day in range(0, 56, 7)), refund("a", "back", 1, 4, **on(58)))
    said(clickhouse, felt(10, 0.8), felt(60, 0.3, unit_id="v"))

    found = {day: as_of(clickhouse, day)[0] for day in (5, 10, 59, 60, 400, 422)}

    segments = {day: (row["unit_id"], row["loyalty_segment"], row["revenue"], row["revenue_last_year"]) for day, row in found.items()}
    assert segments == {
        5: ("", None, 10, 10), 10: ("u", "truly_loyal", 20, 20), 59: ("u", "truly_loyal", 76, 76), 60: ("v", "trapped", 76, 76),
        400: ("v", "high_risk", 76, 16), 422: ("v", "high_risk", 76, -4),
    }  # fmt: skip
    assert (found[5]["feeling"], found[10]["feeling"], found[60]["feeling"]) == (None, 0.8, 0.3)


def test_nothing_counts_that_was_taken_back_or_is_a_test_and_without_a_fit_nobody_has_a_segment(clickhouse: ClickHouse) -> None:
    known(clickhouse, {"a": 0, "b": 0})
    moved(clickhouse, sale("a", "1", 1, 10, **on(0)), sale("a", "2", 1, 10, synthetic=True, **on(1)), sale("b", "3", 1, 5, **on(0)))
    said(clickhouse, felt(1, 0.9), felt(2, 0.1, withdrawn=True), felt(3, 0.1, synthetic=True), felt(4, 0.1), felt(1, 0.2, "b"))
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(response_id="r004")))

    def shown() -> list[tuple[object, ...]]:
        return [(row["feeling"], row["loyalty_segment"], row["revenue"]) for row in as_of(clickhouse, 5)]

    assert shown() == [(0.9, None, 10), (0.2, None, 5)]
    fitted(clickhouse, state="insufficient", parameters=[])
    assert shown() == [(0.9, None, 10), (0.2, None, 5)]
    fitted(clickhouse, version=2)
    assert shown() == [(0.9, "truly_loyal", 10), (0.2, "trapped", 5)]


def test_the_catalog_moves_the_cuts(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog(loyalty_matrix=LoyaltyMatrix(attitude=0.95, behaviour=0.9), base_currency="USD"))
    fitted(clickhouse)
    known(clickhouse, {"a": 0})
    moved(clickhouse, *(sale("a", f"t{day}", 1, 10, **on(day)) for day in (0, 100, 213)))
    said(clickhouse, felt(5, 0.9))

    assert as_of(clickhouse, 272)[0]["loyalty_segment"] == "high_risk"
    assert [(row["currency"], row["at_risk"], row["revenue_at_risk"]) for row in as_of(clickhouse, 272, "revenue_at_risk_as_of")] == [
        ("USD", True, 30)
    ]


class Customer(NamedTuple):
    """Days of purchases (each of 10), and feelings by day and unit."""

    bought: tuple[int, ...]
    answers: tuple[tuple[int, int, str], ...]


CUSTOMERS = st.lists(
    st.builds(
        Customer,
        st.lists(st.integers(0, 500), max_size=5, unique=True).map(tuple),
        st.lists(st.tuples(st.integers(0, 500), st.integers(0, 10), st.sampled_from("uv")), max_size=3, unique_by=lambda one: one[0]).map(tuple),
    ),
    max_size=5,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(customers=CUSTOMERS, day=st.integers(0, 520))
def test_revenue_at_risk_is_that_of_a_count_by_hand(clickhouse: ClickHouse, customers: list[Customer], day: int) -> None:
    for table in (Table.TRANSACTIONS, Table.RESPONSES, Table.ACCOUNTS, Table.FIT_RUNS):
        clickhouse.command(f"TRUNCATE TABLE {table}")
    fitted(clickhouse)
    names = {f"c{number}": customer for number, customer in enumerate(customers)}
    known(clickhouse, dict.fromkeys(names, 0))
    moved(clickhouse, *(sale(name, f"t{at}", 1, 10, **on(at)) for name, customer in names.items() for at in customer.bought))
    said(clickhouse, *(felt(at, tenths / 10, name, unit_id=unit) for name, customer in names.items() for at, tenths, unit in customer.answers))

    found = as_of(clickhouse, day, "revenue_at_risk_as_of")

    assert {(row["unit_id"], row["loyalty_segment"]): tuple(row[name] for name in COLUMNS) for row in found} == by_hand(customers, day)
    assert all((row["at_risk"], row["currency"]) == (RISKY[str(row["loyalty_segment"])], "EUR") for row in found)


COLUMNS = ("accounts", "revenue", "revenue_last_year", "revenue_at_risk", "revenue_at_risk_last_year")
RISKY = {"truly_loyal": False, "accessible": False, "trapped": True, "high_risk": True, "unknown": None}


def by_hand(customers: Sequence[Customer], day: int) -> dict[tuple[str, str], tuple[int, ...]]:
    groups: dict[tuple[str, str], tuple[int, ...]] = {}
    for customer in customers:
        bought = sorted(at for at in customer.bought if at <= day)
        newest = max((answer for answer in customer.answers if answer[0] <= day), default=None)
        segment = "unknown"
        if bought and newest:
            lives, feels = alive(bought, day) >= 0.5, newest[1] >= 7
            segment = ("truly_loyal" if lives else "accessible") if feels else ("trapped" if lives else "high_risk")
        revenue, last_year = 10 * len(bought), 10 * sum(at > day - 365 for at in bought)
        at_risk = (revenue, last_year) if RISKY[segment] else (0, 0)
        key = (newest[2] if newest else "", segment)
        held = groups.get(key, (0,) * 5)
        groups[key] = tuple(before + more for before, more in zip(held, (1, revenue, last_year, *at_risk), strict=True))
    return groups


def alive(bought: Sequence[int], day: int) -> float:
    """As published (Fader, Hardie and Lee 2005), without logarithms."""
    x, recency, age = len(bought) - 1, (bought[-1] - bought[0]) / 7, (day - bought[0]) / 7
    if x == 0:
        return 1.0
    odds: float = A / (B + x - 1) * ((ALPHA + age) / (ALPHA + recency)) ** (R + x)
    return 1 / (1 + odds)


def test_now_it_is_what_accounts_and_their_segments_say(clickhouse: ClickHouse) -> None:
    """Day 400 is the newest of the transactions, so the last year begins on day 36."""
    alive_now = {"loyal": 0.9, "trapped": 0.9, "left": 0.1, "gone": 0.2, "silent": 0.9, "other": 0.9}
    fitted(clickhouse, alive_now)
    known(clickhouse, {"loyal": 100, "trapped": 40, "left": 20, "gone": 30.5, "silent": 7, "other": 8})
    said(
        clickhouse, felt(1, 0.9, "loyal"), felt(1, 0.2, "trapped"), felt(1, 0.9, "left"), felt(1, 0.2, "gone"),
        felt(1, 0.3, "other", unit_id="old"), felt(2, 0.1, "other", unit_id="v"),
    )  # fmt: skip
    moved(
        clickhouse, sale("trapped", "1", 1, 3, **on(400)), sale("trapped", "2", 1, 4, **on(36)), sale("trapped", "3", 1, 5, **on(35)),
        refund("trapped", "4", 1, 1, **on(300)), sale("gone", "5", 1, 9, synthetic=True, **on(399)), sale("silent", "6", 1, 2, **on(99)),
    )  # fmt: skip

    found = clickhouse.query(
        f"SELECT unit_id, loyalty_segment, at_risk, {', '.join(COLUMNS)}, lifetime_value FROM revenue_at_risk ORDER BY 1, 2"
    ).to_pylist()

    half = Decimal("30.5")
    assert [tuple(row.values()) for row in found] == [
        ("", "unknown", None, 1, 7, 2, 0, 0, 10.0),
        ("u", "accessible", False, 1, 20, 0, 0, 0, 10.0),
        ("u", "high_risk", True, 1, half, 0, half, 0, 10.0),
        ("u", "trapped", True, 1, 40, 6, 40, 6, 10.0),
        ("u", "truly_loyal", False, 1, 100, 0, 0, 0, 10.0),
        ("v", "trapped", True, 1, 8, 0, 8, 0, 10.0),
    ]
    once = clickhouse.query("SELECT unit_id, loyalty_segment AS segment FROM revenue_at_risk WHERE accounts_bought_once = 1").to_pylist()
    assert once == [{"unit_id": "u", "segment": "trapped"}]
    assert one(clickhouse, "SELECT sum(accounts_bought_once) AS n FROM revenue_at_risk") == {"n": 1}
    units = clickhouse.query("SELECT * FROM revenue_at_risk_by_unit ORDER BY unit_id").to_pylist()
    assert [(row["accounts"], row["accounts_at_risk"], row["accounts_unknown"]) for row in units] == [(0, 0, 1), (4, 2, 0), (1, 1, 0)]
    assert [(row["revenue"], row["revenue_at_risk"], row["revenue_at_risk_last_year"]) for row in units] == [
        (0, 0, 0), (Decimal("190.5"), Decimal("70.5"), 6), (8, 8, 0),
    ]  # fmt: skip
    assert [row["revenue_at_risk_share"] for row in units] == [None, pytest.approx(70.5 / 190.5), 1]
    assert [units[0][name] for name in ("at_risk_share", "at_risk_share_low", "at_risk_share_high")] == [None] * 3
    for row in units[1:]:
        interval = binomtest(row["accounts_at_risk"], row["accounts"]).proportion_ci(method="wilson")
        assert (row["at_risk_share_low"], row["at_risk_share_high"]) == (
            pytest.approx(interval.low, abs=1e-6),
            pytest.approx(interval.high, abs=1e-6),
        )


def test_without_a_fit_all_revenue_is_of_unknown_segments(clickhouse: ClickHouse) -> None:
    known(clickhouse, {"a": 5, "b": 6})
    said(clickhouse, felt(1, 0.9))

    assert one(clickhouse, "SELECT sum(accounts) AS n, sum(revenue) AS revenue, sum(revenue_at_risk) AS risk FROM revenue_at_risk") == {
        "n": 2, "revenue": 11, "risk": 0,
    }  # fmt: skip
    assert one(clickhouse, "SELECT max(lifetime_value) AS most FROM revenue_at_risk") == {"most": None}
