"""Which records the oracle refuses, and why: R1 to R8, R31, R35 and R36, by hand."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.oracle.make import MONDAY, Writer
from tests.oracle.records import Catalog, Record
from tests.oracle.validate import Event, RefusedError, validate

CATALOG = Catalog(base_currency="EUR", fx_rates={"USD": Decimal("0.5"), "JPY": Decimal("0.00615")})


def refusal(record: Record, catalog: Catalog = CATALOG) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as refused:
        validate(record, catalog)
    return refused.value.reason, refused.value.field


def accepted(record: Record, catalog: Catalog = CATALOG) -> Event:
    return validate(record, catalog)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": [["\\ud800"]]}',
        b"[" * 100_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_one_json_object_is_malformed(value: bytes | None) -> None:
    assert refusal(Writer().raw("feedback", value)) == ("malformed", None)


def test_a_value_of_one_mebibyte_is_fine_and_a_byte_more_is_oversize_before_it_is_parsed() -> None:
    fits = Writer().add("operations")
    assert fits.value is not None
    padded = fits.value[:-1] + b" " * (1_048_576 - len(fits.value)) + b"}"

    assert accepted(Writer().raw("operations", padded)).fields["value"] == 1.5
    assert refusal(Writer().raw("operations", b"\xff" * 1_048_577)) == ("oversize", None)


@pytest.mark.parametrize(
    ("topic", "fields", "expected"),
    [
        ("feedback", {"comment": "x" * 10_001, "event_id": None, "schema_version": 2}, ("oversize", "comment")),
        ("feedback", {"comment": "🙂" * 10_001}, ("oversize", "comment")),
        ("feedback", {"answers": {str(i): 1 for i in range(65)}}, ("oversize", "answers")),
        ("feedback", {"competitor_scores": [1] * 17}, ("oversize", "competitor_scores")),
        ("transactions", {"products": [{"product_id": "p"}] * 1_001}, ("oversize", "products")),
        ("feedback", {"event_type": "response.deleted", "score": None}, ("unknown_type", "event_type")),
        ("feedback", {"event_type": "transaction.completed"}, ("unknown_type", "event_type")),
        ("feedback", {"schema_version": 2, "score": "9"}, ("unknown_version", "schema_version")),
        ("feedback", {"schema_version": 1.5}, ("invalid_field", "schema_version")),
        ("feedback", {"schema_version": "1"}, ("invalid_field", "schema_version")),
        ("feedback", {"event_type": None, "schema_version": 3}, ("unknown_version", "schema_version")),
        ("feedback", {"event_type": 7}, ("invalid_field", "event_type")),
        ("feedback", {"score": None, "channel": "fax"}, ("missing_field", "score")),
        ("feedback", {"unit_id": None}, ("missing_field", "unit_id")),
        ("feedback", {"event_type": "response.withdrawn", "unit_id": None}, ("missing_field", "unit_id")),
        ("invitations", {"unit_id": None}, ("missing_field", "unit_id")),
        ("transactions", {"products": [{"quantity": 1}]}, ("missing_field", "products")),
        ("transactions", {"products": [{"product_id": None}]}, ("missing_field", "products")),
        ("feedback", {"event_id": ""}, ("invalid_field", "event_id")),
        ("feedback", {"event_id": "x" * 129}, ("invalid_field", "event_id")),
        ("feedback", {"event_id": 5}, ("invalid_field", "event_id")),
        ("feedback", {"channel": "fax"}, ("invalid_field", "channel")),
        ("feedback", {"score": "9"}, ("invalid_field", "score")),
        ("feedback", {"score": True}, ("invalid_field", "score")),
        ("feedback", {"answers": {"price": None}}, ("invalid_field", "answers")),
        ("feedback", {"competitor_scores": [None]}, ("invalid_field", "competitor_scores")),
        ("feedback", {"scale_min": 5, "scale_max": 5}, ("invalid_field", "scale_min")),
        ("feedback", {"metric": "csat", "score": 3, "scale_min": 6}, ("invalid_field", "scale_min")),
        ("feedback", {"occurred_at": "2026-03-02T12:00Z"}, ("invalid_field", "occurred_at")),
        ("feedback", {"occurred_at": "2026-03-02 12:00:00Z"}, ("invalid_field", "occurred_at")),
        ("feedback", {"occurred_at": "2026-03-02T12:00:00"}, ("invalid_field", "occurred_at")),
        ("feedback", {"revision": 0}, ("out_of_range", "revision")),
        ("feedback", {"revision": 1.5}, ("invalid_field", "revision")),
        ("feedback", {"score": 10.5}, ("out_of_range", "score")),
        ("feedback", {"expected_score": -1}, ("out_of_range", "expected_score")),
        ("feedback", {"competitor_scores": [5, 11]}, ("out_of_range", "competitor_scores")),
        ("feedback", {"duration_ms": -1}, ("out_of_range", "duration_ms")),
        ("transactions", {"amount": "1.00001"}, ("invalid_field", "amount")),
        ("transactions", {"amount": 1.00001}, ("invalid_field", "amount")),
        ("transactions", {"amount": "1e3"}, ("invalid_field", "amount")),
        ("transactions", {"amount": -0.01}, ("out_of_range", "amount")),
        ("transactions", {"cost": "-1"}, ("out_of_range", "cost")),
        ("transactions", {"products": [{"product_id": "p", "quantity": 0}]}, ("out_of_range", "products")),
        ("transactions", {"currency": "eur"}, ("invalid_field", "currency")),
        ("transactions", {"currency": "GBP"}, ("unknown_currency", "currency")),
        ("transactions", {"currency": "GBP", "amount": -1}, ("out_of_range", "amount")),
        ("outcomes", {"currency": "GBP"}, ("unknown_currency", "currency")),
        ("outcomes", {"target": 0}, ("invalid_field", "target")),
        ("outcomes", {"weight": 0}, ("out_of_range", "weight")),
        ("invitations", {"inclusion_probability": 0}, ("out_of_range", "inclusion_probability")),
        ("invitations", {"inclusion_probability": 1.01}, ("out_of_range", "inclusion_probability")),
    ],
)
def test_the_first_reason_of_the_table_that_applies_is_given(topic: str, fields: dict[str, object], expected: tuple[str, str]) -> None:
    assert refusal(Writer().add(topic, **fields)) == expected


def test_the_key_is_compared_after_the_fields_and_before_the_currency() -> None:
    writer = Writer()
    good = writer.add("transactions")

    assert refusal(writer.raw("transactions", good.value, key=b"b")) == ("key_mismatch", "account_id")
    assert refusal(writer.raw("transactions", good.value, key=None)) == ("key_mismatch", "account_id")
    assert refusal(writer.raw("transactions", writer.add("transactions", currency="GBP").value, key=b"b"))[0] == "key_mismatch"
    assert refusal(writer.raw("transactions", writer.add("transactions", currency="gbp").value, key=b"b"))[0] == "invalid_field"


def test_exactly_24_hours_ahead_is_fine_and_a_millisecond_more_is_in_future() -> None:
    writer = Writer()
    good = writer.add("operations")

    assert accepted(writer.raw("operations", good.value, at=MONDAY - timedelta(hours=24))).occurred_at == MONDAY
    assert refusal(writer.raw("operations", good.value, at=MONDAY - timedelta(hours=24, milliseconds=1))) == ("in_future", "occurred_at")


def test_absent_and_null_take_the_default() -> None:
    fields = accepted(Writer().add("transactions", discount=None, channel=None, synthetic=None)).fields

    assert (fields["discount"], fields["channel"], fields["synthetic"], fields["cost"]) == (Decimal(0), "other", False, None)
    assert fields["received_at"] == MONDAY


def test_a_withdrawal_may_carry_anything_in_the_fields_of_a_submission() -> None:
    fields: dict[str, object] = {"event_type": "response.withdrawn", "score": "x", "comment": "x" * 20_000, "revision": -1, "contact_class": 5}

    assert accepted(Writer().add("feedback", **fields)).event_type == "response.withdrawn"


def test_numbers_may_be_spelled_differently_and_of_a_key_given_twice_the_last_counts() -> None:
    writer = Writer()
    good = writer.add("feedback", revision=2.0, duration_ms=1e3, schema_version=1.0)
    assert good.value is not None

    fields = accepted(writer.raw("feedback", b'{"score": "nine", ' + good.value[1:])).fields
    assert (fields["revision"], fields["duration_ms"], fields["score"]) == (2, 1000, 10.0)


def test_times_are_cut_to_microseconds_and_are_in_utc() -> None:
    assert accepted(Writer().add("operations", occurred_at="2026-03-01T23:30:00.1234569-01:00")).occurred_at == datetime(
        2026, 3, 2, 0, 30, 0, 123456, tzinfo=UTC
    )


def test_money_is_converted_and_rounded_half_even() -> None:
    writer = Writer()

    def base(amount: object, currency: str) -> object:
        return accepted(writer.add("transactions", amount=amount, currency=currency)).fields["amount_base"]

    assert base("0.0001", "USD") == Decimal("0.0000")  # half of it is 0.00005: to the even 0.0000
    assert base("0.0003", "USD") == Decimal("0.0002")  # 0.00015: to the even 0.0002
    assert base(0.1, "EUR") == Decimal("0.1")
    assert base(100, "JPY") == Decimal("0.6150")
    assert base(1e2, "EUR") == Decimal(100)


def test_without_a_catalog_the_base_is_eur_and_every_other_currency_unknown() -> None:
    assert accepted(Writer().add("transactions"), Catalog()).fields["amount_base"] == Decimal(10)
    assert refusal(Writer().add("transactions", currency="USD"), Catalog()) == ("unknown_currency", "currency")


def test_a_cloudevents_envelope_wins_over_its_data() -> None:
    writer = Writer()
    data = json.loads(writer.add("operations").value or b"") | {"event_id": "of the data"}
    envelope = {"specversion": "1.0", "id": "outer", "type": "operation.observed", "time": "2026-03-03T00:00:00Z", "data": data}
    header = {"Content-Type": b"application/cloudevents+json; charset=utf-8"}

    event = accepted(writer.raw("operations", json.dumps(envelope).encode(), at=MONDAY, headers=header))
    assert (event.event_id, event.occurred_at) == ("outer", datetime(2026, 3, 3, tzinfo=UTC))
    assert refusal(writer.raw("operations", json.dumps(envelope | {"data": [1]}).encode(), headers=header)) == ("malformed", None)
    del envelope["data"]
    assert refusal(writer.raw("operations", json.dumps(envelope).encode(), headers=header)) == ("missing_field", "account_id")
    assert refusal(writer.raw("operations", json.dumps(envelope).encode(), headers={"content-type": b"application/json"})) == (
        "missing_field",
        "event_id",
    )
