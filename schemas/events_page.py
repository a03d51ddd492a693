"""The page that documents every event for those who send them, generated from the models."""

from schemas.adjudication import Adjudication
from schemas.enums import Decision, RejectReason, Topic
from schemas.events import EVENTS, Event, ProductLine, Record, Rule, rules_of
from schemas.events.fields import Kind
from schemas.topics import ADJUDICATIONS, INPUTS, MAX_VALUE_BYTES

_KINDS: dict[Kind, str] = {
    Kind.ID: "id",
    Kind.TEXT: "string",
    Kind.CURRENCY: "three capitals",
    Kind.INSTANT: "time",
    Kind.MONEY: "money",
    Kind.NUMBER: "number",
    Kind.INTEGER: "whole number",
    Kind.FLAG: "boolean",
    Kind.IDS: "list of ids",
    Kind.TEXTS: "list of strings",
    Kind.NUMBERS: "list of numbers",
    Kind.ANSWERS: "object, name to number",
    Kind.LINES: "list of product lines",
}
_REASONS: dict[RejectReason, str] = {
    RejectReason.OVERSIZE: f"The value is above {MAX_VALUE_BYTES:,} bytes, or a list or text is above its limit.",
    RejectReason.MALFORMED: "Null, not UTF-8, not JSON (NaN, Infinity, lone surrogates are not), not an object; an envelope's `data` is no object.",
    RejectReason.UNKNOWN_TYPE: "`event_type` is not of this topic.",
    RejectReason.UNKNOWN_VERSION: "`schema_version` is a whole number other than 1.",
    RejectReason.MISSING_FIELD: "A required field is absent or null.",
    RejectReason.INVALID_FIELD: "A wrong JSON type or format, a value outside a list; `scale_min` not below `scale_max`; `target` is `baseline`.",
    RejectReason.OUT_OF_RANGE: "A number or time beyond its bound, a score outside its scale, an amount too large in the base currency.",
    RejectReason.KEY_MISMATCH: "The record's key is not `account_id` in UTF-8.",
    RejectReason.UNKNOWN_CURRENCY: "The catalog has no rate for `currency`.",
    RejectReason.IN_FUTURE: "`occurred_at` is more than 24 h after the record's Kafka timestamp.",
    RejectReason.TOO_LATE: "A revision or withdrawal of a response older than the revision horizon.",
}
_INTRODUCTION = """# Events

What to send to Candor, topic by topic. Made by `candor contracts` from the models; do not edit. JSON Schema and an example of every event, and an
AsyncAPI document, are in `schemas/contracts/`.

A record's value is one JSON object in UTF-8, at most {bytes:,} bytes; its key is `account_id` in UTF-8. With the header `content-type:
application/cloudevents+json` (the name in any case, parameters after `;` ignored) it is a CloudEvents 1.0 envelope: `id`, `type` and `time` are
`event_id`, `event_type` and `occurred_at` and win over the same fields of `data`; other attributes of the envelope are ignored.

## How values are read

* **id**: an opaque string of 1 to 128 characters (code points).
* **time**: RFC 3339 with `T`, seconds and an offset (`Z` or `+hh:mm`), capitals only, from 1900 to 2299; fractions are cut to
  microseconds; there are no leap seconds.
* **money**: a JSON number, read by its shortest decimal form, or a string such as `"12.50"`; at most 4 decimals, from 0 to
  99,999,999,999,999.9999. Each amount is converted to the catalog's base currency and then rounded half-even to 4 decimals.
* **number**: a JSON number that a double can hold; never a string or a boolean. A **whole number** may be written `2.0` and has at most 64 bits.
* Null means absent, everywhere but inside lists and `answers`, where it is invalid. Of a key given twice the last counts.
* Unknown fields, and fields of another event type, are ignored and counted; they never refuse an event. An invalid optional field refuses the
  whole event.
* A product line's quantity is at most 9,000,000,000,000 and is counted in millionths.
* An outcome's amounts without `currency` are kept as they are and have no base amount.
"""

_REFUSALS = """## Why records are refused

A refused record goes, byte for byte, to the topic `dead_letters` and the table `dead_letters`, with the first reason that applies, in this order; of
several fields at fault the first of the tables above is named.
"""


