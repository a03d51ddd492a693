"""One record, examined by itself: what is wrong with it, or the event in the plain form that the columns take.

Slow and complete: it decides the reason, field and message of every refusal, and it lets through what the fast decoders are too strict for.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from schemas.events import EVENTS, Event, ProductLine, Rule, rules_of
from schemas.events.fields import Kind
from schemas.events.values import (
    ID_LENGTH,
    LARGEST_MONEY,
    Unusable,
    invalid,
    out_of_range,
    read_instant,
    read_integer,
    read_money,
    read_number,
    shown,
)
from schemas.topics import MAX_VALUE_BYTES
from streams.core.batch import SourceRecord
from streams.core.decoding.amounts import converted
from streams.core.decoding.envelope import is_envelope, opened
from streams.core.decoding.json_object import Malformed, parse_object
from streams.core.decoding.scales import scale_of
from streams.core.decoding.structs import LINE_NAMES, structs_of
from streams.core.decoding.times import DAY_MICROSECONDS, is_storable, plain_instant

SUPPORTED_VERSION = 1
_ORDER = {reason: place for place, reason in enumerate(RejectReason)}


class Issue(NamedTuple):
    """Something wrong with a record."""

    reason: RejectReason
    field: str | None
    message: str


class Examined(NamedTuple):
    """A usable event, as a struct of its topic whose values the columns take as they are, and how many of its fields are unknown."""

    event: Any
    unknown_fields: int


Issues = list[Issue]


def examine(topic: Topic, record: SourceRecord, catalog: Catalog) -> Examined | Issue:
    """The event in a record, or the first reason, in the contract's order, for which it cannot be used."""
    if record.value is not None and len(record.value) > MAX_VALUE_BYTES:
        return Issue(RejectReason.OVERSIZE, None, f"the value has {len(record.value)} bytes; at most {MAX_VALUE_BYTES} are allowed")
    try:
        content = parse_object(record.value)
        if is_envelope(record.headers or ()):
            content = opened(content)
    except Malformed as error:
        return Issue(RejectReason.MALFORMED, None, str(error))
    present = {name: value for name, value in content.items() if value is not None}
    issues: Issues = []
    event_type = _event_type(topic, present, issues)
    event = dict(_fields(topic, event_type, present, issues))
    _check_version(present, issues)
    if event_type is not None:
        _check_together(topic, event, issues)
        _check_against_record(event, record, catalog, issues)
    if issues:
        places = _places(topic, event_type)
        return min(issues, key=lambda issue: (_ORDER[issue.reason], places.get(issue.field or "", 0)))
    structs = structs_of(topic)
    known = {rule.name for rule in rules_of(EVENTS[topic][str(event_type)])} | {"event_type"}
    unknown = len(present.keys() - known) + (unknown_in_lines(present.get("products", ())) if "products" in known else 0)
    return Examined(structs.event(event_type=event_type, **_plain(topic, event)), unknown)


def _event_type(topic: Topic, present: dict[str, Any], issues: Issues) -> str | None:
    found = present.get("event_type")
    if found is None:
        issues.append(Issue(RejectReason.MISSING_FIELD, "event_type", "event_type is required"))
    elif not isinstance(found, str):
        issues.append(Issue(RejectReason.INVALID_FIELD, "event_type", f"event_type: {invalid('a string', found).message}"))
    elif found not in EVENTS[topic]:
        message = f"event_type {shown(found)} is not of topic {topic}; known are {', '.join(EVENTS[topic])}"
        issues.append(Issue(RejectReason.UNKNOWN_TYPE, "event_type", message))
    else:
        return found
    return None


def _model(topic: Topic, event_type: str | None) -> type[Event]:
    return Event if event_type is None else EVENTS[topic][event_type]


@cache
def _places(topic: Topic, event_type: str | None) -> dict[str, int]:
    """Where each field stands in the contract: of several faults of one kind the first is reported."""
    return {name: place for place, name in enumerate(_model(topic, event_type).model_fields)}


def _check_version(present: dict[str, Any], issues: Issues) -> None:
    found = present.get("schema_version", SUPPORTED_VERSION)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not is_number or (isinstance(found, float) and np.isfinite(found) and not found.is_integer()):
        issues.append(Issue(RejectReason.INVALID_FIELD, "schema_version", f"schema_version: {invalid('a whole number', found).message}"))
    elif found != SUPPORTED_VERSION:
        message = f"schema_version {shown(found)} is not supported; only {SUPPORTED_VERSION} is"
        issues.append(Issue(RejectReason.UNKNOWN_VERSION, "schema_version", message))


