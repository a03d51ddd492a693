"""Records that cannot be used: every reason of the dead letters, each made from a good event by one fault."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.chaos.life import Draft
from tests.chaos.wire import Fields, Json, any_bytes, milliseconds

CLOUDEVENT = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class Sent:
    """A record before it has a place in a partition."""

    topic: str
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def bad_record(rng: random.Random, draft: Draft) -> Sent:
    """The event of ``draft`` with one fault, chosen at random."""
    arrival = milliseconds(draft.occurred_at + draft.delay)
    key = str(draft.fields["account_id"]).encode()
    match rng.randrange(10):
        case 0:
            return Sent(draft.topic, arrival, key, rng.choice(GARBAGE))
        case 1:
            return Sent(draft.topic, arrival, rng.choice([None, b"", b"someone else", b"\xff\xfe", key + b" "]), any_bytes(rng, draft.fields))
        case 2:
            # One millisecond more than 24 h ahead of its own arrival.
            early = milliseconds(draft.occurred_at - timedelta(hours=24, milliseconds=1))
            return Sent(draft.topic, early, key, any_bytes(rng, draft.fields), rng.choice([(), (("h", b""), ("h", b"\xff"))]))
        case 3:
            return Sent(draft.topic, arrival, key, rng.choice([b'{"data": [1]}', b'{"id": "1", "data": "text"}', b"[]"]), CLOUDEVENT)
        case _:
            fields = dict(draft.fields)
            fields.pop("x_unknown", None)
            rng.choice(FAULTS + OWN_FAULTS.get(draft.topic, []))(fields)
            return Sent(draft.topic, arrival, key, any_bytes(rng, fields))


GARBAGE: list[bytes | None] = [
    None,
    b"",
    b" ",
    b"\xff\xfe\xfa",
    b'{"event_id": "\xe4"}',
    b"null",
    b"[]",
    b'"text"',
    b"{} {}",
    b'{"event_id": "a",}',
    b"{'event_id': 'a'}",
    b'{"value": NaN}',
    b'{"value": -Infinity}',
    b'{"event_id": "\\ud800"}',
    b'{"\\udc00": 1}',
    b'{"deep": [["\\udfff"]]}',
    b'\xef\xbb\xbf{"event_id": "a"}',
    b'{"event_id": "tab\there"}',
    b"[" * 20_000,
    b'{"event_id": 01}',
    b"\x00",
]


def _set(name: str, *values: Json) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields[name] = values[len(fields) % len(values)]

    return change


def _drop(name: str) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields.pop(name, None)

    return change


TIMES: tuple[Json, ...] = (
    "2026-03-10",
    "2026-03-10T10:00Z",
    "2026-03-10 10:00:00Z",
    "2026-03-10T10:00:00",
    "2026-02-30T10:00:00Z",
    "2026-03-10T24:00:00Z",
    "2026-03-10T10:00:00+0100",
    "2026-03-10T10:00:00.Z",
    1_767_225_600,
    "",
    "٢٠٢٦-03-10T10:00:00Z",
)
FAULTS: list[Callable[[Fields], None]] = [
    _drop("event_id"),
    _drop("event_type"),
    _drop("occurred_at"),
    _set("event_id", "", "x" * 129, 7, ["a"], True),
    _set("event_id", None),
    _set("event_type", 5, ["a"]),
    _set("event_type", "response.deleted", "", "RESPONSE.SUBMITTED"),
    _set("schema_version", 2, 0, -1, 3.0),
    _set("schema_version", "1", 1.5, True),
    _set("occurred_at", *TIMES),
    _set("received_at", *TIMES),
    _set("occurred_at", "1850-01-01T00:00:00Z", "1899-12-31T23:59:59.999999Z"),
    _set("received_at", "2300-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    _set("customer_id", "", 5, "y" * 129),
    _set("unit_id", "", "🙂" * 129),
    _set("agent_id", {"id": "a"}),
    _set("channel", "fax", "Web", 1, ""),
    _set("synthetic", "true", 0, 1),
    _set("account_id", None),
]


def _long_comment(fields: Fields) -> None:
    fields["comment"] = "ü" * 10_001
    fields["schema_version"] = 2  # what is too long comes first


def _upside_down(fields: Fields) -> None:
    fields["scale_min"], fields["scale_max"] = 5, 5


def _off_the_scale(fields: Fields) -> None:
    fields |= {"metric": "csat", "scale_min": None, "scale_max": None, "score": 3, "expected_score": None, "competitor_scores": [3, 5.5]}


def _line(**line: Json) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields["products"] = [{"product_id": "p-1"}, line]

    return change


def _same_target(fields: Fields) -> None:
    fields["target"] = fields["baseline"]


def _score_only(fields: Fields) -> None:
    fields |= {"metric": "nps", "scale_min": None, "scale_max": None, "expected_score": None, "competitor_scores": None, "score": 10.5}


OWN_FAULTS: dict[str, list[Callable[[Fields], None]]] = {
    "feedback": [
        _drop("response_id"),
        _drop("survey_id"),
        _drop("unit_id"),
        _set("response_id", "", "z" * 129),
        _long_comment,
        _upside_down,
        _off_the_scale,
        _score_only,
        _set("metric", "NPS", "stars", 3),
        _set("score", "9", True, [9]),
        _set("score", None),
        _set("revision", 0, -1),
        _set("revision", 1.5, "2", True),
        _set("answers", [], "text", {"price": None}, {"price": "5"}, {"price": True}),
        _set("answers", {f"q{i}": i for i in range(65)}),
        _set("competitor_scores", [None], ["5"], 5),
        _set("competitor_scores", [1] * 17),
        _set("asked_for_score", "no", 0),
        _set("comment", 5, ["a"]),
        _set("duration_ms", -1),
        _set("duration_ms", 0.5, "10"),
        _set("contact_class", "boss"),
        _set("landed_at", *TIMES),
    ],
    "transactions": [
        _drop("transaction_id"),
        _drop("amount"),
        _drop("currency"),
        _set("amount", "1.00001", 0.00001, "1,5", "+1", " 1", "1e3", ".5", "1.", "", True, "٣", None),
        _set("amount", -1, "-0.01", 1e15, "100000000000000"),
        _set("cost", "-5"),
        _set("discount", "abc", [1]),
        _set("currency", "eur", "EURO", "E1R", 978, "ÄÖÜ", ""),
        _set("currency", "XXX", "GBP"),
        _set("products", "p-1", {"product_id": "p"}, [None], ["p-1"]),
        _set("products", [{"product_id": "p"}] * 1_001),
        _line(quantity=1),
        _line(product_id=None),
        _line(product_id=""),
        _line(product_id="p-2", quantity=0),
        _line(product_id="p-2", quantity=-1.5),
        _line(product_id="p-2", quantity="1"),
        _line(product_id="p-2", amount="-1"),
        _line(product_id="p-2", amount="1.23456"),
        _line(product_id="p-2", consumable="yes"),
        _set("is_new_customer", "yes"),
        _set("acquisition_reason", "luck"),
        _set("recurring", 1),
        _set("risk_flags", "late", [1], [None]),
    ],
    "invitations": [
        _drop("invitation_id"),
        _drop("unit_id"),
        _set("inclusion_probability", 0, 1.0001, -0.5),
        _set("inclusion_probability", "0.5"),
        _set("suppression_reason", "lazy"),
    ],
    "communications": [
        _drop("message_id"),
        _drop("purpose"),
        _set("purpose", "spam"),
        _set("offer_product_ids", ["p", None], "p", [""]),
        _set("response_ids", [5]),
    ],
    "actions": [_drop("case_id"), _set("trigger", "mood"), _set("due_at", *TIMES)],
    "outcomes": [
        _drop("outcome_id"),
        _drop("attested_by"),
        _same_target,
        _set("weight", 0, -1),
        _set("weight", "1"),
        _set("baseline", None),
        _set("attested_by", "me"),
        _set("currency", "eu"),
        _set("currency", "GBP"),
    ],
    "operations": [_drop("observation_id"), _drop("measure"), _set("value", None), _set("value", "5", False), _set("measure", "")],
}


def exactly(size: int, fields: Fields) -> bytes:
    """The event padded with an unknown field to ``size`` bytes."""
    empty = len(json.dumps({**fields, "padding": ""}).encode())
    return json.dumps({**fields, "padding": "x" * (size - empty)}).encode()
