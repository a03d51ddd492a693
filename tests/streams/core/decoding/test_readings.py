"""Every reading of the contract about accepting events, one by one: the reason and the field of each refusal."""

import json
from typing import Any

import pytest

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from tests.streams.core.decoding.records import ENVELOPE, NOW_MS, Record, decoded, plain, record_of, text_of, verdict

F, T, I, C, A, U, O = Topic  # noqa: E741  # in the contract's order
LINE = {"product_id": "p"}


def _each(topic: Topic, name: str, reason: str, *values: object) -> list[tuple[Topic, dict[str, Any], str, str]]:
    """The same refusal for each value of a field."""
    return [(topic, {name: value}, reason, name) for value in values]


REFUSED: list[tuple[Topic, dict[str, Any], str, str]] = [
    # oversize: lists and texts above their limit, before anything else is looked at
    (F, {"comment": "ü" * 10_001}, "oversize", "comment"),
    (F, {"comment": "ü" * 10_001, "schema_version": 2, "metric": None}, "oversize", "comment"),
    (F, {"answers": {str(n): n for n in range(65)}}, "oversize", "answers"),
    (F, {"competitor_scores": [1] * 17}, "oversize", "competitor_scores"),
    (T, {"products": [LINE] * 1_001}, "oversize", "products"),
    # the type and version of the event
    (T, {"event_type": "response.submitted"}, "unknown_type", "event_type"),
    (T, {"event_type": "", "schema_version": 2}, "unknown_type", "event_type"),
    (F, {"event_type": "response.deleted", "comment": "x" * 10_001}, "unknown_type", "event_type"),
    (T, {"event_type": 5}, "invalid_field", "event_type"),
    (T, {"event_type": None}, "missing_field", "event_type"),
    (T, {"schema_version": 2, "amount": None}, "unknown_version", "schema_version"),
    (T, {"schema_version": 0}, "unknown_version", "schema_version"),
    (T, {"schema_version": 10**30}, "unknown_version", "schema_version"),
    (T, {"schema_version": 1.5}, "invalid_field", "schema_version"),
    (T, {"schema_version": "1"}, "invalid_field", "schema_version"),
    (T, {"schema_version": True}, "invalid_field", "schema_version"),
    # null means absent
    *[(topic, {name: None}, "missing_field", name) for topic in Topic for name in ("event_id", "occurred_at", "account_id")],
    (F, {"unit_id": None}, "missing_field", "unit_id"),
    (I, {"unit_id": None}, "missing_field", "unit_id"),
    (F, {"metric": None}, "missing_field", "metric"),
    (F, {"metric": None, "scale_min": 0, "scale_max": 10}, "missing_field", "metric"),
    (F, {"score": None}, "missing_field", "score"),
    (F, {"event_type": "response.withdrawn", "unit_id": None}, "missing_field", "unit_id"),
    (F, {"event_type": "response.withdrawn", "survey_id": None}, "missing_field", "survey_id"),
    (T, {"transaction_id": None, "amount": "x"}, "missing_field", "transaction_id"),
    (T, {"products": [LINE, {"quantity": 1}]}, "missing_field", "products"),
    (T, {"products": [{"product_id": None}], "amount": "x"}, "missing_field", "products"),
    (O, {"measure": None}, "missing_field", "measure"),
    (F, {"answers": {"a": None}}, "invalid_field", "answers"),
    (F, {"competitor_scores": [None]}, "invalid_field", "competitor_scores"),
    (C, {"response_ids": [None]}, "invalid_field", "response_ids"),
    (T, {"products": [None]}, "invalid_field", "products"),
    (T, {"risk_flags": [None]}, "invalid_field", "risk_flags"),
    # ids
    *_each(T, "customer_id", "invalid_field", "", "x" * 129, 5, True, ["a"], {}),
    (T, {"products": [{"product_id": ""}]}, "invalid_field", "products"),
    (C, {"offer_product_ids": ["p", ""]}, "invalid_field", "offer_product_ids"),
    # closed lists
    *_each(T, "channel", "invalid_field", "fax", "Web", "", 1),
    (F, {"metric": "NPS"}, "invalid_field", "metric"),
    (F, {"contact_class": "boss"}, "invalid_field", "contact_class"),
    (C, {"purpose": "spam"}, "invalid_field", "purpose"),
    # numbers are numbers
    *_each(F, "score", "invalid_field", "9", True, [9], {}),
    *_each(T, "synthetic", "invalid_field", 0, 1, "true"),
    (F, {"revision": 1.5}, "invalid_field", "revision"),
    (F, {"revision": "1"}, "invalid_field", "revision"),
    (F, {"revision": 0}, "out_of_range", "revision"),
    (F, {"revision": 2**63}, "out_of_range", "revision"),
    (F, {"revision": float("inf")}, "out_of_range", "revision"),
    (F, {"duration_ms": -1}, "out_of_range", "duration_ms"),
    (F, {"score": float("inf")}, "out_of_range", "score"),
    (O, {"value": 10**400}, "out_of_range", "value"),
    (I, {"inclusion_probability": 0}, "out_of_range", "inclusion_probability"),
    (I, {"inclusion_probability": 1.0000001}, "out_of_range", "inclusion_probability"),
    (U, {"weight": 0}, "out_of_range", "weight"),
    (U, {"target": 0}, "invalid_field", "target"),
    (U, {"target": 0, "weight": 0}, "invalid_field", "target"),
    (T, {"products": [{"product_id": "p", "quantity": 0}]}, "out_of_range", "products"),
    (T, {"products": [{"product_id": "p", "quantity": "1"}]}, "invalid_field", "products"),
    # scales
    (F, {"score": 11}, "out_of_range", "score"),
    (F, {"score": -0.001}, "out_of_range", "score"),
    (F, {"metric": "csat", "score": 0}, "out_of_range", "score"),
    (F, {"metric": "ces", "score": 7.5}, "out_of_range", "score"),
    (F, {"expected_score": 10.5}, "out_of_range", "expected_score"),
    (F, {"competitor_scores": [3, 11]}, "out_of_range", "competitor_scores"),
    (F, {"scale_min": 5, "scale_max": 5, "score": 5}, "invalid_field", "scale_min"),
    (F, {"scale_min": 10, "score": 10}, "invalid_field", "scale_min"),
    (F, {"scale_min": 9, "scale_max": 1, "revision": 0}, "invalid_field", "scale_min"),
    # money
    *_each(T, "amount", "invalid_field", 0.00001, "1.00001", "1,5", "1e2", "+1", " 1", "1\n", "", ".5", "1.", "١", True, []),
    *_each(T, "amount", "invalid_field", -0.00001, 1e-300, 0.1 + 0.2),
    *_each(T, "amount", "out_of_range", -1, "-0.01", 10**14, 1e14, "100000000000000", "9" * 5_000, "-" + "9" * 5_000),
    (T, {"amount": float("inf")}, "out_of_range", "amount"),
    (T, {"discount": -1}, "out_of_range", "discount"),
    (T, {"cost": -1}, "out_of_range", "cost"),
    (T, {"products": [{"product_id": "p", "amount": -1}]}, "out_of_range", "products"),
    (T, {"products": [{"product_id": "p", "amount": "1.23456"}]}, "invalid_field", "products"),
    (U, {"value_amount": -1, "currency": "EUR"}, "out_of_range", "value_amount"),
    # times
    *_each(
        T,
        "occurred_at",
        "invalid_field",
        "2025-12-31",
        "2025-12-31T10:00Z",
        "2025-12-31 10:00:00Z",
        "2025-12-31T10:00:00",
        "2025-12-31t10:00:00Z",
        "2025-12-31T10:00:00z",
        "2025-12-31T10:00:00+0100",
        "2025-12-31T10:00:00+01",
        "2025-12-31T10:00:00.Z",
        "2025-12-31T10:00:00,5Z",
        " 2025-12-31T10:00:00Z",
        "2025-02-29T10:00:00Z",
        "2025-00-01T10:00:00Z",
        "2025-12-31T24:00:00Z",
        "2025-12-31T23:59:60Z",
        "2025-12-31T10:00:00+24:00",
        "2025-12-31T10:00:00+01:60",
        "20251231T100000Z",
        "2025-12-31T10:00:00Z\n",
        "",
        1_767_225_600,
        1.5,
        [],
        "２025-12-31T10:00:00Z",
    ),
    (T, {"occurred_at": "1899-12-31T23:59:59.999999Z"}, "out_of_range", "occurred_at"),
    (T, {"occurred_at": "1900-01-01T00:00:00+00:01"}, "out_of_range", "occurred_at"),
    (T, {"occurred_at": "0000-01-01T00:00:00Z"}, "out_of_range", "occurred_at"),
    (T, {"received_at": "2300-01-01T00:00:00Z"}, "out_of_range", "received_at"),
    (A, {"due_at": "tomorrow"}, "invalid_field", "due_at"),
    (F, {"landed_at": "9999-12-31T23:59:59-01:00"}, "out_of_range", "landed_at"),
    # currencies
    *_each(T, "currency", "invalid_field", "eur", "EURO", "€UR", "ÄÖÜ", "E1R", "EUR\n", 978),
    (T, {"currency": "CHF"}, "unknown_currency", "currency"),
    (U, {"currency": "CHF"}, "unknown_currency", "currency"),
    (U, {"currency": "chf"}, "invalid_field", "currency"),
    # the future
    (T, {"occurred_at": "2026-01-02T00:00:00.000001Z"}, "in_future", "occurred_at"),
    (T, {"occurred_at": "2026-01-02T00:00:00.000001Z", "received_at": "2026-02-01T00:00:00Z"}, "in_future", "occurred_at"),
    (T, {"occurred_at": "2026-01-03T00:00:00Z", "currency": "CHF"}, "unknown_currency", "currency"),
]


