"""What the page makes of nothing, of hostile text, and of numbers that a simulated company does not have."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from schemas.enums import Detector, Metric
from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from streams.errors import ConfigurationError
from streams.reporting import Asked, ReportSource, charts, render
from streams.reporting.accessible import accessible
from streams.reporting.charts import Kind
from streams.reporting.definitions import OWN
from streams.reporting.rows import AccountGroup, Numbers, Predictor, Scorecard
from streams.reporting.sections import build
from streams.reporting.sections.evidence import MEANING, suspects
from streams.reporting.sections.scores import units
from tests.sinks.loyalty import cells
from tests.sinks.rows import emptied, rows
from tests.streams.reporting.conftest import Page, migrated

HOSTILE = "<script>alert('x')</script>\"&"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A migrated database of the module's own."""
    with closing(migrated(tmp_path_factory.mktemp("engine") / "data")) as clickhouse:
        yield clickhouse


@pytest.fixture
def empty(engine: ClickHouse) -> ClickHouse:
    """Without any row."""
    return emptied(engine, Table)


def read(clickhouse: ClickHouse, asked: Asked | None = None) -> Numbers:
    source = ReportSource(clickhouse)
    return source.numbers(source.scope(asked or Asked()))


def test_an_empty_database_gives_a_page_whose_every_section_says_why_it_is_empty(empty: ClickHouse) -> None:
    numbers = read(empty)
    sections = build(numbers)
    assert len(sections) == 12
    assert all(section.missing for section in sections)
    page = Page(render(numbers))
    assert "No counted answer has been received" in page.html
    assert not [tag for tag, _ in page.elements if tag in ("svg", "table")]
    told = " ".join(page.sections.values())
    for reason in ("candor fit has not been run", "No chance to ask", "The catalog names no kpis", "No money moved", "No message that sells"):
        assert reason in told


def suspect(clickhouse: ClickHouse, unit_id: str, metric: str) -> None:
    """A unit with one finding and five answers."""
    clickhouse.insert(Table.UNITS, rows(Table.UNITS, {"unit_id": unit_id, "state": "suspect"}))
    days = {name: date(2026, 1, 5) for name in ("since", "raised_on", "sounded_on")}
    finding = {
        "finding_id": unit_id,
        "unit_id": unit_id,
        "detector": "fast_forms",
        "family": "timing",
        "standing": True,
        "plan_id": "",
        "plan_units": [],
    }
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, {**finding, **days, "raised_at": datetime(2026, 1, 5, 9, tzinfo=UTC)}))
    sums = {"n": 5, "promoters": 3, "passives": 1, "detractors": 1, "top_box": 2, "top_two_box": 3}
    clickhouse.insert(Table.LOYALTY, rows(Table.LOYALTY, {"day": date(2026, 1, 5), "unit_id": unit_id, "metric": metric, **sums}))


def test_text_from_data_stays_text(empty: ClickHouse) -> None:
    suspect(empty, HOSTILE, "nps")
    numbers = read(empty)
    html = render(numbers)
    page = Page(html)
    assert "<script" not in html
    assert "script" not in {tag for tag, _ in page.elements}
    assert HOSTILE in page.sections["units"]
    assert f"{HOSTILE} is suspect" in page.sections["evidence"]
    assert page.tables["Scores of the units"][0]["unit"] == HOSTILE
    assert [one["finding"] for one in page.tables[f"Findings about {HOSTILE}"]] == [HOSTILE]


def test_a_suspect_unit_without_nps_responses_has_its_evidence_all_the_same(empty: ClickHouse) -> None:
    suspect(empty, "u", "csat")
    page = Page(render(read(empty, Asked(metric=Metric.NPS))))
    assert "Scores are of nps, as was asked for (0 of 5)" in page.html
    assert "No nps response lies in this period and scope, so there is no NPS" in page.sections["loyalty"]
    assert [(row["unit"], row["state"], row["n"], row["NPS"]) for row in page.tables["Scores of the units"]] == [("u", "suspect", "0", "–")]
    assert "u is suspect" in page.sections["evidence"]
    assert "It has no nps response in this period and scope, so there is no NPS of it." in page.sections["evidence"]
    assert "The time line holds 5 answers of any metric" in page.sections["evidence"]


def told(clickhouse: ClickHouse, asked: Asked | None = None) -> dict[str, str]:
    """What the sections about units say in words."""
    numbers = read(clickhouse, asked)
    return {one.identity: " ".join([one.missing or "", *one.notes]) for one in (units(numbers), suspects(numbers))}


