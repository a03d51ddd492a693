"""The readings R20 to R30, R46 and R47 that this oracle decides, each on a few events whose result is worked out by hand."""

from datetime import date
from fractions import Fraction

from tests.oracle.make import MONDAY, REFUNDED, Writer
from tests.oracle.records import Row
from tests.oracle.tables import tables

JANUARY, FEBRUARY, MARCH = (MONDAY.replace(month=month).isoformat() for month in (1, 2, 3))


def growth(writer: Writer, month: int) -> Row:
    return tables(writer.records)["growth_monthly"][date(2026, month, 1),]


def bought(writer: Writer, account: str, at: str, amount: int, **fields: object) -> None:
    writer.add("transactions", account_id=account, occurred_at=at, amount=amount, transaction_id=f"t-{len(writer.records)}", **fields)


def test_r24_r25_the_numbers_of_winning_on_purpose() -> None:
    writer = Writer()
    bought(writer, "a", JANUARY, 100)
    bought(writer, "a", FEBRUARY, 85)
    bought(writer, "b", FEBRUARY, 25, acquisition_reason="referral")
    bought(writer, "c", FEBRUARY, 20, acquisition_reason="advertising")

    row = growth(writer, 2)
    assert (row["nrr"], row["earned_new"], row["bought_new"]) == (Fraction(85, 100), Fraction(1, 4), Fraction(1, 5))
    assert (row["earned_growth_rate"], row["earned_growth_ratio"]) == (Fraction(1, 10), Fraction(1, 3))


def test_r24_gross_retention_and_who_returns() -> None:
    writer = Writer()
    for account, amount in (("a", 22_000), ("b", 5_000)):
        bought(writer, account, JANUARY, amount)
    bought(writer, "a", FEBRUARY, 30_000)
    bought(writer, "b", MARCH, 7_000)

    assert (growth(writer, 2)["nrr"], growth(writer, 2)["grr"]) == (Fraction(30, 27), Fraction(22, 27))
    assert (growth(writer, 3)["customers_returned"], growth(writer, 3)["other_revenue"], growth(writer, 3)["nrr"]) == (1, 7_000, 0)


def test_r46_each_purchase_is_induced_once() -> None:
    writer = Writer()
    bought(writer, "a", JANUARY, 8, discount=2)
    bought(writer, "b", JANUARY, 7, discount=3)
    bought(writer, "c", JANUARY, 5, discount=5, acquisition_reason="sales")
    bought(writer, "d", JANUARY, 4, acquisition_reason="merger")

    assert growth(writer, 1)["induced_revenue"] == 7 + 5 + 4


def test_r22_r23_r28_owned_offers_and_open_cases() -> None:
    writer = Writer()
    writer.add("transactions", 0, products=[{"product_id": "p"}, {"product_id": "ink", "consumable": True}])
    writer.add("communications", 0, message_id="same time", offer_product_ids=["p"])
    writer.add("communications", 1, message_id="owned", offer_product_ids=["p", "ink", "p"], purpose="service")
    writer.add("actions", 2)
    writer.add("communications", 3, message_id="both", offer_product_ids=["p", "q"])
    writer.add("transactions", 4, transaction_id="back", original_transaction_id="t", **REFUNDED)
    writer.add("actions", 4, event_type="case.resolved")
    writer.add("communications", 5, message_id="given back", offer_product_ids=["p"], purpose="value_education")

    computed = tables(writer.records)
    errors = {row["message_id"]: (row["offers"], row["owned_offers"], row["attention_errors"]) for row in computed["message_attention"].values()}
    assert errors == {"same time": (1, 0, 0), "owned": (2, 1, 1), "both": (2, 1, 2), "given back": (1, 0, 0)}
    row = computed["messages_monthly"][date(2026, 3, 1),]
    assert (row["selling"], row["value"], row["value_share"], row["owned_offer_rate"]) == (2, 1, Fraction(1, 3), Fraction(2, 6))


def test_r30_r47_value_feeling_and_quadrant() -> None:
    writer = Writer()
    writer.add("outcomes", 0, outcome_id="falls", baseline=10, current=7, target=4)
    writer.add("outcomes", 0, outcome_id="rises", baseline=100, current=101, target=120)
    writer.add("outcomes", 1, outcome_id="rises", baseline=100, current=130, target=120)
    writer.add("feedback", 0, score=9)
    writer.add("feedback", 1, response_id="later", metric="csat", score=2)

    row = tables(writer.records)["accounts"]["a",]
    assert (row["vdi"], row["feeling"], row["quadrant"]) == (Fraction(3, 4), Fraction(1, 4), "served_not_loved")