@pytest.mark.parametrize(("topic", "fields", "reason", "field"), REFUSED)
def test_refused(topic: Topic, fields: dict[str, Any], reason: str, field: str) -> None:
    """The first reason in the contract's order, and the field at fault."""
    refused = decoded(topic, plain(topic), plain(topic, **fields), plain(topic)).rejected

    assert [(found.index, found.reason.value, found.field) for found in refused] == [(1, reason, field)]
    assert field in refused[0].message


ACCEPTED: list[tuple[Topic, dict[str, Any]]] = [
    *[(topic, {}) for topic in Topic],
    (F, {"comment": "🙂" * 10_000}),
    (F, {"answers": {str(n): n for n in range(64)}, "competitor_scores": [1] * 16}),
    (T, {"products": [LINE] * 1_000}),
    (T, {"schema_version": 1.0}),
    (T, {"customer_id": "🙂" * 128, "unit_id": " ", "agent_id": "\0"}),
    (T, {"channel": None, "synthetic": None, "discount": None, "products": None, "schema_version": None}),
    (T, {"products": [{"product_id": "p", "quantity": None, "amount": None, "consumable": None}]}),
    (F, {"revision": 2.0, "duration_ms": 0, "score": -0.0}),
    (F, {"scale_min": -1e308, "scale_max": 1e308, "score": 1e307}),
    (F, {"event_type": "response.withdrawn", "score": "high", "comment": "x" * 20_000, "revision": [], "answers": 5, "landed_at": "x"}),
    (I, {"inclusion_probability": 1, "metric": 5}),
    (U, {"weight": 1e-300, "value_amount": 1}),
    (T, {"amount": "99999999999999.9999"}),
    (T, {"amount": 99999999999.9999}),
    (T, {"amount": "-0.00"}),
    (T, {"amount": -0.0}),
    (T, {"risk_flags": [""], "note": {"deep": [None]}}),
    (T, {"occurred_at": "2026-01-02T00:00:00Z"}),
    (T, {"occurred_at": "2026-01-02T01:00:00.0000009+01:00"}),
    (T, {"occurred_at": "1900-01-01T00:00:00Z", "received_at": "2299-12-31T23:59:59.9999999Z"}),
    (T, {"occurred_at": "2024-02-29T23:59:59.123456789012-23:59"}),
]


