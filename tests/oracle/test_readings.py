"""The readings R9 to R40 that this oracle decides, each on a few events whose result is worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle.loyalty import net_promoter_score, window
from tests.oracle.make import MONDAY, REFUNDED, WITHDRAWN, Writer
from tests.oracle.records import Catalog, Row, Rows
from tests.oracle.tables import VIEWS, tables


def result(writer: Writer, catalog: Catalog | None = None) -> dict[str, Rows]:
    computed = tables(writer.records, catalog)
    assert set(computed) == set(VIEWS)
    return computed


def account(writer: Writer, catalog: Catalog | None = None) -> Row:
    return result(writer, catalog)["accounts"]["a",]


def reasons(writer: Writer) -> list[object]:
    return [row["reason"] for row in result(writer)["dead_letters"].values()]


def test_r1_a_dead_letter_claims_no_identity_and_a_copy_of_it_is_a_second_one() -> None:
    writer = Writer()
    for _ in range(2):
        writer.add("operations", event_id="e", value="five")
    writer.add("operations", event_id="e", value=5)

    computed = result(writer)
    assert len(computed["dead_letters"]) == 2
    assert computed["operations"]["a", "x"]["value"] == 5.0


def test_r9_ids_are_identities_within_their_topic_and_account() -> None:
    writer = Writer()
    writer.add("transactions", event_id="e", amount=1)
    writer.add("transactions", event_id="e", amount=2, account_id="b")
    writer.add("communications", event_id="e")

    assert len(result(writer)["transactions"]) == 2
    assert len(result(writer)["communications"]) == 1


@pytest.mark.parametrize(
    ("topic", "view"),
    [("transactions", "transactions"), ("communications", "communications"), ("operations", "operations"), ("invitations", "invitations"),
     ("actions", "cases"), ("outcomes", "outcomes"), ("feedback", "responses")],
)  # fmt: skip
def test_r9_a_thing_counts_once_under_another_event_id_and_the_first_copy_stays(topic: str, view: str) -> None:
    writer = Writer()
    writer.add(topic, event_id="first")
    writer.add(topic, event_id="second")
    writer.add(topic, event_id="first", account_id="b")

    rows = result(writer)[view]
    assert sorted(str(row["event_id"]) for row in rows.values()) == ["first", "first"]


def test_r9_a_transaction_id_is_one_identity_for_purchases_and_refunds() -> None:
    writer = Writer()
    writer.add("transactions", amount=7)
    writer.add("transactions", amount=7, **REFUNDED)

    assert (account(writer)["revenue"], account(writer)["refunds"]) == (Decimal(7), Decimal(0))


def test_r9_steps_of_the_same_kind_at_other_times_are_other_things() -> None:
    writer = Writer()
    for day in (0, 1):
        writer.add("invitations", day)
        writer.add("actions", day)
        writer.add("outcomes", day)

    computed = result(writer)
    assert [len(computed[view]) for view in ("invitations", "cases", "outcomes")] == [2, 2, 2]


def test_r10_an_identity_is_forgotten_35_days_later() -> None:
    writer = Writer()
    writer.add("communications", 0, event_id="e")
    writer.add("communications", 35, message_id="other")
    writer.add("communications", 0, event_id="e")  # exactly 35 days: still remembered
    assert account(writer)["messages"] == 2
    writer.add("communications", 35.001, message_id="yet another")
    writer.add("communications", 0, event_id="e")
    assert account(writer)["messages"] == 4


def test_r10_transactions_are_remembered_as_long_as_responses_can_change() -> None:
    writer = Writer()
    writer.add("transactions", 0, event_id="e")
    writer.add("transactions", 399, transaction_id="newer")
    writer.add("transactions", 0, event_id="e")

    assert account(writer)["transactions"] == 2


def test_r10_a_duplicate_claims_its_event_id_too() -> None:
    writer = Writer()
    writer.add("communications", event_id="first")
    writer.add("communications", event_id="second")
    writer.add("communications", event_id="second", message_id="other")

    assert account(writer)["messages"] == 1


def test_r11_test_traffic_changes_nothing_but_keeps_its_facts() -> None:
    writer = Writer()
    writer.add("feedback", synthetic=True)
    writer.add("transactions", synthetic=True, products=[{"product_id": "p"}])
    writer.add("actions", synthetic=True)
    writer.add("communications", synthetic=True)

    computed = result(writer)
    assert (computed["accounts"], computed["loyalty_daily"], computed["loyalty_total"]) == ({}, {}, {})
    assert computed["responses"]["a", "r"]["synthetic"] is True
    assert len(computed["transactions"]) == len(computed["cases"]) == len(computed["communications"]) == 1


def test_r11_a_synthetic_withdrawal_withdraws_nothing_and_alone_is_kept_as_a_fact() -> None:
    writer = Writer()
    writer.add("feedback", synthetic=True, **WITHDRAWN)
    row = result(writer)["responses"]["a", "r"]
    assert (row["synthetic"], row["withdrawn"], row["revision"]) == (True, True, 0)

    writer.add("feedback")
    assert result(writer)["responses"]["a", "r"]["withdrawn"] is False
    assert account(writer)["responses"] == 1


def test_r10_a_synthetic_withdrawal_uses_up_the_withdrawal_of_its_response() -> None:
    writer = Writer()
    writer.add("feedback", synthetic=True, **WITHDRAWN)
    writer.add("feedback", **WITHDRAWN)  # another event_id, the same thing: a duplicate
    writer.add("feedback")

    assert account(writer)["responses"] == 1


def test_r11_a_response_whose_highest_revision_is_synthetic_counts_nowhere() -> None:
    writer = Writer()
    writer.add("feedback", revision=1)
    writer.add("feedback", revision=2, synthetic=True)

    assert account(writer)["responses"] == 0
    assert result(writer)["loyalty_daily"] == {}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_r12_a_response_is_wholly_what_its_highest_revision_says(order: tuple[int, int]) -> None:
    revisions: dict[int, dict[str, object]] = {
        1: {"revision": 1, "score": 10, "unit_id": "u", "channel": "web"},
        2: {"revision": 2, "score": 3, "unit_id": "v", "channel": "app", "metric": "csat", "occurred_at": "2026-03-04T12:00:00Z"},
    }
    writer = Writer()
    for revision in order:
        writer.add("feedback", **revisions[revision])

    assert list(result(writer)["loyalty_daily"]) == [(date(2026, 3, 4), "v", "app", "csat")]
    assert result(writer)["responses"]["a", "r"]["revision"] == 2


@pytest.mark.parametrize("order", ["ws", "sw", "swr", "wsr"])
def test_r12_a_withdrawal_is_final_whenever_it_arrives(order: str) -> None:
    events: dict[str, dict[str, object]] = {"s": {"comment": "hm"}, "r": {"revision": 2, "comment": "again"}, "w": WITHDRAWN}
    writer = Writer()
    for event in order:
        writer.add("feedback", **events[event])

    row = result(writer)["responses"]["a", "r"]
    assert (row["withdrawn"], row["score"], row["comment"], row["class"], row["answers"]) == (True, None, None, None, {})
    assert (row["revision"], row["metric"], row["event_type"]) == (2 if "r" in order else 1, "nps", "response.submitted")
    assert account(writer)["responses"] == 0
    assert result(writer)["loyalty_daily"] == {}


def test_r39_a_withdrawal_alone_has_a_row_of_its_own_fields() -> None:
    writer = Writer()
    writer.add("feedback", event_id="w", channel="app", **WITHDRAWN)

    row = result(writer)["responses"]["a", "r"]
    assert (row["event_id"], row["event_type"], row["revision"], row["withdrawn"]) == ("w", "response.withdrawn", 0, True)
    assert (row["channel"], row["metric"], row["contact_class"], row["scale_min"]) == ("app", None, "unknown", None)


def test_r12_what_reaches_back_more_than_400_days_is_too_late() -> None:
    writer = Writer()
    writer.add("feedback", 0)
    writer.add("feedback", 400, response_id="newer")
    writer.add("feedback", 0, revision=2)
    assert reasons(writer) == []
    writer.add("feedback", 400.001, revision=3)  # its own time makes the response too old
    writer.add("feedback", 1, **WITHDRAWN)
    writer.add("feedback", 1, response_id="never seen", **WITHDRAWN)

    assert reasons(writer) == ["too_late", "too_late"]
    assert result(writer)["responses"]["a", "r"]["revision"] == 2


def test_r13_scores_are_mapped_exactly() -> None:
    writer = Writer()
    writer.add("feedback", score=0.7, scale_min=0, scale_max=1)
    writer.add("feedback", response_id="r2", metric="csat", score=75, scale_min=0, scale_max=100)

    responses = result(writer)["responses"]
    assert (responses["a", "r"]["score_mapped"], responses["a", "r"]["class"]) == (7, "passive")
    assert (responses["a", "r2"]["score_mapped"], responses["a", "r2"]["class"]) == (4, None)


def test_r14_and_r15_classes_and_boxes() -> None:
    writer = Writer()
    for i, (metric, score) in enumerate(
        [("nps", 10), ("nps", 9), ("nps", 8.5), ("nps", 7), ("nps", 6.5), ("csat", 5), ("csat", 4), ("csat", 3.9), ("ces", 6), ("rating", 4)]
    ):
        writer.add("feedback", response_id=f"r{i}", metric=metric, score=score)

    total = result(writer)["loyalty_total"]
    nps, csat = total["nps", None], total["csat", None]
    assert [nps[name] for name in ("n", "promoters", "passives", "detractors", "top_box", "top_two_box")] == [5, 2, 2, 1, 1, 2]
    assert [csat[name] for name in ("n", "promoters", "passives", "detractors", "top_box", "top_two_box")] == [3, 0, 0, 0, 1, 2]
    assert (total["ces", None]["top_two_box"], total["rating", None]["top_two_box"], total["ces", None]["top_box"]) == (1, 1, 0)
    assert (nps["score_sum"], nps["score_sum_squares"]) == (41, Fraction(100 + 81 + 49) + Fraction("72.25") + Fraction("42.25"))
    assert (csat["nps"], csat["nps_low"], csat["nps_bound_low"]) == (None, None, None)


def test_r16_adjusted_wald() -> None:
    assert net_promoter_score(100, 70, 10) == pytest.approx((60.0, 45.2698, 71.2351), abs=1e-4)
    assert net_promoter_score(2, 2, 0)[2] == 100.0
    assert net_promoter_score(2, 0, 2)[1] == -100.0


def test_r17_a_response_brings_the_gross_amount_of_the_purchase_that_it_names() -> None:
    writer = Writer()
    writer.add("feedback", transaction_id="t", metric="csat", score=5)
    writer.add("feedback", response_id="r2", transaction_id="t")
    writer.add("feedback", response_id="r3", transaction_id="refund")
    writer.add("feedback", response_id="r4", transaction_id="elsewhere")
    writer.add("feedback", response_id="r5", transaction_id="test")
    writer.add("transactions", 9, amount=30)  # arrives later
    writer.add("transactions", transaction_id="refund", amount=30, original_transaction_id="t", **REFUNDED)
    writer.add("transactions", transaction_id="elsewhere", account_id="b")
    writer.add("transactions", transaction_id="test", synthetic=True)

    total = result(writer)["loyalty_total"]
    assert (total["csat", None]["revenue"], total["nps", None]["revenue"]) == (Decimal(30), Decimal(30))


def test_r18_revenue_is_completed_minus_refunded() -> None:
    writer = Writer()
    writer.add("transactions", amount=30, discount=5)
    writer.add("transactions", transaction_id="b", amount=50, **REFUNDED)

    row = account(writer)
    assert (row["revenue"], row["refunds"], row["transactions"]) == (Decimal(-20), Decimal(50), 1)


def test_r19_the_last_score_is_of_the_newest_counted_nps_response() -> None:
    writer = Writer()
    assert "last_score" in account_after(writer, "communications")
    writer.add("feedback", 1, response_id="r1", score=3)
    writer.add("feedback", 1, response_id="r2", score=4)
    writer.add("feedback", 2, response_id="r3", metric="csat", score=1)
    assert (account(writer)["last_score"], account(writer)["responses"]) == (4, 3)
    writer.add("feedback", 3, response_id="r2", **WITHDRAWN)
    assert account(writer)["last_score"] == 3


def account_after(writer: Writer, topic: str) -> Row:
    writer.add(topic)
    return account(writer)


def test_r33_first_and_last_seen_are_of_every_accepted_event() -> None:
    writer = Writer()
    writer.add("feedback", 5)
    writer.add("feedback", 1, revision=2)
    writer.add("feedback", 9, **WITHDRAWN)
    writer.add("feedback", 20, event_id="copy", **WITHDRAWN)  # a duplicate touches nothing
    writer.add("operations", 30, value="bad")

    row = account(writer)
    assert (row["first_seen"], row["last_seen"]) == (MONDAY + timedelta(days=1), MONDAY + timedelta(days=9))


def test_r21_consumables_are_not_owned() -> None:
    writer = Writer()
    writer.add("transactions", products=[{"product_id": "p"}, {"product_id": "q", "consumable": True}, {"product_id": "coffee"}])

    assert account(writer)["products_owned"] == 2
    assert account(writer, Catalog(consumable_products=frozenset({"coffee"})))["products_owned"] == 1


@pytest.mark.parametrize(
    ("refund", "owned"),
    [
        ({"amount": 10}, 0),
        ({"amount": 10, "products": []}, 0),
        ({"amount": 9}, 2),
        ({"amount": 10, "original_transaction_id": "unknown"}, 2),
        ({"amount": 10, "original_transaction_id": None}, 2),
        ({"amount": 1, "products": [{"product_id": "p"}]}, 2),
        ({"amount": 1, "products": [{"product_id": "p", "quantity": 2}]}, 1),
        ({"amount": 10, "products": [{"product_id": "p", "consumable": True, "quantity": 2}]}, 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("refund_first", [False, True])
def test_r22_a_refund_takes_back_its_lines_or_all_of_an_original_of_equal_amount(refund: dict[str, object], owned: int, refund_first: bool) -> None:
    purchase: dict[str, object] = {"amount": 10, "products": [{"product_id": "p", "quantity": 2}, {"product_id": "q"}]}
    writer = Writer()
    both: list[dict[str, object]] = [purchase, {"transaction_id": "back", "original_transaction_id": "t", **REFUNDED, **refund}]
    for event in reversed(both) if refund_first else both:
        writer.add("transactions", **event)

    assert account(writer)["products_owned"] == owned


def test_r23_there_is_no_floor_in_between() -> None:
    writer = Writer()
    writer.add("transactions", 0, transaction_id="back", products=[{"product_id": "p", "quantity": 1}], **REFUNDED)
    writer.add("transactions", 1, products=[{"product_id": "p", "quantity": 1}])
    assert account(writer)["products_owned"] == 0
    writer.add("transactions", 2, transaction_id="t2", products=[{"product_id": "p", "quantity": 0.1}])
    assert account(writer)["products_owned"] == 1


@pytest.mark.parametrize(
    ("steps", "is_open"),
    [
        ([("resolved", 0), ("opened", 0)], 0),
        ([("reopened", 0), ("resolved", 0), ("confirmed", 0)], 1),
        ([("opened", 1), ("resolved", 0)], 1),
        ([("contacted", 0)], 1),
        ([("confirmed", 0)], 0),
        ([("escalated", 0), ("contacted", 0), ("assigned", 0)], 1),
    ],
)
def test_r27_equal_times_are_in_the_order_of_the_steps(steps: list[tuple[str, int]], is_open: int) -> None:
    writer = Writer()
    for step, day in steps:
        writer.add("actions", day, event_type=f"case.{step}")

    assert account(writer)["open_cases"] == is_open


def test_r32_days_are_local() -> None:
    writer = Writer()
    writer.add("feedback", occurred_at="2026-03-28T22:59:59Z", response_id="r1")  # 23:59 in winter
    writer.add("feedback", occurred_at="2026-03-28T23:00:00Z", response_id="r2")
    writer.add("feedback", occurred_at="2026-03-29T21:59:59Z", response_id="r3")  # 23:59 in summer
    writer.add("feedback", occurred_at="2026-03-29T22:00:00Z", response_id="r4")

    days = [(key[0], row["n"]) for key, row in sorted(result(writer, Catalog("Europe/Berlin"))["loyalty_daily"].items(), key=str)]
    assert days == [(date(2026, 3, 28), 1), (date(2026, 3, 29), 2), (date(2026, 3, 30), 1)]


def test_r37_a_cell_from_which_everything_was_taken_has_no_row() -> None:
    writer = Writer()
    writer.add("feedback")
    writer.add("feedback", revision=2, unit_id="v")

    assert [key[1] for key in result(writer)["loyalty_daily"]] == ["v"]
    assert {key[0] for key in result(writer)["loyalty_by_unit"]} == {"v"}


def test_r40_windows_of_28_days_start_on_the_monday_of_1970_01_05() -> None:
    assert window(date(1970, 1, 5)) == window(date(1970, 2, 1)) == date(1970, 1, 5)
    assert window(date(1970, 2, 2)) == date(1970, 2, 2)
    assert window(date(1970, 1, 4)) == date(1969, 12, 8)
    assert window(date(2026, 3, 2)).weekday() == 0


def test_facts_keep_what_the_event_says_and_where_it_came_from() -> None:
    writer = Writer()
    writer.raw("transactions", b"bad")
    writer.add(
        "transactions", products=[{"product_id": "p", "quantity": None, "amount": "1.5"}, {"product_id": "q", "consumable": True}], risk_flags=["a"]
    )

    computed = result(writer)
    row = computed["transactions"]["a", "t"]
    assert (row["product_ids"], row["product_quantities"], row["product_amounts"]) == (["p", "q"], [1.0, 1.0], [Decimal("1.5"), None])
    assert (row["product_consumable"], row["risk_flags"], row["cost_base"]) == ([False, True], ["a"], None)
    assert (row["source_partition"], row["source_offset"], row["day"]) == (0, 1, date(2026, 3, 2))
    assert row["received_at"] == datetime(2026, 3, 2, 12, tzinfo=UTC)
    letter = computed["dead_letters"]["transactions", 0, 0]
    assert (letter["value"], letter["key"], letter["headers"]) == (b"bad", b"a", [])