def test_whether_units_have_been_judged_is_told_from_the_units_that_were(empty: ClickHouse) -> None:
    cells(empty, {"metric": "rating", "n": 3, "top_two_box": 2}, {"metric": "rating", "unit_id": "v", "n": 1})
    empty.insert(Table.UNITS, rows(Table.UNITS, {"unit_id": "v", "state": "clear"}))

    text = told(empty)
    assert "The one judged unit is not suspect." in text["units"]
    assert "1 unit has not been judged yet" in text["units"]
    assert "no unit is suspect as of the newest judged day in this scope" in text["evidence"]

    text = told(empty, Asked(units=("u",)))
    assert "None of these units has been judged yet." in text["units"]
    assert "no unit has been judged yet in this scope" in text["evidence"]

    text = told(empty, Asked(date(2026, 3, 1), date(2026, 3, 31)))
    assert "No unit has a counted response in this period and scope, and none is suspected." in text["units"]
    assert "no unit is suspect as of the newest judged day in this scope" in text["evidence"]


def test_text_in_a_chart_stays_text() -> None:
    svg = charts.funnel(
        [{"n": 10.0, "value": 1.0, "low": -2.0, "high": 2.0, "kind": "suspect", "label": HOSTILE}], (Kind("suspect", charts.BLUE),), "n", "y"
    )
    told = accessible(svg.wide, "x", HOSTILE, HOSTILE)
    page = Page(f"<p>{told}</p>")
    assert "script" not in {tag for tag, _ in page.elements}
    assert told.count("&lt;script&gt;") == 3


def test_charts_on_one_page_do_not_share_identifiers() -> None:
    svg = charts.bars([("a", 1.0, "k")], (Kind("k", charts.BLUE),), "x")
    both = accessible(svg.wide, "one", "t", "d") + accessible(svg.narrow, "two", "t", "d")
    identities = [attributes["id"] for _, attributes in Page(f"<p>{both}</p>").elements if "id" in attributes]
    assert len(identities) == len(set(identities))


def test_a_scope_that_is_not_there_is_refused_with_what_is_wrong(empty: ClickHouse) -> None:
    for asked, what in (
        (Asked(units=("nowhere",)), "--unit: neither the catalog nor any answer knows nowhere"),
        (Asked(peer_groups=("nobody",)), "--peer-group: no unit of the catalog is in nobody"),
        (Asked(survey="none"), "--survey: no answer to a survey none"),
        (Asked(date(2026, 2, 1), date(2026, 1, 1)), "--from 2026-02-01 is after --to 2026-01-01"),
        (Asked(date(2026, 2, 1)), "give --to as well"),
        (Asked(date(1800, 1, 1), date(2026, 1, 1)), "longer than"),
    ):
        with pytest.raises(ConfigurationError, match=what):
            ReportSource(empty).scope(asked)


def test_predictors_and_conflicts_are_told_as_surely_as_they_are_known(empty: ClickHouse) -> None:
    numbers = read(empty)
    predictors = [
        Predictor(
            predictor=name,
            n=n,
            bought=n // 2,
            auc=auc,
            low=low,
            high=high,
            compared_with=other,
            gain=gain,
            gain_low=None if gain is None else gain - 0.1,
            gain_high=None if gain is None else gain + 0.1,
        )
        for name, n, auc, low, high, other, gain in (
            ("feeling", 300, 0.52, 0.47, 0.57, None, None),
            ("value_and_feeling", 300, 0.7, 0.65, 0.75, "feeling", 0.18),
            ("nps", 200, 0.4, 0.3, 0.45, None, None),
            ("relative_value", 3, None, None, None, None, None),
            ("grade", 0, None, None, None, None, None),
        )
    ]
    page = Page(
        render(
            replace(
                numbers, prediction=predictors, scorecards=[Scorecard(scorecard="s", kpis=2, company_kpis=1, ratio=0.5, ratio_paid=None, conflicts=2)]
            )
        )
    )
    told = page.sections["prediction"]
    assert "Whether feeling tells who buys again cannot be told (AUC 0.52" in told
    assert "value and feeling tells who buys again better than chance" in told
    assert "value and feeling tells more than feeling on the same responses" in told
    assert "nps points the wrong way" in told
    assert "Not drawn, since too few are known: relative value." in told
    assert "Not drawn, since no answer that is old enough to be judged has it: grade." in told
    assert "moved opposite ways twice in a row 2 times" in page.sections["mixed"]


def test_every_detector_is_explained() -> None:
    assert set(MEANING) == set(Detector)


