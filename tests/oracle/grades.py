"""Grades of what customers got against what they expected and what competitors give, and whether they bought again (R49)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.oracle import facts
from tests.oracle.records import Catalog, Row, Rows
from tests.oracle.scores import exact, mapped
from tests.oracle.validate import Event

DELTA, EPSILON, REPURCHASE = Fraction(1, 10), Fraction(1, 20), timedelta(180)


def grade(surprise: Fraction, relative: Fraction | None) -> str:
    """The first of A, B, F, D, C that holds."""
    better, worse = relative is not None and relative > 1 + EPSILON, relative is not None and relative < 1 - EPSILON
    if surprise >= DELTA or better:
        return "A" if surprise >= DELTA and better else "B"
    if surprise <= -DELTA:
        return "F" if surprise <= -2 * DELTA or worse else "D"
    return "C"


def graded_responses(events: Iterable[Event], catalog: Catalog) -> Rows:
    """One row per counted response that says what was expected."""
    events = list(events)
    movements = [row for row in facts.transactions(events, catalog).values() if not row["synthetic"]]
    now = max((_at(row) for row in movements), default=None)
    purchases: dict[str, dict[object, Row]] = defaultdict(dict)
    for row in movements:
        if row["event_type"] == "transaction.completed":
            purchases[str(row["account_id"])][row["transaction_id"]] = row
    found: Rows = {}
    for (account, response_id), response in facts.newest_revisions(events).items():
        fields, given_at = response.event.fields, response.event.occurred_at
        if not response.counted or fields.get("expected_score") is None:
            continue
        surprise = (exact(fields["score"]) - exact(fields["expected_score"])) / (exact(fields["scale_max"]) - exact(fields["scale_min"]))
        relative = _relative(response.event)
        of_account = purchases[str(account)]
        bought = of_account.get(fields["transaction_id"])
        found[account, response_id] = {
            "day": facts.local_day(given_at, catalog),
            "unit_id": fields["unit_id"],
            "metric": fields["metric"],
            "surprise": surprise,
            "relative_value": relative,
            "grade": grade(surprise, relative),
            "revenue": bought["amount_base"] if bought else Decimal(0),
            "is_judged": now is not None and given_at + REPURCHASE <= now,
            "repurchased": any(given_at < _at(row) <= given_at + REPURCHASE for row in of_account.values()),
        }
    return found


def _at(row: Row) -> datetime:
    assert isinstance(row["occurred_at"], datetime)
    return row["occurred_at"]


def _relative(event: Event) -> Fraction | None:
    """The score over the mean of the competitors', each on the scale of the metric."""
    fields, others = event.fields, event.fields["competitor_scores"]
    if not isinstance(others, list) or not others:
        return None
    theirs = [mapped(str(fields["metric"]), other, fields["scale_min"], fields["scale_max"]) for other in others]
    mean = sum(theirs, Fraction(0)) / len(theirs)
    return facts.mapped_score(event) / mean if mean else None


def grades(graded: Rows) -> Rows:
    """By grade."""
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in graded.values():
        groups[row["grade"]].append(row)
    return {(name,): _row(rows, len(graded)) for name, rows in groups.items()}


def _row(rows: list[Row], everything: int) -> Row:
    judged = [row for row in rows if row["is_judged"]]
    again = sum(1 for row in judged if row["repurchased"])
    return {
        "n": len(rows),
        "share": Fraction(len(rows), everything),
        "revenue": sum((Decimal(str(row["revenue"])) for row in rows), Decimal(0)),
        "judged": len(judged),
        "repurchased": again,
        "repurchase_rate": Fraction(again, len(judged)) if judged else None,
    }
