"""What a plain computation expects of the sequential test against peers: response by response, peer by peer, with beta functions."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from scipy.special import betaln

from tests.sinks.fleets import distance, moved

ALIKE = 0.1
RAISED = (1 / 8, 1 / 4, 1 / 2)
WINDOWS_BEGIN = date(1970, 1, 5)
LEAST_BETWEEN = {"rate": 0.018, "shape": 0.001}

Unit = Mapping[tuple[date, str], tuple[int, int, int]]
"""By day and channel: responses, at the top, in the two boxes at the top."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about one unit."""

    expected: float
    between: float
    path: Mapping[date, float]
    """Evidence after each day with responses."""


def evidence(units: Sequence[Unit]) -> list[dict[str, Asked]]:
    """Of one peer group, in which every unit can be compared; channels and windows in which others have too little are left out."""
    answers = [{test: _of(unit, test) for test in LEAST_BETWEEN} for unit in units]
    by_test = {test: _asked([one[test] for one in answers], least) for test, least in LEAST_BETWEEN.items()}
    return [{test: by_test[test][place] for test in by_test} for place in range(len(units))]


def _of(unit: Unit, test: str) -> dict[tuple[date, str], tuple[float, float]]:
    """Size and hits of each cell, weighted by what a response of the day is worth."""
    of_day: dict[date, int] = defaultdict(int)
    counted = {cell: (n if test == "rate" else two, top) for cell, (n, top, two) in unit.items()}
    for (day, _), (size, _) in counted.items():
        of_day[day] += size
    worth = {day: 1 / (1 + ALIKE * (max(size, 1) - 1)) for day, size in of_day.items()}
    return {cell: (size * worth[cell[0]], hits * worth[cell[0]]) for cell, (size, hits) in counted.items()}


def _window(cell: tuple[date, str]) -> tuple[int, str]:
    return (cell[0] - WINDOWS_BEGIN) // timedelta(days=28), cell[1]


def _asked(units: Sequence[Mapping[tuple[date, str], tuple[float, float]]], least: float) -> list[Asked]:
    pooled = [_summed((_window(cell), values) for cell, values in unit.items()) for unit in units]
    sizes, found, usual, chances, overlaps, rates = [], [], [], [], [], []
    for place in range(len(units)):
        others = [unit for position, unit in enumerate(pooled) if position != place]
        rate, size, hits, chance, overlap = {}, 0.0, 0.0, 0.0, 0.0
        for window, (mine, at_top) in pooled[place].items():
            there = [unit[window] for unit in others if window in unit]
            total = sum(n for n, _ in there)
            if total >= 30:
                rate[window] = sum(k for _, k in there) / total
                size, hits = size + mine, hits + at_top
                chance += mine**2 / total
                overlap += mine * sum(n**2 for n, _ in there) / total**2
        sizes.append(size)
        found.append(hits)
        usual.append(sum(pooled[place][window][0] * share for window, share in rate.items()) / size)
        chances.append(chance / size**2)
        overlaps.append(overlap / size)
        rates.append(rate)
    distances = [distance((k + 0.5) / (n + 1), share) for k, n, share in zip(found, sizes, usual, strict=True)]
    middle = median(distances)
    lower = [(1 / n, d - middle) for n, d in zip(sizes, distances, strict=True) if d <= middle]
    weights = [(v + 0.018) ** -2 for v, _ in lower]
    corrected = len(lower) / (len(lower) - 1)
    between = max(least, sum(w * (corrected * d * d - v) for w, (v, d) in zip(weights, lower, strict=True)) / sum(weights))
    error = math.sqrt(2 * sum((corrected * w * (v + between)) ** 2 for w, (v, _) in zip(weights, lower, strict=True))) / sum(weights)
    at_most = between + 8 / len(lower) * error
    mean_chance = sum(1 / n for n in sizes) / len(sizes)
    results = []
    for place, unit in enumerate(units):
        correlation = min(0.5, at_most + math.pi / 2 * (mean_chance + at_most) / len(units) + chances[place] + at_most * overlaps[place])
        mean = moved(usual[place], middle)
        results.append(Asked(mean, correlation, _path(unit, rates[place], usual[place], mean, 1 / correlation - 1)))
    return results


def _path(
    unit: Mapping[tuple[date, str], tuple[float, float]], rates: Mapping[tuple[int, str], float], usual: float, mean: float, strength: float
) -> dict[date, float]:
    path, size, hits = {}, 0.0, 0.0
    for day in sorted({day for day, _ in unit}):
        for cell, (n, k) in unit.items():
            if cell[0] == day and _window(cell) in rates:
                size, hits = size + n, hits + k + (usual - rates[_window(cell)]) * n
        seen = min(max(hits, 0.0), size)
        path[day] = (
            sum(_likelihood(seen, size, mean + part * (1 - mean), strength) for part in RAISED)
            / len(RAISED)
            / _likelihood(seen, size, mean, strength)
        )
    return path


def _likelihood(hits: float, size: float, mean: float, strength: float) -> float:
    a, b = mean * strength, (1 - mean) * strength
    return math.exp(betaln(hits + a, size - hits + b) - betaln(a, b))


def _summed(values: Iterable[tuple[tuple[int, str], tuple[float, float]]]) -> dict[tuple[int, str], tuple[float, float]]:
    sums: dict[tuple[int, str], tuple[float, float]] = {}
    for window, (n, k) in values:
        before = sums.get(window, (0.0, 0.0))
        sums[window] = before[0] + n, before[1] + k
    return sums
