"""What became of customers who had to be followed up (R27, R29, R43 to R45), case by case."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from math import hypot
from zoneinfo import ZoneInfo

from tests.oracle import facts
from tests.oracle.records import Approximate, Calendar, Catalog, Policy, Row, Rows, Survey
from tests.oracle.scores import response_class, wilson
from tests.oracle.validate import Event

LIFE = ("opened", "assigned", "contacted", "escalated", "resolved", "confirmed", "reopened")
ENDS = ("resolved", "confirmed")
NEVER = datetime(2299, 12, 31, tzinfo=ZoneInfo("UTC"))
TOLD_DAYS, RESCUE_DAYS, RESCUED_SCORE = timedelta(60), timedelta(180), 7
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whether it counts or not, as its highest revision says."""

    account_id: str
    response_id: str
    survey_id: str
    unit_id: str
    occurred_at: datetime
    counted: bool
    synthetic: bool
    metric: str
    score: Fraction | None
    told: bool | None

    @property
    def of_class(self) -> str | None:
        """Class of a counted nps response."""
        return response_class("nps", self.score) if self.metric == "nps" and self.score is not None and self.counted else None


@dataclass(frozen=True, slots=True)
class Case:
    """A case, put together from its steps."""

    account_id: str
    case_id: str
    response_id: str | None
    trigger: str
    opened_at: datetime
    due_at: datetime
    contacted_at: datetime | None
    resolved_at: datetime | None
    ended_at: datetime | None
    last_seen: datetime

    @property
    def hours(self) -> float:
        """Hours until contact, or without it until it was last seen."""
        return max(((self.contacted_at or self.last_seen) - self.opened_at) / timedelta(hours=1), 0.0)


def at(row: Row, name: str = "occurred_at") -> datetime:
    """A time of a row."""
    value = row[name]
    assert isinstance(value, datetime)
    return value


class Company:
    """Everything that follow-up is computed from; test traffic left out."""

    def __init__(self, events: Iterable[Event], catalog: Catalog, accounts: Rows) -> None:
        events = list(events)
        self.catalog = catalog
        self.revenue = {str(key[0]): row["revenue"] for key, row in accounts.items()}
        self.answers = {(answer.account_id, answer.response_id): answer for answer in _answers(events)}
        steps = _real(facts.facts(events, "actions", facts.KEYS["actions"], catalog))
        self.named = {(str(row["account_id"]), str(row["response_id"])) for row in steps if row["response_id"] is not None}
        self.now = max(map(at, steps), default=None)
        lives: dict[Key, list[Row]] = defaultdict(list)
        for row in steps:
            lives[str(row["account_id"]), str(row["case_id"])].append(row)
        self.cases = [_case(life, catalog, self.now) for life in lives.values() if self.now is not None]
        self.messages = _real(facts.facts(events, "communications", facts.KEYS["communications"], catalog))
        self.movements: dict[str, list[Row]] = defaultdict(list)
        for row in _real(facts.transactions(events, catalog)):
            self.movements[str(row["account_id"])].append(row)

    def programme(self, survey_id: str) -> str:
        """Programme of a survey (R29)."""
        return self.catalog.surveys.get(survey_id, Survey()).programme or survey_id

    def programme_of(self, case: Case) -> str:
        """Programme of a case (R29)."""
        answer = self.answers.get((case.account_id, case.response_id or ""))
        return self.programme(answer.survey_id) if answer else "none"

    def counts(self, case: Case) -> bool:
        """Whether the response that a case is about is known and counts."""
        answer = self.answers.get((case.account_id, case.response_id or ""))
        return answer is not None and answer.counted

    def month(self, instant: datetime) -> date:
        """First day of the local month."""
        return facts.local_day(instant, self.catalog).replace(day=1)

    def told_at(self) -> dict[Key, datetime]:
        """When a message that closes the loop first named a response."""
        found: dict[Key, datetime] = {}
        for row in self.messages:
            if row["purpose"] == "loop_closure":
                for name in _names(row):
                    key = str(row["account_id"]), name
                    found[key] = min(found.get(key, at(row)), at(row))
        return found


def _names(row: Row) -> list[str]:
    names = row["response_ids"]
    assert isinstance(names, list)
    return names


def _real(rows: Rows) -> list[Row]:
    return [row for row in rows.values() if not row["synthetic"]]


def _answers(events: list[Event]) -> Iterable[Answer]:
    for response in facts.newest_revisions(events).values():
        fields = response.event.fields
        told = fields.get("told_about_action")
        yield Answer(
            response.event.account_id,
            str(fields["response_id"]),
            str(fields["survey_id"]),
            str(fields["unit_id"]),
            response.event.occurred_at,
            response.counted,
            response.event.synthetic,
            str(fields.get("metric")),
            facts.mapped_score(response.event) if response.counted else None,
            told if isinstance(told, bool) else None,
        )