@pytest.mark.parametrize(("topic", "fields"), ACCEPTED)
def test_accepted(topic: Topic, fields: dict[str, Any]) -> None:
    """At the bounds, and where the contract is generous."""
    assert verdict(topic, plain(topic, **fields)) is None


MALFORMED: list[bytes | None] = [
    *(None, b"", b" ", b"null", b"[]", b'"text"', b"5", b"{} {}", b'{"a": 1,}', b"{'a': 1}", b"{", b"\x00", b"[" * 100_000),
    *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 01}', b'{"a": .5}', b'{"a": 1.}', b'{"a": +1}', b'{"a": "\t"}'),
    *(b'{"a": "\\ud800"}', b'{"a": "\\udc00"}', b'{"\\ud800": 1}', b'{"a": [["\\ud800"]]}', b'{"a": {"b": "\\ud800 "}}', b'{"a": "\\ud800", "a": 1}'),
    *(b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\xc0\xaf"}', '{"a": 1}'.encode("utf-16")),
]


@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize("placed", [False, True], ids=["alone", "beside good fields"])
def test_malformed(value: bytes | None, placed: bool) -> None:
    """Not UTF-8, not JSON, not an object, null: also where only an unknown field is at fault."""
    if placed and value and value.startswith(b'{"') and value.endswith(b"}"):
        value = text_of(plain(T))[:-1] + b", " + value[1:]

    refused = decoded(T, record_of(plain(T), value=value)).rejected

    assert [(found.reason, found.field) for found in refused] == [(RejectReason.MALFORMED, None)]
    assert refused[0].message


