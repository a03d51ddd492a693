"""Units and pools judged together, day by day, and what that leaves as evidence."""

from collections.abc import Sequence

import numpy as np

from streams.core.batch import Floats
from streams.core.units.decisions import pardons
from streams.core.units.findings import Raised
from streams.core.units.judging import OpenDays
from streams.core.units.pools import Plan, PoolDays
from streams.core.units.state import UnitsState


class Trial:
    """The evidence, from the end of the closed days on. Days must be judged in order. ``tells_fleet``: the fleet is judged too."""

    def __init__(self, state: UnitsState, plans: Sequence[Plan], false_alarm_days: float, *, tells_fleet: bool) -> None:
        self._state = state
        self._everybody = np.arange(state.units.count)
        self._units = state.evidence(self._everybody)
        self._pardons = pardons(state)
        self.days = OpenDays(state, false_alarm_days)
        """The answers that are judged."""
        self._pools = PoolDays(state, plans, false_alarm_days, tells_fleet=tells_fleet)

    def judge(self, first: int, last: int) -> list[Raised]:
        """Takes the days ``first`` to ``last`` into the evidence; returns the alarms."""
        of_units, of_pools = self._pardons
        alarms = self.days.judge(self._units, first, last, of_units)
        raised = [Raised(alarm, alarm.row, 0, self.days.newest(alarm.row, alarm.day)) for alarm in alarms]
        for day in range(first, last + 1):
            raised += [Raised(alarm, -1, pool, raised_at) for pool, alarm, raised_at in self._pools.judge_day(day, of_pools)]
        return raised

    def keep(self) -> None:
        """The evidence as it is now is that of the closed days."""
        self._state.put_evidence(self._everybody, self._units)
        self._pools.keep()

    def log_values(self) -> Floats:
        """Logarithm of the e-value of each detector, and then of each pair, at each unit."""
        return self._units.log_values()
