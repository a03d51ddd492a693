"""Follow-up and grades, on numbers that can be worked out by hand."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.rows import rows

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""A Monday."""
MARCH = date(2026, 3, 1)


def at(hours: float) -> datetime:
    """So many hours after the start."""
    return START + timedelta(hours=hours)


def steps(case: str, *happened: tuple[str, float], **values: object) -> list[Mapping[str, object]]:
    """Steps of a case at so many hours."""
    known = {"account_id": "a", "case_id": case, "response_id": None, "trigger": None, "due_at": None, "synthetic": False, **values}
    return [{**known, "event_type": f"case.{step}", "occurred_at": at(hours), "event_id": f"{case}{step}{hours}"} for step, hours in happened]


def insert(clickhouse: ClickHouse, table: Table, *given: Mapping[str, object]) -> None:
    clickhouse.insert(table, rows(table, *given))


def response(name: str, hours: float = 0, /, **values: object) -> Mapping[str, object]:
    """A counted detractor."""
    known = {
        "account_id": "a", "response_id": name, "survey_id": "s", "occurred_at": at(hours), "day": at(hours).date(), "metric": "nps",
        "class": "detractor", "score_mapped": 3.0, "synthetic": False, "withdrawn": False, "told_about_action": None, "expected_score": None,
    }  # fmt: skip
    return {**known, **values}


def shown(clickhouse: ClickHouse, columns: str, view: str = "follow_up") -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in clickhouse.query(f"SELECT {columns} FROM {view} ORDER BY ALL").to_pylist()]


def test_attainment_counts_what_is_due_and_time_to_contact_whom_nobody_reached(clickhouse: ClickHouse) -> None:
    """The known answer: contacts after 10, 50 and 47 hours, one never (60 hours ago), one not yet (20 hours ago)."""
    cases = [
        *steps("1", ("opened", 0), ("contacted", 10)), *steps("2", ("opened", 0), ("contacted", 50)), *steps("3", ("opened", 0), ("contacted", 47)),
        *steps("4", ("opened", 0)), *steps("5", ("opened", 40)), *steps("6", ("opened", -300), synthetic=True), *steps("0", ("assigned", 60)),
    ]  # fmt: skip
    insert(clickhouse, Table.CASES, *cases)
    assert shown(clickhouse, "programme, month, cases, due, in_sla, sla_attainment") == [("none", MARCH, 6, 4, 2, 0.5)]
    hours = sorted(shown(clickhouse, "hours, contacted_at IS NOT NULL", "follow_up_cases"))
    assert hours == [(0.0, 0), (10.0, 1), (20.0, 0), (47.0, 1), (50.0, 1), (60.0, 0)]
    # 4/5 after 10, of three left 2/3 of that after 47, of two left 1/2 of that after 50: half were contacted within 50 hours.
    assert shown(clickhouse, "median_hours_to_contact") == [(50.0,)]


def test_no_median_where_fewer_than_half_were_contacted(clickhouse: ClickHouse) -> None:
    insert(
        clickhouse,
        Table.CASES,
        *steps("1", ("opened", 0), ("contacted", 10)),
        *steps("2", ("opened", 0)),
        *steps("3", ("opened", 0), ("escalated", 90)),
    )
    assert shown(clickhouse, "median_hours_to_contact") == [(None,)]


@pytest.mark.parametrize(
    ("happened", "values", "due"),
    [
        ((("opened", 5), ("opened", 1)), {}, at(49)),
        ((("assigned", 2), ("contacted", 1)), {}, at(49)),
        ((("assigned", 0), ("opened", 3)), {"due_at": at(4)}, at(4)),
        ((("assigned", 0),), {"due_at": at(4)}, at(48)),
        ((("opened", 0),), {"trigger": "detractor"}, at(24)),
        ((("opened", 0),), {"trigger": "risk"}, at(48)),
    ],
    ids=["earliest opening", "no opening", "as the opening says", "as no opening says", "policy", "no policy"],
)
def test_when_contact_is_due(clickhouse: ClickHouse, happened: tuple[tuple[str, float], ...], values: Mapping[str, object], due: datetime) -> None:
    write_catalog(clickhouse, Catalog.model_validate({"sla_policies": [{"trigger": "detractor", "hours": 24}]}))
    insert(clickhouse, Table.CASES, *steps("1", *happened, **values))
    assert shown(clickhouse, "due_at", "follow_up_cases") == [(due,)]


