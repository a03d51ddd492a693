"""Follow-up as it stood at the end of a past day: who was owed an answer, and what was done beside what was heard of, against plain Python."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import moved, refund, sale
from tests.sinks.loyalty import one, response, withdrawal
from tests.sinks.rows import rows

START = datetime(2026, 3, 2, tzinfo=UTC)
"""Midnight; hours count from here."""


pytestmark = pytest.mark.usefixtures("with_catalog")


def on(hours: float) -> Mapping[str, object]:
    at = START + timedelta(hours=hours)
    return {"occurred_at": at, "day": at.date(), "synthetic": False}


def answer(name: str, hours: float, account: str = "a", /, **values: object) -> Mapping[str, object]:
    """A counted detractor, who is not asked what was done."""
    known = {"survey_id": "s", "unit_id": "u", "metric": "nps", "class": "detractor", "told_about_action": None, "account_id": account}
    return response(**{**known, **on(hours), "response_id": name, **values})


def step(case: str, name: str, hours: float, account: str = "a", /, **values: object) -> Mapping[str, object]:
    known = {"account_id": account, "case_id": case, "response_id": None, "trigger": None, "due_at": None, **on(hours)}
    return {**known, "event_type": f"case.{name}", "event_id": f"{case}{name}{hours}", **values}


def message(name: str, hours: float, *responses: str, account: str = "a") -> Mapping[str, object]:
    return {"account_id": account, "message_id": name, "response_ids": list(responses), **on(hours)}


def insert(clickhouse: ClickHouse, table: Table, *given_rows: Mapping[str, object]) -> None:
    if given_rows:
        clickhouse.insert(table, rows(table, *given_rows))


def owed(clickhouse: ClickHouse, day: int) -> list[tuple[object, ...]]:
    """Names and revenue of what is owed at the end of a day; day 0 is that of the start."""
    as_of = (START + timedelta(day)).date()
    found = clickhouse.query(f"SELECT response_id, revenue FROM feedback_debts_as_of(as_of = '{as_of}') ORDER BY response_id")
    return [tuple(row.values()) for row in found.to_pylist()]


def over(clickhouse: ClickHouse, days: int, day: int) -> list[dict[str, object]]:
    as_of = (START + timedelta(day)).date()
    found: list[dict[str, object]] = clickhouse.query(
        f"SELECT * FROM follow_up_last_days(days = {days}, as_of = '{as_of}') ORDER BY programme"
    ).to_pylist()
    return found


def test_an_answer_is_owed_from_its_due_time_until_somebody_acts(clickhouse: ClickHouse) -> None:
    """Given on day 0 at 8 and so due on day 2 at 8; a case names one on day 4, a message the other on day 5."""
    insert(clickhouse, Table.RESPONSES, answer("r1", 8), answer("r2", 8, "b"), answer("newest", 400, **{"class": "promoter"}))
    insert(clickhouse, Table.CASES, step("c", "assigned", 4 * 24, response_id="r1"), step("test", "opened", 1, response_id="r1", synthetic=True))
    insert(clickhouse, Table.COMMUNICATIONS, message("m", 5 * 24, "r2", account="b"), message("other", 1, "r1", "r2", account="c"))
    moved(
        clickhouse,
        sale("a", "1", 1, 100, **on(1)),
        refund("a", "2", 1, 30, **on(70)),
        sale("a", "3", 1, 5, **on(90)),
        sale("b", "4", 1, 7, **on(200)),
    )

    assert {day: owed(clickhouse, day) for day in (1, 2, 3, 4, 5)} == {
        1: [], 2: [("r1", 70), ("r2", 0)], 3: [("r1", 75), ("r2", 0)], 4: [("r2", 0)], 5: [],
    }  # fmt: skip
    assert one(clickhouse, "SELECT count() AS n FROM feedback_debts") == {"n": 0}


def test_at_the_newest_day_debts_are_those_of_now(clickhouse: ClickHouse) -> None:
    """The newest answer is of day 2, 12:00, so what is due at 13:00 of that day is not owed yet; at the end of day 3 nothing newer is known."""
    insert(clickhouse, Table.RESPONSES, answer("due", 11), answer("not yet", 13), answer("newest", 60, **{"class": "passive"}))

    assert owed(clickhouse, 2) == owed(clickhouse, 3) == [("due", 0)]
    assert one(clickhouse, "SELECT response_id, programme, unit_id, due_at, month FROM feedback_debts") == one(
        clickhouse, "SELECT response_id, programme, unit_id, due_at, month FROM feedback_debts_as_of(as_of = '2026-03-04')"
    )


def test_rules_programmes_and_days_are_those_of_the_catalog(clickhouse: ClickHouse) -> None:
    """Survey r follows up passives within 10 hours. In Auckland, 13 hours ahead, day 0 ends at 11:00 of its own hours."""
    rule = {"classes": ["passive"], "within_hours": 10}
    survey = {"survey_id": "r", "programme": "after-sale", "owner": "o", "action_rule": rule}
    write_catalog(clickhouse, Catalog.model_validate({"surveys": [survey], "timezone": "Pacific/Auckland"}))
    insert(
        clickhouse,
        Table.RESPONSES,
        answer("early", 0.5, survey_id="r", **{"class": "passive"}),
        answer("late", 1.5, survey_id="r", **{"class": "passive"}),
    )
    insert(clickhouse, Table.RESPONSES, answer("by no rule", 0, survey_id="r"), answer("newest", 100, **{"class": "promoter"}))

    assert [owed(clickhouse, day) for day in (0, 1)] == [[("early", 0)], [("early", 0), ("late", 0)]]
    assert [(row["programme"], row["feedback_debt"]) for row in over(clickhouse, 1, 1)] == [("after-sale", 1)]


@pytest.mark.parametrize(
    ("zone", "last", "hour"),
    [("America/Sao_Paulo", "2018-11-03", "2018-11-04T02:30"), ("Pacific/Apia", "2011-12-29", "2011-12-30T09:30")],
)
def test_a_day_ends_where_the_next_midnight_was_left_out(clickhouse: ClickHouse, zone: str, last: str, hour: str) -> None:
    """Half an hour before clocks were put forward from midnight to one o'clock, or to the midnight after."""
    write_catalog(clickhouse, Catalog(timezone=zone))
    then = datetime.fromisoformat(f"{hour}:00+00:00")
    day = datetime.fromisoformat(last).date()
    given = {"occurred_at": then - timedelta(hours=48), "day": day - timedelta(2)}
    insert(
        clickhouse, Table.RESPONSES, {**answer("owed", 0), **given}, {**answer("newest", 0), **given, "occurred_at": then + timedelta(9), "day": day}
    )
    contacted = {"occurred_at": then, "day": day}
    insert(clickhouse, Table.CASES, {**step("c", "opened", 0), **given}, {**step("c", "contacted", 0), **contacted})
    found = clickhouse.query(f"SELECT response_id FROM feedback_debts_as_of(as_of = '{last}')").to_pylist()
    assert found == [{"response_id": "owed"}]
    told = clickhouse.query(f"SELECT programme, due, in_sla FROM follow_up_last_days(days = 1, as_of = '{last}') ORDER BY programme").to_pylist()
    assert told == [{"programme": "none", "due": 1, "in_sla": 1}, {"programme": "s", "due": 0, "in_sla": 0}]


