"""Readings of the contract that two careful people would take differently, each on a few events from the topic to the view."""

from pathlib import Path

import pytest

from tests.oracle.make import WITHDRAWN, Writer
from tests.whole_path import put_in, shown


@pytest.mark.parametrize("withdrawn_first", [False, True])
def test_the_newest_response_tells_the_time_even_if_it_was_withdrawn_whatever_came_first(
    withdrawn_first: bool, migrated_url: str, tmp_path: Path
) -> None:
    """R40, R44: by day 10 the detractor of day 0 has waited for more than 48 hours."""
    writer = Writer()
    writer.add("feedback", 0, score=3, response_id="owed")
    given = [(10, {}), (11, WITHDRAWN)]
    for day, fields in reversed(given) if withdrawn_first else given:
        writer.add("feedback", day, **{"account_id": "b", "score": 3, **fields})
    clickhouse = put_in(migrated_url, writer, tmp_path)

    assert shown(clickhouse, "SELECT response_id FROM feedback_debts") == [("owed",)]
    assert shown(clickhouse, "SELECT response_id FROM feedback_debts_as_of(as_of = '2026-03-20')") == [("owed",)]
    assert shown(clickhouse, "SELECT response_id FROM feedback_debts_as_of(as_of = '2026-03-03')") == []


def test_of_responses_at_one_time_the_greater_response_id_is_the_next(migrated_url: str, tmp_path: Path) -> None:
    """R43 with the order of R19: the detractor's next response is the one at the same time, and the one after 180 days comes too late."""
    writer = Writer()
    for account, first, then, days in (("a", "1", "2", 0), ("b", "2", "1", 0), ("c", "1", "2", 181)):
        writer.add("feedback", 0, account_id=account, response_id=first, score=2)
        writer.add("feedback", days, account_id=account, response_id=then, score=8)
        writer.add("actions", 0, account_id=account, response_id=first)
        writer.add("actions", 1, account_id=account, event_type="case.contacted")
    clickhouse = put_in(migrated_url, writer, tmp_path)

    assert shown(clickhouse, "SELECT detractors_contacted, rescued, rescue_rate FROM follow_up WHERE cases > 0") == [(3, 1, pytest.approx(1 / 3))]


def test_only_counted_responses_whose_case_has_ended_were_acted_upon(migrated_url: str, tmp_path: Path) -> None:
    """R45, and section 3: a withdrawn response is in no number, though its case is; nor is one whose case was opened again, or that is not known."""
    writer = Writer()
    for account in ("told", "silent", "withdrawn", "reopened", "synthetic"):
        writer.add("feedback", 0, account_id=account, score=3, synthetic=account == "synthetic")
    writer.add("feedback", 1, account_id="withdrawn", **WITHDRAWN)
    for account in ("told", "silent", "withdrawn", "reopened", "synthetic", "unknown"):
        writer.add("actions", 0, account_id=account, response_id="r")
        writer.add("actions", 1, account_id=account, event_type="case.resolved")
    writer.add("actions", 2, account_id="reopened", event_type="case.reopened")
    for account in ("told", "withdrawn", "reopened", "synthetic"):
        writer.add("communications", 2, account_id=account, purpose="loop_closure", response_ids=["r"])
    clickhouse = put_in(migrated_url, writer, tmp_path)

    found = shown(clickhouse, "SELECT programme, cases, acted_upon, told, told_rate FROM follow_up ORDER BY programme")
    assert found == [("none", 1, 0, 0, None), ("s", 5, 2, 1, 0.5)]


def test_scores_are_held_against_those_of_competitors_on_the_scale_of_the_metric(migrated_url: str, tmp_path: Path) -> None:
    """R49, R13: 70 of 100 is 3.8 of 5 and 66 is 3.64, so 1.044 and no better than competitors, though 70 / 66 is 1.06."""
    writer = Writer()
    for response_id, scale, score, expected, others in (("1", 0, 70, 60, [66]), ("2", 1, 3.8, 3.4, [3.64]), ("3", 0, 70, 60, [0])):
        top = {"scale_min": 0, "scale_max": 100} if scale == 0 else {}
        writer.add("feedback", 0, response_id=response_id, metric="csat", score=score, expected_score=expected, competitor_scores=others, **top)
    # Nothing is better than nothing by any factor, also where a mean of tenths is no tenth.
    writer.add("feedback", 0, response_id="4", score=0.9, scale_min=0.1, scale_max=1.1, expected_score=0.9, competitor_scores=[0.1] * 3)
    clickhouse = put_in(migrated_url, writer, tmp_path)

    found = shown(clickhouse, "SELECT round(surprise, 6), round(relative_value, 6), grade FROM graded_responses ORDER BY response_id")
    assert found == [(0.1, 1.043956, "B"), (0.1, 1.043956, "B"), (0.1, 3.8, "A"), (0, None, "C")]


def test_what_is_equal_to_a_cut_on_paper_is_not_below_it(migrated_url: str, tmp_path: Path) -> None:
    """R47: 3/10 and 7/10 at equal weights are one half, and so is 7 of 4 to 10, whatever binary fractions make of them."""
    writer = Writer()
    for outcome, current in (("1", 3), ("2", 7)):
        writer.add("outcomes", outcome_id=outcome, baseline=0, target=10, current=current, weight=3)
    writer.add("feedback", score=7, scale_min=4, scale_max=10)
    clickhouse = put_in(migrated_url, writer, tmp_path)

    assert shown(clickhouse, "SELECT round(vdi, 9), feeling, quadrant FROM accounts") == [(0.5, 0.5, "thriving")]