@pytest.mark.parametrize(
    ("opened", "hours", "due"),
    [
        ("2026-03-02T08:00", 4, "2026-03-02T12:00"),  # 09:00 in Berlin
        ("2026-03-02T05:00", 8, "2026-03-02T16:00"),  # before it opens; to the minute
        ("2026-03-02T15:00", 2, "2026-03-03T09:00"),
        ("2026-03-06T15:30", 1, "2026-03-09T08:30"),  # over a weekend
        ("2026-03-27T15:30", 1, "2026-03-31T07:30"),  # over a holiday and into summer time
        ("2026-03-07T12:00", 40, "2026-03-13T16:00"),
        ("1969-12-24T15:00", 2, "1969-12-29T09:00"),  # over two holidays, before the days that 16 bits can count
        ("2150-03-06T15:30", 1, "2150-03-09T08:30"),  # and after them
        ("2026-03-02T08:00", 2.3, "2026-03-02T10:18"),  # 2.3 hours are a little less than 8,280 seconds as a double
    ],
)
def test_hours_of_a_business_calendar(clickhouse: ClickHouse, opened: str, hours: float, due: str) -> None:
    policy = {"trigger": "text", "hours": hours, "business_calendar": {"holidays": ["2026-03-30", "1969-12-25", "1969-12-26"]}}
    write_catalog(clickhouse, Catalog.model_validate({"timezone": "Europe/Berlin", "sla_policies": [policy]}))
    instant = datetime.fromisoformat(f"{opened}:00+00:00")
    insert(clickhouse, Table.CASES, {**steps("1", ("opened", 0), trigger="text")[0], "occurred_at": instant})
    assert shown(clickhouse, "due_at", "follow_up_cases") == [(datetime.fromisoformat(f"{due}:00+00:00"),)]


@pytest.mark.parametrize(
    ("zone", "opens", "opened", "hours", "due"),
    [
        ("America/Sao_Paulo", "00:00", "2018-11-04T02:30", 1, "2018-11-04T03:31"),  # 29 minutes till 23:59; midnight was one o'clock, at 03:00
        ("Africa/Cairo", "00:00", "2026-04-23T20:00", 5, "2026-04-24T01:01"),  # 1:59 till 23:59, the rest from one o'clock on
        ("Europe/Berlin", "02:30", "2026-03-28T23:30", 1, "2026-03-29T02:30"),  # 02:30 was 03:30
        ("Pacific/Apia", "09:00", "2011-12-30T02:00", 30, "2012-01-01T02:02"),  # 7:59 on Thursday, 14:59 on Saturday; there was no Friday
        ("Asia/Kathmandu", "00:00", "1985-12-31T10:00", 10, "1985-12-31T20:01"),  # clocks were put forward by a quarter of an hour
    ],
)
def test_business_hours_where_clocks_are_put_forward(clickhouse: ClickHouse, zone: str, opens: str, opened: str, hours: float, due: str) -> None:
    calendar = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "opens": opens, "closes": "23:59"}
    policy = {"trigger": "text", "hours": hours, "business_calendar": calendar}
    write_catalog(clickhouse, Catalog.model_validate({"timezone": zone, "sla_policies": [policy]}))
    instant = datetime.fromisoformat(f"{opened}:00+00:00")
    insert(clickhouse, Table.CASES, {**steps("1", ("opened", 0), trigger="text")[0], "occurred_at": instant})
    assert shown(clickhouse, "due_at", "follow_up_cases") == [(datetime.fromisoformat(f"{due}:00+00:00"),)]


def test_many_holidays_put_off_what_is_due_and_where_no_hour_counts_nothing_is(clickhouse: ClickHouse) -> None:
    """Eight hours on Mondays, of which the next twelve are holidays; no working day at all."""
    mondays = [(START + timedelta(weeks=week)).date().isoformat() for week in range(12)]
    policies = [
        {"trigger": "text", "hours": 8, "business_calendar": {"weekdays": [1], "holidays": [*mondays, "2026-12-25"]}},
        {"trigger": "risk", "hours": 1, "business_calendar": {"weekdays": []}},
    ]
    write_catalog(clickhouse, Catalog.model_validate({"sla_policies": policies}))
    insert(clickhouse, Table.CASES, *steps("1", ("opened", 0), trigger="text"), *steps("2", ("opened", 0), trigger="risk"))
    assert shown(clickhouse, "due_at, month, is_due", "follow_up_cases") == [
        (datetime(2026, 5, 25, 17, tzinfo=UTC), date(2026, 5, 1), False), (datetime(2299, 12, 31, tzinfo=UTC), date(2299, 12, 1), False),
    ]  # fmt: skip


