"""MIDAS (Bhatia et al., AAAI 2020): sudden bursts of one edge, here of a unit and a device, or a unit and an account where no device is told."""

from collections import defaultdict

import numpy as np

from benchmarks.integrity.daily import Daily
from benchmarks.integrity.rivals.protocol import Plain, judged_only
from streams.core.batch import Floats


def score(now: float, total: float, tick: int) -> float:
    """(a - s/t)^2 t^2 / (s (t - 1)): how little ``now``, an edge's count in this tick, agrees with its ``total`` over ticks 1 to ``tick``."""
    if tick <= 1 or total <= 0:
        return 0.0
    return (now - total / tick) ** 2 * tick**2 / (total * (tick - 1))


class Midas(Plain):
    """Exact counts instead of sketches, which only approximate them; a tick is a day, and a unit's statistic is that of its worst edge."""

    name = "MIDAS"

    def statistic(self, stream: Daily) -> Floats:
        """The greatest score of the day's edges; an edge below its own mean is no burst."""
        found = np.zeros((len(stream.units), stream.days))
        totals: dict[tuple[int, int], int] = defaultdict(int)
        now: dict[tuple[int, int], tuple[int, int]] = {}
        for unit, day, source in zip(stream.unit.tolist(), stream.day.tolist(), stream.source.tolist(), strict=True):
            if source < 0:
                continue
            edge = (unit, source)
            last, count = now.get(edge, (day, 0))
            count = count + 1 if last == day else 1
            now[edge] = day, count
            totals[edge] += 1
            if count > totals[edge] / (day + 1):
                found[unit, day] = max(found[unit, day], score(count, totals[edge], day + 1))
        return judged_only(found)
