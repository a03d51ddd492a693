"""Engagement: what counts as activity, on which days, and means with their intervals, against plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import mean, stdev
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import t

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import lines, moved, refund, sale
from tests.sinks.loyalty import one, response, withdrawal
from tests.sinks.rows import rows

LAST = date(2026, 3, 31)
"""The day of the newest event."""


pytestmark = pytest.mark.usefixtures("with_catalog")


def on(ago: int) -> Mapping[str, object]:
    """Noon so many days before the last."""
    day = LAST - timedelta(ago)
    return {"occurred_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC), "day": day}


def purchase(ago: int, name: str = "t", account: str = "a", /, **values: object) -> Mapping[str, object]:
    return sale(account, f"{name}{ago}", 1, **{"recurring": False, **on(ago), **values})


def answer(ago: int, name: str = "r", account: str = "a", /, **values: object) -> Mapping[str, object]:
    known = {"unit_id": "u", "invitation_id": None, "transaction_id": None, **on(ago)}
    return response(**{**known, "account_id": account, "response_id": f"{name}{ago}", **values})


def answered(clickhouse: ClickHouse, *answers: Mapping[str, object]) -> None:
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *answers))


def seen(clickhouse: ClickHouse, *accounts: str, first: int = 99) -> None:
    """Accounts whose newest event was on the last day."""
    known = {"first_seen": on(first)["occurred_at"], "last_seen": on(0)["occurred_at"]}
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, *({"account_id": account, **known} for account in accounts)))


def test_days_with_an_answer_or_a_purchase_are_active_and_a_day_counts_once(clickhouse: ClickHouse) -> None:
    """The window is of the last day and the 27 before; of days 0, 27 and 10 the last has both."""
    seen(clickhouse, "a", "idle")
    moved(clickhouse, purchase(0), purchase(10), purchase(10, "again"), purchase(28))
    answered(clickhouse, answer(27), answer(10, invitation_id="i"), answer(10, "s", transaction_id="t"))

    assert one(clickhouse, "SELECT * FROM engagement WHERE account_id = 'a'") == {
        "account_id": "a", "unit_id": "u", "as_of": LAST, "days_known": 28, "active_days": 3, "purchase_days": 2, "response_days": 2,
        "engagement": pytest.approx(3 / 28), "purchases": 3, "breadth": 0, "triggered_replies": 2,
    }  # fmt: skip
    idle = one(clickhouse, "SELECT unit_id, active_days, engagement, purchases, triggered_replies FROM engagement WHERE account_id = 'idle'")
    assert idle == {"unit_id": "", "active_days": 0, "engagement": 0.0, "purchases": 0, "triggered_replies": 0}


def test_what_the_customer_did_not_do_or_took_back_is_no_activity(clickhouse: ClickHouse) -> None:
    seen(clickhouse, "a")
    moved(clickhouse, purchase(1, recurring=True), purchase(2, synthetic=True), refund("a", "back", 1, **on(3)), purchase(4), purchase(5, "moved"))
    moved(clickhouse, {**purchase(40), "transaction_id": "moved5", "version": 2})
    answered(clickhouse, answer(6, synthetic=True), answer(7, withdrawn=True), answer(8), answer(9, "test"))
    taken = (withdrawal(response_id="r8"), withdrawal(response_id="test9", synthetic=True), withdrawal(response_id="t4"))
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, *taken))

    found = one(clickhouse, "SELECT active_days, purchase_days, response_days FROM engagement")

    assert found == {"active_days": 2, "purchase_days": 1, "response_days": 1}


def test_breadth_counts_products_once_whatever_they_are(clickhouse: ClickHouse) -> None:
    seen(clickhouse, "a")
    moved(
        clickhouse, purchase(0, **lines(("phone", 1, False), ("paper", 2, True))), purchase(3, **lines(("phone", 1, False))),
        purchase(4, recurring=True, **lines(("plan", 1, False))), purchase(30, **lines(("watch", 1, False))),
    )  # fmt: skip

    assert one(clickhouse, "SELECT breadth, purchases FROM engagement") == {"breadth": 2, "purchases": 2}


def test_as_of_another_day_only_what_was_known_by_then_counts(clickhouse: ClickHouse) -> None:
    """As of 20 days before the last, over 5 days: days 20 to 24. The account was first seen 22 days before."""
    seen(clickhouse, "a", first=22)
    seen(clickhouse, "later", first=19)
    moved(clickhouse, *(purchase(ago) for ago in (19, 20, 24, 25)))
    answered(clickhouse, answer(40, unit_id="old"), answer(21, unit_id="then"), answer(5, unit_id="now"))

    assert one(clickhouse, f"SELECT * FROM engagement_last_days(days = 5, as_of = '{LAST - timedelta(20)}')") == {
        "account_id": "a", "unit_id": "then", "days": 5, "days_known": 3, "active_days": 3, "purchase_days": 2, "response_days": 1,
        "engagement": pytest.approx(0.6), "purchases": 2, "breadth": 0, "triggered_replies": 0,
    }  # fmt: skip
    assert one(clickhouse, "SELECT unit_id FROM engagement WHERE account_id = 'a'") == {"unit_id": "now"}


def test_the_newest_day_is_local(clickhouse: ClickHouse) -> None:
    """Noon of the last day is the next day in Auckland."""
    write_catalog(clickhouse, Catalog(timezone="Pacific/Auckland"))
    seen(clickhouse, "a", first=3)

    assert one(clickhouse, "SELECT as_of, days_known FROM engagement") == {"as_of": LAST + timedelta(1), "days_known": 4}


class Act(NamedTuple):
    """A purchase or an answer of an account."""

    account: str
    ago: int
    is_purchase: bool
    unit: str


ACTS = st.lists(st.builds(Act, st.sampled_from("abcde"), st.integers(0, 35), st.booleans(), st.sampled_from("uv")), max_size=25)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_engagement_of_units_is_the_mean_over_their_accounts(clickhouse: ClickHouse, acts: list[Act]) -> None:
    for table in (Table.TRANSACTIONS, Table.RESPONSES, Table.ACCOUNTS):
        clickhouse.command(f"TRUNCATE TABLE {table}")
    seen(clickhouse, *"abcde")
    moved(clickhouse, *(purchase(act.ago, f"t{number}-", act.account) for number, act in enumerate(acts) if act.is_purchase))
    answered(
        clickhouse, *(answer(act.ago, f"r{number:02}-", act.account, unit_id=act.unit) for number, act in enumerate(acts) if not act.is_purchase)
    )

    found = clickhouse.query("SELECT * FROM engagement_by_unit ORDER BY unit_id").to_pylist()

    wanted = by_hand(acts)
    assert [row["unit_id"] for row in found] == sorted(wanted)
    for row in found:
        assert_group(row, wanted[row["unit_id"]])


def by_hand(acts: Sequence[Act]) -> dict[str, list[int]]:
    """Active days of each account, by the unit that it rated last."""
    groups: dict[str, list[int]] = {}
    for account in "abcde":
        own = [(act, number) for number, act in enumerate(acts) if act.account == account]
        # The newest answer is the one of the fewest days ago; of one day the greater name.
        rated = min(((act.ago, -number, act.unit) for act, number in own if not act.is_purchase), default=(0, 0, ""))
        groups.setdefault(rated[2], []).append(len({act.ago for act, _ in own if act.ago < 28}))
    return groups


def assert_group(row: Mapping[str, object], days: Sequence[int]) -> None:
    shares = [active / 28 for active in days]
    assert (row["accounts"], row["active_accounts"], row["active_days"]) == (len(days), sum(map(bool, days)), sum(days))
    assert row["engagement"] == pytest.approx(mean(shares))
    if len(set(days)) < 2:
        assert (row["engagement_low"], row["engagement_high"]) == (None, None)
        return
    low, high = t.interval(0.95, len(days) - 1, loc=mean(shares), scale=stdev(shares) / len(days) ** 0.5)
    assert (row["engagement_low"], row["engagement_high"]) == (pytest.approx(max(0, low), abs=1e-6), pytest.approx(min(1, high), abs=1e-6))


@dataclass(frozen=True)
class Felt:
    """A customer of a segment: how well it feels, and how likely it still buys."""

    feeling: float
    alive: float | None


def test_engagement_of_segments_is_the_mean_over_their_accounts_many_or_few(clickhouse: ClickHouse) -> None:
    """Thirty trapped, so that the interval is no longer taken from a table; two truly loyal; one of whom nothing was fitted."""
    customers = {f"t{number:02}": Felt(0.2, 0.9) for number in range(30)} | {"l1": Felt(1, 0.8), "l2": Felt(0.9, 0.7), "n": Felt(0.1, None)}
    days = {name: (number * 5) % 7 for number, name in enumerate(customers)}
    seen(clickhouse, *customers)
    told = ({"score": felt.feeling, "scale_min": 0.0, "scale_max": 1.0, "account_id": name} for name, felt in customers.items())
    answered(clickhouse, *(answer(50, "r", str(values["account_id"]), **values) for values in told))
    moved(clickhouse, *(purchase(ago, "t", name) for name, many in days.items() for ago in range(many)))
    clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": "r"}))
    fitted = ({"run_id": "r", "account_id": name, "probability_alive": felt.alive} for name, felt in customers.items() if felt.alive is not None)
    clickhouse.insert(Table.FIT_ACCOUNTS, rows(Table.FIT_ACCOUNTS, *fitted))

    found = {row["loyalty_segment"]: row for row in clickhouse.query("SELECT * FROM engagement_by_segment").to_pylist()}

    groups = {"trapped": "t", "truly_loyal": "l", "unknown": "n"}
    assert set(found) == set(groups)
    for segment, first in groups.items():
        assert_group(found[segment], [many for name, many in days.items() if name.startswith(first)])
