"""A year of a simulated company, replayed into ClickHouse: who was heard and followed up is what the oracle computes from the records alone."""

import pytest
from yaml import safe_load

from schemas.catalog import Catalog
from sinks.clickhouse import ClickHouse
from streams.simulate import Plan, Simulation, simulate
from tests.chaos.compare import differences, read_views
from tests.oracle.records import Rows

VIEWS = (
    "survey_chances", "response_strata", "representation", "revenue_weighted_loyalty", "loyalty_by_unit", "loyalty_by_channel", "loyalty_total",
    "follow_up_cases", "feedback_debts", "follow_up", "follow_up_plans", "recovered_detractors", "retained_revenue", "graded_responses", "grades",
)  # fmt: skip


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(Plan(seed=12, events=20_000, accounts=2_000, units=8, months=13))


@pytest.fixture(scope="module")
def catalog(simulation: Simulation) -> Catalog:
    """The company's, with a survey that nobody owns, one that it does not know, a rule of its own, and business hours."""
    given = safe_load(simulation.catalog())
    given["surveys"] = [survey for survey in given["surveys"] if survey["survey_id"] != "review"]
    visit = next(survey for survey in given["surveys"] if survey["survey_id"] == "visit")
    del visit["owner"]
    visit["action_rule"] = {"classes": ["detractor", "passive"], "within_hours": 12.5}
    calendar = {"weekdays": [1, 2, 4, 6], "opens": "08:30", "closes": "19:00", "holidays": ["2026-04-06", "2026-05-14", "2026-10-03", "2026-12-26"]}
    given["sla_policies"] = [{"trigger": "text", "hours": 30.25, "business_calendar": calendar}]
    return Catalog.model_validate(given)


def test_every_view_holds_what_the_oracle_says(clickhouse: ClickHouse, expected: dict[str, Rows]) -> None:
    problems = differences({view: expected[view] for view in VIEWS}, read_views(clickhouse, VIEWS))

    assert not problems, "\n".join(problems)


def test_the_company_has_some_of_everything(expected: dict[str, Rows]) -> None:
    """Else equal rows would say little."""
    dispositions = {row["disposition"] for row in expected["survey_chances"].values()}
    assert dispositions == {"complete", "refusal", "noncontact", "other", "not_sampled"}
    for view in VIEWS[1:]:
        for name in {name for row in expected[view].values() for name in row}:
            if not name.startswith("flagged"):
                assert any(row[name] not in (None, 0, []) for row in expected[view].values()), f"{view}.{name} is never above nothing"
    weighted = list(expected["representation"].values())
    assert any(isinstance(row["greatest_weight"], float) and row["greatest_weight"] > 3 for row in weighted)
    assert any(isinstance(row["least_weight"], float) and row["least_weight"] < 0.3 for row in weighted)
    assert any(isinstance(row["raking_error"], float) and row["raking_error"] > 0.001 for row in weighted)
