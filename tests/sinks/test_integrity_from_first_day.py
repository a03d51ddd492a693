"""The sequential test against peers: held against plain Python, drawn honest fleets, and what must be left out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from benchmarks.integrity.first_day import HONEST, Fleet, draw, found, judged
from benchmarks.integrity.first_day import put as put_days
from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from streams.core.integrity.false_discovery import e_benjamini_hochberg
from tests.sinks.fleets import put
from tests.sinks.loyalty import MONDAY, cells, one
from tests.sinks.sequential import Unit, evidence

NAMES = [f"u{number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def _no_catalog(embedded: ClickHouse) -> None:
    embedded.command("TRUNCATE TABLE units")
    embedded.command(f"TRUNCATE TABLE {Table.LOYALTY}")


def _drawn(seed: int, days: int, channels: Sequence[str] = ("store", "web"), first: date = MONDAY - timedelta(20)) -> list[Unit]:
    """A dozen units, of which the first has most of its nines turned into tens."""
    random = np.random.default_rng(seed)
    units: list[Unit] = []
    for number in range(len(NAMES)):
        unit: dict[tuple[date, str], tuple[int, int, int]] = {}
        for day in range(days):
            for channel in channels:
                n = int(random.poisson(1.5 + number / 4))
                two = int(random.binomial(n, 0.7))
                top = int(random.binomial(two, 0.9 if number == 0 else 0.6))
                if n:
                    unit[first + timedelta(day), channel] = n, top, two
        units.append(unit)
    return units


def _insert(clickhouse: ClickHouse, units: Sequence[Unit], **others: object) -> None:
    rows = [
        {"unit_id": name, "day": day, "channel": channel, "n": n, "top_box": top, "top_two_box": two, **others}
        for name, unit in zip(NAMES, units, strict=True)
        for (day, channel), (n, top, two) in unit.items()
    ]
    cells(clickhouse, *rows)


def _alike(rows: Sequence[Mapping[str, object]], others: Sequence[Mapping[str, object]]) -> bool:
    """Whether they are equal but for the order in which numbers were added up."""
    near = [{name: pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for name, value in row.items()} for row in others]
    return list(rows) == near


def test_it_is_what_plain_python_computes(clickhouse: ClickHouse) -> None:
    units = _drawn(3, days=75)
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    _insert(clickhouse, units)
    rows = clickhouse.query("SELECT * FROM integrity_from_first_day ORDER BY unit_id").to_pylist()
    newest = max(day for unit in units for day, _ in unit)
    for row, asked in zip(rows, evidence(units), strict=True):
        of = {test: (row[f"{test}_expected"], row[f"{test}_between"], row[f"{test}_e_value"]) for test in ("rate", "shape")}
        for test, said in asked.items():
            assert of[test] == pytest.approx((said.expected, said.between, list(said.path.values())[-1]), rel=1e-3)
        both = {day: (asked["rate"].path[day] + asked["shape"].path[day]) / 2 for day in asked["rate"].path}
        ends = {}
        for day, value in both.items():
            ends[min(newest, day + timedelta(6 - day.weekday()))] = value
        assert row["e_value"] == pytest.approx(both[max(both)], rel=1e-3)
        assert row["e_value_max"] == pytest.approx(max(ends.values()), rel=1e-3)
        assert ends[row["e_value_max_on"]] == pytest.approx(max(ends.values()), rel=1e-3)
        assert row["p_value"] == pytest.approx(min(1, 1 / max(ends.values())), rel=1e-3)
    assert [row["unit_id"] for row in rows if row["named"]] == ["u00"]
    assert {(row["tested"], row["level"], row["e_value_needed"]) for row in rows} == {(12, 0.05, 240.0)}


def test_in_honest_fleets_evidence_reaches_x_at_one_unit_in_x_at_most_and_hardly_a_fleet_has_a_unit_named(embedded: ClickHouse) -> None:
    fleets, seen = 60, 0
    for kind in (replace(HONEST[0], days=270, correlation=0.1), replace(HONEST[1], days=270, correlation=0.0)):
        put_days(embedded, draw(kind, fleets, seed=4))
        came = judged(embedded, kind, fleets, looks=(60, 120, 270))
        assert came.tested >= 0.95 * fleets * kind.units
        assert came.reached[20] <= came.tested / 20
        assert came.reached[100] <= came.tested / 100
        assert came.named_fleets <= 0.05 * fleets
        seen += came.reached[20]
    assert seen > 0, "the test must see evidence to mean anything"


def test_units_that_stuffed_ballots_from_their_first_day_are_named_as_e_benjamini_hochberg_does(embedded: ClickHouse) -> None:
    kind = Fleet(units=40, days=120, gamed=3, stuffed=0.8)
    put_days(embedded, draw(kind, 1, seed=5))
    rows = embedded.query("SELECT unit_id, e_value, named, e_value_needed, tested, level FROM integrity_from_first_day").to_pylist()
    tested = [row for row in rows if row["e_value"] is not None]
    rejected = e_benjamini_hochberg(np.array([row["e_value"] for row in tested]), 0.05)
    assert [row["named"] for row in tested] == rejected.tolist()
    assert {row["unit_id"] for row in rows if row["named"]} == {"0/0", "0/1", "0/2"}
    assert {(row["tested"], row["level"]) for row in rows} == {(len(tested), 0.05)}
    assert [row["e_value_needed"] for row in rows] == pytest.approx([len(tested) / (0.05 * 3)] * len(rows))
    assert found(embedded, "ballot stuffing", 1.0, kind, 1).found[-1] == 3


def test_the_order_of_rows_their_partitions_and_older_versions_change_nothing(clickhouse: ClickHouse) -> None:
    units = _drawn(6, days=40)
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    _insert(clickhouse, units)
    query = "SELECT * FROM integrity_from_first_day ORDER BY unit_id"
    before = clickhouse.query(query).to_pylist()
    clickhouse.command(f"TRUNCATE TABLE {Table.LOYALTY}")
    _insert(clickhouse, [dict(reversed({key: (n, 0, two) for key, (n, _, two) in unit.items()}.items())) for unit in units], version=1)
    _insert(clickhouse, [{key: (n, top, two) for key, (n, top, two) in sorted(unit.items(), key=str, reverse=True)} for unit in units], version=2)
    _insert(clickhouse, [dict.fromkeys(unit, (-1, 0, 0)) for unit in units], partition=1)
    _insert(clickhouse, [dict.fromkeys(unit, (1, 0, 0)) for unit in units], partition=2)
    after = clickhouse.query(query).to_pylist()
    assert _alike(after, before)


def test_with_too_few_peers_or_responses_nothing_is_said(clickhouse: ClickHouse) -> None:
    assert not clickhouse.query("SELECT * FROM integrity_from_first_day").num_rows
    put(clickhouse, {**dict.fromkeys(NAMES[:7], "few"), **dict.fromkeys(NAMES[7:], "h")})
    _insert(clickhouse, _drawn(7, days=40))
    cells(clickhouse, {"unit_id": "", "n": 1000}, {"unit_id": "alone", "n": 50, "top_box": 50, "top_two_box": 50})
    row = one(
        clickhouse,
        "SELECT count() AS rows, count(e_value) AS judged, count(p_value) AS chances, count(e_value_needed) AS needed, max(tested) AS tested,"
        " sum(named) AS named, max(rate_peers) AS peers FROM integrity_from_first_day",
    )
    assert row == {"rows": 13, "judged": 0, "chances": 0, "needed": 0, "tested": 0, "named": 0, "peers": 6}
    alone = one(clickhouse, "SELECT n, rate_n, rate_worth, rate, rate_expected, shape_e_value FROM integrity_from_first_day WHERE unit_id = 'alone'")
    assert alone == {"n": 50, "rate_n": 0, "rate_worth": 0.0, "rate": None, "rate_expected": None, "shape_e_value": None}


def test_where_one_question_cannot_be_asked_it_adds_what_it_began_with(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    _insert(
        clickhouse,
        [{day: (n, 0, 0) if number else (n, n // 2, n // 2) for day, (n, _, _) in unit.items()} for number, unit in enumerate(_drawn(8, 40))],
    )
    row = one(clickhouse, "SELECT rate_e_value, shape_e_value, e_value, named FROM integrity_from_first_day WHERE unit_id = 'u00'")
    assert row["shape_e_value"] is None
    assert isinstance(rate := row["rate_e_value"], float)
    assert 5 < rate < 1e14
    assert row["e_value"] == pytest.approx((rate + 1) / 2)


def test_units_of_which_all_or_nothing_is_at_the_top_have_numbers(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    for share in (0, 1):
        clickhouse.command(f"TRUNCATE TABLE {Table.LOYALTY}")
        _insert(clickhouse, [{day: (n, share * n, n) for day, (n, _, _) in unit.items()} for unit in _drawn(13, days=40)])
        rows = clickhouse.query("SELECT rate_expected, e_value, e_value_max, named FROM integrity_from_first_day").to_pylist()
        assert len(rows) == len(NAMES)
        for row in rows:
            assert row["rate_expected"] == pytest.approx(share, abs=0.01)
            assert 0 < row["e_value"] <= row["e_value_max"] < 2
            assert not row["named"]


def test_what_time_and_channels_did_for_everybody_is_no_evidence(clickhouse: ClickHouse) -> None:
    """From the third window on all are content, and so are all who use the phone; the first unit opens late, and is called by most."""
    random = np.random.default_rng(9)
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    start = date(2025, 11, 24)
    units: list[dict[tuple[date, str], tuple[int, int, int]]] = [{} for _ in NAMES]
    for number, unit in enumerate(units):
        for day in range(28 if number else 84, 168):
            for channel, n in (("web", 2), ("phone", 4 if number == 0 else 1)):
                two = int(random.binomial(n, min(0.95, 0.5 + 0.2 * (day >= 84) + 0.2 * (channel == "phone"))))
                unit[start + timedelta(day), channel] = n, int(random.binomial(two, 0.5 + 0.2 * (channel == "phone"))), two
    _insert(clickhouse, units)
    row = one(
        clickhouse,
        "SELECT rate > rate_expected + 0.1 AS is_high, e_value < 5 AS is_usual, first_day FROM integrity_from_first_day WHERE unit_id = 'u00'",
    )
    assert row == {"is_high": False, "is_usual": True, "first_day": start + timedelta(84)}
    pooled = one(
        clickhouse, "SELECT sumIf(top_box, unit_id = 'u00') / sumIf(n, unit_id = 'u00') - sum(top_box) / sum(n) > 0.1 AS yes FROM cell_loyalty"
    )
    assert pooled == {"yes": True}


def test_it_is_asked_as_of_a_day(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    units = _drawn(10, days=60)
    until = MONDAY + timedelta(9)
    _insert(clickhouse, [{key: value for key, value in unit.items() if key[0] <= until} for unit in units])
    then = clickhouse.query("SELECT * FROM integrity_from_first_day ORDER BY unit_id").to_pylist()
    assert {row["as_of"] for row in then} == {until}
    _insert(clickhouse, [{key: value for key, value in unit.items() if key[0] > until} for unit in units])
    assert _alike(clickhouse.query(f"SELECT * FROM integrity_from_first_day_as_of(as_of = '{until}') ORDER BY unit_id").to_pylist(), then)


def test_metrics_are_not_mixed(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(NAMES, "g"))
    _insert(clickhouse, _drawn(11, days=40))
    columns = "* EXCEPT (tested, e_value_needed)"
    before = clickhouse.query(f"SELECT {columns} FROM integrity_from_first_day ORDER BY unit_id").to_pylist()
    _insert(clickhouse, [{day: (n, n, n) for day, (n, _, _) in unit.items()} for unit in _drawn(12, days=40)], metric="csat")
    assert _alike(clickhouse.query(f"SELECT {columns} FROM integrity_from_first_day WHERE metric = 'nps' ORDER BY unit_id").to_pylist(), before)
    # Both metrics are tested, whatever is asked for.
    asked = "SELECT tested FROM integrity_from_first_day WHERE metric = 'nps' AND unit_id = 'u03'"
    assert one(clickhouse, asked) == {"tested": 2 * len(NAMES)}
