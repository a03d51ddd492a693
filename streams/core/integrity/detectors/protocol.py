"""What a detector of single units is."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools, Floats, Int64s
from streams.core.integrity.baselines import CORRELATION, Past, Prior, upper_rate
from streams.core.integrity.day_batches import DayBatchRatios
from streams.core.integrity.days import UnitDays

RISES = (0.05, 0.08, 0.13, 0.2, 0.32, 0.5)
"""Rises of a rate that are looked for; a mixture over them needs no guess of how bold the gaming is."""
COMPONENTS = len(RISES)
RATIOS = DayBatchRatios(CORRELATION, RISES)


class Counts(NamedTuple):
    """What people can check: so many were found among so many looked at, where at most so many would be usual; one entry per unit."""

    found: Floats
    looked_at: Floats
    at_most: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """What a detector makes of a day, one entry per unit of the day."""

    hits: Floats
    answers: Floats
    expected: Floats
    """What goes into the unit's history with this day, unless it is suspicious; see ``Past``."""
    baseline: Floats
    """Upper baseline that the day was held against: a rate, or a number where the detector counts."""
    log_ratios: Floats
    """Shape (units, ``COMPONENTS``); 0 where there was nothing to judge."""
    counts: Counts


class UnitDetector(Protocol):
    """Judges days of units. It is a pure function: all that it remembers of a unit is its ``Past``, which the engine keeps."""

    @property
    def name(self) -> Detector:
        """Its name, which findings carry."""

    @property
    def family(self) -> Family:
        """The kind of evidence that it gives."""

    @property
    def words(self) -> str:
        """What was found, for people; a template with the names of ``Counts``."""

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """How much more likely the day is if the unit is gamed in this way; ratios have expectation at most 1 if it is not."""

    def marks(self, day: UnitDays) -> Bools | None:
        """Responses of the day that carry the sign, by which a gamed unit's answers are flagged; None where it is not seen on single ones."""


def judge_rate(day: UnitDays, past: Past, prior: Prior, judged: Bools, hits: Bools, expected: Floats | None = None) -> Judged:
    """For detectors that look at a share of responses: of those ``judged``, the ``hits``, against a rate.

    ``expected`` is the probability of a hit for each response of the day; the prior's rate where it is None.
    """
    answers = day.per_unit(judged)
    found = day.per_unit(judged & hits)
    each = np.where(judged, prior.rate if expected is None else expected, 0.0)
    return judge_counts(past, prior, found, answers, day.sums(each))


def judge_counts(past: Past, prior: Prior, hits: Int64s, answers: Int64s, expected: Floats) -> Judged:
    """The same from numbers per unit; ``expected`` is the expected number of hits."""
    rate = np.where(answers > 0, expected / np.maximum(answers, 1), prior.rate)
    baseline = upper_rate(past, rate, prior)
    ratios = RATIOS.log_ratios(hits, answers, baseline)
    ratios[baseline >= RATIOS.rates[-1]] = 0.0
    found, looked_at = hits.astype(np.float64), answers.astype(np.float64)
    return Judged(found, looked_at, expected, baseline, ratios, Counts(found, looked_at, baseline * looked_at))