def test_the_gap_is_what_was_done_by_then_less_what_was_heard(clickhouse: ClickHouse) -> None:
    """Four cases due on day 2; one ends on day 2, one on day 3 and is opened again on day 4. Of three answers on days 1 to 3 one says yes."""
    cases = [step(name, "opened", 1) for name in "abcd"]
    insert(
        clickhouse, Table.CASES, *cases, step("a", "resolved", 50), step("b", "confirmed", 73), step("b", "reopened", 100), step("x", "opened", 400)
    )
    told = [(20, False), (30, True), (40, False), (80, False), (100, True)]
    insert(clickhouse, Table.RESPONSES, *(answer(f"r{hours}", hours, told_about_action=yes, **{"class": "promoter"}) for hours, yes in told))

    def gap(day: int, days: int = 3) -> tuple[object, ...]:
        found = {row["programme"]: row for row in over(clickhouse, days, day)}
        none, survey = found.get("none", {}), found.get("s", {})
        assert {name: row["lip_service_gap"] for name, row in found.items()} == dict.fromkeys(found)
        return none.get("due"), none.get("ended"), survey.get("told_asked"), survey.get("told_yes")

    assert [gap(day) for day in (2, 3, 4)] == [(4, 1, 3, 1), (4, 2, 3, 1), (4, 1, 2, 1)]