_DECISIONS = """`candor findings adjudicate` writes it; others may, as JSON keyed by `unit_id`: `finding.adjudicated`. It is kept for ever. The common
fields of events do not apply."""


def events_page() -> str:
    """Markdown: how values are read, the common fields, the fields of every event, and why records are refused."""
    parts = [_INTRODUCTION.format(bytes=MAX_VALUE_BYTES), "## Fields of every event\n", _table(Event)]
    common = set(Event.model_fields)
    for topic, models in EVENTS.items():
        parts.append(f"## Topic `{topic}`\n\nCarries {INPUTS[topic].carries}. Written by {INPUTS[topic].written_by}.\n")
        for described in _alike(models):
            heading = described[0] if len(described) == 1 else f"{described[0].partition('.')[0]}.*"
            names = "\n".join(f"* `{event_type}`: {_summary(models[event_type])}" for event_type in described)
            parts.append(f"### {heading}\n\n{names}\n")
            parts.append(_table(models[described[0]], common))
        if topic is Topic.TRANSACTIONS:
            parts.append(f"### Product lines\n\n{_table(ProductLine)}")
    parts.append(f"## Topic `{ADJUDICATIONS.name}`\n\nCarries {ADJUDICATIONS.carries}. {_DECISIONS}\n")
    parts.append(_decision_fields())
    reasons = "\n".join(f"| {place} | `{reason}` | {_REASONS[reason]} |" for place, reason in enumerate(RejectReason, 1))
    parts.append(f"{_REFUSALS}\n| | reason | when |\n|---|---|---|\n{reasons}\n")
    return "\n".join(parts)


def _decision_fields() -> str:
    schema = Adjudication.model_json_schema()
    rows = ["| field | required | |", "|---|---|---|"]
    for name, found in Adjudication.model_fields.items():
        values = f" One of {' '.join(f'`{decision}`' for decision in Decision)}." if name == "decision" else ""
        meaning = " ".join((found.description or "").split())
        rows.append(f"| `{name}` | {'yes' if name in schema['required'] else ''} | {meaning}{values} |")
    return "\n".join(rows) + "\n"


def _alike(models: dict[str, type[Event]]) -> list[list[str]]:
    """Event types with the same fields, together."""
    groups: dict[tuple[Rule, ...], list[str]] = {}
    for event_type, model in models.items():
        groups.setdefault(rules_of(model), []).append(event_type)
    return list(groups.values())


def _summary(model: type[Event]) -> str:
    text = (model.__doc__ or "").strip().rstrip(".")
    return text[0].lower() + text[1:]


def _table(model: type[Record], left_out: set[str] | None = None) -> str:
    rules = {rule.name: rule for rule in rules_of(model)}
    rows = ["| field | type | required | default | |", "|---|---|---|---|---|"]
    for name, found in model.model_fields.items():
        rule = rules.get(name)
        if left_out and name in left_out and not (name == "unit_id" and found.is_required()):
            continue
        kind = "string" if rule is None else _type(rule)
        required = "yes" if found.is_required() else ""
        rows.append(f"| `{name}` | {kind} | {required} | {_default(rule)} | {found.description} |")
    return "\n".join(rows) + "\n"


def _default(rule: Rule | None) -> str:
    if rule is None or rule.default is None or isinstance(rule.default, tuple | dict):
        return ""
    return f"`{str(rule.default).lower()}`"


def _type(rule: Rule) -> str:
    shape = rule.shape
    if shape.kind is Kind.CLOSED:
        return " ".join(f"`{value}`" for value in rule.values)
    bounds = [
        f"at least {shape.least}" if shape.least is not None else "",
        f"above {shape.above}" if shape.above is not None else "",
        f"at most {shape.most:,}" if shape.most is not None else "",
        f"at most {shape.limit:,} {'characters' if shape.kind is Kind.TEXT else 'items'}"
        if shape.limit is not None and shape.kind is not Kind.ID
        else "",
    ]
    return ", ".join([_KINDS[shape.kind], *filter(None, bounds)])
