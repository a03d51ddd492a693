"""What a unit's rate is known to be before a day, from above: its own history, shrunk to what was known before it, with room for error.

A detector's promise holds only if the baseline is not below the truth, so each is the posterior mean plus a part of a standard error plus a margin.
The standard error counts answers of a day as alike, with the correlation that the ratios allow for. They were chosen on drawn days, where clean units
run at least five times as long as is promised, and on 24 simulated companies (``benchmarks.integrity``, seeds 21 to 44), where 2 of 1,032 clean units
were named in nine months. With twice the room for level shifts it were none, and of begging 82 % were found within 60 days instead of 90 %.
"""

from dataclasses import dataclass

import numpy as np

from streams.core.batch import Floats

STANDARD_ERRORS = 0.7
"""One-sided 76 %, where a detector does not say otherwise."""
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
    """What is believed before anything was seen: ``rate``, worth ``weight`` answers.

    ``margin`` and so many ``standard_errors`` of what is known of the unit are added to every baseline.
    """

    rate: float
    weight: float
    margin: float
    standard_errors: float = STANDARD_ERRORS


def upper_rate(past: Past, expected: Floats, prior: Prior) -> Floats:
    """Upper baseline per unit: today's expected rate, moved by how far the unit used to be from what was expected of it."""
    weight = past.answers + prior.weight * past.alike
    mean = np.minimum(np.maximum(expected + (past.hits - past.expected) / weight, 0.0), 1.0)
    a_day = np.maximum(past.answers / np.maximum(past.days, 1.0), 1.0)
    clustering = 1.0 + (a_day - 1.0) * CORRELATION
    spread = np.maximum(mean * (1.0 - mean), prior.rate * (1.0 - prior.rate) * 0.25)
    return np.asarray(mean + prior.standard_errors * np.sqrt(spread * clustering / weight) + prior.margin)
