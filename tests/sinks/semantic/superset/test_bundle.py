"""What is in the bundle before Superset sees it: no password, no score that is added up, and columns that are what they say."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
import yaml

from sinks.clickhouse import ClickHouse
from sinks.dictionary import read_relations
from sinks.semantic.declared import CUBES, Cube
from sinks.semantic.superset.bundle import ADDRESS, FOLDER, bundle_files
from sinks.semantic.superset.charts import AT_GRAIN
from sinks.semantic.superset.dashboards import DASHBOARDS

Nodes = Mapping[str, Mapping[str, Any]]
CHARTS = [chart for dashboard in DASHBOARDS for row in dashboard.rows for chart in row]


@pytest.fixture(scope="module")
def nodes(embedded: ClickHouse) -> Nodes:
    """Path in the bundle and content of each file."""
    files = bundle_files(read_relations(embedded))
    return {str(PurePosixPath(path).relative_to(FOLDER)): yaml.safe_load(text) for path, text in files.items()}


def of(nodes: Nodes, folder: str) -> list[Mapping[str, Any]]:
    return [node for path, node in nodes.items() if path.startswith(f"{folder}/")]


def test_the_password_is_masked_as_superset_masks_it(nodes: Nodes) -> None:
    (database,) = of(nodes, "databases")

    assert database["sqlalchemy_uri"] == ADDRESS
    assert re.fullmatch(r"clickhousedb://bi:X{10}@localhost:8123/candor", ADDRESS)
    assert not any(database[what] for what in ("allow_dml", "allow_ctas", "allow_cvas", "allow_csv_upload"))


def test_identities_are_apart_and_references_lead_somewhere(nodes: Nodes) -> None:
    found = [node["uuid"] for node in nodes.values() if "uuid" in node]
    datasets = {node["uuid"] for node in of(nodes, "datasets")}

    assert len(found) == len(set(map(UUID, found))) == len(nodes) - 1
    assert {node["dataset_uuid"] for node in of(nodes, "charts")} == datasets
    assert {node["database_uuid"] for node in of(nodes, "datasets")} == {node["uuid"] for node in of(nodes, "databases")}
    boxes = [box for node in of(nodes, "dashboards") for box in node["position"].values() if isinstance(box, dict)]
    placed = [box["meta"]["uuid"] for box in boxes if box["type"] == "CHART"]
    assert sorted(placed) == sorted(node["uuid"] for node in of(nodes, "charts"))


def test_rows_of_dashboards_are_full_and_titles_differ() -> None:
    assert all(sum(chart.width for chart in row) == 12 for dashboard in DASHBOARDS for row in dashboard.rows)
    assert len({chart.title for chart in CHARTS}) == len({chart.name for chart in CHARTS}) == len(CHARTS)


def test_scores_are_sums_over_sums_or_values_of_one_row(nodes: Nodes) -> None:
    sums = re.compile(r"sum\((\w+_part)\)")
    scores = re.compile(r"toFloat64\(sum\((\w+_part)\)\) / nullIf\(toFloat64\(sum\((\w+_part)\)\), 0\)")
    alone = re.compile(r"if\(count\(\) = 1, any\((\w+)\), NULL\)")
    for dataset in of(nodes, "datasets"):
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"]: metric["expression"] for metric in dataset["metrics"]}
        assert metrics
        # ClickHouse would take the column for the metric.
        assert not columns & metrics.keys(), dataset["table_name"]
        for name, expression in metrics.items():
            forms = (alone,) if dataset["sql"] is None else (sums, scores)
            (match,) = [match for form in forms if (match := form.fullmatch(expression))]
            assert set(match.groups()) <= columns
            assert name.endswith(AT_GRAIN) == (dataset["sql"] is None)


def test_charts_ask_for_what_their_datasets_have(nodes: Nodes) -> None:
    datasets = {node["uuid"]: node for node in of(nodes, "datasets")}
    for chart in of(nodes, "charts"):
        dataset = datasets[chart["dataset_uuid"]]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        form = chart["params"]
        simple = [one for one in form["adhoc_filters"] if one["clause"] == "WHERE"]
        assert {*form.get("metrics", []), *([form["metric"]] if "metric" in form else [])} <= metrics
        assert {*form.get("groupby", []), *form.get("all_columns", []), *(one["subject"] for one in simple)} <= columns
        # The page cuts time by a column of the dataset: by its own grain, days that are chosen would act on first days of months.
        assert form.get("time_grain_sqla") is None
        (query,) = json.loads(chart["query_context"])["queries"]
        asked = [one["sqlExpression"] if isinstance(one, dict) else one for one in query["columns"]]
        assert asked == [*([form["x_axis"]] if "x_axis" in form else []), *form.get("groupby", form.get("all_columns", []))]
        assert query.get("metrics", []) == form.get("metrics", [form["metric"]] if "metric" in form else [])
        assert [(one["col"], one["val"]) for one in query["filters"]] == [(one["subject"], one["comparator"]) for one in simple]
        having = [one["sqlExpression"] for one in form["adhoc_filters"] if one["clause"] == "HAVING"]
        assert having == [one for one in [query["extras"]["having"]] if one]
        assert {*re.findall(r"sum\((\w+)\)", " ".join(having))} <= columns


def test_fractions_are_rounded_and_shares_are_percent_in_tables_and_along_axes(nodes: Nodes) -> None:
    datasets = {node["uuid"]: node for node in of(nodes, "datasets")}
    for chart in of(nodes, "charts"):
        kinds = {column["column_name"]: column["type"] for column in datasets[chart["dataset_uuid"]]["columns"]}
        form = chart["params"]
        fractions = {name for name in form.get("all_columns", []) if kinds[name].startswith(("Float", "Decimal"))}
        assert form.get("column_config", {}).keys() == fractions, chart["slice_name"]
    written = {chart["slice_name"]: chart["params"].get("y_axis_format") for chart in of(nodes, "charts")}
    assert (written["Retention by month"], written["NPS by month"], written["Responses by month"]) == (".1%", ",.1f", "SMART_NUMBER")


def test_no_score_is_shown_without_its_number_of_cases() -> None:
    for dashboard in DASHBOARDS:
        of_cubes = [(chart.of, chart.metrics) for row in dashboard.rows for chart in row if isinstance(chart.of, Cube)]
        needed = {(cube.name, score.n) for cube, metrics in of_cubes for score in cube.scores if score.name in metrics}
        shown = {(cube.name, metric) for cube, metrics in of_cubes for metric in metrics}
        assert needed <= shown, (dashboard.name, needed - shown)


@pytest.mark.parametrize("cube", CUBES, ids=lambda cube: cube.name)
def test_columns_have_the_types_that_the_engine_gives_them(embedded: ClickHouse, nodes: Nodes, cube: Cube) -> None:
    (dataset,) = [node for node in of(nodes, "datasets") if node["table_name"] == f"candor_{cube.name}"]
    given = {row["name"]: row["type"] for row in embedded.query(f"DESCRIBE ({dataset['sql']})").to_pylist()}

    assert list(given) == [column["column_name"] for column in dataset["columns"]]
    for column in dataset["columns"]:
        assert kind_of(column["type"]) == kind_of(given[column["column_name"]]), column["column_name"]
        assert column["is_dttm"] == (kind_of(column["type"]) == "time")


def kind_of(declared: str) -> str:
    plain = re.sub(r"(?:LowCardinality|Nullable)\((.*)\)", r"\1", re.sub(r"(?:LowCardinality|Nullable)\((.*)\)", r"\1", declared))
    families = {"time": ("Date",), "text": ("String",), "number": ("Int", "UInt", "Float", "Decimal"), "truth": ("Bool",)}
    return next(family for family, names in families.items() if plain.startswith(names))


@pytest.mark.parametrize(
    ("day", "week", "month", "year"),
    [("2026-03-01", "2026-02-23", "2026-03-01", "2026-01-01"), ("1969-12-31", "1969-12-29", "1969-12-01", "1969-01-01")],
)
def test_days_are_cut_at_mondays_and_firsts_before_1970_too(embedded: ClickHouse, nodes: Nodes, day: str, week: str, month: str, year: str) -> None:
    (dataset,) = [node for node in of(nodes, "datasets") if node["table_name"] == "candor_invitations"]
    rows = f"SELECT 'u' AS unit_id, 'a' AS account_id, toDate32('{day}') AS day, 'web' AS channel, true AS answered"
    sql = dataset["sql"].replace("from invitation_outcomes", f"from ({rows})")

    (row,) = embedded.query(f"SELECT * FROM ({sql})").to_pylist()

    assert [str(row[f"sent_on{step}"]) for step in ("", "_week", "_month", "_year")] == [day, week, month, year]
