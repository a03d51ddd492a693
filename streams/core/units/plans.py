"""Incentive plans: the answers of all units that a plan pays, day by day, as if they were one unit's.

Every partition hears of them all and comes to the same, since a plan's finding counts as evidence at its units; only one partition writes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.catalog import Catalog
from streams.core.batch import Int64s
from streams.core.hashing import hash_strings
from streams.core.integrity import budget
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors import PLAN_DETECTORS
from streams.core.integrity.evidence import Alarm, Evidence
from streams.core.integrity.periods import last_days
from streams.core.units.decisions import Pardon
from streams.core.units.state import UnitsState

HALF_LIFE_DAYS = 60.0
"""What is usual in a plan is learned from days that count half after so many, so that a slow rise of all its scores is no push."""
_KEPT = 0.5 ** (1 / HALF_LIFE_DAYS)


@dataclass(frozen=True, slots=True)
class Plan:
    """An incentive plan whose periods are known."""

    plan_id: str
    units: frozenset[str]
    is_last_day: Callable[[int], bool]
    """Whether a local day, in days since 1970-01-01, is among the last of a period."""

    @property
    def key(self) -> int:
        """Hash of its id."""
        return plan_hash(self.plan_id)


def plan_hash(plan_id: str) -> int:
    """Returns the hash of a plan's id."""
    return int(hash_strings([plan_id])[0])


def plans_of(catalog: Catalog) -> list[Plan]:
    """Returns the plans of a catalog that have units and a period that is understood."""
    found = ((plan, last_days(plan.period)) for plan in catalog.incentive_plans if plan.units)
    return [Plan(plan.plan_id, frozenset(plan.units), is_last) for plan, is_last in found if is_last is not None]


class PlanDays:
    """The open days of the plans."""

    def __init__(self, state: UnitsState, plans: Sequence[Plan], false_alarm_days: float) -> None:
        self._plans = plans
        self._budget = budget.ticks(false_alarm_days, budget.PLANS, len(plans))
        table = state.plan_days
        self.rows = state.plans.find(np.array([plan.key for plan in plans], np.uint64))
        """Of each plan: its row."""
        numbers = {int(row): number for number, row in enumerate(self.rows.tolist())}
        number = np.array([numbers.get(row, -1) for row in state.plans.find(table.plan[: table.count]).tolist()], np.int64)
        known = np.flatnonzero(number >= 0)
        self._plan, self._day = number[known], table.day[known]
        self._answers, self._top_box, self._newest = table.n[known], table.top_box[known], table.newest[known]

    def judge(self, evidence: Evidence, first: int, last: int, pardons: Sequence[tuple[int, Pardon]] = ()) -> list[Alarm]:
        """Takes the days ``first`` to ``last`` into the evidence, a row per plan as they were given; ``row`` of an alarm is the plan's there.

        ``pardons`` are given with the hash of the plan's id.
        """
        alarms: list[Alarm] = []
        numbers = {plan.key: number for number, plan in enumerate(self._plans)}
        places = {detector.name: place for place, detector in enumerate(PLAN_DETECTORS)}
        for day in range(first, last + 1):
            for plan, pardon in pardons:
                if pardon.day == day and plan in numbers and pardon.detector in places:
                    evidence.pardon(numbers[plan], places[pardon.detector], day)
            for name in ("hits", "answers", "expected", "days"):
                getattr(evidence, name)[:] *= _KEPT
            today = np.flatnonzero((self._day == day) & (self._answers > 0))
            if len(today):
                present, at = np.unique(self._plan[today], return_inverse=True)
                pushing = np.array([self._plans[plan].is_last_day(day) for plan in present.tolist()], np.bool_)
                judged = _days_of(day, at.astype(np.int64), self._answers[today], self._top_box[today], pushing)
                alarms += evidence.add_day(present, judged, self._budget, PLAN_DETECTORS)
        return alarms

    def newest(self, plan: int, day: int) -> int:
        """Returns the newest ``occurred_at`` of the answers of a plan on a day, in microseconds."""
        return int(self._newest[(self._plan == plan) & (self._day == day)].max())


def _days_of(day: int, unit: Int64s, answers: Int64s, top_box: Int64s, pushing: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> UnitDays:
    """Returns a day of so many answers, of which all that is known is how many are top scores."""
    count = int(answers.sum())
    place = np.arange(count) - np.repeat(np.cumsum(answers) - answers, answers)
    nothing, units = np.zeros(count, np.bool_), len(pushing)
    return UnitDays(
        day=day, units=units, unit=np.repeat(unit, answers), top_box=place < np.repeat(top_box, answers), expected_top=np.full(count, np.nan),
        personal=nothing, device_known=nothing, device_repeated=nothing, contact_known=nothing, contact_suspect=nothing, comment_told=nothing,
        comment_suspect=nothing, duration_known=nothing, fast=nothing, opportunities=np.ones(units), risky=np.zeros(units, np.int64),
        risky_unasked=np.zeros(units, np.int64), asked_share=np.full(units, np.nan), pushing=pushing,
    )  # fmt: skip
