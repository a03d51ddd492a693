"""What drives the score of a survey, and where improving pays most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streams.core.batch import Floats
from streams.fitting.importance import MOST_FOR_LMG, Sums, johnson, lmg
from streams.fitting.jackknife import LEAST_GROUPS, interval

LEAST_RESPONSES = 30
LEAST_RESPONSES_A_DRIVER = 5
"""Below either of these, importance is not told."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a driver is to reach, and what a point more costs."""

    target: float
    cost: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval; the bounds are None where they cannot be told."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class DriverRow:
    """A driver of a survey. What is None could not be told from so many responses."""

    driver: str
    n: int
    performance: Estimate
    aim: Aim
    r_squared: float | None
    lmg: Estimate | None
    johnson: Estimate | None
    priority: Estimate | None


def analyse(drivers: Sequence[str], groups: Sequence[Sums], aims: Mapping[str, Aim]) -> list[DriverRow]:
    """A row per driver, from the sums over each group of accounts; there is at least one response, and each driver has an aim.

    Priority is the share of what is explained, times the points that the mean lies below its target, over the cost of a point; the share is LMG's, of
    more than ``MOST_FOR_LMG`` drivers Johnson's.
    """
    total = sum(groups[1:], groups[0])
    without = [total - group for group in groups if total.n > group.n]
    targets, costs = (np.array([getattr(aims[name], part) for name in drivers]) for part in ("target", "cost"))
    enough = total.n >= max(LEAST_RESPONSES, LEAST_RESPONSES_A_DRIVER * (len(drivers) + 1))
    everyone = _measure(total, targets, costs, enough)
    others = [_measure(part, targets, costs, enough) for part in without] if len(groups) >= LEAST_GROUPS else []
    rows = []
    for number, name in enumerate(drivers):

        def estimate(kind: str, least: float = -np.inf, most: float = np.inf, number: int = number) -> Estimate | None:
            return _estimate(everyone.get(kind), [other.get(kind) for other in others], number, (least, most))

        performance = estimate("performance")
        assert performance is not None
        rows.append(
            DriverRow(
                name, total.n, performance, aims[name], float(np.sum(everyone["johnson"])) if "johnson" in everyone else None,
                estimate("lmg", 0, 1), estimate("johnson", 0, 1), estimate("priority"),
            )
        )  # fmt: skip
    return rows


def _estimate(values: Floats | None, others: Sequence[Floats | None], number: int, limits: tuple[float, float]) -> Estimate | None:
    if values is None:
        return None
    value = float(values[number])
    found = interval(value, np.array([np.nan if other is None else other[number] for other in others]), *limits)
    return Estimate(value, *(found or (None, None)))


def _measure(sums: Sums, targets: Floats, costs: Floats, enough: bool) -> dict[str, Floats]:
    """All that is told of each driver, by name; what cannot be told is not there. ``enough`` responses tell importance."""
    performance = sums.means[:-1]
    found = {"performance": performance}
    correlations = sums.correlations() if enough else None
    if correlations is None:
        return found
    found["johnson"] = johnson(correlations)
    if len(performance) <= MOST_FOR_LMG:
        found["lmg"] = lmg(correlations)
    importance = found.get("lmg", found["johnson"])
    explained = float(np.sum(importance))
    if explained > 0:
        found["priority"] = importance / explained * (targets - performance) / costs
    return found
