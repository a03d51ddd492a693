"""The page about a simulated company: its numbers are those of the views."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from schemas.enums import Metric
from sinks.clickhouse import ClickHouse
from streams.reporting import STEPS, Asked, ReportSource, render, write_report
from streams.reporting.definitions import OWN
from streams.reporting.rows import FromFirstDay, Numbers
from streams.reporting.sections.model import Figure
from streams.reporting.sections.scoring import scores_are_of
from streams.reporting.steps import Reading
from tests.streams.reporting.conftest import Page, asked


def near(text: str, value: float | None, decimals: int = 1) -> bool:
    """Whether a cell shows a value, rounded."""
    if value is None:
        return text == "–"
    read: float = float(text.replace(",", "").replace("−", "-").removesuffix(" %"))
    return abs(read - value) <= 0.5001 / 10.0**decimals


def test_no_section_is_missing_here(page: Page) -> None:
    assert [attributes for _, attributes in page.elements if attributes.get("class") == "missing"] == []


def test_loyalty_is_that_of_the_total_over_all_days(page: Page, company: ClickHouse) -> None:
    total = asked(company, "SELECT * FROM loyalty_total WHERE period = 'all' AND metric = 'nps'")[0]
    assert total["flagged"] > 0
    text = page.sections["loyalty"].replace("−", "-")
    assert f"NPS of the period is {total['nps']:.1f} (95 % interval {total['nps_low']:.1f} to {total['nps_high']:.1f}; n = {total['n']:,})." in text
    assert f"{total['flagged']:,} answers of {total['n']:,} are flagged." in text
    cleaned = f"{total['nps_excluded']:.1f} (95 % interval {total['nps_excluded_low']:.1f} to {total['nps_excluded_high']:.1f}"
    assert f"Without them the score is {cleaned}; n = {total['n'] - total['flagged']:,})" in text
    assert f"passives it would be {total['nps_bound_mid']:.1f}, if every flagged answer were a detractor {total['nps_bound_low']:.1f}" in text
    metrics = page.tables["Responses of the period by metric"]
    assert {row["metric"]: (row["n"], row["flagged"]) for row in metrics} == {
        row["metric"]: (f"{row['n']:,}", f"{row['flagged']:,}")
        for row in asked(company, "SELECT metric, n, flagged FROM loyalty_total WHERE period = 'all'")
    }


def test_a_period_longer_than_210_days_goes_by_months_and_a_shorter_one_by_weeks(page: Page, company: ClickHouse) -> None:
    assert not ReportSource(company).scope(Asked(date(2026, 1, 1), date(2026, 7, 30))).weekly
    assert ReportSource(company).scope(Asked(date(2026, 1, 1), date(2026, 7, 29))).weekly
    daily = asked(
        company, "SELECT day, n, promoters, detractors, flagged, flagged_promoters, flagged_detractors FROM loyalty_daily WHERE metric = 'nps'"
    )
    months: dict[date, Counter[str]] = {}
    for row in daily:
        months.setdefault(row["day"].replace(day=1), Counter()).update({name: value for name, value in row.items() if name != "day"})
    table = page.tables["NPS a month"]
    assert [row["from"] for row in table] == [month.isoformat() for month in sorted(months)]
    for row in table:
        sums = months[date.fromisoformat(row["from"])]
        left = sums["n"] - sums["flagged"]
        assert row["n"] == f"{sums['n']:,}"
        assert near(row["NPS"], 100 * (sums["promoters"] - sums["detractors"]) / sums["n"])
        kept = sums["promoters"] - sums["flagged_promoters"] - sums["detractors"] + sums["flagged_detractors"]
        assert near(row["without flagged"], 100 * kept / left if left else None)


def test_units_are_those_of_the_integrity_views_and_the_suspects_are_named(page: Page, company: ClickHouse, whole: Asked) -> None:
    units = {row["unit_id"]: row for row in asked(company, "SELECT * FROM integrity_units WHERE n_nps > 0 OR state != 'clear'")}
    table = {row["unit"]: row for row in page.tables["Scores of the units"]}
    assert set(table) == set(units)
    for unit_id, row in table.items():
        assert row["state"] == units[unit_id]["state"]
        assert near(row["NPS"], units[unit_id]["nps_raw"])
        assert near(row["without flagged"], units[unit_id]["nps_excluded"])
        assert near(row["bound, low"], units[unit_id]["nps_bound_low"])
    suspects = {unit_id for unit_id, row in units.items() if row["state"] == "suspect"}
    assert suspects
    assert all(f"{unit_id} is suspect since" in page.sections["evidence"] for unit_id in suspects)
    assert whole.start is not None
    assert whole.end is not None
    funnel = asked(
        company,
        "SELECT * FROM integrity_funnel_last_days(days = {days:UInt16}, as_of = {end:Date32}) WHERE metric = 'nps' AND rate_expected IS NOT NULL",
        days=(whole.end - whole.start).days + 1,
        end=whole.end,
    )
    drawn = {row["unit"]: row for row in page.tables["Top scores of each unit against its peers (nps)"]}
    assert set(drawn) == {row["unit_id"] for row in funnel}
    for one in funnel:
        shown = drawn[one["unit_id"]]
        assert shown["n"] == f"{one['rate_n']:,}"
        assert near(shown["top scores (10 of 10)"], 100 * one["rate"])
        assert near(shown["upper limit"], 100 * one["rate_high"])
        outside = one["rate"] > one["rate_high"] or one["rate"] < one["rate_low"]
        assert (re.search(rf"{one['unit_id']} lies (above|below)", page.sections["units"]) is not None) == outside


def test_units_that_were_gamed_from_their_first_day_are_named_as_the_view_names_them(company: ClickHouse, numbers: Numbers) -> None:
    named = asked(company, "SELECT unit_id, first_day, e_value, e_value_needed FROM integrity_from_first_day WHERE named AND metric = 'nps'")
    assert [(one.unit_id, one.e_value) for one in numbers.from_first_day] == sorted(
        ((row["unit_id"], row["e_value"]) for row in named), key=lambda one: -one[1]
    )
    first = FromFirstDay(unit_id="b", first_day=date(2026, 1, 5), e_value=2345.6, e_value_needed=600.0)
    two = [first, replace(first, unit_id="a", e_value=700.0)]
    said = Page(render(replace(numbers, from_first_day=two))).sections["units"]
    assert "first day, higher scores than honest peers have: b (since 2026-01-05, 2,345 to 1) and a (since 2026-01-05, 700 to 1); 600 to 1 is" in said
    assert "than honest peers have" not in Page(render(replace(numbers, from_first_day=[]))).sections["units"]


def test_evidence_is_told_in_the_words_of_the_findings_and_by_identifiers_alone(page: Page, company: ClickHouse) -> None:
    found = asked(
        company,
        "SELECT finding_id, evidence, response_ids, detector, unit_id FROM findings WHERE state != 'clear' "
        "AND unit_id IN (SELECT unit_id FROM integrity_units WHERE state = 'suspect')",
    )
    assert found
    listed = {row["finding"] for caption, rows in page.tables.items() if caption.startswith("Findings about") for row in rows}
    assert listed == {row["finding_id"] for row in found}
    assert all(row["evidence"] in page.sections["evidence"] for row in found)
    for row in found:
        if row["response_ids"]:
            table = page.tables[f"Answers that carry a sign at {row['unit_id']}, by their identifiers"]
            told = next(one["answers that carry it"] for one in table if one["sign"] == row["detector"].replace("_", " "))
            assert set(told.split(" and ")[0].split(", ")) <= set(row["response_ids"])
    comments = asked(company, "SELECT DISTINCT comment FROM responses WHERE length(comment) > 20")
    assert comments
    assert not [row["comment"] for row in comments if row["comment"] in page.html]


def test_accounts_by_quadrant_and_segment_are_those_of_the_accounts(page: Page, company: ClickHouse) -> None:
    accounts = asked(company, "SELECT account_id, quadrant, loyalty_segment, revenue FROM accounts")
    quadrants = Counter(row["quadrant"] for row in accounts if row["quadrant"])
    assert {row["quadrant"].replace(" ", "_"): int(row["accounts"].replace(",", "")) for row in page.tables["Accounts by quadrant"]} == {
        name: quadrants[name] for name in ("thriving", "served_not_loved", "loved_not_served", "at_risk")
    }
    at_risk = sum(row["revenue"] for row in accounts if row["loyalty_segment"] in ("trapped", "high_risk"))
    assert f"Revenue at risk is {float(at_risk):,.0f} EUR" in page.sections["matrix"]
    moved = asked(
        company, "SELECT account_id, event_type, transaction_id, original_transaction_id, day, amount_base FROM transactions WHERE NOT synthetic"
    )
    back: Counter[tuple[str, str]] = Counter()
    for row in moved:
        if row["event_type"] == "transaction.refunded":
            back[row["account_id"], row["original_transaction_id"]] += row["amount_base"]
    days: dict[str, set[date]] = {}
    for row in moved:
        if row["event_type"] == "transaction.completed" and row["amount_base"] > back[row["account_id"], row["transaction_id"]]:
            days.setdefault(row["account_id"], set()).add(row["day"])
    segmented = {row["account_id"] for row in accounts if row["loyalty_segment"]}
    once = sum(len(days[account]) == 1 for account in segmented)
    assert once > 0
    assert f"{once:,} of the {len(segmented):,} accounts with a segment bought on one day only" in page.sections["matrix"]
    assert asked(company, "SELECT sum(revenue_at_risk) AS revenue FROM revenue_at_risk") == [{"revenue": at_risk}]
    for row in page.tables["Accounts by segment"]:
        mine = [one for one in accounts if one["loyalty_segment"] == row["segment"].replace(" ", "_")]
        assert row["accounts"] == f"{len(mine):,}"
        assert near(row["revenue"], float(sum(one["revenue"] for one in mine)), 0)


def test_the_loyalty_matrix_as_of_the_day_of_the_fit_is_that_of_now(company: ClickHouse) -> None:
    columns = "account_id, unit_id, feeling, probability_alive, loyalty_segment, revenue"
    now = asked(company, f"SELECT {columns} FROM account_segments JOIN (SELECT account_id, revenue FROM accounts) AS of USING account_id ORDER BY 1")
    day = asked(company, "SELECT as_of FROM model_runs WHERE last AND model = 'purchases'")[0]["as_of"]

    then = asked(company, f"SELECT {columns} FROM account_segments_as_of(as_of = {{day:Date32}}) ORDER BY 1", day=day)

    assert len({row["loyalty_segment"] for row in now}) == 5
    for row in (*now, *then):
        row["probability_alive"] = row["probability_alive"] and round(row["probability_alive"], 9)
    assert then == now


def test_drivers_prediction_and_scorecards_are_those_of_their_views(page: Page, company: ClickHouse) -> None:
    drivers = {(row["survey_id"], row["driver"]): row for row in asked(company, "SELECT * FROM drivers WHERE priority IS NOT NULL")}
    shown = page.tables["Drivers, those of highest priority first"]
    assert {(row["survey"], row["driver"]) for row in shown} == set(drivers)
    for row in shown:
        wanted = drivers[row["survey"], row["driver"]]
        assert row["n"] == f"{wanted['n']:,}"
        assert near(row["importance"], wanted["lmg"], 3)
        assert near(row["priority"], wanted["priority"], 2)
    cards = {row["scorecard"]: row for row in asked(company, "SELECT * FROM mixed_messages")}
    assert {row["scorecard"] for row in page.tables["Scorecards"]} == set(cards) == {"branch", "service"}
    for row in page.tables["Scorecards"]:
        assert near(row["ratio"], cards[row["scorecard"]]["ratio"], 3)
        assert near(row["ratio paid"], cards[row["scorecard"]]["ratio_paid"], 3)


def test_who_answered_is_as_in_the_strata_and_the_r_indicator_as_in_its_view(page: Page, company: ClickHouse) -> None:
    strata = asked(company, "SELECT channel, is_new, peer_group, eligible, completes FROM response_strata WHERE period = 'all'")
    groups: dict[str, Counter[str]] = {}
    for row in strata:
        names = ("new customers" if row["is_new"] else "returning customers", f"channel {row['channel']}", f"peer group {row['peer_group']}")
        for name in names:
            groups.setdefault(name, Counter()).update({"n": row["eligible"], "answered": row["completes"]})
    shown = {row["customers"]: (row["n, chances to ask"], row["answered"]) for row in page.tables["Chances to ask, and answers"]}
    assert shown == {name: (f"{sums['n']:,}", f"{sums['answered']:,}") for name, sums in groups.items()}
    indicator = asked(company, "SELECT r_indicator FROM representation WHERE grain = 'total' AND period = 'all'")[0]["r_indicator"]
    assert near(page.tables["Representativeness of the period"][0]["R-indicator"], indicator, 3)


def test_follow_up_is_that_of_its_view(page: Page, company: ClickHouse, whole: Asked) -> None:
    assert whole.start is not None
    assert whole.end is not None
    programmes = asked(
        company,
        "SELECT * FROM follow_up_last_days(days = {days:UInt16}, as_of = {end:Date32}) WHERE due > 0",
        days=(whole.end - whole.start).days + 1,
        end=whole.end,
    )
    owed = Counter(row["programme"] for row in asked(company, "SELECT programme FROM feedback_debts"))
    table = {row["programme"]: row for row in page.tables["Cases by programme"]}
    assert set(table) == {row["programme"] for row in programmes} | set(owed)
    for row in programmes:
        shown = table[row["programme"]]
        assert [shown[name] for name in ("n, cases due", "contacted in time", "late", "not contacted", "owed")] == [
            f"{n:,}" for n in (row["due"], row["in_sla"], row["late"], row["not_contacted"], owed[row["programme"]])
        ]
        assert near(shown["share, %"], 100 * row["sla_attainment"])


def test_messages_and_growth_are_those_of_the_months(page: Page, company: ClickHouse) -> None:
    messages = {f"{row['month']:%Y-%m}": row for row in asked(company, "SELECT * FROM messages_monthly")}
    for row in page.tables["Messages a month"]:
        wanted = messages[row["month"]]
        assert [row["selling"], row["teaching value"], row["offers"]] == [f"{wanted[name]:,}" for name in ("selling", "value", "offers")]
    months = {f"{row['month']:%Y-%m}": row for row in asked(company, "SELECT * FROM growth_monthly")}
    table = page.tables["Growth a month"]
    assert {row["month"] for row in table} == set(months)
    for row in table:
        wanted = months[row["month"]]
        assert near(row["earned new revenue"], float(wanted["earned_new_revenue"]), 0)
        assert near(row["bought new revenue"], float(wanted["bought_new_revenue"]), 0)
        assert near(row["net retention"], None if wanted["nrr"] is None else 100 * wanted["nrr"])


def test_a_scope_narrows_scores_to_its_units_days_and_survey(company: ClickHouse) -> None:
    source = ReportSource(company)
    catalog = {row["unit_id"]: row["peer_group"] for row in asked(company, "SELECT unit_id, peer_group FROM units FINAL")}
    group = catalog["unit-001"]
    scope = source.scope(Asked(date(2026, 3, 1), date(2026, 5, 31), ("unit-002",), (group,), "visit"))
    wanted = {unit for unit, of in catalog.items() if of == group} | {"unit-002"}
    assert set(scope.units or ()) == wanted
    answers = [
        row
        for row in asked(
            company, "SELECT day, unit_id, survey_id, class, flagged FROM responses WHERE metric = 'nps' AND NOT withdrawn AND NOT synthetic"
        )
        if row["unit_id"] in wanted and row["survey_id"] == "visit" and date(2026, 3, 1) <= row["day"] <= date(2026, 5, 31)
    ]
    found = source.numbers(scope)
    assert answers
    assert sum(bucket.sums.n for bucket in found.loyalty) == len(answers)
    assert sum(bucket.sums.promoters for bucket in found.loyalty) == sum(row["class"] == "promoter" for row in answers)
    assert sum(bucket.sums.flagged for bucket in found.loyalty) == sum(row["flagged"] for row in answers)
    assert {unit.unit_id: unit.sums.n for unit in found.units if unit.sums.n} == Counter(row["unit_id"] for row in answers)
    text = Page(render(found)).sections
    assert "of the accounts that answered in this period and scope" in text["value"]
    assert "they are not told apart by unit or survey" in text["growth"]


def test_a_survey_of_a_company_with_several_metrics_has_scores_of_its_own(company: ClickHouse, whole: Asked) -> None:
    source = ReportSource(company)
    scope = source.scope(Asked(date(2026, 1, 1), date(2026, 7, 31), survey="effort"))
    numbers = source.numbers(scope)
    surveyed = asked(
        company,
        "SELECT toString(metric) AS metric, count() AS n, countIf(top_two_box) AS best, sum(score_mapped * score_mapped) AS squares FROM responses"
        " WHERE survey_id = 'effort' AND NOT withdrawn AND NOT synthetic AND score IS NOT NULL GROUP BY metric ORDER BY n DESC",
    )
    assert numbers.metric == surveyed[0]["metric"] != Metric.NPS
    assert sum(bucket.sums.n for bucket in numbers.loyalty) == surveyed[0]["n"]
    assert sum(bucket.sums.top_two_box for bucket in numbers.loyalty) == surveyed[0]["best"]
    assert numbers.metrics[0].score_sum_squares == pytest.approx(surveyed[0]["squares"])
    share = "the top-two share, that is the share of answers of at least 6 of 7, in per cent. The column ces of the views is another number, the mean"
    assert share in scores_are_of(numbers)
    effort = asked(company, "SELECT ces, ces_low, ces_high, n FROM loyalty_total WHERE period = 'all' AND metric = 'ces'")[0]
    told = Page(render(source.numbers(source.scope(replace(whole, metric=Metric.CES))))).sections["loyalty"]
    mean = f"{effort['ces']:.2f} (95 % interval {effort['ces_low']:.2f} to {effort['ces_high']:.2f}; n = {effort['n']:,})"
    assert f"On the scale of 1 to 7 the mean of all ces answers is {mean}. This mean is what the views call ces" in told
    assert told.index("the mean of all ces") < told.index("The top-two share of the period is")


def test_the_default_period_is_90_days_up_to_the_newest_answer_and_is_held_against_the_90_before(company: ClickHouse, tmp_path: Path) -> None:
    begun: list[str] = []
    scope = write_report(company, Asked(), tmp_path / "deep" / "report.html", begun.append).scope
    assert begun[: len(Reading)] == list(Reading)
    assert len(begun) == len(set(begun)) == STEPS
    newest = asked(company, "SELECT max(day) AS day FROM responses WHERE NOT withdrawn AND NOT synthetic AND score IS NOT NULL")[0]["day"]
    assert (scope.end, scope.days) == (newest, 90)
    sums = [
        asked(
            company,
            "SELECT sum(n) AS n FROM loyalty_daily WHERE metric = 'nps' AND day > {end:Date32} - 90 - {a:UInt8} AND day <= {end:Date32} - {a:UInt8}",
            end=newest,
            a=before,
        )[0]["n"]
        for before in (90, 0)
    ]
    assert re.search(
        rf"Against the 90 days before, NPS \w+ from \S+ \(n = {sums[0]:,}\) to \S+ \(n = {sums[1]:,}\)",
        Page((tmp_path / "deep" / "report.html").read_text()).sections["loyalty"],
    )


def test_what_leads_somewhere_leads_to_a_place_on_the_page_and_nothing_is_asked_of_anybody(page: Page) -> None:
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    for _, attributes in page.elements:
        assert not {"src", "srcset", "data", "action", "poster"} & set(attributes)
        for name in ("href", "xlink:href"):
            if name in attributes:
                assert attributes[name].startswith("#")
                assert attributes[name][1:] in identities
        for value in attributes.values():
            for target in re.findall(r"url\(([^)]*)\)", value):
                assert target[1:] in identities
    assert not {"script", "link", "iframe", "img", "object", "embed"} & {tag for tag, _ in page.elements}
    style = re.search(r"<style>(.*?)</style>", page.html, re.DOTALL)
    assert style is not None
    assert not re.search(r"@import|url\(|http", style[1])
    assert set(re.findall(r"https?://[^\s\"'<]+", page.html)) == {"http://www.w3.org/2000/svg"}
    assert len(page.html) < 5_000_000


def test_the_page_can_be_used_without_seeing_it(page: Page) -> None:
    assert page.elements[0] == ("html", {"lang": "en"})
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    identities = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert pictures
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert set(attributes["aria-labelledby"].split()) <= identities
    regions = [attributes for _, attributes in page.elements if attributes.get("role") == "region"]
    assert all(attributes["tabindex"] == "0" for attributes in regions)
    assert len({attributes["aria-label"] for attributes in regions}) == len(regions)
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links[0] == "#content"


def test_every_picture_says_what_it_shows_and_its_n(figures: dict[str, Figure]) -> None:
    assert len(figures) >= 11
    for figure in figures.values():
        assert figure.sentences
        assert re.search(r"n = \d|of [\d,]+ judged unit|\d+ finding", " ".join(figure.sentences)), figure.identity
        assert figure.table.rows


def test_every_definition_is_the_comment_of_its_column(page: Page, company: ClickHouse) -> None:
    comments = {
        f"{row['table']}.{row['name']}": row["comment"]
        for row in asked(company, "SELECT table, name, comment FROM system.columns WHERE database = currentDatabase()")
    }
    used = {attributes["href"] for tag, attributes in page.elements if tag == "a" and attributes["href"].startswith("#definition-")}
    assert used == {f"#{identity}" for tag, attributes in page.elements if tag == "dt" and (identity := attributes["id"])}
    of_views = {name: meaning for name, meaning in page.definitions.items() if "." in name}
    assert len(of_views) > 60
    assert of_views == {name: comments[name] for name in of_views}
    assert {name for name in page.definitions if "." not in name} <= {name.replace("_", " ") for name in OWN}
