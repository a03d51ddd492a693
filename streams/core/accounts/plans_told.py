"""What the units stage is told of incentive plans: what all units of each did together."""

from collections.abc import Mapping, Sequence

import numpy as np

from streams.core.accounts.answering import Submissions
from streams.core.accounts.sums import signed
from streams.core.batch import Int64s
from streams.core.ordering import runs
from streams.core.signals import PlanDays


class PlansTold:
    """``plans`` are the hashes of the plans of each unit that has any."""

    def __init__(self, plans: Mapping[str, Sequence[int]]) -> None:
        self._numbers = {unit_id: number for number, unit_id in enumerate(plans)}
        self._count = np.array([len(plans[unit_id]) for unit_id in plans], np.int64)
        self._first = np.cumsum(self._count) - self._count
        self._keys = np.array([key for unit_id in plans for key in plans[unit_id]], np.uint64)

    def take(self, unit_ids: Sequence[str], days: Int64s, answered: Int64s, submissions: Submissions) -> PlanDays:
        """Returns what is to be told; ``answered`` are answers and top scores (first axis) of units and days, which may repeat."""
        if not self._numbers:
            return PlanDays()
        of_answers, of_times = (np.array([self._numbers.get(name, -1) for name in names], np.int64) for names in (unit_ids, submissions.unit_id))
        known, submitted = of_answers >= 0, of_times >= 0
        of_times, days_of_times, times = of_times[submitted], submissions.day[submitted], submissions.occurred_at[submitted]
        units, days = np.concatenate([of_answers[known], of_times]), np.concatenate([days[known], days_of_times])
        numbers = np.zeros((3, len(units)), np.int64)
        numbers[:2, : known.sum()], numbers[2, known.sum() :] = answered[:, known], times
        # Each unit's numbers go to every plan of the unit.
        repeated = np.repeat(np.arange(len(units)), self._count[units])
        nth = np.arange(len(repeated)) - np.repeat(np.cumsum(self._count[units]) - self._count[units], self._count[units])
        plans, days, numbers = self._keys[self._first[units[repeated]] + nth], days[repeated], numbers[:, repeated]
        order, starts = runs(np.stack([signed(plans), days]))
        if not len(starts):
            return PlanDays()
        answers, top_box = np.add.reduceat(numbers[:2, order], starts, axis=1)
        newest = np.maximum.reduceat(numbers[2, order], starts)
        told = np.flatnonzero((answers != 0) | (top_box != 0) | (newest != 0))
        first = order[starts[told]]
        return PlanDays(plans[first], days[first], answers[told], top_box[told], newest[told])
