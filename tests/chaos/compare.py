"""What the views hold against what they must hold, row for row and column for column."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

import pyarrow as pa

from tests.chaos.wire import milliseconds
from tests.oracle.records import Approximate, Row, Rows
from tests.oracle.tables import VIEWS

Tables = Mapping[str, Rows]
KEYS: dict[str, tuple[str, ...]] = {
    "responses": ("account_id", "response_id"),
    "transactions": ("account_id", "transaction_id"),
    "invitations": ("account_id", "invitation_id", "event_type", "occurred_at"),
    "communications": ("account_id", "message_id"),
    "cases": ("account_id", "case_id", "event_type", "occurred_at"),
    "outcomes": ("account_id", "outcome_id", "occurred_at"),
    "operations": ("account_id", "observation_id"),
    "dead_letters": ("topic", "partition", "offset"),
    "loyalty_daily": ("day", "unit_id", "channel", "metric"),
    "loyalty_by_unit": ("unit_id", "metric", "window_start"),
    "loyalty_by_channel": ("channel", "metric", "window_start"),
    "loyalty_total": ("metric", "window_start"),
    "invitation_outcomes": ("account_id", "invitation_id"),
    "accounts": ("account_id",),
    "account_months": ("account_id", "month"),
    "growth_monthly": ("month",),
    "referrals_monthly": ("month",),
    "message_attention": ("account_id", "message_id"),
    "messages_monthly": ("month",),
    "value_delivered": ("account_id",),
    "survey_chances": ("account_id", "invitation_id"),
    "response_strata": ("window_start", "unit_id", "peer_group", "channel", "is_new"),
    "representation": ("grain", "name", "window_start"),
    "revenue_weighted_loyalty": ("grain", "name", "window_start"),
    "follow_up_cases": ("account_id", "case_id"),
    "feedback_debts": ("account_id", "response_id"),
    "follow_up": ("programme", "month"),
    "follow_up_plans": ("programme",),
    "recovered_detractors": ("account_id",),
    "retained_revenue": ("programme",),
    "graded_responses": ("account_id", "response_id"),
    "grades": ("grade",),
    "findings": ("finding_id",),
    "integrity_units": ("unit_id",),
}
WRITTEN = frozenset(
    {
        "responses", "transactions", "invitations", "communications", "cases", "outcomes", "operations", "dead_letters", "loyalty_daily", "accounts",
        "findings", "integrity_units",
    }
)  # fmt: skip
"""Views of what workers write, row for row. The others add these up, and take seven eighths of the time."""
NOT_FROM_EVENTS = {
    # When and by what it was written, how a message is worded, and what the key says in another way.
    "period",
    "inserted_at",
    "processed_at",
    "stage",
    "message",
    "partition",
    "version",
    "window_start",
    # How far days had been judged when a row was written.
    "judged",
    # What candor fit makes of accounts; nobody ran it.
    "probability_alive",
    "expected_purchases",
    "lifetime_value",
    "loyalty_segment",
    "run_id",
}
ENOUGH = 12
"""Differences that are shown per view."""


class Reader(Protocol):
    """Whatever answers a SELECT."""

    def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False) -> pa.Table:
        """The rows; with ``binary`` strings are bytes."""


def read_views(reader: Reader, views: Iterable[str] = VIEWS) -> dict[str, list[Row]]:
    """Every row of every view; the bytes of dead letters stay bytes."""
    return {view: [_plain(row) for row in reader.query(f"SELECT * FROM {view}", binary=True).to_pylist()] for view in views}


RAW = {"key", "value", "header_values"}


def _plain(row: Mapping[str, object]) -> Row:
    return {name: value if name in RAW else _text(value) for name, value in row.items()}


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, list):
        return [tuple(_text(part) for part in item) if isinstance(item, tuple) else _text(item) for item in value]
    return value


def differences(expected: Tables, found: Mapping[str, list[Row]]) -> list[str]:
    """One line per difference, in the order of the expected views, the first few of each; none where all is equal."""
    lines: list[str] = []
    for view in expected:
        of_view = list(_of_view(view, expected[view], found[view]))
        lines += of_view[:ENOUGH]
        if len(of_view) > ENOUGH:
            lines.append(f"{view}: ... and {len(of_view) - ENOUGH} more differences")
    return lines


def _of_view(view: str, expected: Rows, rows: list[Row]) -> Iterator[str]:
    by_key: Rows = {}
    for row in rows:
        key = tuple(row[name] for name in KEYS[view])
        if key in by_key:
            yield f"{view} {_shown(key)}: more than one row"
        by_key[key] = row
    for key in sorted(expected.keys() - by_key.keys(), key=repr):
        yield f"{view} {_shown(key)}: missing; expected {_shown(expected[key])}"
    for key in sorted(by_key.keys() - expected.keys(), key=repr):
        yield f"{view} {_shown(key)}: should not be there; found {_shown(by_key[key])}"
    for key in sorted(expected.keys() & by_key.keys(), key=repr):
        # The columns of the key are equal, or the key would not have been found.
        of_key = dict(zip(KEYS[view], key, strict=True))
        yield from _of_row(f"{view} {_shown(key)}", of_key | _as_columns(view, expected[key]), by_key[key])


def _as_columns(view: str, row: Row) -> Row:
    if view != "dead_letters":
        return row
    headers = row["headers"]
    assert isinstance(headers, list)
    letter = {name: value for name, value in row.items() if name not in ("headers", "timestamp_ms")}
    return letter | {
        "timestamp": row["timestamp_ms"],
        "header_names": [name for name, _ in headers],
        "header_values": [value for _, value in headers],
    }


def _of_row(where: str, expected: Row, found: Row) -> Iterator[str]:
    for name, value in expected.items():
        if name not in found:
            yield f"{where}: there is no column {name}"
        elif not (_same_fault(expected, found) if name == "field" else same(value, found[name])):
            yield f"{where}: {name} is {_shown(found[name])}, expected {_shown(value)}"
    for name in sorted(found.keys() - expected.keys() - NOT_FROM_EVENTS):
        yield f"{where}: column {name} is not judged"


def _same_fault(expected: Row, found: Row) -> bool:
    """The field at fault; inside a list it may be named more precisely, of an empty scale either end may be named."""
    field = found["field"]
    if expected["reason"] == "too_late":
        return True
    if expected["field"] is None or field is None:
        return field is None and expected["field"] is None
    name = str(field).split(".")[0].split("[")[0]
    return name == expected["field"] or {name, expected["field"]} == {"scale_min", "scale_max"}


def same(expected: object, found: object) -> bool:
    """Equal; numbers that were computed may differ in the ninth digit unless they say otherwise, money may not differ at all."""
    if isinstance(expected, Approximate):
        return isinstance(found, float) and math.isclose(expected, found, rel_tol=1e-5, abs_tol=1e-5)
    if isinstance(expected, Fraction | float):
        wanted = float(expected)
        return isinstance(found, int | float | Decimal) and math.isclose(wanted, float(found), rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, dict):
        return isinstance(found, list) and expected == dict(found)
    if isinstance(expected, int) and isinstance(found, datetime):
        return milliseconds(found) == expected and found.microsecond % 1000 == 0
    return expected == found and isinstance(expected, bool) == isinstance(found, bool)


def _shown(value: object) -> str:
    if isinstance(value, Fraction):
        return f"{float(value)!r}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shown(item)}" for name, item in value.items()) + "}"
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= 300 else f"{text[:150]}...{text[-100:]} ({len(text)} characters)"


def letter_differences(expected: Rows, letters: Iterable[Row]) -> list[str]:
    """What differs between the dead letter topic and what it must hold: each letter once, byte for byte."""
    lines = []
    seen: set[tuple[object, ...]] = set()
    for letter in letters:
        key = (letter["topic"], letter["partition"], letter["offset"])
        if key in seen:
            lines.append(f"dead letter topic {_shown(key)}: more than once")
        seen.add(key)
        if key not in expected:
            lines.append(f"dead letter topic {_shown(key)}: should not be there, reason {letter['reason']}")
            continue
        wanted = expected[key]
        lines += [
            f"dead letter topic {_shown(key)}: {name} is {_shown(letter[name])}, expected {_shown(wanted[name])}"
            for name in ("reason", "timestamp_ms", "key", "value", "headers")
            if letter[name] != wanted[name]
        ]
        if not _same_fault(wanted, letter):
            lines.append(f"dead letter topic {_shown(key)}: field is {_shown(letter['field'])}, expected {_shown(wanted['field'])}")
    lines += [f"dead letter topic {_shown(key)}: missing" for key in sorted(expected.keys() - seen, key=repr)]
    return lines[:ENOUGH] + ([f"... and {len(lines) - ENOUGH} more"] if len(lines) > ENOUGH else [])
