"""What a unit's rate is known to be before a day, from above: its own history, shrunk to what was known before it, with room for error.

A detector's promise holds only if the baseline is not below the truth, so each is the posterior mean plus one standard error plus a margin. The
standard error counts answers of a day as alike, with the correlation that the ratios allow for. Both were chosen with ``benchmarks.integrity``
on drawn days: clean units run at least six times as long as is promised, and twice to five times as many gamed ones are caught within 60 days
as with 1.28 standard errors and twice the margins, where they ran twenty times as long. The margin of level shifts stayed as it was: in simulated
companies, where days and peers are less tidy, half of it let one clean unit in fifty sound within nine months.
"""

from dataclasses import dataclass

import numpy as np

from streams.core.batch import Floats

STANDARD_ERRORS = 1.0
"""One-sided 84 %."""
CORRELATION = 0.1
"""Greatest intra-class correlation of a day's answers for which detectors keep their promise."""


@dataclass(frozen=True, slots=True)
class Past:
    """Sums of what a detector saw at some units while nothing was suspected; one entry per unit."""

    hits: Floats
    answers: Floats
    expected: Floats
    """Hits that were to be expected from peers; the same as ``prior * answers`` where a detector has no peers."""
    days: Floats
    """Days with answers."""
    alike: Floats | float = 1.0
    """How much of what is believed of all units holds for this one: 1, or less where somebody found it to be different."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before anything was seen: ``rate``, worth ``weight`` answers; ``margin`` is added to every baseline."""

    rate: float
    weight: float
    margin: float


def upper_rate(past: Past, expected: Floats, prior: Prior) -> Floats:
    """Upper baseline per unit: today's expected rate, moved by how far the unit used to be from what was expected of it."""
    weight = past.answers + prior.weight * past.alike
    mean = np.clip(expected + (past.hits - past.expected) / weight, 0.0, 1.0)
    a_day = np.maximum(past.answers / np.maximum(past.days, 1.0), 1.0)
    clustering = 1.0 + (a_day - 1.0) * CORRELATION
    spread = np.maximum(mean * (1.0 - mean), prior.rate * (1.0 - prior.rate) * 0.25)
    return np.asarray(mean + STANDARD_ERRORS * np.sqrt(spread * clustering / weight) + prior.margin)