def _fields(topic: Topic, event_type: str | None, present: dict[str, Any], issues: Issues) -> list[tuple[str, Any]]:
    """Every field of the event's type that is present and valid; of an event without a known type, the common ones."""
    found = []
    for rule in rules_of(_model(topic, event_type)):
        if rule.name == "schema_version":
            continue
        if rule.name in present:
            before = len(issues)
            value = read_field(rule, present[rule.name], issues)
            if len(issues) == before:
                found.append((rule.name, value))
        elif rule.required:
            issues.append(Issue(RejectReason.MISSING_FIELD, rule.name, f"{rule.name} is required"))
    return found


def read_field(rule: Rule, value: Any, issues: Issues, name: str | None = None) -> Any:
    """The value as the columns take it (times and money as integers); what is wrong with it is added to ``issues``."""
    name = name or rule.name
    limit = rule.shape.limit
    if limit is not None and isinstance(value, str | list | dict) and isinstance(value, _SIZED[rule.shape.kind]) and len(value) > limit:
        unit = "code points" if rule.shape.kind is Kind.TEXT else "items"
        issues.append(Issue(RejectReason.OVERSIZE, name, f"{name} has {len(value)} {unit}; at most {limit} are allowed"))
        return None
    if rule.shape.kind is Kind.LINES:
        return _lines(name, value, issues)
    if rule.shape.kind is Kind.ANSWERS:
        if not isinstance(value, dict):
            issues.append(Issue(RejectReason.INVALID_FIELD, name, f"{name}: {invalid('an object of numbers', value).message}"))
            return None
        return {key: _one(read_number, item, name, f"{name}[{shown(key)}]", issues) for key, item in value.items()}
    if rule.shape.kind in _ITEMS:
        if not isinstance(value, list):
            issues.append(Issue(RejectReason.INVALID_FIELD, name, f"{name}: {invalid('a list', value).message}"))
            return None
        return [_one(_ITEMS[rule.shape.kind], item, name, f"{name}[{place}]", issues) for place, item in enumerate(value)]
    return _one(lambda found: _scalar(rule, found), value, name, name, issues)


def _one(read: Callable[[object], Any], value: object, name: str, place: str, issues: Issues) -> Any:
    try:
        return read(value)
    except Unusable as error:
        issues.append(Issue(error.reason, name, f"{place}: {error.message}"))
        return None


def _scalar(rule: Rule, value: object) -> Any:
    if rule.shape.kind is Kind.CLOSED:
        if not isinstance(value, str) or value not in rule.values:
            raise invalid(f"one of {' '.join(rule.values)}", value)
        return value
    read = _SCALARS[rule.shape.kind](value)
    shape = rule.shape
    if shape.least is not None and read < shape.least:
        raise out_of_range(f"at least {shape.least}", value)
    if shape.above is not None and not read > shape.above:
        raise out_of_range(f"more than {shape.above}", value)
    if shape.most is not None and read > shape.most:
        raise out_of_range(f"at most {shape.most}", value)
    return read