def test_surrogate_pairs_are_one_character() -> None:
    """Escaped in two halves or not, a character outside the basic plane is one."""
    value = text_of(plain(T)).replace(b'"t"', b'"\\ud83d\\ude42"')

    assert decoded(T, record_of(plain(T), value=value)).identity == ["🙂"]


def test_value_of_exactly_one_mebibyte_is_fine() -> None:
    """1,048,576 bytes can be used; one more is refused before it is looked at."""
    value = text_of(plain(T)).ljust(1_048_576)

    assert verdict(T, record_of(plain(T), value=value)) is None
    assert verdict(T, record_of(plain(T), value=b"x" * 1_048_577)) == ("oversize", None)


def test_last_of_a_doubled_key_counts() -> None:
    """In the event, also where an earlier one is invalid, and in a product line."""
    good = text_of(plain(T, products=[LINE]))
    doubled = (
        b'{"amount": "x", "channel": "fax", ' + good[1:].replace(b'{"product_id"', b'{"product_id": 5, "product_id"')[:-1] + b', "channel": null}'
    )

    result = decoded(T, record_of(plain(T), value=doubled))

    assert not result.rejected
    assert result.facts["channel"].to_pylist() == ["other"]
    assert result.facts["product_ids"].to_pylist() == [["p"]]


@pytest.mark.parametrize("key", [None, b"", b"a-2", b"a-1 ", b"\xff", "ä".encode("latin-1")])
def test_key_must_be_the_account(key: bytes | None) -> None:
    """Byte for byte, in UTF-8."""
    assert verdict(T, record_of(plain(T), key=key)) == ("key_mismatch", "account_id")
    assert verdict(T, record_of(plain(T, amount=-1), key=key)) == ("out_of_range", "amount")


def test_keys_that_only_match_together_are_refused() -> None:
    """Two wrong keys whose bytes, one after the other, look like the two right ones."""
    first, second = plain(T, account_id="a\0b"), plain(T, account_id="c")

    result = decoded(T, record_of(first, 0, key=b"a"), record_of(second, 1, key=b"b\0c"))

    assert [refused.reason.value for refused in result.rejected] == ["key_mismatch", "key_mismatch"]


def test_future_is_measured_by_the_record_alone() -> None:
    """24 h after the record's Kafka timestamp, to the microsecond, whatever received_at says."""
    event = plain(T, occurred_at="2026-01-02T00:00:00.001Z")

    assert verdict(T, record_of(event)) == ("in_future", "occurred_at")
    assert verdict(T, record_of(event, timestamp=NOW_MS + 1)) is None


def test_record_whose_timestamp_cannot_be_stored_is_refused() -> None:
    """Where received_at would be the timestamp; an event that says its own received_at is not touched."""
    assert verdict(T, record_of(plain(T), timestamp=2**62)) == ("out_of_range", "received_at")
    assert verdict(T, record_of(plain(T, received_at="2026-01-01T00:00:00Z"), timestamp=2**62)) is None


