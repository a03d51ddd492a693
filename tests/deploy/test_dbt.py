"""The package for dbt does on a real engine what it says: its own tests hold, and its metrics are Candor's. ``make dbt`` installs dbt."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from schemas.catalog import Catalog
from sinks.clickhouse import ClickHouse
from streams.simulate import Plan, simulate
from tests.sinks.loyalty import flag_some_of_one_unit
from tests.streams.simulated.company import replayed

PACKAGE = Path(__file__).parents[2] / "deploy" / "dbt"
DBT = Path(sys.prefix) / "dbt" / "bin" / "dbt"
Row = Mapping[str, object]


class Question(NamedTuple):
    """Metrics by something, and the view that says the same, with the columns that are to be equal."""

    model: str
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    view: str
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    where: str = "1"


NPS = ("nps", "nps_excluded", "nps_bound_mid", "nps_bound_low", "validity_rate")
NPS_COLUMNS = {**{name: name for name in NPS}, "nps_n": "n", "counted": "n"}
GROWTH = ("nrr", "grr", "earned_new", "bought_new", "earned_growth_rate", "induced_share", "logo_retention")
QUESTIONS = {
    "nps_by_cell": Question(
        "candor_loyalty", NPS, ("answered_on", "unit", "channel", "score_metric"),
        "loyalty_daily", ("day", "unit_id", "channel", "metric"), {"nps": "nps", "nps_excluded": "nps_excluded", "counted": "n"},
    ),
    "nps_by_unit": Question(
        "candor_loyalty", NPS, ("unit", "score_metric"), "loyalty_by_unit", ("unit_id", "metric"), NPS_COLUMNS, "period = 'all' AND metric = 'nps'"
    ),
    "nps_of_all": Question(
        "candor_loyalty", NPS, ("score_metric",), "loyalty_total", ("metric",), NPS_COLUMNS, "period = 'all' AND metric = 'nps'"
    ),
    "survey_nps_by_channel": Question(
        "candor_answers", ("survey_nps",), ("channel", "score_metric"), "loyalty_by_channel", ("channel", "metric"),
        {"survey_nps": "nps", "survey_nps_n": "n"}, "period = 'all' AND metric = 'nps'",
    ),
    "response_rate_by_unit": Question(
        "candor_invitations", ("response_rate",), ("unit",), "loyalty_by_unit", ("unit_id",), {"response_rate": "response_rate"},
        "period = 'all' AND metric = 'nps'",
    ),
    "growth_by_month": Question(
        "candor_growth", GROWTH, ("growth_month",), "growth_monthly", ("month",), {name: name for name in (*GROWTH, "customers_before")}
    ),
    "follow_up_by_month": Question(
        "candor_follow_up", ("sla_attainment", "rescue_rate", "told_rate"), ("programme", "follow_up_month"), "follow_up", ("programme", "month"),
        {"sla_attainment": "sla_attainment", "rescue_rate": "rescue_rate", "told_rate": "told_rate", "cases_due": "due"},
    ),
    "messages_by_month": Question(
        "candor_messages", ("value_share", "owned_offer_rate", "attention_error_rate"), ("message_month",), "messages_monthly", ("month",),
        {name: name for name in ("value_share", "owned_offer_rate", "attention_error_rate", "offers")},
    ),
}  # fmt: skip
OTHERS = {
    "growth_of_all": "{{ metrics_by(ref('candor_growth'), ['nrr', 'induced_share', 'revenue']) }}",
    "nps_by_month": "{{ metrics_by(ref('candor_loyalty'), ['nps', 'counted'], by=['answered_on__month'], where=\"score_metric = 'nps'\") }}",
    "nps_by_survey": "{{ metrics_by(ref('candor_answers'), ['survey_nps'], by=['survey', 'given_on__year']) }}",
}


@pytest.fixture(scope="module")
def company(clickhouse_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Five months of a simulated company; at one unit, some answers of the first weeks are flagged."""
    simulation = simulate(Plan(seed=12, events=6_000, accounts=600, units=6, months=5))
    catalog = Catalog.model_validate(yaml.safe_load(simulation.catalog()))
    clickhouse = replayed(simulation, catalog, f"http://default@{clickhouse_server}/dbt_company", tmp_path_factory.mktemp("company"))
    flag_some_of_one_unit(clickhouse)
    yield clickhouse
    clickhouse.close()