def test_who_waited_is_told_as_the_cases_stood_by_then(clickhouse: ClickHouse) -> None:
    """All due on day 2. One was contacted after 4 hours; one ended after an hour and was contacted on day 8; one is of day 7, due before it began."""
    due = START + timedelta(days=2)
    insert(
        clickhouse, Table.CASES, step("a", "opened", 0), step("a", "contacted", 4),
        step("b", "opened", 0), step("b", "resolved", 1), step("b", "contacted", 200), step("c", "opened", 170, due_at=due), step("d", "opened", 900),
    )  # fmt: skip

    def waited(day: int) -> tuple[object, ...]:
        (row,) = over(clickhouse, 3, day)
        return row["due"], row["not_contacted"], row["ended"], row["median_hours_to_contact"]

    # Whoever ended waiting after an hour says nothing of the fourth: all who still waited then were contacted.
    assert waited(2) == (2, 1, 1, 4)
    assert [(row["due"], row["not_contacted"]) for row in over(clickhouse, 7, 8)] == [(3, 1)]


def test_a_gap_of_one_programme_has_the_interval_of_both_shares(clickhouse: ClickHouse) -> None:
    """8 of 10 cases ended, 3 of 12 customers heard of it: 0.8 - 0.25, and Newcombe's interval from Wilson's of both."""
    insert(clickhouse, Table.RESPONSES, answer("named", 0, **{"class": "promoter"}))
    insert(clickhouse, Table.CASES, *(step(f"c{number}", "opened", 1, response_id="named") for number in range(10)))
    insert(clickhouse, Table.CASES, *(step(f"c{number}", "resolved", 2) for number in range(8)), step("now", "opened", 60))
    insert(
        clickhouse, Table.RESPONSES,
        *(answer(f"t{number}", 3, told_about_action=number < 3, **{"class": "promoter"}) for number in range(12)),
    )  # fmt: skip

    (row,) = over(clickhouse, 5, 2)
    month = one(clickhouse, "SELECT * FROM follow_up WHERE programme = 's'")

    done, heard = (binomtest(*counts).proportion_ci(method="wilson") for counts in ((8, 10), (3, 12)))
    low = 0.55 - ((0.8 - done.low) ** 2 + (heard.high - 0.25) ** 2) ** 0.5
    high = 0.55 + ((done.high - 0.8) ** 2 + (0.25 - heard.low) ** 2) ** 0.5
    for found in (row, month):
        gap = [found[name] for name in ("lip_service_gap", "lip_service_gap_low", "lip_service_gap_high")]
        assert gap == pytest.approx([0.55, low, high], abs=1e-6)


class Said(NamedTuple):
    """An answer of an account at an hour, and what became of it at which hours."""

    account: str
    at: int
    of_class: str
    told: bool | None
    case: int | None
    resolved: int | None
    message: int | None