def test_contact_at_the_very_time_is_in_time_and_months_are_local(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog(timezone="America/Sao_Paulo"))
    due = datetime(2026, 3, 1, 2, tzinfo=UTC)
    insert(clickhouse, Table.CASES, *steps("1", ("opened", -60), ("contacted", 0), due_at=due), *steps("2", ("opened", -90), due_at=due))
    insert(clickhouse, Table.CASES, {**steps("2", ("contacted", 0))[0], "occurred_at": due})
    assert shown(clickhouse, "month, due, in_sla") == [(date(2026, 2, 1), 2, 1)]


@pytest.mark.parametrize("hours", [2.3, 8.2, 0.29, 1.0])
def test_a_fraction_of_an_hour_is_whole_to_the_microsecond(clickhouse: ClickHouse, hours: float) -> None:
    """Decimal hours times microseconds lie a little beside a whole number; contact at the very time would be late."""
    rule = {"survey_id": "s", "action_rule": {"within_hours": hours}}
    write_catalog(clickhouse, Catalog.model_validate({"sla_policies": [{"trigger": "text", "hours": hours}], "surveys": [rule]}))
    insert(clickhouse, Table.CASES, *steps("1", ("opened", 0), ("contacted", hours), trigger="text"))
    insert(clickhouse, Table.RESPONSES, response("owed"), response("newest", 100, withdrawn=True))
    due = START + timedelta(seconds=round(3600 * hours))
    assert shown(clickhouse, "due_at, in_sla", "follow_up_cases") == [(due, True)]
    assert shown(clickhouse, "due_at", "feedback_debts") == [(due,)]
    assert shown(clickhouse, "due_at", "feedback_debts_as_of(as_of = '2026-03-31')") == [(due,)]


def test_a_case_is_open_by_its_newest_step_and_equal_times_are_in_the_order_of_a_life(clickhouse: ClickHouse) -> None:
    cases = [
        *steps("open", ("resolved", 3), ("reopened", 3)), *steps("ended", ("resolved", 3), ("opened", 3)),
        *steps("again", ("confirmed", 2), ("assigned", 4)),
    ]  # fmt: skip
    insert(clickhouse, Table.CASES, *cases)
    assert shown(clickhouse, "case_id, is_open", "follow_up_cases") == [("again", True), ("ended", False), ("open", True)]


def test_programmes_are_those_of_the_responses_survey(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog.model_validate({"surveys": [{"survey_id": "s", "programme": "stores"}]}))
    insert(clickhouse, Table.RESPONSES, response("r"), response("w", withdrawn=True), response("o", survey_id="other"))
    cases = [*steps("1", ("opened", 0), response_id="r"), *steps("2", ("opened", 0), response_id="w"), *steps("3", ("opened", 0), response_id="o")]
    insert(clickhouse, Table.CASES, *cases, *steps("4", ("opened", 0), response_id="unknown"))
    assert shown(clickhouse, "programme, cases") == [("none", 1), ("other", 1), ("stores", 2)]


def test_who_was_rescued_and_who_was_told(clickhouse: ClickHouse) -> None:
    day = 24.0
    responses = [
        response("saved"), response("later", 170 * day, **{"class": "passive", "score_mapped": 7.0}),
        response("lost", account_id="b"), response("low", 9, account_id="b", score_mapped=6.5),
        response("late", account_id="c"), response("too late", 181 * day, account_id="c", score_mapped=9.0, **{"class": "promoter"}),
        response("unreached", account_id="d"), response("happy", account_id="e", **{"class": "promoter", "score_mapped": 9.0}),
    ]  # fmt: skip
    insert(clickhouse, Table.RESPONSES, *responses)
    reached = (("opened", 1.0), ("contacted", 2.0), ("resolved", 3.0))
    cases = [*steps("1", *reached, response_id="saved"), *steps("1b", *reached, response_id="saved")]
    for account, name in (("b", "lost"), ("c", "late"), ("e", "happy")):
        cases += steps(name, *reached, response_id=name, account_id=account)
    insert(clickhouse, Table.CASES, *cases, *steps("d", ("opened", 1), ("escalated", 2), response_id="unreached", account_id="d"))
    messages = [("saved", "a", 3 + 60 * day, "loop_closure"), ("lost", "b", 4 + 60 * day, "loop_closure"), ("late", "c", 9.0, "service")]
    known = {"synthetic": False, "offer_product_ids": []}
    sent = [
        {**known, "message_id": name, "account_id": account, "response_ids": [name], "occurred_at": at(hours), "purpose": purpose}
        for name, account, hours, purpose in messages
    ]
    insert(clickhouse, Table.COMMUNICATIONS, *sent)
    assert shown(clickhouse, "detractors_contacted, rescued, rescue_rate") == [(3, 1, pytest.approx(1 / 3))]
    assert shown(clickhouse, "acted_upon, told, told_rate") == [(4, 1, 0.25)]


