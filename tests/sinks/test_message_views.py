"""Messages held against what the customer owned and suffered at that moment, and what that makes per month and account."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest

from sinks.clickhouse import ClickHouse
from tests.sinks.growth import lines, message, month, moved, refund, sale, sent, step, stepped
from tests.sinks.loyalty import one
from tests.sinks.rows import column

ATTENTION = "SELECT offers, owned_offers, owned_product_ids, case_open, attention_errors FROM message_attention"
BEFORE = datetime(2026, 3, 10, 11, tzinfo=UTC)
"""An hour before the message, which is sent at noon."""


def test_shares_and_rates_are_those_of_the_known_answer(clickhouse: ClickHouse) -> None:
    """70 messages sell, 20 teach value, 10 serve; 7 of 70 offers are owned."""
    moved(clickhouse, *(sale("a", f"t{number}", 2, **lines((f"p{number}", 1, False))) for number in range(7)))
    purposes = ["sell"] * 40 + ["upsell"] * 30 + ["value_education"] * 20 + ["service"] * 5 + ["loop_closure"] * 3 + ["survey"] * 2
    sent(clickhouse, *(message(f"m{number}", [f"p{number}"] if number < 70 else [], purpose) for number, purpose in enumerate(purposes)))

    row = one(clickhouse, "SELECT * FROM messages_monthly")

    assert row == {
        "month": month(3), "messages": 100, "selling": 70, "value": 20, "value_share": pytest.approx(2 / 9), "sell_to_value": 3.5, "offers": 70,
        "owned_offers": 7, "owned_offer_rate": 0.1, "open_case_offers": 0, "attention_errors": 7, "attention_error_rate": 0.1,
    }  # fmt: skip


def test_without_messages_of_a_kind_there_is_no_share(clickhouse: ClickHouse) -> None:
    sent(clickhouse, message("m", [], "service"))

    row = one(clickhouse, "SELECT value_share, sell_to_value, owned_offer_rate, attention_error_rate, attention_errors FROM messages_monthly")

    assert row == {"value_share": None, "sell_to_value": None, "owned_offer_rate": None, "attention_error_rate": None, "attention_errors": 0}


@pytest.mark.parametrize("purpose", ["sell", "value_education", "service", "loop_closure", "survey"])
def test_an_offer_is_a_distinct_product_of_a_message_of_any_purpose(clickhouse: ClickHouse, purpose: str) -> None:
    sent(clickhouse, message("1", ["p", "q", "p"], purpose), message("2", ["p"], purpose))

    assert one(clickhouse, "SELECT offers FROM messages_monthly") == {"offers": 3}


P = lines(("p", 1, False))
OWNED: Mapping[str, tuple[Sequence[Mapping[str, object]], bool]] = {
    "bought before": ([sale("a", "1", 3, occurred_at=BEFORE, **P)], True),
    "bought at the same instant": ([sale("a", "1", 3, **P)], False),
    "bought later": ([sale("a", "1", 4, **P)], False),
    "bought by another account": ([sale("b", "1", 2, **P)], False),
    "another product": ([sale("a", "1", 2, **lines(("q", 1, False)))], False),
    "a consumable": ([sale("a", "1", 2, **lines(("p", 1, True)))], False),
    "one line of two is no consumable": ([sale("a", "1", 2, **lines(("p", 1, True), ("p", 1, False)))], True),
    "test traffic": ([sale("a", "1", 2, synthetic=True, **P)], False),
    "given back by product": ([sale("a", "1", 1, **P), refund("a", "2", 2, 3, **P)], False),
    "given back at the same instant": ([sale("a", "1", 1, **P), refund("a", "2", 3, **P)], True),
    "given back in part": ([sale("a", "1", 1, **lines(("p", 2, False))), refund("a", "2", 2, 3, **P)], True),
    "given back in three parts of a tenth": (
        [sale("a", "1", 1, **lines(("p", 0.3, False))), *(refund("a", f"{part}", 2, **lines(("p", 0.1, False))) for part in (2, 3, 4))], False,
    ),
    "given back whole": ([sale("a", "1", 1, **P), refund("a", "2", 2, original_transaction_id="1")], False),
    "given back whole, with other lines": (
        [sale("a", "1", 1, **lines(("p", 1, False), ("q", 2, False), ("p", 3, True))), refund("a", "2", 2, original_transaction_id="1")], False,
    ),
    "some money back": ([sale("a", "1", 1, **P), refund("a", "2", 2, 9, original_transaction_id="1")], True),
    "given back whole, of another account": ([sale("a", "1", 1, **P), refund("b", "2", 2, original_transaction_id="1")], True),
    "given back whole, unknown": ([sale("a", "1", 1, **P), refund("a", "2", 2, original_transaction_id="0")], True),
    "given back, without saying what": ([sale("a", "1", 1, **P), refund("a", "2", 2)], True),
    "given back whole after the message": ([sale("a", "1", 1, **P), refund("a", "2", 4, original_transaction_id="1")], True),
    "given back twice is not owned after one more purchase": (
        [sale("a", "1", 1, **P), refund("a", "2", 1, **P), refund("a", "3", 2, **P), sale("a", "4", 2, **P)], False,
    ),
    "a refund of a refund gives nothing": (
        [sale("a", "1", 1, **P), refund("a", "2", 1, **lines(("p", 1, True))), refund("a", "3", 2, original_transaction_id="2")], True,
    ),
    "given back before it was bought": ([refund("a", "2", 1, original_transaction_id="1"), sale("a", "1", 2, **P)], False),
}  # fmt: skip


@pytest.mark.parametrize("case", OWNED)
def test_what_is_owned_just_before_a_message(clickhouse: ClickHouse, case: str) -> None:
    transactions, is_owned = OWNED[case]
    moved(clickhouse, *transactions)
    sent(clickhouse, message("m", ["p"]))

    assert one(clickhouse, ATTENTION) == {
        "offers": 1, "owned_offers": int(is_owned), "owned_product_ids": ["p"] * is_owned, "case_open": False, "attention_errors": int(is_owned)
    }  # fmt: skip


CASES: Mapping[str, tuple[Sequence[Mapping[str, object]], bool]] = {
    "opened before": ([step("opened", -1)], True),
    "opened at the same instant": ([step("opened", 0)], False),
    "begun by another step": ([step("contacted", -1)], True),
    "begun by its resolution": ([step("resolved", -1)], False),
    "resolved": ([step("opened", -2), step("resolved", -1)], False),
    "resolved at the same instant": ([step("opened", -2), step("resolved", 0)], True),
    "confirmed": ([step("opened", -3), step("resolved", -2), step("confirmed", -1)], False),
    "escalated after it was resolved": ([step("opened", -3), step("resolved", -2), step("escalated", -1)], True),
    "reopened": ([step("opened", -3), step("resolved", -2), step("reopened", -1)], True),
    "opened and resolved at one time": ([step("resolved", -1), step("opened", -1)], False),
    "confirmed and reopened at one time": ([step("reopened", -1), step("confirmed", -1)], True),
    "one of two is open": ([step("opened", -3), step("resolved", -1), step("opened", -2, "d")], True),
    "resolved twice": ([step("opened", -4), step("resolved", -3), step("resolved", -2), step("opened", -4, "d"), step("confirmed", -1, "d")], False),
    "of another account": ([step("opened", -1, account_id="b")], False),
    "test traffic": ([step("opened", -1, synthetic=True)], False),
}


@pytest.mark.parametrize("case", CASES)
def test_whether_a_case_is_open_just_before_a_message(clickhouse: ClickHouse, case: str) -> None:
    steps, is_open = CASES[case]
    stepped(clickhouse, *steps)
    sent(clickhouse, message("m", ["p", "q"]))

    assert one(clickhouse, ATTENTION) == {
        "offers": 2, "owned_offers": 0, "owned_product_ids": [], "case_open": is_open, "attention_errors": 2 * is_open
    }  # fmt: skip


def test_an_offer_that_is_owned_while_a_case_is_open_is_one_error(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 2, **P))
    stepped(clickhouse, step("opened", -1), step("resolved", 1))
    sent(clickhouse, message("1", ["p", "q"]), message("2", ["p", "q"], hours=2), message("3", [], hours=0.5))

    row = one(clickhouse, "SELECT offers, owned_offers, open_case_offers, attention_errors, attention_error_rate FROM messages_monthly")

    assert row == {"offers": 4, "owned_offers": 2, "open_case_offers": 2, "attention_errors": 3, "attention_error_rate": 0.75}


def test_test_traffic_and_older_versions_are_no_messages(clickhouse: ClickHouse) -> None:
    sent(clickhouse, message("1", ["p"]), message("2", ["p"], synthetic=True), message("3", ["p"], "value_education"))
    sent(clickhouse, message("3", [], "upsell", version=2))

    assert one(clickhouse, "SELECT messages, selling, value, offers FROM messages_monthly") == {"messages": 2, "selling": 2, "value": 0, "offers": 1}


def test_months_are_those_of_local_days(clickhouse: ClickHouse) -> None:
    sent(clickhouse, message("1", day=date(2026, 2, 28)), message("2", day=date(2026, 2, 1)), message("3"))

    found = clickhouse.query("SELECT month, messages FROM messages_monthly ORDER BY month")

    assert column(found, "month", "messages") == [(month(2), 2), (month(3), 1)]
