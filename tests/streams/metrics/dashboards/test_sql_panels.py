"""Every SQL of every panel and variable on the real engine, over a simulated year, with the rights and limits of the user with whom Grafana reads."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files

import pytest

from sinks.clickhouse import ClickHouse, connect
from streams.files import write_events
from streams.metrics.dashboards.files import DASHBOARDS
from streams.metrics.dashboards.model import Kind, Panel, Source, Variable
from streams.metrics.dashboards.sql import CLEANED, RAW, WINDOW, by_survey, newest_scores, score_series
from streams.simulate import Plan, simulate
from tests.sinks.loyalty import MONDAY, cells, flag
from tests.sinks.reader_session import Answer, ask_as_reader
from tests.streams.metrics.dashboards.macros import ALL, expand

PLAN = Plan(seed=12, events=20_000, accounts=1_200, units=12, months=13)
UNITS, PROGRAMMES = ("unit-008", "unit-011", "o'clock"), ("touchpoint",)
SINCE, UNTIL = date(2025, 12, 1), date(2027, 3, 1)
PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels if panel.source is Source.CLICKHOUSE]
CHOOSING = [panel for panel in PANELS if "$__conditionalAll" in panel.queries[0].text]
VARIABLES = [variable for dashboard in DASHBOARDS for variable in dashboard.variables if variable.source is Source.CLICKHOUSE]
EVERYTHING: Mapping[str, Sequence[str] | None] = {variable.name: ALL for variable in VARIABLES}
SOME: Mapping[str, Sequence[str] | None] = {**EVERYTHING, "unit": UNITS, "programme": PROGRAMMES, "survey": ("visit",)}
BY_WINDOW = "SELECT toDateTime(assumeNotNull(window_start), 'UTC') AS time, {columns} FROM loyalty_total WHERE metric = 'nps' AND period = '28 days'"
CHECKS = {
    RAW: BY_WINDOW.format(columns="nps, nps_low AS low, nps_high AS high, n, nps_bound_low AS at_worst"),
    CLEANED: BY_WINDOW.format(
        columns="nps_excluded AS nps, nps_excluded_low AS low, nps_excluded_high AS high, n - flagged AS n, nps_bound_low AS at_worst"
    ),
}
TOTAL = "SELECT n, nps FROM loyalty_total WHERE metric = 'nps' AND period = 'all'"
NUMBERS = {"Int64", "UInt64", "Float64", "Nullable(Int64)", "Nullable(Float64)"}
TEXTS = {"String", "Nullable(String)"}
TIME = "DateTime('UTC')"


def _asked(panel: Panel, chosen: Mapping[str, Sequence[str] | None]) -> str:
    (query,) = panel.queries
    return expand(query.text, SINCE, UNTIL, chosen)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What Grafana's user is answered to each query."""
    folder = tmp_path_factory.mktemp("company")
    simulation = simulate(PLAN)
    events, catalog = folder / "events.ndjson", folder / "catalog.yaml"
    catalog.write_text(simulation.catalog(), encoding="utf-8")
    write_events(events, simulation.records())
    settings = {
        "CANDOR_CLICKHOUSE_URL": f"chdb://{folder}/data?database=candor",
        "CANDOR_CATALOG": str(catalog),
        "CANDOR_ENV_FILE": str(folder / "no"),
    }
    # In a process of its own: this one may have another folder open.
    command = [sys.executable, "-m", "streams.commands", "replay", str(events)]
    done = subprocess.run(command, env={**os.environ, **settings}, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr  # the company has some records that cannot be used
    queries = [
        *(_asked(panel, EVERYTHING) for panel in PANELS),
        *(_asked(panel, SOME) for panel in CHOOSING),
        *(variable.query for variable in VARIABLES),
        *CHECKS.values(),
        TOTAL,
    ]
    return dict(zip(queries, ask_as_reader(folder / "data", "candor", queries, folder), strict=True))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_has_rows_of_types_that_grafana_draws(answers: dict[str, Answer], panel: Panel) -> None:
    answer = answers[_asked(panel, EVERYTHING)]

    assert answer.refused == ""
    assert answer.rows
    names, types = list(answer.columns), list(answer.columns.values())
    assert set(types) <= {TIME, *NUMBERS, *TEXTS}
    if panel.kind is Kind.SERIES:
        assert (names[0], types[0]) == ("time", TIME)
        assert set(types[1:]) <= NUMBERS
        times = [row["time"] for row in answer.rows]
        assert times == sorted(set(times))
        for name in names[1:]:
            assert any(row[name] is not None for row in answer.rows), f"{name} is never known"
    elif panel.kind is Kind.STAT:
        assert len(answer.rows) == 1
        assert set(types) <= NUMBERS
    elif panel.kind is Kind.BARS:
        assert types[0] == "String"
        assert set(types[1:]) <= NUMBERS
    assert {look.name for look in panel.looks} - {"nps_bound_low", "excluded_low", "excluded_high", "low", "high", "nps", "nps_excluded"} <= set(
        names
    )


@pytest.mark.parametrize("panel", CHOOSING, ids=lambda panel: panel.title)
def test_what_the_reader_chooses_is_what_is_shown(answers: dict[str, Answer], panel: Panel) -> None:
    some, everything = answers[_asked(panel, SOME)], answers[_asked(panel, EVERYTHING)]

    assert some.refused == ""
    assert len(some.rows) <= len(everything.rows)
    for column, values in (("unit", UNITS), ("programme", PROGRAMMES), ("survey", ("visit",))):
        if column in some.columns and f"${{{column}:singlequote}}" in panel.queries[0].text:
            assert {row[column] for row in some.rows} <= set(values)
            assert {row[column] for row in everything.rows} - set(values)
            assert some.rows


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_no_score_is_shown_without_its_number_of_responses(answers: dict[str, Answer], panel: Panel) -> None:
    names = set(answers[_asked(panel, EVERYTHING)].columns)
    is_score = any(name.startswith("nps") or name.endswith(("_rate", "rate_expected")) or name in {"delivered", "feeling", "mean"} for name in names)

    assert not is_score or "n" in names


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_a_variable_has_values_to_choose_from(answers: dict[str, Answer], variable: Variable) -> None:
    answer = answers[variable.query]
    values = [next(iter(row.values())) for row in answer.rows]

    assert list(answer.columns.values()) == ["String"]
    assert len(values) == len(set(values)) > 0
    assert variable.hidden or len(values) > 1


@pytest.mark.parametrize("sums", [RAW, CLEANED], ids=["raw", "cleaned"])
def test_scores_over_time_are_those_of_the_view(answers: dict[str, Answer], sums: tuple[str, str, str]) -> None:
    """The panels add up the units that were chosen; with all of them chosen, what the view says of all of them."""
    shown = answers[expand(score_series(sums), SINCE, UNTIL, EVERYTHING)].rows
    known = {row["time"]: row for row in answers[CHECKS[sums]].rows}

    assert len(known) >= 13
    expected = [{name: value for name, value in known[time].items() if name != "at_worst"} for time in sorted(known)]
    assert [row for row in shown if row["n"]] == [pytest.approx(row) for row in expected]


@pytest.mark.parametrize("sums", [RAW, CLEANED], ids=["raw", "cleaned"])
def test_the_newest_scores_are_those_of_the_view(answers: dict[str, Answer], sums: tuple[str, str, str]) -> None:
    (shown,) = answers[expand(newest_scores(sums), SINCE, UNTIL, EVERYTHING)].rows
    newest = max(answers[CHECKS[sums]].rows, key=lambda row: row["time"])

    assert shown == pytest.approx({name: value for name, value in newest.items() if name != "time"})


def test_scores_of_surveys_add_up_to_that_of_all(answers: dict[str, Answer]) -> None:
    surveys = answers[expand(by_survey(), SINCE, UNTIL, EVERYTHING)].rows
    (total,) = answers[TOTAL].rows

    assert len(surveys) > 1
    assert sum(row["n"] for row in surveys) == total["n"]
    assert sum(row["n"] * row["nps"] for row in surveys) / total["n"] == pytest.approx(total["nps"])
    assert all(row["low"] <= row["nps"] <= row["high"] for row in surveys)


def test_flagged_responses_make_a_difference(answers: dict[str, Answer]) -> None:
    """Else the test above would say little."""
    raw, cleaned = (answers[CHECKS[sums]].rows for sums in (RAW, CLEANED))

    assert raw != cleaned


@pytest.fixture
def clickhouse(migrated_url: str) -> Iterator[ClickHouse]:
    """A migrated database without rows."""
    connected = connect(migrated_url)
    yield connected
    connected.close()


def test_a_window_without_responses_is_a_gap_and_not_zero(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 4, "promoters": 3, "detractors": 1}, {"day": date.fromordinal(MONDAY.toordinal() + 56), "n": 2, "promoters": 2})
    flag(clickhouse, promoters=2)

    rows = clickhouse.query(expand(score_series(CLEANED), SINCE, UNTIL, {"unit": ALL})).to_pylist()

    assert [(row["nps"], row["n"]) for row in rows] == [(0.0, 2), (None, 0), (100.0, 2)]
    assert rows[1]["low"] is rows[1]["high"] is None
    assert datetime.fromtimestamp(rows[0]["time"], UTC).date() == MONDAY