def _case(life: list[Row], catalog: Catalog, now: datetime | None) -> Case:
    in_order = sorted(life, key=lambda row: (at(row), LIFE.index(_step(row))))
    opening = next((row for row in in_order if _step(row) == "opened"), None)
    start, newest = opening or in_order[0], in_order[-1]
    assert now is not None
    due = opening["due_at"] if opening else None
    ended_at = at(newest) if _step(newest) in ENDS else None
    return Case(
        str(start["account_id"]),
        str(start["case_id"]),
        next((str(row["response_id"]) for row in in_order if row["response_id"] is not None), None),
        str(start["trigger"] or ""),
        at(start),
        due if isinstance(due, datetime) else due_time(at(start), catalog.policies.get(str(start["trigger"] or "")), catalog.timezone),
        next((at(row) for row in in_order if _step(row) == "contacted"), None),
        next((at(row) for row in in_order if _step(row) in ENDS), None),
        ended_at,
        ended_at or now,
    )


def _step(row: Row) -> str:
    return str(row["event_type"]).removeprefix("case.")


def due_time(opened_at: datetime, policy: Policy | None, timezone: str) -> datetime:
    """When contact is due: day after day, the hours that count are taken off what is left (R29)."""
    if policy is None or policy.calendar is None:
        return opened_at + (policy.within if policy else timedelta(hours=48))
    left, zone = policy.within, ZoneInfo(timezone)
    day = opened_at.astimezone(zone).date()
    for _ in range(20_000):
        if _works(policy.calendar, day):
            opens, closes = (_instant(day, moment, zone) for moment in (policy.calendar.opens, policy.calendar.closes))
            begins = max(opens, opened_at.astimezone(ZoneInfo("UTC")))
            if begins < closes and left <= closes - begins:
                return begins + left
            left -= max(closes - begins, timedelta())
        day += timedelta(1)
    return NEVER


def _works(calendar: Calendar, day: date) -> bool:
    return day.isoweekday() in calendar.weekdays and day not in calendar.holidays


def _instant(day: date, moment: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, moment, zone).astimezone(ZoneInfo("UTC"))


def kaplan_meier_median(waits: Iterable[tuple[float, bool]]) -> float | None:
    """The time at which half have had the event; waits are (time, had it). None where the curve stays above one half."""
    waits = list(waits)
    left = Fraction(1)
    for moment in sorted({wait for wait, had in waits if had}):
        at_risk = sum(1 for wait, _ in waits if wait >= moment)
        left *= 1 - Fraction(sum(1 for wait, had in waits if had and wait == moment), at_risk)
        if left <= Fraction(1, 2):
            return moment
    return None


def follow_up_cases(company: Company) -> Rows:
    """One row per case."""
    return {
        (case.account_id, case.case_id): {
            "response_id": case.response_id,
            "programme": company.programme_of(case),
            "trigger": case.trigger,
            "opened_at": case.opened_at,
            "due_at": case.due_at,
            "month": company.month(case.due_at),
            "contacted_at": case.contacted_at,
            "resolved_at": case.resolved_at,
            "ended_at": case.ended_at,
            "is_open": case.ended_at is None,
            "is_due": company.now is not None and case.due_at <= company.now,
            "in_sla": case.contacted_at is not None and case.contacted_at <= case.due_at,
            "hours": case.hours,
            "response_counts": company.counts(case),
        }
        for case in company.cases
    }


def feedback_debts(company: Company) -> Rows:
    """One row per response that nobody acted upon (R44)."""
    acted = company.named | {(str(row["account_id"]), name) for row in company.messages for name in _names(row)}
    now = max((answer.occurred_at for answer in company.answers.values() if not answer.synthetic), default=None)
    found: Rows = {}
    for key, answer in company.answers.items():
        rule = company.catalog.surveys.get(answer.survey_id, Survey())
        due_at = answer.occurred_at + rule.within
        if answer.of_class in rule.classes and key not in acted and now is not None and due_at < now:
            found[key] = {
                "programme": company.programme(answer.survey_id),
                "unit_id": answer.unit_id,
                "occurred_at": answer.occurred_at,
                "due_at": due_at,
                "month": company.month(due_at),
                "revenue": company.revenue[answer.account_id],
            }
    return found


def _submitted(company: Company) -> list[Answer]:
    return [answer for answer in company.answers.values() if answer.counted]


def _rescued(company: Company, answer: Answer) -> bool:
    later = [
        other
        for other in company.answers.values()
        if other.account_id == answer.account_id
        and other.of_class
        and (other.occurred_at, other.response_id) > (answer.occurred_at, answer.response_id)
    ]
    following = min(later, key=lambda other: (other.occurred_at, other.response_id), default=None)
    if following is None or following.score is None:
        return False
    return following.occurred_at - answer.occurred_at <= RESCUE_DAYS and following.score >= RESCUED_SCORE