def _read_id(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= ID_LENGTH:
        raise invalid(f"an id of 1 to {ID_LENGTH} characters", value)
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("a string", value)
    return value


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid("true or false", value)
    return value


def _read_currency(value: object) -> str:
    if not is_currency(value):
        raise invalid("three capitals (ISO 4217)", value)
    return str(value)


def is_currency(value: object) -> bool:
    """Whether the value is three capitals."""
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()


_SCALARS: dict[Kind, Callable[[object], Any]] = {
    Kind.ID: _read_id,
    Kind.TEXT: _read_text,
    Kind.CURRENCY: _read_currency,
    Kind.INSTANT: read_instant,
    Kind.MONEY: read_money,
    Kind.NUMBER: read_number,
    Kind.INTEGER: read_integer,
    Kind.FLAG: _read_flag,
}
_ITEMS: dict[Kind, Callable[[object], Any]] = {Kind.IDS: _read_id, Kind.TEXTS: _read_text, Kind.NUMBERS: read_number}
_SIZED: dict[Kind, type] = {Kind.TEXT: str, Kind.ANSWERS: dict, Kind.NUMBERS: list, Kind.LINES: list}


def _lines(name: str, value: Any, issues: Issues) -> list[dict[str, Any]] | None:
    if not isinstance(value, list):
        issues.append(Issue(RejectReason.INVALID_FIELD, name, f"{name}: {invalid('a list', value).message}"))
        return None
    lines = []
    for place, line in enumerate(value):
        if not isinstance(line, dict):
            issues.append(Issue(RejectReason.INVALID_FIELD, name, f"{name}[{place}]: {invalid('an object', line).message}"))
            continue
        found: dict[str, Any] = {}
        for rule in rules_of(ProductLine):
            if line.get(rule.name) is not None:
                inner: Issues = []
                found[rule.name] = read_field(rule, line[rule.name], inner)
                issues.extend(Issue(issue.reason, name, f"{name}[{place}].{issue.message}") for issue in inner)
            elif rule.required:
                issues.append(Issue(RejectReason.MISSING_FIELD, name, f"{name}[{place}].{rule.name} is required"))
        lines.append(found)
    return lines


def _check_together(topic: Topic, event: dict[str, Any], issues: Issues) -> None:
    """Rules that hold between fields; fields that are invalid by themselves are not there."""
    if topic is Topic.OUTCOMES and "target" in event and event["target"] == event.get("baseline"):
        issues.append(Issue(RejectReason.INVALID_FIELD, "target", f"target: must differ from baseline, both are {shown(event['target'])}"))
    if topic is not Topic.FEEDBACK or "metric" not in event:
        return
    given = {issue.field for issue in issues}
    if "scale_min" in given or "scale_max" in given:
        return
    lowest, highest = scale_of(event["metric"], event.get("scale_min"), event.get("scale_max"))
    if lowest >= highest:
        issues.append(Issue(RejectReason.INVALID_FIELD, "scale_min", f"scale_min: {shown(lowest)} must be below scale_max, {shown(highest)}"))
        return
    scores: list[tuple[str, str, float]] = [(name, name, event[name]) for name in ("score", "expected_score") if name in event]
    scores += [("competitor_scores", f"competitor_scores[{place}]", score) for place, score in enumerate(event.get("competitor_scores", ()))]
    for name, place, score in scores:
        if not lowest <= score <= highest:
            message = f"{place}: {out_of_range(f'a score from {shown(lowest)} to {shown(highest)}', score).message}"
            issues.append(Issue(RejectReason.OUT_OF_RANGE, name, message))


def _check_against_record(event: dict[str, Any], record: SourceRecord, catalog: Catalog, issues: Issues) -> None:
    """Rules that need the record or the catalog."""
    if "received_at" not in event and not any(issue.field == "received_at" for issue in issues) and not is_storable(record.timestamp * 1_000):
        message = f"received_at: the record's timestamp {record.timestamp} is not from 1900 to 2299"
        issues.append(Issue(RejectReason.OUT_OF_RANGE, "received_at", message))
    account = event.get("account_id")
    if account is not None and record.key != account.encode():
        found = "no key" if record.key is None else shown(record.key.decode("utf-8", "backslashreplace"))
        issues.append(Issue(RejectReason.KEY_MISMATCH, "account_id", f"account_id {shown(account)} is not the record's key, found {found}"))
    currency = event.get("currency")
    if currency is not None:
        rate = catalog.rates.get(currency)
        if rate is None:
            issues.append(Issue(RejectReason.UNKNOWN_CURRENCY, "currency", f"currency: the catalog has no rate for {currency}"))
        else:
            for name in ("amount", "discount", "cost", "value_amount", "claimed_amount"):
                if name in event and converted(event[name], rate) > LARGEST_MONEY:
                    message = f"{name}: more than 99999999999999.9999 in {catalog.base_currency}"
                    issues.append(Issue(RejectReason.OUT_OF_RANGE, name, message))
    occurred = event.get("occurred_at")
    if occurred is not None and occurred > record.timestamp * 1_000 + DAY_MICROSECONDS:
        message = f"occurred_at {plain_instant(occurred)} is more than 24 h after the record's timestamp, {_arrival(record.timestamp)}"
        issues.append(Issue(RejectReason.IN_FUTURE, "occurred_at", message))


def _arrival(milliseconds: int) -> str:
    try:
        return plain_instant(milliseconds * 1_000)
    except OverflowError:
        return f"{milliseconds} ms since 1970"


def unknown_in_lines(lines: list[dict[str, Any]]) -> int:
    """How many fields of product lines are not of the contract; null means absent."""
    return sum(value is not None for line in lines for name, value in line.items() if name not in LINE_NAMES)


def _plain(topic: Topic, event: dict[str, Any]) -> dict[str, Any]:
    rules = structs_of(topic).rules
    plain: dict[str, Any] = {}
    for name, value in event.items():
        kind = rules[name].shape.kind
        if kind is Kind.INSTANT:
            plain[name] = plain_instant(value)
        elif kind is Kind.MONEY:
            plain[name] = _plain_money(value)
        elif kind is Kind.LINES:
            plain[name] = [_plain_line(topic, line) for line in value]
        else:
            plain[name] = value
    return plain


def _plain_line(topic: Topic, line: dict[str, Any]) -> Any:
    if "amount" in line:
        line = {**line, "amount": _plain_money(line["amount"])}
    return structs_of(topic).line(**line)


def _plain_money(ten_thousandths: int) -> str:
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}"