@pytest.fixture(scope="module")
def built(company: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> ClickHouse:
    """All of the package made and tested by dbt, and questions asked as a project would ask them; its own schema is another database."""
    project = tmp_path_factory.mktemp("project") / "dbt"
    shutil.copytree(PACKAGE, project)
    asked = project / "models" / "asked"
    asked.mkdir()
    for name, question in QUESTIONS.items():
        text = f"{{{{ metrics_by(ref('{question.model}'), {list(question.metrics)}, by={list(question.by)}) }}}}"
        (asked / f"{name}.sql").write_text(text, encoding="utf-8")
    for name, text in OTHERS.items():
        (asked / f"{name}.sql").write_text(text, encoding="utf-8")
    address = company.address
    environment = {
        "CLICKHOUSE_HOST": address.host,
        "CLICKHOUSE_PORT": str(address.port),
        "CLICKHOUSE_SCHEMA": "dbt_questions",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    }
    command = [str(DBT), "--quiet", "--no-partial-parse", "build", "--profiles-dir", ".", "--vars", f"candor_database: {address.database}"]
    done = subprocess.run(command, cwd=project, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return company


@pytest.mark.parametrize("name", QUESTIONS)
def test_metrics_are_those_of_the_views(built: ClickHouse, name: str) -> None:
    question = QUESTIONS[name]
    expected = _by_key(built, f"SELECT * FROM {question.view} WHERE {question.where}", question.keys)

    found = _by_key(built, f"SELECT * FROM dbt_questions.{name}", question.by)

    assert expected
    assert expected.keys() <= found.keys()
    if question.where == "1":
        assert expected.keys() == found.keys()
    for key, row in expected.items():
        for metric, column in question.columns.items():
            assert _same(found[key][metric], row[column]), (key, metric, found[key][metric], row[column])
    for metric in question.columns:
        assert any(row[metric] for row in found.values()), f"{metric} is never above nothing"


def _by_key(clickhouse: ClickHouse, sql: str, keys: tuple[str, ...]) -> dict[tuple[object, ...], Row]:
    found: list[Row] = clickhouse.query(sql).to_pylist()
    return {tuple(row[key] for key in keys): row for row in found}


def _same(found: object, expected: object) -> bool:
    if found is None or expected is None:
        return found is expected
    return bool(float(str(found)) == pytest.approx(float(str(expected)), rel=1e-9, abs=1e-12))


def test_flags_lower_the_score_of_the_unit(built: ClickHouse) -> None:
    """Else equal rows would say little about them."""
    found = built.query(
        "SELECT nps, nps_excluded, nps_bound_low FROM dbt_questions.nps_by_unit WHERE validity_rate < 1 AND nps IS NOT NULL"
    ).to_pylist()

    assert len(found) == 1
    assert found[0]["nps"] != found[0]["nps_excluded"]
    assert found[0]["nps_bound_low"] < found[0]["nps"]


def test_several_months_together_are_weighted_by_their_base(built: ClickHouse) -> None:
    months = [row for row in built.query("SELECT * FROM growth_monthly").to_pylist() if row["base"] and row["base"] > 0]

    (found,) = built.query("SELECT * FROM dbt_questions.growth_of_all").to_pylist()

    assert found["nrr"] == pytest.approx(sum(row["nrr"] * float(row["base"]) for row in months) / float(sum(row["base"] for row in months)))


def test_scores_of_months_are_those_of_their_responses(built: ClickHouse) -> None:
    expected: dict[object, list[int]] = {}
    for row in built.query("SELECT day, class FROM responses WHERE class IS NOT NULL AND NOT withdrawn AND NOT synthetic").to_pylist():
        expected.setdefault(row["day"].replace(day=1), []).append({"promoter": 100, "detractor": -100}.get(row["class"], 0))

    found = built.query("SELECT * FROM dbt_questions.nps_by_month").to_pylist()

    assert {row["answered_on__month"]: (row["nps"], row["counted"]) for row in found} == {
        month: (pytest.approx(sum(points) / len(points)), len(points)) for month, points in expected.items()
    }
    assert len(expected) >= 5


def test_surveys_are_told_apart(built: ClickHouse) -> None:
    found = built.query("SELECT * FROM dbt_questions.nps_by_survey").to_pylist()

    assert len({row["survey"] for row in found}) > 1
    (total,) = built.query("SELECT n FROM loyalty_total WHERE period = 'all' AND metric = 'nps'").to_pylist()
    assert sum(row["survey_nps_n"] for row in found) == total["n"]
