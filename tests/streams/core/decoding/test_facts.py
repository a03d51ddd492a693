"""Facts and the members that stages compute with."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.catalog import Catalog
from schemas.enums import Channel, Metric, Topic
from schemas.rows import TABLES
from streams.core.decoding import decode
from streams.core.decoding.facts import FACT_TABLES
from tests.streams.core.decoding.records import NOW_MS, decoded, plain, record_of

F, T = Topic.FEEDBACK, Topic.TRANSACTIONS


@pytest.mark.parametrize("topic", list(Topic))
def test_columns_are_those_of_the_table(topic: Topic) -> None:
    """All but the two that are known only later, in order, with their types, and valid to the last buffer."""
    facts = decoded(topic, plain(topic), plain(topic)).facts
    table = TABLES[FACT_TABLES[topic]].arrow_schema

    assert facts.schema.equals(table.remove(table.get_field_index("version")).remove(table.get_field_index("source_partition")))
    facts.validate(full=True)


def test_transaction_in_full() -> None:
    """Money in both currencies, lines as lists, defaults for what is absent."""
    lines = [{"product_id": "p-1", "quantity": 2.5, "amount": "3.25"}, {"product_id": "p-c"}, {"product_id": "p-2", "consumable": True}]
    event = plain(T, event_type="transaction.refunded", original_transaction_id="t-0", amount=10.05, currency="USD", cost="1", products=lines)

    result = decoded(T, plain(T, original_transaction_id="t-x"), {**event, "occurred_at": "2025-12-31T23:30:00Z", "risk_flags": ["late"]})
    row = result.facts.to_pylist()[1]

    assert row["amount"] == Decimal("10.0500")
    assert row["amount_base"] == Decimal("9.1455")
    assert (row["discount"], row["discount_base"], row["cost"], row["cost_base"]) == (0, 0, 1, Decimal("0.9100"))
    assert row["product_ids"] == ["p-1", "p-c", "p-2"]
    assert row["product_quantities"] == [2.5, 1.0, 1.0]
    assert row["product_amounts"] == [Decimal("3.2500"), None, None]
    assert row["product_consumable"] == [False, True, True]
    assert (row["risk_flags"], row["recurring"], row["is_new_customer"], row["acquisition_reason"]) == (["late"], False, None, "unknown")
    assert row["occurred_at"] == datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert row["day"] == date(2026, 1, 1)  # in Berlin
    assert row["received_at"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert (row["source_offset"], row["channel"], row["synthetic"]) == (1, "other", False)
    assert result.amount.tolist() == [125_000, 91_455]
    assert result.event_type.tolist() == [0, 1]
    assert result.transaction_id == [None, "t-0"]
    assert result.lines is not None
    assert result.lines.event.tolist() == [1, 1, 1]
    assert result.lines.product_id == ["p-1", "p-c", "p-2"]
    assert result.lines.quantity.tolist() == [2_500_000, 1_000_000, 1_000_000]
    assert result.lines.consumable.tolist() == [False, True, True]


def test_cost_that_is_not_known_is_null() -> None:
    """Null, not 0: margin is unknown; other rows of the batch do not matter."""
    facts = decoded(T, plain(T), plain(T, cost=0), plain(T, cost=None, discount=1)).facts

    assert facts["cost"].to_pylist() == facts["cost_base"].to_pylist() == [None, 0, None]
    assert facts["discount"].to_pylist() == [0, 0, 1]


def test_mixed_currencies() -> None:
    """Each row by its own rate; a rejected neighbour shifts nothing."""
    result = decoded(T, *(plain(T, currency=currency, amount="1000.05") for currency in ("USD", "CHF", "EUR", "JPY", "USD")))

    assert result.facts["amount_base"].to_pylist() == [Decimal("910.0455"), Decimal("1000.05"), Decimal("6.1003"), Decimal("910.0455")]
    assert result.index.tolist() == [0, 2, 3, 4]
    assert result.facts["source_offset"].to_pylist() == [0, 2, 3, 4]


def test_outcome_without_currency_has_no_base_amount() -> None:
    """What it is in the base currency nobody said."""
    topic = Topic.OUTCOMES

    facts = decoded(topic, plain(topic, value_amount=5), plain(topic, value_amount=5, currency="EUR"), plain(topic, currency="USD")).facts

    assert facts["value_amount"].to_pylist() == [5, 5, None]
    assert facts["value_amount_base"].to_pylist() == [None, 5, None]
    assert facts["currency"].to_pylist() == [None, "EUR", "USD"]
    assert facts["weight"].to_pylist() == [1.0, 1.0, 1.0]


def test_response_in_full() -> None:
    """Fields as given; members for the stage as codes and mapped scores."""
    event = plain(
        F,
        revision=3,
        transaction_id="t-9",
        channel="kiosk",
        answers={"speed": 4, "price": 2.5},
        competitor_scores=[1, 2.5],
        asked_for_score=False,
        comment="",
        landed_at="2025-12-31T09:59:00+01:00",
        duration_ms=2**40,
        synthetic=True,
    )

    result = decoded(F, event, plain(F))
    row, bare = result.facts.to_pylist()

    assert (row["revision"], row["answers"], row["competitor_scores"]) == (3, [("speed", 4.0), ("price", 2.5)], [1.0, 2.5])
    assert (row["asked_for_score"], row["told_about_action"], row["comment"], row["duration_ms"]) == (False, None, "", 2**40)
    assert row["landed_at"] == datetime(2025, 12, 31, 8, 59, tzinfo=UTC)
    assert (bare["revision"], bare["answers"], bare["competitor_scores"], bare["landed_at"]) == (1, [], [], None)
    assert result.revision.tolist() == [3, 1]
    assert result.channel.tolist() == [list(Channel).index(Channel.KIOSK), list(Channel).index(Channel.OTHER)]
    assert result.metric.tolist() == [list(Metric).index(Metric.NPS)] * 2
    assert result.synthetic.tolist() == [True, False]
    assert (result.unit_id, result.transaction_id, result.identity) == (["u", "u"], ["t-9", None], ["r", "r"])


def test_withdrawal_has_no_score() -> None:
    """A row of its own with what identifies it, and everything that it takes out left empty."""
    result = decoded(F, plain(F), plain(F, event_type="response.withdrawn", comment="x", revision=7, transaction_id="t", contact_class="staff"))
    row = result.facts.to_pylist()[1]

    assert (row["withdrawn"], row["revision"], row["survey_id"], row["contact_class"], row["answers"]) == (True, 0, "s", "unknown", [])
    empty = ("metric", "score", "scale_min", "scale_max", "score_mapped", "class", "top_box", "top_two_box", "comment", "transaction_id")
    assert [row[name] for name in empty] == [None] * len(empty)
    assert (result.revision.tolist(), result.metric.tolist(), result.transaction_id) == ([1, 0], [0, -1], [None, None])
    assert str(result.score.tolist()) == "[9.0, nan]"


def test_lists_of_messages() -> None:
    """Offers and the feedback that a message answers."""
    topic = Topic.COMMUNICATIONS

    facts = decoded(topic, plain(topic), plain(topic, offer_product_ids=["a", "b", "a"], response_ids=[])).facts

    assert facts["offer_product_ids"].to_pylist() == [[], ["a", "b", "a"]]
    assert facts["response_ids"].to_pylist() == [[], []]


def test_large_batches_keep_their_order() -> None:
    """Beyond the size in which fields are collected, with refusals and examinations between."""
    events = [plain(T, event_id=f"e-{n}", amount=-1 if n % 701 == 5 else n, schema_version=1.0 if n % 501 == 7 else 1) for n in range(3_000)]

    result = decode(T, [record_of(event, n) for n, event in enumerate(events)], Catalog())
    kept = [n for n in range(3_000) if n % 701 != 5]

    assert result.index.tolist() == kept
    assert result.event_id == [f"e-{n}" for n in kept]
    assert result.amount.tolist() == [n * 10_000 for n in kept]
    assert result.facts["source_offset"].to_pylist() == kept
    assert [refused.index for refused in result.rejected] == [n for n in range(3_000) if n % 701 == 5]


def test_decoding_is_pure() -> None:
    """The same records give the same, whatever was decoded before."""
    records = [record_of(plain(T, amount=n, products=[{"product_id": "p-c"}]), n, timestamp=NOW_MS + n) for n in range(-2, 5)]

    first, second = decode(T, records, Catalog()), decode(T, records, Catalog())

    assert first.facts.equals(second.facts)
    assert first.rejected == second.rejected
