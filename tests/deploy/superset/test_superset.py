"""The bundle in a real Superset: every chart shows what Candor's views say. ``make superset`` installs Superset."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from sinks.dictionary import read_relations
from sinks.semantic.superset.charts import Chart, Kind
from sinks.semantic.superset.dashboards import DASHBOARDS
from streams.simulate import Plan, simulate
from tests.deploy.superset.expected import EXPECTED, NPS
from tests.deploy.superset.serving import Superset, superset
from tests.sinks.chdb_server.serving import Running, running
from tests.sinks.loyalty import flag_some_of_one_unit
from tests.sinks.rows import rows
from tests.streams.simulated.company import replayed

# Superset makes its metadata anew, by all its migrations.
pytestmark = pytest.mark.timeout(2_400)
INSTALL = Path(__file__).parents[3] / "deploy" / "superset" / "install.py"
OWNERS, READERS = "owner's", "reader's: @/"
CHARTS = {chart.name: chart for dashboard in DASHBOARDS for row in dashboard.rows for chart in row}
NUMBERED: dict[str, str] = {chart.title: name for name, chart in CHARTS.items()}
Row = Mapping[str, object]


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Superset on its way, while the data are made."""
    with superset(tmp_path_factory.mktemp("superset")) as started:
        yield started


@pytest.fixture(scope="module")
def served_company(starting: Superset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, ClickHouse]]:
    """Five months of a simulated company, some answers of one unit flagged; behind passwords, as on a machine that others reach."""
    assert starting.port
    passwords = {"CANDOR_CLICKHOUSE_SERVER_PASSWORD": OWNERS, "CANDOR_CLICKHOUSE_SERVER_READER_PASSWORD": READERS}
    with running(tmp_path_factory.mktemp("clickhouse") / "data", passwords) as server:
        simulation = simulate(Plan(seed=12, events=25_000, accounts=2_000, units=6, months=5))
        catalog = Catalog.model_validate(yaml.safe_load(simulation.catalog()))
        url = f"http://default:owner%27s@127.0.0.1:{server.port}/candor"
        clickhouse = replayed(simulation, catalog, url, tmp_path_factory.mktemp("company"))
        flag_some_of_one_unit(clickhouse)
        clickhouse.insert(Table.UNITS, rows(Table.UNITS, *({"unit_id": unit} for unit in ("unit-001", "unit-002"))))
        clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": "r", "model": "drivers"}))
        clickhouse.insert(Table.FIT_DRIVERS, rows(Table.FIT_DRIVERS, *({"run_id": "r", "driver": name} for name in ("speed", "price"))))
        yield server, clickhouse
        clickhouse.close()


@pytest.fixture(scope="module")
def company(served_company: tuple[Running, ClickHouse]) -> ClickHouse:
    return served_company[1]


