"""Business gauges say what the tables and views say."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from math import sqrt
from random import Random

import pytest

from schemas.enums import Detector, UnitState
from schemas.rows import Table
from sinks.base import SinkError
from sinks.clickhouse import ClickHouse, connect
from streams.lag.business import read_business
from streams.metrics import declared
from tests.sinks.loyalty import MONDAY, cells, finding, flag, suspect
from tests.sinks.rows import emptied, rows
from tests.sinks.test_follow_up import steps


@pytest.fixture
def clickhouse(served: ClickHouse) -> ClickHouse:
    return emptied(served, Table)


def test_an_empty_database_has_no_score_and_nothing_found(clickhouse: ClickHouse) -> None:
    values = read_business(clickhouse)

    assert set(values) == set(declared.BUSINESS)
    assert values[declared.NPS] == values[declared.NPS_LOW] == values[declared.NPS_HIGH] == {}
    assert values[declared.NPS_N] == {(window, variant): 0 for window in ("last", "before") for variant in ("raw", "excluded")}
    assert len(values[declared.FINDINGS]) == len(Detector) * len(UnitState)
    assert set(values[declared.FINDINGS].values()) == set(values[declared.UNITS].values()) == {0.0}


def test_scores_are_of_two_windows_that_end_at_the_newest_answer(clickhouse: ClickHouse) -> None:
    """Against answers that are counted one by one; older ones, other metrics and older versions of a cell count nothing."""
    random = Random(5)
    newest = MONDAY + timedelta(70)
    answers: dict[tuple[date, str], list[int]] = {}
    for age in range(60):
        for unit in ("u", "v"):
            answers[newest - timedelta(age), unit] = [random.choice((-1, 0, 1, 1)) for _ in range(random.randrange(0 if age else 1, 6))]
    of_cells = [_cell(day, unit, given) for (day, unit), given in answers.items()]
    cells(clickhouse, *({**cell, "n": 99, "promoters": 99} for cell in of_cells))
    cells(clickhouse, *({**cell, "version": 2} for cell in of_cells), {"day": newest + timedelta(9), "metric": "csat", "n": 5})

    values = read_business(clickhouse)

    for window, ages in (("last", range(28)), ("before", range(28, 56))):
        given_ = [answer for age in ages for unit in ("u", "v") for answer in answers[newest - timedelta(age), unit]]
        series = (window, "raw")
        assert values[declared.NPS_N][series] == len(given_)
        assert values[declared.NPS][series] == pytest.approx(100 * sum(given_) / len(given_))
        # Adjusted Wald by its words: three more answers, of which 9/8 promote, 9/8 detract and 3/4 do neither, is the same as these moments.
        promoters, detractors, n = given_.count(1) + 0.75, given_.count(-1) + 0.75, len(given_) + 3
        mean = (promoters - detractors) / n
        half = 1.959964 * sqrt(((promoters + detractors) / n - mean**2) / n)
        assert values[declared.NPS_LOW][series] == pytest.approx(100 * (mean - half))
        assert values[declared.NPS_HIGH][series] == pytest.approx(100 * (mean + half))


def _cell(day: date, unit: str, given: list[int]) -> Mapping[str, object]:
    counted = Counter(given)
    return {"day": day, "unit_id": unit, "n": len(given), "promoters": counted[1], "passives": counted[0], "detractors": counted[-1]}


def test_the_score_without_flagged_answers_is_that_of_the_view(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 40, "promoters": 25, "passives": 5, "detractors": 10})
    flag(clickhouse, promoters=7, detractors=1)

    values = read_business(clickhouse)

    (view,) = clickhouse.query(
        "SELECT nps, nps_low, nps_high, nps_excluded, nps_excluded_low, nps_excluded_high FROM loyalty_last_days(as_of = {day:Date32}, days = 28)",
        {"day": MONDAY},
    ).to_pylist()
    read = [values[metric]["last", variant] for variant in ("raw", "excluded") for metric in (declared.NPS, declared.NPS_LOW, declared.NPS_HIGH)]
    assert read == pytest.approx(list(view.values()))
    assert values[declared.NPS_N]["last", "excluded"] == 32
    assert ("before", "raw") not in values[declared.NPS]


def test_findings_are_counted_by_detector_and_state_and_decided_ones_apart(clickhouse: ClickHouse) -> None:
    suspect(clickhouse)
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, finding("shared_devices", "identity", 5, 10, unit_id="v", finding_id="alone")))
    decided = {"finding_id": "u/coached_text/5", "unit_id": "u", "plan_id": "", "decision": "confirmed", "reason": "seen", "decided_by": "m"}
    clickhouse.insert(Table.ADJUDICATIONS, rows(Table.ADJUDICATIONS, {**decided, "event_id": "e"}))
    clickhouse.insert(Table.UNITS, rows(Table.UNITS, {"unit_id": "u", "state": "suspect"}, {"unit_id": "v", "state": "investigate"}))

    values = read_business(clickhouse)

    found = {labels: n for labels, n in values[declared.FINDINGS].items() if n}
    assert found == {("shared_devices", "suspect"): 1, ("coached_text", "suspect"): 1, ("shared_devices", "investigate"): 1}
    undecided = {labels: n for labels, n in values[declared.FINDINGS_OPEN].items() if n}
    assert undecided == {("shared_devices", "suspect"): 1, ("shared_devices", "investigate"): 1}
    assert values[declared.UNITS] == {("clear",): 0, ("investigate",): 1, ("suspect",): 1}


def test_open_cases_are_counted_by_whether_somebody_should_have_called(clickhouse: ClickHouse) -> None:
    """Without a policy contact is due after 48 hours; the newest step is 60 hours after the first."""
    of_cases = [
        *steps("called in time", ("opened", 0), ("contacted", 10)), *steps("called late", ("opened", 0), ("contacted", 50)),
        *steps("forgotten", ("opened", 0)), *steps("resolved", ("opened", 0), ("resolved", 20)), *steps("new", ("opened", 60)),
        *steps("test", ("opened", -300), synthetic=True), *steps("back", ("opened", 0), ("resolved", 5), ("reopened", 9)),
    ]  # fmt: skip
    clickhouse.insert(Table.CASES, rows(Table.CASES, *of_cases))

    assert read_business(clickhouse)[declared.OPEN_CASES] == {("waiting",): 1, ("overdue",): 2, ("contacted",): 2}


def test_invitations_are_counted_once_they_had_time_to_be_answered(clickhouse: ClickHouse) -> None:
    """Windows end 14 days before the newest that was sent; reminders, what bounced, test traffic, late and withdrawn answers count nothing."""

    def sent(number: int, age: int, **more: object) -> Mapping[str, object]:
        day = MONDAY - timedelta(age)
        of = {"account_id": "a", "invitation_id": f"i{number}", "event_type": "invitation.sent", "event_id": f"e{number}-{age}", "day": day}
        return {**of, "occurred_at": datetime.combine(day, time(), UTC), "synthetic": False, **more}

    ages = [0, 13, 14, 20, 41, 42, 50, 69, 70, 30]
    invitations = [sent(number, age) for number, age in enumerate(ages)]
    again = [
        sent(4, 3),
        sent(97, 20),
        sent(97, 19, event_type="invitation.bounced"),
        sent(99, 20, synthetic=True),
        sent(98, 20, event_type="invitation.eligible"),
    ]
    clickhouse.insert(Table.INVITATIONS, rows(Table.INVITATIONS, *invitations, *again))

    def answered(number: int, asked: bool | None, after: int = 13, **more: object) -> Mapping[str, object]:
        of = {"account_id": "a", "response_id": f"r{number}", "invitation_id": f"i{number}", "metric": "nps", "asked_for_score": asked}
        return {**of, "day": MONDAY + timedelta(after - ages[number]), "synthetic": False, "withdrawn": False, **more}

    answers = [answered(number, asked) for number, asked in ((0, True), (2, True), (4, False), (6, None), (7, None), (8, None))]
    others = [answered(3, True, withdrawn=True), answered(5, True, synthetic=True), answered(9, None, after=14)]
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *answers, *others))

    values = read_business(clickhouse)

    assert values[declared.SENT_INVITATIONS] == {("last",): 4, ("before",): 3}
    assert values[declared.ANSWERED_INVITATIONS] == {("last",): 2, ("before",): 2}
    assert values[declared.SCORE_QUESTIONS] == {("last",): 2, ("before",): 1}
    assert values[declared.ASKED_FOR_SCORE] == {("last",): 2, ("before",): 0}


def test_a_database_without_tables_is_an_error_that_says_so(clickhouse_url: str) -> None:
    clickhouse = connect(clickhouse_url)
    clickhouse.create_database()
    with pytest.raises(SinkError, match="standing_findings"):
        read_business(clickhouse)
    clickhouse.close()
