"""Cells, responses and flags for tests of the views."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.rows import rows

MONDAY = date(2025, 12, 22)
"""The first day of a 28-day window: 20,440 days after Monday 1970-01-05, 730 windows."""
EMPTY: Mapping[str, object] = {
    **dict.fromkeys(("n", "promoters", "passives", "detractors", "top_box", "top_two_box"), 0),
    **dict.fromkeys(("score_sum", "score_sum_squares", "revenue"), Decimal(0)),
    "day": MONDAY,
    "unit_id": "u",
    "channel": "web",
    "metric": "nps",
    "partition": 0,
    "generation": 1,
}


def cells(clickhouse: ClickHouse, *overrides: Mapping[str, object]) -> None:
    """Insert cells that are empty but for what is given."""
    clickhouse.insert(Table.LOYALTY, rows(Table.LOYALTY, *({**EMPTY, **override} for override in overrides)))


def flag(clickhouse: ClickHouse, **numbers: int) -> None:
    """Insert so many flagged responses of each class; the cells that count them come by themselves."""
    names = [(f"{of_class}-{number}", of_class.removesuffix("s")) for of_class, many in numbers.items() for number in range(many)]
    facts = [response(response_id=name, **{"class": of_class}, unit_id="u", day=MONDAY, channel="web", metric="nps") for name, of_class in names]
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *facts))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *(sign(response_id=name) for name, _ in names)))
    suspect(clickhouse)


def suspect(clickhouse: ClickHouse, **values: object) -> None:
    """Insert the findings of two kinds of evidence at the unit, upon which its answers are flagged."""
    found = (finding("shared_devices", "identity", 5, 10, **values), finding("coached_text", "text", 5, 10, **values))
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, *found))


def flag_some_of_one_unit(clickhouse: ClickHouse) -> None:
    """Flag answers of the first weeks at one unit of a company that starts on the first of January 2026."""
    some = clickhouse.query(
        "SELECT account_id, response_id, revision, unit_id, day FROM responses"
        " WHERE metric = 'nps' AND NOT withdrawn AND NOT synthetic AND day < '2026-02-20'"
        " AND unit_id = (SELECT min(unit_id) FROM responses WHERE unit_id != '') ORDER BY response_id LIMIT 25"
    ).to_pylist()
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *(sign(**row) for row in some)))
    suspect(clickhouse, unit_id=some[0]["unit_id"])


def finding(detector: str, family: str, raised_on: int, sounded_on: int, **values: object) -> Mapping[str, object]:
    """A finding at the unit, raised and sounded again so many days after the Monday."""
    days = {"raised_on": MONDAY + timedelta(raised_on), "sounded_on": MONDAY + timedelta(sounded_on), "since": MONDAY}
    known = {"unit_id": "u", "plan_id": "", "plan_units": [], "found": 10.0, "at_most": 4.0, "standing": True}
    return {"finding_id": f"u/{detector}/{raised_on}", "detector": detector, "family": family, **known, **days, **values}


def sign(**values: object) -> Mapping[str, object]:
    """A flagged answer."""
    known = {"account_id": "a", "revision": 7, "unit_id": "u", "day": MONDAY, "signs": ["shared_devices"], "flags": ["shared_devices"]}
    return {**known, "response_id": "r", **values}


def one(clickhouse: ClickHouse, sql: str) -> dict[str, object]:
    """The only row of a result."""
    found: list[dict[str, object]] = clickhouse.query(sql).to_pylist()
    assert len(found) == 1, found
    return found[0]


def response(**values: object) -> Mapping[str, object]:
    """A response that counts."""
    return {"account_id": "a", "response_id": "r", "synthetic": False, "withdrawn": False, **values}


def withdrawal(**values: object) -> Mapping[str, object]:
    """A withdrawal of it."""
    return {"account_id": "a", "response_id": "r", "synthetic": False, **values}