def install(started: Superset, server: Running, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command of the page."""
    address = f"clickhousedb://reader@127.0.0.1:{server.port}/candor"
    passwords = {"SUPERSET_PASSWORD": started.password, "CANDOR_CLICKHOUSE_READER_PASSWORD": READERS, **environment}
    command = [sys.executable, str(INSTALL), "--superset", started.url, "--clickhouse", address]
    return subprocess.run(command, env={**os.environ, **passwords}, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def imported(starting: Superset, served_company: tuple[Running, ClickHouse]) -> Superset:
    """Superset with the bundle, which was imported twice: a newer one replaces what an older one brought."""
    starting.ready()
    for _ in range(2):
        done = install(starting, served_company[0])
        assert done.returncode == 0, done.stderr + starting.log.read_text()[-4000:]
    return starting


@pytest.fixture(scope="module")
def queries(imported: Superset) -> dict[str, dict[str, Any]]:
    """The query that Superset keeps of each chart, by the chart's name."""
    found = {}
    for listed in imported.listed("chart"):
        context = imported.ask(f"chart/{listed['id']}")["result"]["query_context"]
        found[NUMBERED[listed["slice_name"]]] = json.loads(context)
    return found


def test_all_came_once(imported: Superset, queries: Mapping[str, object]) -> None:
    assert queries.keys() == CHARTS.keys() == EXPECTED.keys()
    assert {one["slug"]: one["dashboard_title"] for one in imported.listed("dashboard")} == {one.name: one.title for one in DASHBOARDS}
    assert sorted(one["table_name"] for one in imported.listed("dataset")) == sorted({chart.dataset for chart in CHARTS.values()})
    for dashboard in DASHBOARDS:
        shown = imported.ask(f"dashboard/{dashboard.name}/charts")["result"]
        assert sorted(one["slice_name"] for one in shown) == sorted(chart.title for row in dashboard.rows for chart in row)


def test_no_password_is_kept_in_the_open(imported: Superset) -> None:
    (database,) = imported.listed("database")
    address = imported.ask(f"database/{database['id']}/connection")["result"]["sqlalchemy_uri"]

    assert address.startswith("clickhousedb://reader:XXXXXXXXXX@")
    metadata = (imported.log.parent / "superset.db").read_bytes()
    assert b"assets/import" in metadata, "what was asked is logged"
    assert READERS.encode() not in metadata
    assert READERS not in imported.log.read_text()


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_shows_what_the_views_say(imported: Superset, queries: Mapping[str, Any], company: ClickHouse, name: str) -> None:
    expected = company.query(EXPECTED[name]).to_pylist()

    found = answered(imported, queries[name])

    assert expected, "there is nothing to compare"
    assert found[0].keys() == expected[0].keys()
    assert_same(found, expected, CHARTS[name])


def answered(started: Superset, context: Mapping[str, Any]) -> list[Row]:
    (result,) = started.ask("chart/data", context)["result"]
    found: list[Row] = result["data"]
    assert result["rowcount"] == len(found)
    return found


def assert_same(found: Sequence[Row], expected: Sequence[Row], chart: Chart) -> None:
    """The same rows, in whatever order, but for tables, whose first row has most of what they are ordered by."""
    keys = [one for one in (chart.time, *chart.by) if one and (chart.metrics or one in ("unit_id", "finding_id", "grade", "driver"))]
    by_key = {tuple(map(plain, (row[key] for key in keys))): row for row in expected}
    assert len(found) == len(expected) == len(by_key)
    for row in found:
        known = by_key[tuple(plain(row[key], is_time=key == chart.time) for key in keys)]
        for column, value in row.items():
            if isinstance(known[column], float | Decimal) and value is not None:
                assert float(str(value)) == pytest.approx(float(str(known[column])), rel=1e-9, abs=1e-9), column
            else:
                assert plain(value, is_time=isinstance(known[column], date)) == plain(known[column]), column
    if chart.kind is Kind.TABLE and chart.most_first:
        ordered = [float(str(row[chart.most_first])) for row in found if row[chart.most_first] is not None]
        assert ordered == sorted(ordered, reverse=True)


def plain(value: object, *, is_time: bool = False) -> str:
    """Superset tells days as milliseconds, and arrays and decimals as it likes."""
    if is_time and isinstance(value, int | float):
        return str(datetime.fromtimestamp(value / 1000, UTC).date())
    return str(value)


@pytest.mark.parametrize("name", ["nps_by_month", "nps"])
def test_days_that_are_chosen_cut_months(imported: Superset, queries: Mapping[str, Any], company: ClickHouse, name: str) -> None:
    """Where a chart named its months as its days, ClickHouse would take the first days of months for the days."""
    months = "toDate32(toStartOfMonth(day)) AS answered_on_month, " if name == "nps_by_month" else ""
    columns = NPS if months else NPS.split(",\n")[0]
    group = "GROUP BY answered_on_month HAVING countIf(class IS NOT NULL) >= 30" if months else ""
    context = json.loads(json.dumps(queries[name]))
    (of_days,) = [one for one in context["queries"][0]["filters"] if one["op"] == "TEMPORAL_RANGE"]
    of_days["val"] = "2026-02-10 : 2026-03-20"
    where = "NOT withdrawn AND NOT synthetic AND day >= '2026-02-10' AND day < '2026-03-20'"

    found = answered(imported, context)

    assert_same(found, company.query(f"SELECT {months}{columns} FROM responses WHERE {where} {group}").to_pylist(), CHARTS[name])
    assert len(found) == (2 if months else 1)


def test_a_score_of_a_view_is_not_added_up(imported: Superset, queries: Mapping[str, Any], company: ClickHouse) -> None:
    context = json.loads(json.dumps(queries["nps_by_unit"]))
    (query,) = context["queries"]
    query |= {"metrics": ["nps_at_grain"], "columns": [], "orderby": []}

    (together,) = answered(imported, context)
    apart = answered(imported, {**context, "queries": [{**query, "columns": ["unit_id"]}]})

    assert together == {"nps_at_grain": None}
    known = company.query("SELECT unit_id, nps FROM loyalty_by_unit WHERE metric = 'nps' AND period = 'all'").to_pylist()
    assert {row["unit_id"]: row["nps_at_grain"] for row in apart} == {row["unit_id"]: pytest.approx(row["nps"]) for row in known}


def test_columns_say_what_the_dictionary_says(imported: Superset, company: ClickHouse) -> None:
    said = {(one.about.name, column.name): column.comment for one in read_relations(company) for column in one.columns}
    compared = 0
    for listed in imported.listed("dataset"):
        dataset = imported.ask(f"dataset/{listed['id']}")["result"]
        for column in dataset["columns"]:
            assert column["description"], (dataset["table_name"], column["column_name"])
            known = said.get((dataset["table_name"], column["column_name"]))
            if known:
                assert column["description"] == known
                compared += 1
        for metric in dataset["metrics"]:
            assert metric["description"], (dataset["table_name"], metric["metric_name"])
    assert compared > 80


def test_a_wrong_password_of_superset_is_told_in_one_line(imported: Superset, served_company: tuple[Running, ClickHouse]) -> None:
    done = install(imported, served_company[0], SUPERSET_PASSWORD="wrong")

    assert done.returncode == 1
    assert done.stderr.startswith("Superset refused security/login: 401")