HOURS = st.none() | st.integers(0, 300)
SAID = st.builds(
    Said, st.sampled_from("abc"), st.integers(0, 250), st.sampled_from(["detractor", "detractor", "passive"]), st.sampled_from([None, True, False]),
    HOURS, HOURS, HOURS,
)  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_answers=st.lists(SAID, max_size=10), days=st.integers(1, 8), day=st.integers(0, 12), gone=st.integers(0, 9))
def test_windows_of_the_past_are_those_of_a_count_by_hand(clickhouse: ClickHouse, given_answers: list[Said], days: int, day: int, gone: int) -> None:
    """Each account paid 10 at each hour of an answer; one answer was withdrawn."""
    for table in (Table.RESPONSES, Table.CASES, Table.COMMUNICATIONS, Table.TRANSACTIONS, Table.WITHDRAWALS):
        clickhouse.command(f"TRUNCATE TABLE {table}")
    names = {f"r{number}": said for number, said in enumerate(given_answers)}
    insert(clickhouse, Table.RESPONSES, *(answer(n, s.at, s.account, told_about_action=s.told, **{"class": s.of_class}) for n, s in names.items()))
    insert(clickhouse, Table.RESPONSES, answer("newest", 300, "z", **{"class": "passive"}))
    insert(
        clickhouse,
        Table.WITHDRAWALS,
        withdrawal(**on(290), response_id=f"r{gone}", account_id=names[f"r{gone}"].account if gone < len(names) else "a"),
    )
    opened = [(n, s.account, s.case) for n, s in names.items() if s.case is not None]
    insert(clickhouse, Table.CASES, *(step(n, "opened", at, account, response_id=n) for n, account, at in opened), step("now", "opened", 310, "z"))
    ended = [(n, s.account, s.resolved) for n, s in names.items() if s.case is not None and s.resolved is not None]
    insert(clickhouse, Table.CASES, *(step(n, "resolved", at, account) for n, account, at in ended))
    insert(clickhouse, Table.COMMUNICATIONS, *(message(n, s.message, n, account=s.account) for n, s in names.items() if s.message is not None))
    moved(clickhouse, *(sale(s.account, n, 1, 10, **on(s.at)) for n, s in names.items()), sale("z", "z", 1, 1, **on(1)))

    found = {row["programme"]: row for row in over(clickhouse, days, day)}

    wanted = by_hand(names, days, day, f"r{gone}")
    assert [name for name, _ in owed(clickhouse, day)] == wanted.owed
    row = found.get("s", dict.fromkeys(COUNTED, 0))
    assert [row[name] for name in COUNTED] == [wanted.due, wanted.ended, wanted.asked, wanted.yes, wanted.debt, wanted.revenue]
    assert set(found) <= {"s"}


COUNTED = ("due", "ended", "told_asked", "told_yes", "feedback_debt", "feedback_debt_revenue")


class Wanted(NamedTuple):
    """What is to be found."""

    owed: list[str]
    due: int
    ended: int
    asked: int
    yes: int
    debt: int
    revenue: Decimal


def by_hand(names: Mapping[str, Said], days: int, day: int, gone: str) -> Wanted:
    """Every hour compared with the first and the last hour of the days."""
    end, begin = 24 * (day + 1), 24 * (day + 1 - days)
    now = min(end, 300)
    counted = {name: said for name, said in names.items() if name != gone}
    owing = [
        name
        for name, said in counted.items()
        if said.of_class == "detractor" and said.at < end and said.at + 48 < now
        and not any(at is not None and at < end for at in (said.case, said.message))
    ]  # fmt: skip
    recent = [name for name in owing if counted[name].at + 48 >= begin]
    cases = [said for said in names.values() if said.case is not None and begin <= said.case + 48 < end and said.case + 48 <= 310]
    heard = [said.told for said in counted.values() if said.told is not None and begin <= said.at < end]
    owed_to = {counted[name].account for name in recent}
    paid = sum(10 for said in names.values() if said.account in owed_to and said.at < end)
    return Wanted(
        sorted(owing), len(cases), sum(_is_over(said, end) for said in cases), len(heard), sum(map(bool, heard)), len(recent), Decimal(paid)
    )


def _is_over(said: Said, end: int) -> bool:
    """The newest step before the end is the resolution; of equal times it comes after the opening."""
    steps: Sequence[tuple[int, int]] = [(at, kind) for at, kind in ((said.case, 0), (said.resolved, 1)) if at is not None and at < end]
    return bool(steps) and max(steps)[1] == 1


def test_a_day_in_the_far_past_has_nothing(clickhouse: ClickHouse) -> None:
    insert(clickhouse, Table.RESPONSES, answer("r", 0))

    assert (over(clickhouse, 28, -100), owed(clickhouse, -100)) == ([], [])