def test_converted_amount_must_fit() -> None:
    """An amount within bounds that its rate takes beyond them."""
    catalog = Catalog.model_validate({"fx_rates": {"BTC": 90_000}})

    assert verdict(T, plain(T, amount=10**10, currency="BTC"), catalog) == ("out_of_range", "amount")
    assert verdict(T, plain(T, amount=10**9, currency="BTC"), catalog) is None


def _enveloped(value: object, name: str = "content-type", media: bytes = b"application/cloudevents+json") -> Record:
    return Record(0, NOW_MS, b"a-1", json.dumps(value).encode(), ((name, media),))


def test_envelope_wins_over_its_data() -> None:
    """id, type and time of the envelope; where they are null or absent, those of the data."""
    data = plain(T)
    outer = {"id": "outer", "type": "transaction.refunded", "time": "2025-12-30T00:00:00Z", "source": "till", "specversion": "1.0"}

    result = decoded(T, _enveloped({**outer, "data": data}), _enveloped({"id": None, "data": data}))

    assert not result.rejected
    assert result.event_id == ["outer", "e-1"]
    assert result.facts["event_type"].to_pylist() == ["transaction.refunded", "transaction.completed"]
    assert result.facts["day"].to_pylist()[0].isoformat() == "2025-12-30"
    assert result.unknown_fields == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"data": [1]}, ("malformed", None)),
        ({"data": "text"}, ("malformed", None)),
        ({"data": False}, ("malformed", None)),
        ({"id": "e"}, ("missing_field", "event_type")),
        ({"id": "e", "type": "transaction.completed", "data": None}, ("missing_field", "occurred_at")),
        ({"id": "", "data": plain(T)}, ("invalid_field", "event_id")),
        ([], ("malformed", None)),
    ],
)
def test_envelope_faults(value: object, expected: tuple[str, str | None]) -> None:
    """Data that is no object is malformed, absent data is empty."""
    assert verdict(T, _enveloped(value)) == expected


@pytest.mark.parametrize(
    ("name", "media", "is_envelope"),
    [
        ("Content-Type", b"application/cloudevents+json", True),
        ("CONTENT-TYPE", b"application/cloudevents+json; charset=utf-8", True),
        ("content-type", b"application/cloudevents+json ;x", True),
        ("content-type", b"application/json", False),
        ("content-type", b"application/cloudevents-batch+json", False),
        ("ce_type", b"application/cloudevents+json", False),
    ],
)
def test_envelope_is_told_by_its_header(name: str, media: bytes, is_envelope: bool) -> None:
    """By name in any case, and the value up to the semicolon."""
    assert (verdict(T, _enveloped({"data": plain(T)}, name, media)) is None) is is_envelope


def test_other_headers_change_nothing() -> None:
    """Trace headers and headers without a value are left alone."""
    headers: Any = (("traceparent", b"00-1"), ("content-type", None), ("x", b"\xff"))

    assert verdict(T, record_of(plain(T), headers=headers)) is None
    assert verdict(T, _enveloped({"data": plain(T)})._replace(headers=(*headers, *ENVELOPE))) is None


def test_unknown_fields_are_counted_and_never_refuse() -> None:
    """Fields of no event type, of another event type and of a product line; null is absent."""
    result = decoded(
        T,
        plain(T),
        plain(T, a=1, b=[], c=None),
        plain(T, score="x", products=[{"product_id": "p", "colour": "red", "size": None}]),
        plain(T, amount=-1, d=1),
    )

    assert result.unknown_fields == 4
    assert [refused.index for refused in result.rejected] == [3]


def test_withdrawal_knows_only_its_own_fields() -> None:
    """Everything else on it is unknown: counted, and not kept."""
    result = decoded(F, plain(F, event_type="response.withdrawn", comment="gone", metric=None, products=[1]))

    assert result.unknown_fields == 3  # score, comment, products
    assert result.facts["comment"].to_pylist() == [None]


def test_nothing_to_decode() -> None:
    """No records, or only bad ones: empty columns of the right types."""
    for topic in Topic:
        for result in (decoded(topic), decoded(topic, record_of({}, value=b"x"))):
            assert result.facts.num_rows == 0
            assert len(result.index) == len(result.account_id) == len(result.occurred_at) == 0
            result.facts.validate(full=True)
