"""Reports about companies that ask for csat or ratings alone: their numbers are those of the views, and no sentence speaks of what is not there."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from statistics import fmean
from typing import Any

import pytest
import yaml
from scipy.stats import binomtest

from schemas.catalog import Catalog
from schemas.enums import Metric, Topic
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse
from streams.files import FileRecord, write_events
from streams.replay import Replay
from streams.reporting import Asked, ReportSource, render
from streams.settings import load_settings
from streams.simulate import Plan, Simulation, simulate
from streams.stages import chained_stages
from tests.streams.reporting.conftest import Page, asked, migrated
from tests.streams.reporting.test_report import near

_RATINGS = (1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)
"""What who gives 0 to 10 would give of 5."""
_LEAST = {Metric.CSAT: 7.5, Metric.RATING: 4.0}
"""Of the scale on which the answers are given: csat comes on 0 to 10 here, where 7.5 is 4 on 1 to 5."""


def feedback(simulation: Simulation, metric: Metric) -> Iterator[FileRecord]:
    """The answers to nps questions, as answers of the metric; all other events are left out."""
    for record in simulation.records():
        if record.topic is not Topic.FEEDBACK or record.value is None:
            continue
        try:
            value: dict[str, Any] = json.loads(record.value)
        except ValueError:
            continue
        if value.get("metric") == "nps" and value.get("score") in range(11):
            told = {"score": _RATINGS[value["score"]]} if metric is Metric.RATING else {"scale_min": 0, "scale_max": 10}
            yield replace(record, value=json.dumps({**value, "metric": metric, **told}).encode())
        elif value.get("event_type") == "response.withdrawn":
            yield record


@dataclass(frozen=True, slots=True)
class Company:
    """A company whose answers are all of one metric."""

    metric: Metric
    clickhouse: ClickHouse
    period: Asked
    page: Page
    answers: list[dict[str, Any]]
    """Those of the period that count."""


@pytest.fixture(scope="module", params=[Metric.CSAT, Metric.RATING])
def of_one_metric(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Seven months, judged; some units are suspect. The report is of the last five."""
    metric: Metric = request.param
    folder = tmp_path_factory.mktemp(metric)
    simulation = simulate(Plan(events=40_000, units=24, accounts=1_500, months=7, gamed_share=0.2))
    catalog = Catalog.model_validate(yaml.safe_load(simulation.catalog()))
    events = folder / "events.ndjson"
    write_events(events, feedback(simulation, metric))
    with closing(migrated(folder / "data")) as clickhouse:
        write_catalog(clickhouse, catalog)
        Replay(chained_stages(load_settings(), catalog), clickhouse, ClickHouseCheckpoints(clickhouse)).run([events])
        period = Asked(date(2026, 3, 1), date(2026, 7, 31))
        source = ReportSource(clickhouse)
        page = Page(render(source.numbers(source.scope(period))))
        yield Company(metric, clickhouse, period, page, answers(clickhouse, date(2026, 3, 1), date(2026, 7, 31)))


def answers(clickhouse: ClickHouse, start: date, end: date) -> list[dict[str, Any]]:
    """The responses of a period that count."""
    return asked(
        clickhouse,
        "SELECT day, unit_id, toString(metric) AS metric, score, score_mapped, flagged FROM responses"
        " WHERE NOT withdrawn AND NOT synthetic AND score IS NOT NULL AND day >= {start:Date32} AND day <= {end:Date32}",
        start=start,
        end=end,
    )


def best(of_metric: Metric, found: Sequence[dict[str, Any]]) -> int:
    """How many are in the two best steps."""
    return sum(one["score"] >= _LEAST[of_metric] for one in found)


def told(of_metric: Metric, found: Sequence[dict[str, Any]], decimals: int = 1) -> str:
    """Their top-two share with interval and n, as a sentence says it; SciPy computes it."""
    successes, n = best(of_metric, found), len(found)
    interval = binomtest(successes, n).proportion_ci(method="wilson")
    low, high = (f"{100 * end:.{decimals}f}" for end in (interval.low, interval.high))
    return f"{100 * successes / n:.{decimals}f} % (95 % interval {low} to {high} %; n = {n:,})"


def test_the_page_says_what_its_scores_are_of(of_one_metric: Company) -> None:
    n = f"{len(of_one_metric.answers):,}"
    why = f"the metric with most counted answers in this period and scope ({n} of {n})"
    meaning = "the top-two share, that is the share of answers of at least 4 of 5, in per cent"
    assert f"Scores are of {of_one_metric.metric}, {why}: {meaning}." in of_one_metric.page.html


