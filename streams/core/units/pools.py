"""What is looked at as if it were one unit: incentive plans at the end of their periods, and the fleet's praise that people do not stand by.

Every partition hears of all answers that this takes. Each judges the plans and comes to the same, since a plan's finding counts as evidence at its
units; only one partition writes it. The fleet's says nothing of any unit, and only the partition that writes it judges the fleet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.catalog import Catalog
from streams.core.batch import Bools, Int64s
from streams.core.hashing import hash_string
from streams.core.integrity import budget
from streams.core.integrity.days import Praise, UnitDays, no_praise
from streams.core.integrity.detectors import FLEET_DETECTORS, PLAN_DETECTORS
from streams.core.integrity.evidence import RELEARNING_DAYS, Alarm, Evidence
from streams.core.integrity.periods import LastDays, last_days
from streams.core.signals import REGRET_DAYS
from streams.core.units.decisions import Pardon
from streams.core.units.state import UnitsState
from streams.core.units.tables import FLEET

PLAN_HALF_LIFE_DAYS = 10.0
"""What is usual in a plan is learned from days that count half after so many: its last days are held against the rest of the same period, not against
how the units were before they became better."""
FLEET_HALF_LIFE_DAYS = 60.0
"""The same of the fleet."""
PLAN_SILENT_DAYS = 365
"""So long nobody looks at a plan whose finding was dismissed: what is usual on its last days is never learned."""
_END_OF_DAY = 86_400_000_000 - 1


@dataclass(frozen=True, slots=True)
class Plan:
    """An incentive plan whose periods are known."""

    plan_id: str
    units: frozenset[str]
    last_days: LastDays

    @property
    def key(self) -> int:
        """Hash of its id."""
        return hash_string(self.plan_id)


def plans_of(catalog: Catalog) -> list[Plan]:
    """Returns the plans of a catalog that have units and a period that is understood."""
    found = ((plan, last_days(plan.period)) for plan in catalog.incentive_plans if plan.units)
    return [Plan(plan.plan_id, frozenset(plan.units), days) for plan, days in found if days is not None]


class PlanDays:
    """The open days of the plans."""

    kept = 0.5 ** (1 / PLAN_HALF_LIFE_DAYS)
    """Of what was learned, what is left a day later."""
    silent_days = PLAN_SILENT_DAYS
    detectors = PLAN_DETECTORS

    def __init__(self, state: UnitsState, plans: Sequence[Plan], false_alarm_days: float) -> None:
        self._plans = plans
        # Pushes are looked for on the last days of periods alone.
        self._budget = budget.ticks(false_alarm_days, budget.PLANS, len(plans)) * max((plan.last_days.share for plan in plans), default=1.0)
        table = state.plan_days
        self.keys = np.array([plan.key for plan in plans], np.uint64)
        """Of each plan, in the order given: its key among the pools."""
        numbers = {key: number for number, key in enumerate(self.keys.tolist())}
        number = np.array([numbers.get(key, -1) for key in table.plan[: table.count].tolist()], np.int64)
        known = np.flatnonzero(number >= 0)
        self._plan, self._day = number[known], table.day[known]
        self._answers, self._top_box, self._newest = table.n[known], table.top_box[known], table.newest[known]

    def judge_day(self, evidence: Evidence, day: int) -> list[Alarm]:
        """Takes a day into the evidence, a row per plan; ``row`` of an alarm is the number of the plan."""
        today = np.flatnonzero((self._day == day) & (self._answers > 0))
        if not len(today):
            return []
        present, at = np.unique(self._plan[today], return_inverse=True)
        pushing = np.array([self._plans[plan].last_days.hold(day) for plan in present.tolist()], np.bool_)
        judged = _pooled(day, at.astype(np.int64), self._answers[today], self._top_box[today], pushing, no_praise(len(present)))
        return evidence.add_day(present, judged, self._budget, self.detectors, wary=False)

    def newest(self, plan: int, day: int) -> int:
        """Returns the newest ``occurred_at`` of the answers of a plan on a day, in microseconds."""
        return int(self._newest[(self._plan == plan) & (self._day == day)].max())


class FleetDays:
    """The open days of the fleet."""

    kept = 0.5 ** (1 / FLEET_HALF_LIFE_DAYS)
    silent_days = RELEARNING_DAYS
    detectors = FLEET_DETECTORS

    def __init__(self, state: UnitsState, false_alarm_days: float) -> None:
        self._budget = budget.ticks(false_alarm_days, budget.FLEET, 1)
        self.keys = np.array([FLEET], np.uint64)
        """Its key among the pools."""
        self._table = state.praise_days

    def judge_day(self, evidence: Evidence, day: int) -> list[Alarm]:
        """Takes a day into the evidence: of the answers given ``REGRET_DAYS`` before it is known by now whether people stand by them."""
        table = self._table
        found = table.find(np.array([day - REGRET_DAYS], np.int64).view(np.uint64))
        if found[0] < 0 or not table.praised[found[0]] + table.others[found[0]]:
            return []
        praise = Praise(table.praised[found], table.regretted[found], table.others[found], table.others_regretted[found])
        nothing = np.zeros(1, np.int64)
        return evidence.add_day(nothing, _pooled(day, nothing, nothing, nothing, np.zeros(1, np.bool_), praise), self._budget, self.detectors)

    def newest(self, fleet: int, day: int) -> int:
        """Returns the end of the day in UTC, in microseconds: it is over when it is judged."""
        del fleet
        return day * (_END_OF_DAY + 1) + _END_OF_DAY


class PoolDays:
    """The open days of all pools; days must be judged in order."""

    def __init__(self, state: UnitsState, plans: Sequence[Plan], false_alarm_days: float, *, tells_fleet: bool) -> None:
        self._state = state
        kinds: list[PlanDays | FleetDays] = [PlanDays(state, plans, false_alarm_days)] if plans else []
        if tells_fleet:
            kinds.append(FleetDays(state, false_alarm_days))
        self._kinds = [(days, rows := state.pools.find(days.keys), state.pool_evidence(rows)) for days in kinds]

    def judge_day(self, day: int, pardons: Sequence[tuple[int, Pardon]]) -> list[tuple[int, Alarm, int]]:
        """Takes a day into the evidence; ``pardons`` are given with the key of the pool. Returns the pool of each alarm, and when it was raised."""
        alarms = []
        for days, _, evidence in self._kinds:
            evidence.fade(days.kept)
            for pool, pardon in pardons:
                for number in np.flatnonzero(days.keys == pool).tolist() if pardon.day == day else ():
                    evidence.pardon(number, 0, day, days.silent_days, days.detectors)
            alarms += [(int(days.keys[alarm.row]), alarm, days.newest(alarm.row, day)) for alarm in days.judge_day(evidence, day)]
        return alarms

    def keep(self) -> None:
        """The evidence as it is now is that of the closed days."""
        for _, rows, evidence in self._kinds:
            self._state.put_pool_evidence(rows, evidence)


def _pooled(day: int, unit: Int64s, answers: Int64s, top_box: Int64s, pushing: Bools, praise: Praise) -> UnitDays:
    """Returns a day of so many answers, of which all that is known is how many are top scores."""
    count = int(answers.sum())
    place = np.arange(count) - np.repeat(np.cumsum(answers) - answers, answers)
    nothing, units = np.zeros(count, np.bool_), len(pushing)
    return UnitDays(
        day=day, units=units, unit=np.repeat(unit, answers), top_box=place < np.repeat(top_box, answers), expected_top=np.full(count, np.nan),
        personal=nothing, device_known=nothing, device_repeated=nothing, contact_known=nothing, contact_suspect=nothing, comment_told=nothing,
        comment_suspect=nothing, duration_known=nothing, fast=nothing, expected_fast=np.zeros(count), opportunities=np.ones(units),
        swelling=np.ones(units), risky=np.zeros(units, np.int64), risky_unasked=np.zeros(units, np.int64),
        asked_share=np.full(units, np.nan), pushing=pushing, praise=praise,
    )  # fmt: skip
