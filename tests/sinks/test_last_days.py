"""Scores of the last days as of a day: growth and messages, against plain Python and hand-made examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import lines, measured, message, moved, outcome, refund, sale, sent, step, stepped
from tests.sinks.loyalty import one

FIRST = date(2026, 1, 5)
AS_OF = FIRST + timedelta(19)


pytestmark = pytest.mark.usefixtures("with_catalog")


def on(day: int, hour: int = 12) -> Mapping[str, object]:
    """So many days after the first."""
    at = datetime(FIRST.year, FIRST.month, FIRST.day, hour, tzinfo=UTC) + timedelta(day)
    return {"occurred_at": at, "day": at.date()}


def growth(clickhouse: ClickHouse, days: int, as_of: date = AS_OF) -> Mapping[str, object]:
    return one(clickhouse, f"SELECT * FROM growth_last_days(days = {days}, as_of = '{as_of}')")


def test_earned_growth_is_that_of_winning_on_purpose(clickhouse: ClickHouse) -> None:
    """Appendix B: 100 become 130; 85 of them are kept, 25 earned and 20 bought: 10 % were earned, a third of the growth.

    What lies outside is left out.
    """
    moved(
        clickhouse,
        sale("kept", "0", 1, 999, **on(-1)), sale("kept", "1", 1, 100, **on(0)), sale("kept", "2", 1, 85, **on(10)),
        sale("earned", "3", 1, 25, acquisition_reason="referral", **on(19)), sale("bought", "4", 1, 20, acquisition_reason="advertising", **on(15)),
        sale("later", "5", 1, 999, **on(20)), sale("test", "6", 1, 999, synthetic=True, **on(15)),
    )  # fmt: skip

    assert growth(clickhouse, 10) == {
        "revenue": 130, "gross_revenue": 130, "refunds": 0, "base": 100, "induced_revenue": 20, "customers": 3, "customers_before": 1,
        "customers_kept": 1, "nrr": 0.85, "grr": 0.85, "earned_new": 0.25, "bought_new": 0.2, "earned_growth_rate": pytest.approx(0.1),
        "earned_growth_ratio": pytest.approx(1 / 3), "induced_share": pytest.approx(20 / 130), "logo_retention": 1,
    }  # fmt: skip


def test_as_of_a_day_before_everything_there_is_no_row_and_before_the_first_days_no_base(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 100, **on(0)))

    assert clickhouse.query(f"SELECT * FROM growth_last_days(days = 10, as_of = '{FIRST - timedelta(1)}')").num_rows == 0
    found = growth(clickhouse, 10, FIRST)
    assert [found[name] for name in ("revenue", "base", "nrr", "earned_growth_ratio", "logo_retention")] == [100, None, None, None, None]


@dataclass(frozen=True)
class Move:
    """A purchase or refund of an account."""

    account: str
    day: int
    amount: int
    back: bool
    discount: int
    is_new: bool | None
    reason: str


REASONS = ("referral", "recommendation", "advertising", "promotion", "sales", "merger", "unknown")
MOVES = st.builds(
    Move, st.sampled_from("abcde"), st.integers(0, 22), st.integers(1, 40), st.sampled_from([False, False, False, True]), st.sampled_from([0, 0, 10]),
    st.sampled_from([None, None, True, False]), st.sampled_from(REASONS),
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(MOVES, max_size=18), days=st.integers(1, 12))
def test_growth_is_that_of_a_count_by_hand(clickhouse: ClickHouse, drawn: list[Move], days: int) -> None:
    clickhouse.command(f"TRUNCATE TABLE {Table.TRANSACTIONS}")
    made = []
    for number, move in enumerate(drawn):
        known = {"discount": Decimal(move.discount), "is_new_customer": move.is_new, "acquisition_reason": move.reason, **on(move.day)}
        made.append((refund if move.back else sale)(move.account, f"t{number:02}", 1, move.amount, **known))
    moved(clickhouse, *made)

    found = clickhouse.query(f"SELECT * FROM growth_last_days(days = {days}, as_of = '{AS_OF}')").to_pylist()

    expected = by_hand([move for move in drawn if move.day <= 19], days)
    assert len(found) == (expected is not None)
    for name, value in (expected or {}).items():
        assert found[0][name] == (None if value is None else pytest.approx(float(value))), name


def by_hand(moves: Sequence[Move], days: int) -> Mapping[str, Fraction | int | None] | None:
    """Each account by itself, in exact fractions. Moves of one day are in the order of their numbers."""
    if not moves:
        return None
    net = gross = base = induced = kept = capped = earned = bought_new = 0
    customers, customers_before = set(), set()
    for account in sorted({move.account for move in moves}):
        own = sorted((move for move in moves if move.account == account), key=lambda move: move.day)
        now = [move for move in own if move.day > 19 - days]
        before = [move for move in own if 19 - 2 * days < move.day <= 19 - days]
        own_net, own_before = (sum(-move.amount if move.back else move.amount for move in part) for part in (now, before))
        sales = [move for move in now if not move.back]
        own_gross = sum(move.amount for move in sales)
        was, all_sales = any(not move.back for move in before), [move for move in own if not move.back]
        said = [move for move in sales if move.is_new or (move is all_sales[0] and move.is_new is None)]
        reason = said[0].reason if said and not was else None
        dear = sum(move.amount for move in sales if move.reason == "merger" or move.discount * 5 > move.amount + move.discount)
        induced += own_gross if reason in ("advertising", "promotion", "sales", "merger") else dear
        earned += own_net if reason in ("referral", "recommendation") else 0
        bought_new += own_net if reason in ("advertising", "promotion", "sales") else 0
        net, gross, base = net + own_net, gross + own_gross, base + own_before
        kept += own_net if was else 0
        capped += min(own_before, max(own_net, 0)) if was else 0
        customers |= {account} if sales else set()
        customers_before |= {account} if was else set()

    def rate(part: int, whole: int) -> Fraction | None:
        return Fraction(part, whole) if whole > 0 else None

    return {
        "revenue": net, "gross_revenue": gross, "induced_revenue": induced, "customers": len(customers), "customers_before": len(customers_before),
        "base": base if any(move.day <= 19 - days for move in moves) else None,
        "nrr": rate(kept, base), "grr": rate(capped, base), "earned_new": rate(earned, base), "bought_new": rate(bought_new, base),
        "earned_growth_rate": rate(kept + earned - base, base),
        "earned_growth_ratio": Fraction(kept + earned - base, net - base) if base > 0 and net != base else None,
        "induced_share": rate(induced, gross), "logo_retention": rate(len(customers & customers_before), len(customers_before)),
    }  # fmt: skip


def test_the_catalog_moves_the_limit_of_discounts(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog(induced_discount=0.5))
    moved(clickhouse, sale("a", "1", 1, 60, discount=Decimal(40), **on(19)), sale("a", "2", 1, 40, discount=Decimal(60), **on(19)))

    assert growth(clickhouse, 5)["induced_share"] == pytest.approx(0.4)


def test_messages_of_the_last_days_are_held_against_all_that_was_owned_and_open(clickhouse: ClickHouse) -> None:
    """Noon of March the tenth is 0 hours; counted are the tenth and the eleventh. The phone was bought long before, the case opened on the ninth."""
    moved(clickhouse, sale("a", "1", 1, **lines(("phone", 1, False))))
    stepped(clickhouse, step("opened", -24), step("resolved", 20))
    sent(
        clickhouse,
        message("old", ["phone"], "sell", hours=-24), message("open", ["watch", "phone"], "upsell", hours=0),
        message("owned", ["phone"], "sell", hours=24), message("value", [], "value_education", hours=30), message("late", ["phone"], hours=48),
        message("test", ["phone"], hours=0, synthetic=True),
    )  # fmt: skip

    assert one(clickhouse, "SELECT * FROM messages_last_days(days = 2, as_of = '2026-03-11')") == {
        "messages": 3, "selling": 2, "value": 1, "value_share": pytest.approx(1 / 3), "sell_to_value": 2, "offers": 3, "owned_offers": 2,
        "owned_offer_rate": pytest.approx(2 / 3), "open_case_offers": 2, "attention_errors": 3, "attention_error_rate": 1,
    }  # fmt: skip
    assert clickhouse.query("SELECT * FROM messages_last_days(days = 2, as_of = '2026-03-01')").num_rows == 0


def test_value_of_the_last_days_is_held_against_what_was_paid_in_them(clickhouse: ClickHouse) -> None:
    """Half of the way from 10 to 4 and further than promised make 0.75; 1,500 of 3,000 promised, for 1,000 that were paid in these days."""
    kept = {"value_amount_base": Decimal(1500), "claimed_amount_base": Decimal(2000)}
    claimed = {"value_amount_base": Decimal(800), "claimed_amount_base": Decimal(1000), "attested_by": "vendor"}
    measured(
        clickhouse,
        outcome("hours", 10, 7, 4, **kept, **on(12)), outcome("hours", 10, 4, 4, **{**kept, "event_id": "later"}, **on(20)),
        outcome("hours", 10, 10, 4, **{**kept, "event_id": "earlier"}, **on(11)), outcome("orders", 100, 130, 120, **claimed, **on(19)),
        outcome("old", 0, 0, 1, **kept, **on(9)), outcome("test", 0, 0, 1, synthetic=True, **on(15)),
        outcome("hours", 0, 1, 4, account_id="b", **kept, **on(15)),
    )  # fmt: skip
    moved(
        clickhouse, sale("a", "1", 1, 1100, **on(10)), refund("a", "2", 1, 100, **on(19)), sale("a", "3", 1, 9, **on(9)),
        sale("a", "4", 1, 9, **on(20)), sale("a", "5", 1, 9, synthetic=True, **on(15)),
    )  # fmt: skip

    found = clickhouse.query(f"SELECT * FROM value_delivered_last_days(days = 10, as_of = '{AS_OF}') ORDER BY account_id").to_pylist()

    assert found[0] == {
        "account_id": "a", "outcomes": 2, "outcomes_attested": 1, "weight": 2, "weighted_progress": 1.5, "vdi": 0.75, "value_attested": 1500,
        "value_claimed": 3000, "proof_ratio": 0.5, "revenue": 1000, "customer_roi": 1.5,
    }  # fmt: skip
    assert [(row["account_id"], row["vdi"], row["revenue"], row["customer_roi"]) for row in found[1:]] == [("b", 0.25, 0, None)]


def test_service_levels_count_what_was_due_not_what_was_contacted(clickhouse: ClickHouse) -> None:
    """Oracle: 48 hours allowed, now is 60 hours; contacts after 10, 50 and 47, one uncontacted of 60 and one of 20 hours: 2 of 4, not 2 of 3.

    Hours begin at noon of March the tenth, so all are due on the twelfth; the case of 50 hours was contacted on that day, the one of 60 on the
    thirteenth.
    """
    for name, contact in (("a", 10), ("b", 50), ("c", 47), ("d", 60)):
        known: dict[str, Any] = {"case_id": name, "trigger": "detractor", "response_id": None, "due_at": None}
        stepped(clickhouse, step("opened", 0, **known), step("contacted", contact, **known))
    stepped(clickhouse, step("opened", 40, case_id="e", trigger="detractor", response_id=None, due_at=None))

    def levels(days: int, as_of: str) -> list[tuple[object, ...]]:
        columns = "programme, due, in_sla, late, not_contacted, sla_attainment, median_hours_to_contact"
        found = clickhouse.query(f"SELECT {columns} FROM follow_up_last_days(days = {days}, as_of = '{as_of}')").to_pylist()
        return [tuple(row.values()) for row in found]

    assert levels(1, "2026-03-12") == [("none", 4, 2, 1, 1, 0.5, 47.0)]
    assert levels(7, "2026-03-13") == [("none", 4, 2, 2, 0, 0.5, 47.0)]
    assert levels(7, "2026-03-11") == []
    assert levels(1, "2026-03-14") == []
    write_catalog(clickhouse, Catalog(timezone="Pacific/Auckland"))
    assert levels(1, "2026-03-12") == []
    assert levels(1, "2026-03-13") == [("none", 4, 2, 2, 0, 0.5, 47.0)]


def test_the_median_wait_of_the_last_days_knows_nothing_of_later_contacts(clickhouse: ClickHouse) -> None:
    """Kaplan-Meier by hand, hours from noon of the tenth: contacts after 10, 30 and 61, and a case that ended after 20 without one; all due in 11.

    By the end of the tenth (12 hours) a quarter was contacted. By the end of the twelfth (60): 3/4 after 10 hours, two left of whom one is contacted
    after 30, which makes 3/8.
    """
    for name, step_name, hours in (("a", "contacted", 10), ("b", "resolved", 20), ("c", "contacted", 30), ("d", "contacted", 61)):
        known: dict[str, Any] = {"case_id": name, "trigger": "detractor", "response_id": None}
        due = datetime(2026, 3, 10, 23, tzinfo=UTC)
        stepped(clickhouse, step("opened", 0, due_at=due, **known), step(step_name, hours, due_at=None, **known))

    def median(as_of: str) -> object:
        return one(clickhouse, f"SELECT median_hours_to_contact FROM follow_up_last_days(days = 7, as_of = '{as_of}')")["median_hours_to_contact"]

    assert median("2026-03-10") is None
    assert median("2026-03-12") == 30
