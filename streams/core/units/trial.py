"""Units and incentive plans judged together, day by day, and what that leaves as evidence."""

from collections.abc import Sequence

import numpy as np

from streams.core.batch import Floats
from streams.core.units.decisions import pardons
from streams.core.units.findings import Raised
from streams.core.units.judging import OpenDays
from streams.core.units.plans import Plan, PlanDays
from streams.core.units.state import UnitsState


class Trial:
    """The evidence, from the end of the closed days on. Days must be judged in order."""

    def __init__(self, state: UnitsState, plans: Sequence[Plan], false_alarm_days: float) -> None:
        self._state = state
        self._everybody = np.arange(state.units.count)
        self._units = state.evidence(self._everybody)
        self._plans = plans
        self._pardons = pardons(state)
        self.days = OpenDays(state, false_alarm_days)
        """The answers that are judged."""
        self._plan_days = PlanDays(state, plans, false_alarm_days)
        self._of_plans = state.plan_evidence(self._plan_days.rows)

    def judge(self, first: int, last: int) -> list[Raised]:
        """Takes the days ``first`` to ``last`` into the evidence; returns the alarms."""
        alarms = self.days.judge(self._units, first, last, self._pardons[0])
        of_units = [Raised(alarm, alarm.row, 0, self.days.newest(alarm.row, alarm.day)) for alarm in alarms]
        pooled = self._plan_days.judge(self._of_plans, first, last, self._pardons[1])
        return of_units + [Raised(alarm, -1, self._plans[alarm.row].key, self._plan_days.newest(alarm.row, alarm.day)) for alarm in pooled]

    def keep(self) -> None:
        """The evidence as it is now is that of the closed days."""
        self._state.put_evidence(self._everybody, self._units)
        self._state.put_plan_evidence(self._plan_days.rows, self._of_plans)

    def log_values(self) -> Floats:
        """Logarithm of the e-value of each detector at each unit."""
        return self._units.log_values()