def test_a_window_whose_responses_are_all_flagged_has_no_score(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 2, "promoters": 2})
    flag(clickhouse, promoters=2)

    (row,) = clickhouse.query(expand(score_series(CLEANED), SINCE, UNTIL, {"unit": ALL})).to_pylist()

    assert (row["nps"], row["low"], row["high"], row["n"]) == (None, None, None, 0)


def test_macros_are_filled_in_as_the_plugin_does() -> None:
    sql = "WHERE $__conditionalAll(f(a, b) IN (${unit:singlequote}), $unit) AND $__dateFilter(day)"
    until = "day >= toDate('2026-01-01') AND day <= toDate('2026-02-01')"
    since, until_day = date(2026, 1, 1), date(2026, 2, 1)

    assert expand(sql, since, until_day, {"unit": ALL}) == f"WHERE 1=1 AND {until}"
    assert expand(sql, since, until_day, {"unit": ["x", "o'y"]}) == f"WHERE f(a, b) IN ('x','o\\'y') AND {until}"
    with pytest.raises(AssertionError):
        expand("$__timeFilter(day)", since, until_day, {})


def test_windows_are_those_of_the_views() -> None:
    text = (files("sinks.migrations") / "0008_follow_up.sql").read_text(encoding="utf-8")

    assert f"{WINDOW} AS first_day" in text