def test_debts_are_what_nobody_acted_upon(clickhouse: ClickHouse) -> None:
    rule = {"survey_id": "r", "action_rule": {"classes": ["detractor", "passive"], "within_hours": 10}}
    write_catalog(clickhouse, Catalog.model_validate({"surveys": [rule]}))
    given = [
        response("owed"), response("owed too", 1), response("fresh", 60), response("case"), response("message"),
        response("praise", **{"class": "promoter"}), response("passive", **{"class": "passive"}), response("test", synthetic=True),
        response("ruled", survey_id="r", **{"class": "passive"}), response("gone", withdrawn=True),
        response("newest", 100, withdrawn=True), response("later test", 200, synthetic=True),
    ]  # fmt: skip
    insert(clickhouse, Table.RESPONSES, *given)
    insert(clickhouse, Table.CASES, *steps("1", ("opened", 0), response_id="case"))
    sent = {"account_id": "a", "message_id": "m", "response_ids": ["message"], "purpose": "service", "synthetic": False, "offer_product_ids": []}
    insert(clickhouse, Table.COMMUNICATIONS, sent)
    insert(clickhouse, Table.ACCOUNTS, {"account_id": "a"})
    assert [name for (name,) in shown(clickhouse, "response_id", "feedback_debts")] == ["owed", "owed too", "ruled"]
    assert shown(clickhouse, "programme, feedback_debt, toFloat64(feedback_debt_revenue)") == [("r", 1, 12.34), ("s", 2, 12.34)]


def test_lip_service_is_what_is_done_less_what_customers_hear_of(clickhouse: ClickHouse) -> None:
    insert(clickhouse, Table.RESPONSES, *(response(f"r{n}", told_about_action=n == 0, **{"class": "promoter"}) for n in range(4)))
    insert(clickhouse, Table.CASES, *steps("1", ("opened", 0), ("resolved", 1), response_id="r0"), *steps("2", ("opened", 0), response_id="r1"))
    insert(clickhouse, Table.CASES, *steps("3", ("opened", 99), response_id="r2"))
    assert shown(clickhouse, "due, ended, told_asked, told_yes, lip_service_gap") == [(2, 1, 4, 1, 0.25)]


@pytest.mark.parametrize(
    ("score", "expected", "others", "grade"),
    [
        (9.0, 8.0, [8.0], "A"), (9.0, 8.0, [9.0], "B"), (8.0, 8.0, [7.0], "B"), (8.0, 8.0, [], "C"), (8.0, 8.9, [], "C"), (8.0, 9.0, [], "D"),
        (7.0, 9.0, [], "F"), (8.0, 9.0, [9.0, 9.0], "F"), (8.0, 9.0, [8.2], "D"), (8.4, 8.0, [8.0], "C"), (8.0, 9.0, [0.0], "D"),
    ],
)  # fmt: skip
def test_grades(clickhouse: ClickHouse, score: float, expected: float, others: list[float], grade: str) -> None:
    scale = {"scale_min": 0.0, "scale_max": 10.0}
    insert(clickhouse, Table.RESPONSES, response("r", score=score, expected_score=expected, competitor_scores=others, **scale), response("none"))
    assert shown(clickhouse, "grade", "graded_responses") == [(grade,)]


def test_grades_are_of_the_responses_own_scale_and_tell_who_bought_again(clickhouse: ClickHouse) -> None:
    five = {"scale_min": 1.0, "scale_max": 5.0, "metric": "csat", "competitor_scores": [], "expected_score": 4.0}
    given = [
        response("better", score=4.4, transaction_id="t", **five), response("same", score=4.3, account_id="b", **five),
        response("young", 24 * 100, score=4.4, account_id="b", **five),
    ]  # fmt: skip
    insert(clickhouse, Table.RESPONSES, *given)
    bought = {"event_type": "transaction.completed", "synthetic": False}
    sales = [("a", "t", -1), ("a", "u", 24 * 180), ("b", "v", 24 * 181), ("b", "w", 24 * 200)]
    insert(clickhouse, Table.TRANSACTIONS, *({**bought, "account_id": a, "transaction_id": t, "occurred_at": at(hours)} for a, t, hours in sales))
    assert shown(clickhouse, "grade, n, share, toFloat64(revenue), judged, repurchased, repurchase_rate", "grades") == [
        ("B", 2, pytest.approx(2 / 3), 12.34, 1, 1, 1.0), ("C", 1, pytest.approx(1 / 3), 0.0, 1, 0, 0.0),
    ]  # fmt: skip