def test_loyalty_is_the_share_of_the_two_best_steps_raw_and_cleaned(of_one_metric: Company) -> None:
    metric, found, text = of_one_metric.metric, of_one_metric.answers, of_one_metric.page.sections["loyalty"]
    left = [one for one in found if not one["flagged"]]
    flagged = len(found) - len(left)
    assert flagged > 5
    assert f"The top-two share of the period is {told(metric, found)}." in text
    assert f"{flagged:,} answers of {len(found):,} are flagged. Without them the score is {told(metric, left)}." in text
    worst = 100 * best(metric, left) / len(found)
    assert f"If no flagged answer were in the two best steps it would be {worst:.1f} % (n = {len(found):,})." in text
    assert f"On the scale of 1 to 5 the mean of all {metric} answers is {fmean(one['score_mapped'] for one in found):.2f} " in text
    before = answers(of_one_metric.clickhouse, date(2025, 9, 29), date(2026, 2, 28))
    one, other = (f"{100 * best(metric, some) / len(some):.1f} % (n = {len(some):,})" for some in (before, found))
    assert re.search(rf"Against the 153 days before, the top-two share \w+ from {re.escape(one)} to {re.escape(other)}", text)


def test_weeks_are_those_of_the_responses(of_one_metric: Company) -> None:
    metric = of_one_metric.metric
    weeks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for answer in of_one_metric.answers:
        weeks[date.fromordinal(answer["day"].toordinal() - answer["day"].weekday()).isoformat()].append(answer)
    table = of_one_metric.page.tables["Top-two share a week"]
    assert [row["from"] for row in table] == sorted(weeks)
    for row in table:
        found = weeks[row["from"]]
        left = [answer for answer in found if not answer["flagged"]]
        assert (row["n"], row["flagged"]) == (f"{len(found):,}", f"{len(found) - len(left):,}")
        assert near(row["top-two share, %"], 100 * best(metric, found) / len(found))
        assert near(row["without flagged"], 100 * best(metric, left) / len(left) if left else None)
        assert near(row["bound, low"], 100 * best(metric, left) / len(found))


def test_units_are_those_of_the_views_and_the_suspects_are_named(of_one_metric: Company) -> None:
    metric, page, clickhouse = of_one_metric.metric, of_one_metric.page, of_one_metric.clickhouse
    states = {row["unit_id"]: row["state"] for row in asked(clickhouse, "SELECT unit_id, state FROM integrity_units")}
    units: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for answer in of_one_metric.answers:
        units[answer["unit_id"]].append(answer)
    table = {row["unit"]: row for row in page.tables["Scores of the units"]}
    assert set(table) == set(units) | {unit for unit, state in states.items() if state != "clear"}
    for unit, row in table.items():
        assert row["state"] == states[unit]
        assert row["n"] == f"{len(units[unit]):,}"
        assert near(row["top-two share, %"], 100 * best(metric, units[unit]) / len(units[unit]))
    suspects = sorted(unit for unit, state in states.items() if state == "suspect")
    assert suspects
    assert re.search(rf"Suspect \(.*?\): {' and '.join(suspects)}; {len(suspects)} of {len(states)} judged units\.", page.sections["units"])
    for unit in suspects:
        assert f"{unit} is suspect since" in page.sections["evidence"]
        assert f"Its top-two share of the period is {told(metric, units[unit])}." in page.sections["evidence"]


def test_the_funnel_is_that_of_the_metric(of_one_metric: Company) -> None:
    found = asked(
        of_one_metric.clickhouse,
        "SELECT unit_id, rate_n, rate FROM integrity_funnel_last_days(days = 153, as_of = '2026-07-31') WHERE metric = {metric:String}"
        " AND rate_expected IS NOT NULL",
        metric=of_one_metric.metric.value,
    )
    assert found
    drawn = {row["unit"]: row for row in of_one_metric.page.tables[f"Top scores of each unit against its peers ({of_one_metric.metric})"]}
    assert set(drawn) == {row["unit_id"] for row in found}
    for one in found:
        assert drawn[one["unit_id"]]["n"] == f"{one['rate_n']:,}"
        assert near(drawn[one["unit_id"]]["top scores (5 of 5)"], 100 * one["rate"])


def test_nothing_is_said_of_nps_but_that_rules_of_follow_up_need_it(of_one_metric: Company) -> None:
    told_of = {name: text for name, text in of_one_metric.page.sections.items() if re.search(r"\b(nps|promoter|detractor)", text, re.IGNORECASE)}
    assert set(told_of) == {"follow-up", "definitions"}
    assert "which only answers of nps are, and this period and scope have none." in told_of["follow-up"]
    for name in ("loyalty", "units", "evidence"):
        assert "there is no" not in of_one_metric.page.sections[name].lower()
        assert "judged yet" not in of_one_metric.page.sections[name]


def test_who_asks_for_nps_is_told_that_there_is_none(of_one_metric: Company) -> None:
    source = ReportSource(of_one_metric.clickhouse)
    page = Page(render(source.numbers(source.scope(replace(of_one_metric.period, metric=Metric.NPS)))))
    n = f"{len(of_one_metric.answers):,}"
    assert f"Scores are of nps, as was asked for (0 of {n}): the net promoter score, in points." in page.html
    assert "No nps response lies in this period and scope, so there is no NPS; other metrics are in the table." in page.sections["loyalty"]
    assert [row["metric"] for row in page.tables["Responses of the period by metric"]] == [of_one_metric.metric]
    assert "There is no funnel plot: no unit can be compared by nps in this period." in page.sections["units"]
    suspects = re.findall(r"(\S+) is suspect since", page.sections["evidence"])
    assert page.sections["evidence"].count("It has no nps response in this period and scope, so there is no NPS of it.") == len(suspects) > 0
