"""The e-SR process that carries Candor's evidence, beside the e-CUSUM that could carry it: how long clean units run, and how soon a rise is seen.

Both add up the same ratios of the same days and make the same promise at the same threshold: at least that many days, in expectation, until a clean
unit sounds. The true rate before the rise is known to both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.core.batch import Floats
from streams.core.integrity.detectors.protocol import COMPONENTS, RATIOS
from streams.core.integrity.e_detector import advance, log_mixture

Advance = Callable[[Floats, Floats], Floats]
"""(logarithms of the components, log ratios of a day) to the logarithms after it."""

RATE = 0.45
RAISED = (0.55, 0.6, 0.7, 0.8, 0.95)
ANSWERS_A_DAY = 2.4
UNITS = 1_000
PROMISED = 1_000.0
"""Days to a false alarm, and so the threshold of both."""
CORRELATIONS = (0.0, 0.1)
"""Of the answers of a unit and day."""
CLEAN_DAYS = 4_000
BEFORE = 200
"""Days before the rise, so that both are as they are after a while."""
LOWERED = tuple(PROMISED / 2**place for place in range(9))
"""Thresholds among which one is looked for at which the e-CUSUM sounds as often as the e-SR."""


def advance_cusum(log_evidence: Floats, log_ratios: Floats) -> Floats:
    """One tick of the e-CUSUM: M <- max(M, 1) * L. The same shapes as ``advance``, whose M <- (M + 1) * L is never less."""
    return np.asarray(np.maximum(log_evidence, 0.0) + log_ratios)


@dataclass(frozen=True, slots=True)
class Compared:
    """A process at a threshold."""

    name: str
    correlation: float
    threshold: float
    run: float
    """Mean days until a clean unit sounds."""
    delays: Mapping[float, float]
    """Mean days from a rise to this rate until the alarm."""


def compare(units: int, seed: int) -> Iterator[Compared]:
    """Yields both at the threshold that is promised, and the e-CUSUM at one that only a simulation could tell: where it runs as long as the e-SR."""
    for correlation in CORRELATIONS:
        (run,) = clean_runs(advance, (PROMISED,), units, correlation, seed)
        runs = clean_runs(advance_cusum, LOWERED, units, correlation, seed)
        yield Compared("e-SR", correlation, PROMISED, run, delays(advance, PROMISED, units, correlation, seed))
        yield Compared("e-CUSUM", correlation, PROMISED, runs[0], delays(advance_cusum, PROMISED, units, correlation, seed))
        tuned = float(np.exp(np.interp(np.log(run), np.log(runs[::-1]), np.log(LOWERED[::-1]))))
        (tuned_run,) = clean_runs(advance_cusum, (tuned,), units, correlation, seed)
        yield Compared("e-CUSUM, tuned by simulation", correlation, tuned, tuned_run, delays(advance_cusum, tuned, units, correlation, seed))


def _days(random: np.random.Generator, units: int, rate: float, correlation: float) -> Floats:
    """Log ratios of one day of each unit."""
    answers = random.poisson(ANSWERS_A_DAY, units)
    strength = 1 / correlation - 1 if correlation else 0.0
    rates = random.beta(rate * strength, (1 - rate) * strength, units) if correlation else np.full(units, rate)
    return RATIOS.log_ratios(random.binomial(answers, rates), answers, np.full(units, RATE))


def clean_runs(step: Advance, thresholds: Sequence[float], units: int, correlation: float, seed: int) -> list[float]:
    """Mean days to an alarm at each threshold: unit-days over alarms, of which each begins anew; all see the same days."""
    random = np.random.default_rng(seed)
    evidence = np.full((len(thresholds), units, COMPONENTS), -np.inf)
    bounds = np.log(thresholds)[:, None]
    alarms: npt.NDArray[np.int64] = np.zeros(len(thresholds), np.int64)
    for _ in range(CLEAN_DAYS):
        evidence = step(evidence, np.broadcast_to(_days(random, units, RATE, correlation), evidence.shape))
        sounding = log_mixture(evidence) >= bounds
        alarms += sounding.sum(axis=1)
        evidence[sounding] = -np.inf
    return [units * CLEAN_DAYS / max(int(count), 1) for count in alarms]


def delays(step: Advance, threshold: float, units: int, correlation: float, seed: int) -> dict[float, float]:
    """Mean days from the rise to the alarm, over units that were silent before it."""
    found = {}
    for raised in RAISED:
        random = np.random.default_rng(seed)
        evidence = np.full((units, COMPONENTS), -np.inf)
        silent, waited = np.ones(units, np.bool_), np.zeros(units)
        for _ in range(BEFORE):
            evidence = step(evidence, _days(random, units, RATE, correlation))
            silent &= log_mixture(evidence) < np.log(threshold)
        waiting, day = silent.copy(), 0
        while waiting.any():
            day += 1
            evidence = step(evidence, _days(random, units, raised, correlation))
            sounding = waiting & (log_mixture(evidence) >= np.log(threshold))
            waited[sounding] = day
            waiting &= ~sounding
        found[raised] = float(waited[silent].mean())
    return found


def table(compared: Sequence[Compared]) -> Iterator[str]:
    """Yields the lines of a table."""
    rises = " | ".join(f"{'days to see ' if place == 0 else ''}{rate:g}" for place, rate in enumerate(RAISED))
    yield f"| process | correlation of a day | threshold | mean run / {PROMISED:,.0f} days | {rises} |"
    yield "|---|---|---|---|" + "---|" * len(RAISED)
    for one in compared:
        waited = " | ".join(f"{one.delays[rate]:.1f}" for rate in RAISED)
        yield f"| {one.name} | {one.correlation} | {one.threshold:,.0f} | {one.run / PROMISED:.2f} | {waited} |"