def follow_up(company: Company, debts: Rows) -> Rows:
    """By programme and month of the due time; what was heard of it by month of the answer."""
    groups: dict[tuple[object, ...], list[Case]] = defaultdict(list)
    for case in company.cases:
        groups[company.programme_of(case), company.month(case.due_at)].append(case)
    owed: dict[tuple[object, ...], dict[Key, Row]] = defaultdict(dict)
    for (account, response), row in debts.items():
        owed[row["programme"], row["month"]][str(account), str(response)] = row
    heard: dict[tuple[object, ...], list[bool]] = defaultdict(list)
    for answer in _submitted(company):
        if answer.told is not None:
            heard[company.programme(answer.survey_id), company.month(answer.occurred_at)].append(answer.told)
    told_at = company.told_at()
    return {key: _month(company, groups[key], owed[key], heard[key], told_at) for key in groups.keys() | owed.keys() | heard.keys()}


def _month(company: Company, cases: list[Case], owed: dict[Key, Row], heard: list[bool], told_at: dict[Key, datetime]) -> Row:
    due = [case for case in cases if company.now is not None and case.due_at <= company.now]
    kept = sum(1 for case in due if case.contacted_at and case.contacted_at <= case.due_at)
    ended = sum(1 for case in due if case.ended_at)
    reached = {(case.account_id, case.response_id or "") for case in cases if case.contacted_at}
    detractors = [company.answers[key] for key in reached if key in company.answers and company.answers[key].of_class == "detractor"]
    rescued = sum(_rescued(company, answer) for answer in detractors)
    acted: dict[Key, datetime] = {}
    for case in company.cases:
        if _acted_upon(company, case) and case.resolved_at:
            key = case.account_id, str(case.response_id)
            acted[key] = min(acted.get(key, case.resolved_at), case.resolved_at)
    here = {(case.account_id, str(case.response_id)) for case in cases if _acted_upon(company, case)}
    told = sum(any(_in_time(case, key, told_at) for case in cases if _acted_upon(company, case)) for key in here)
    newest = max(map(at, company.messages), default=None)
    silences = [(_silence(acted[key], told_at.get(key) or newest), key in told_at) for key in acted if key in here]
    return {
        "cases": len(cases),
        "due": len(due),
        "in_sla": kept,
        "sla_attainment": Fraction(kept, len(due)) if due else None,
        "median_hours_to_contact": kaplan_meier_median((case.hours, case.contacted_at is not None) for case in cases),
        "detractors_contacted": len(detractors),
        "rescued": rescued,
        "rescue_rate": Fraction(rescued, len(detractors)) if detractors else None,
        "feedback_debt": len(owed),
        "feedback_debt_revenue": sum({account: _money(row) for (account, _), row in owed.items()}.values(), Decimal(0)),
        "acted_upon": len(here),
        "told": told,
        "told_rate": Fraction(told, len(here)) if here else None,
        "median_hours_to_tell": kaplan_meier_median(silences),
        "ended": ended,
        "told_asked": len(heard),
        "told_yes": sum(heard),
        **lip_service(ended, len(due), heard),
    }


def lip_service(ended: int, due: int, heard: list[bool]) -> Row:
    """What is done less what is heard of, with the interval that those of both shares make (Newcombe 1998, method 10)."""
    if not due or not heard:
        return dict.fromkeys(("lip_service_gap", "lip_service_gap_low", "lip_service_gap_high"))
    done, told = ended / due, sum(heard) / len(heard)
    (least_done, most_done), (least_told, most_told) = wilson(done, due), wilson(told, len(heard))
    below, above = hypot(done - least_done, most_told - told), hypot(most_done - done, told - least_told)
    gap = Fraction(ended, due) - Fraction(sum(heard), len(heard))
    return {"lip_service_gap": gap, "lip_service_gap_low": Approximate(gap - below), "lip_service_gap_high": Approximate(gap + above)}


def _money(row: Row) -> Decimal:
    assert isinstance(row["revenue"], Decimal)
    return row["revenue"]


def _acted_upon(company: Company, case: Case) -> bool:
    return case.ended_at is not None and company.counts(case)


def _in_time(case: Case, key: Key, told_at: dict[Key, datetime]) -> bool:
    told = told_at.get(key)
    return (case.account_id, case.response_id) == key and told is not None and case.resolved_at is not None and told <= case.resolved_at + TOLD_DAYS


def _silence(since: datetime, until: datetime | None) -> float:
    return max((until - since) / timedelta(hours=1), 0.0) if until else 0.0


def follow_up_plans(company: Company) -> Rows:
    """By programme: whether somebody is bound to act."""
    surveys = company.catalog.surveys.keys() | {answer.survey_id for answer in _submitted(company)}
    programmes: dict[str, list[str]] = defaultdict(list)
    for survey in surveys:
        programmes[company.programme(survey)].append(survey)
    found: Rows = {}
    for programme, members in programmes.items():
        plans = {survey: company.catalog.surveys.get(survey) for survey in members}
        without = [survey for survey, plan in plans.items() if plan is None or not plan.owner or not plan.classes]
        many = {survey: sum(answer.survey_id == survey for answer in _submitted(company)) for survey in members}
        found[programme,] = {
            "surveys": len(members),
            "surveys_without_plan": len(without),
            "has_plan": not without,
            "owners": sorted({plan.owner for plan in plans.values() if plan and plan.owner}),
            "responses": sum(many.values()),
            "responses_without_plan": sum(many[survey] for survey in without),
        }
    return found