def test_every_definition_of_the_reports_own_is_used() -> None:
    used = "".join(path.read_text() for path in Path(charts.__file__).with_name("sections").glob("*.py"))
    assert [name for name in OWN if f'"{name}"' not in used] == []


def test_units_without_an_answer_in_the_period_are_judged_all_the_same(empty: ClickHouse) -> None:
    suspect(empty, "u", "nps")
    empty.insert(Table.UNITS, rows(Table.UNITS, *({"unit_id": f"v{number}", "state": "clear"} for number in range(59))))
    numbers = read(empty, Asked(date(2020, 1, 1), date(2020, 2, 1)))
    page = Page(render(numbers))
    assert "somebody confirmed a finding): u; 1 of 60 judged units." in page.sections["units"]
    assert "Scores are of" not in page.html
    assert "It has no response in this period and scope." in page.sections["evidence"]
    assert page.tables["Units that stand out"] == [{"unit": "u", "state": "suspect", "kinds of evidence": "text"}]
    assert not [name for name in ("loyalty", "units", "evidence") if "nps" in page.sections[name].lower()]


def test_an_account_is_told_of_in_the_singular_and_of_none_nothing_is_said(empty: ClickHouse) -> None:
    numbers = read(empty)
    group = AccountGroup(
        quadrant="thriving", loyalty_segment="trapped", value_tenth=9, feeling_tenth=9, accounts=1, revenue=5.0, lifetime_value=1.0, bought_once=1
    )
    page = Page(render(replace(numbers, accounts=[group])))
    assert "have no segment" not in page.sections["matrix"]
    assert "of 1 account that is trapped or at high risk (n = 1)" in page.sections["matrix"]
    assert "The one account bought on one day only" in page.sections["matrix"]
    without = replace(group, loyalty_segment=None, quadrant=None, bought_once=0)
    page = Page(render(replace(numbers, accounts=[group, without])))
    assert "1 of 2 accounts has no segment: it never answered" in page.sections["matrix"]
    assert "Of the one account not both are known" in Page(render(replace(numbers, accounts=[without]))).sections["value"]


def test_a_week_without_answers_breaks_the_line_and_the_page_says_so(empty: ClickHouse) -> None:
    sums = {"metric": "nps", "n": 12, "promoters": 6, "detractors": 3}
    cells(empty, {"day": date(2026, 1, 5), **sums}, {"day": date(2026, 1, 27), **sums})
    page = Page(render(read(empty)))
    assert "A line is broken where a week has no answer that it could tell of." in page.sections["loyalty"]
    assert "Hollow marks" not in page.sections["loyalty"]
    assert [row["from"] for row in page.tables["NPS a week"]] == ["2026-01-05", "2026-01-26"]
    cells(empty, {"day": date(2026, 1, 12), **sums, "n": 9}, {"day": date(2026, 1, 20), **sums})
    page = Page(render(read(empty)))
    assert "A line is broken" not in page.sections["loyalty"]
    assert "Hollow marks rest on fewer than 10 answers." in page.sections["loyalty"]


def test_units_with_few_answers_stand_in_one_line_but_for_those_that_stand_out(empty: ClickHouse) -> None:
    suspect(empty, "few", "nps")
    empty.insert(Table.UNITS, rows(Table.UNITS, {"unit_id": "looked-at", "state": "investigate"}))
    sums = {"metric": "nps", "day": date(2026, 1, 5)}
    cells(
        empty,
        {"unit_id": "looked-at", "n": 1, "promoters": 1, **sums},
        {"unit_id": "enough", "n": 5, "promoters": 5, **sums},
        *({"unit_id": f"v{number}", "n": 4, "promoters": 3, "detractors": 1, **sums} for number in range(1_120)),
    )
    numbers = read(empty)
    page = Page(render(numbers))
    table = page.tables["Scores of the units"]
    assert [(row["unit"], row["n"], row["NPS"]) for row in table] == [
        ("few", "5", "40.0"),
        ("looked-at", "1", "100.0"),
        ("enough", "5", "100.0"),
        ("1,120 units, few answers", "4,480", "50.0"),
    ]
    assert "1,120 units with fewer than 5 answers are not shown one by one" in page.sections["units"]
    alone = Page(render(replace(numbers, units=[unit for unit in numbers.units if unit.unit_id in ("few", "v7")])))
    assert [row["unit"] for row in alone.tables["Scores of the units"]] == ["few", "v7"]
    assert "one by one" not in alone.sections["units"]
