"""The evidence against units, carried from day to day, and the alarms that it raises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools, Floats, Int64s
from streams.core.integrity.baselines import Past
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors import UNIT_DETECTORS, UnitDetector, pairs_of
from streams.core.integrity.detectors.protocol import COMPONENTS, Counts
from streams.core.integrity.e_detector import advance, alarms, log_mean_of_processes, log_mixture

NEVER = -(2**31)
"""A day before all days."""
_LEARNED = ("hits", "answers", "expected", "days")
"""What ``Past`` is made of."""
ACTIVE_DAYS = 60
"""So many days after its newest alarm a detector is held to be still at it; alarms in this time belong to the finding that is open."""
AGREED_BY_CHANCE = 0.05
"""Of findings to which nothing else adds up at the unit, the share that another kind of evidence agrees with all the same, at most."""
RELEARNING_DAYS = 30
"""So many days after somebody dismissed its finding a detector only learns what is usual at the unit."""
LEFT_OF_PRIOR = 0.1
"""What is believed of all units counts so much where somebody found that it does not hold."""


class Alarm(NamedTuple):
    """A detector that sounds, or sounds again, at a unit."""

    row: int
    """The unit."""
    detector: Detector
    """Where only all detectors together sound: the one with the most evidence."""
    together: bool
    day: int
    since: int
    """The day on which the gaming most likely began."""
    raised_on: int
    """The day of the first alarm of the finding that this one belongs to; ``day`` where it is a new finding."""
    log_e: float
    found: float
    """Of ``Counts``, added up over the days from ``since`` to ``day``."""
    looked_at: float
    at_most: float


def processes(detectors: Sequence[UnitDetector]) -> int:
    """How many e-SR processes they carry: one each, and one for each pair."""
    return len(detectors) + len(pairs_of(detectors))


def processes_with(detector: int, detectors: Sequence[UnitDetector]) -> Int64s:
    """Positions of the processes that one of the detectors is part of: its own, and those of its pairs."""
    return np.array([detector, *(place for place, pair in enumerate(pairs_of(detectors), len(detectors)) if detector in pair)], np.int64)


@dataclass
class Evidence:
    """Of each unit (first axis) and detector (second axis)."""

    log_evidence: Floats
    """Components of the e-SR processes, last axis ``COMPONENTS``. The second axis has the detectors, and then the pairs of them."""
    hits: Floats
    answers: Floats
    expected: Floats
    days: Floats
    alike: Floats
    """How much what is believed of all counts here: 1, and less where somebody dismissed a finding."""
    run: Floats
    """Logarithm of the evidence since ``since``; below 0 it begins anew."""
    since: Int64s
    raised_on: Int64s
    sounded_on: Int64s
    """The day of the newest alarm."""
    quiet_until: Int64s
    """Before this day the detector only learns."""
    found: Floats
    """``Counts``, added up from ``since`` on."""
    looked_at: Floats
    at_most: Floats

    @classmethod
    def nothing(cls, units: int, detectors: Sequence[UnitDetector] = UNIT_DETECTORS) -> "Evidence":
        """No evidence against so many units."""
        shape = (units, len(detectors))
        hits, answers, expected, days, run, found, looked_at, at_most = (np.zeros(shape) for _ in range(8))
        since, raised_on, sounded_on, quiet_until = (np.full(shape, NEVER, np.int64) for _ in range(4))
        evidence = np.full((units, processes(detectors), COMPONENTS), -np.inf)
        return cls(evidence, hits, answers, expected, days, np.ones(shape), run, since, raised_on, sounded_on, quiet_until, found, looked_at, at_most)

    def take(self, rows: Int64s) -> "Evidence":
        """A copy of these units."""
        return Evidence(**{name: array[rows] for name, array in vars(self).items()})

    def put(self, rows: Int64s, other: "Evidence") -> None:
        """Replaces these units."""
        for name, array in vars(self).items():
            array[rows] = getattr(other, name)

    def log_values(self) -> Floats:
        """Logarithm of the e-value of each detector, and then of each pair, at each unit."""
        return log_mixture(self.log_evidence)

    def fade(self, kept: float) -> None:
        """Of what was learned of what is usual, only so much is left."""
        for name in _LEARNED:
            getattr(self, name)[:] *= kept

    def active(self, day: int) -> Bools:
        """Which detectors have sounded lately."""
        active: Bools = self.sounded_on > day - ACTIVE_DAYS
        return active

    def pardon(
        self, row: int, detector: int, day: int, silent_days: int = RELEARNING_DAYS, detectors: Sequence[UnitDetector] = UNIT_DETECTORS
    ) -> None:
        """The finding that a detector is at proved to be none: from this day on it learns anew what is usual, for so many days silently."""
        self.log_evidence[row, processes_with(detector, detectors)] = -np.inf
        for name in (*_LEARNED, "run"):
            getattr(self, name)[row, detector] = 0.0
        self.raised_on[row, detector] = self.sounded_on[row, detector] = NEVER
        self.quiet_until[row, detector], self.alike[row, detector] = day + silent_days, LEFT_OF_PRIOR

    def add_day(
        self, rows: Int64s, day: UnitDays, budget: float, detectors: Sequence[UnitDetector] = UNIT_DETECTORS, *, wary: bool = True
    ) -> list[Alarm]:
        """Takes in a day that is over; the units of the day are ``rows`` here, ascending; days come in order.

        ``budget`` is the least expected number of ticks until a clean unit raises a false alarm. A tick is a day with anything to judge for any of
        several detectors, which must share a clock; a detector that is alone goes by the days on which it judged. ``wary``: nothing is learned while
        something is suspected; of no use where what is judged and what is learned from are other days.
        """
        mine = self if len(rows) == len(self.hits) else self.take(rows)
        # The process moves up by one a tick also where nothing is judged or nothing is wrong; that alone is no reason not to learn.
        alone = log_mixture(mine.log_evidence[:, : len(detectors)])
        suspicious = (mine.active(day.day) | ((alone > np.log(budget) / 2) & (mine.run > np.log(budget) / 4))) & wary
        judged = [
            detector.judge(day, Past(mine.hits[:, i], mine.answers[:, i], mine.expected[:, i], mine.days[:, i], mine.alike[:, i]))
            for i, detector in enumerate(detectors)
        ]
        # From here on all detectors at once: the second axis.
        ratios = np.stack([one.log_ratios for one in judged], axis=1)
        ratios[mine.quiet_until > day.day] = 0.0
        # Of a pair, one judges what the other takes as given, so that the expectation of the product is at most 1 as well.
        products = [ratios[:, first] + ratios[:, second] for first, second in pairs_of(detectors)]
        steps = np.concatenate([ratios, np.stack(products, axis=1)], axis=1) if products else ratios
        ticks = np.ones(steps.shape[:2], np.bool_) if len(detectors) > 1 else steps.any(axis=2)
        mine.log_evidence[ticks] = advance(mine.log_evidence[ticks], steps[ticks])
        began = mine.run <= 0
        mine.since[began] = day.day
        mine.run = np.where(began, 0.0, mine.run) + log_mixture(ratios)
        today = np.array([[one.hits, one.answers, one.expected, *one.counts] for one in judged]).T
        hits, answers, expected = today[:, 0], today[:, 1], today[:, 2]
        for place, name in enumerate(Counts._fields, 3):
            setattr(mine, name, np.where(began, 0.0, getattr(mine, name)) + today[:, place])
        learned = ~suspicious
        mine.hits += hits * learned
        mine.answers += answers * learned
        mine.expected += expected * learned
        mine.days += (answers > 0) & learned
        raised = mine.raise_alarms(rows, day.day, budget, detectors)
        if mine is not self:
            self.put(rows, mine)
        return raised

    def _agreed(self, day: int, families: Sequence[Family]) -> Bools:
        """Which detectors would agree with one of another family that is active at the unit."""
        active = self.active(day)
        others = np.array([[one is not other for other in families] for one in families])
        agreed: Bools = (active[:, None, :] & others[None, :, :]).any(axis=2)
        return agreed

    def raise_alarms(self, rows: Int64s, day: int, budget: float, detectors: Sequence[UnitDetector]) -> list[Alarm]:
        """Sounds where the evidence has reached a threshold; ``rows`` is what the units are called in the alarms.

        Where another kind of evidence is active, less is needed: there the question is no longer whether one of the whole fleet's detectors sounds by
        chance, but whether those of this one unit do within the days in which the finding is active.
        """
        values = self.log_values()
        combined = log_mean_of_processes(values)
        single, together = alarms(values, len(detectors), budget)
        agreeing = np.log(ACTIVE_DAYS / AGREED_BY_CHANCE * len(detectors))
        close = values[:, : len(detectors)] >= agreeing
        if close.any():
            single |= close & self._agreed(day, [detector.family for detector in detectors])
        if not single.any() and not together.any():
            # As on most days.
            return []
        together = together & ~single.any(axis=1)
        sounding = single.copy()
        for at in np.flatnonzero(together).tolist():
            sounding[at, self._spend_strongest(at, values[at], detectors)] = True
        raised = []
        for at, i in zip(*(axis.tolist() for axis in np.nonzero(sounding)), strict=True):
            new = self.sounded_on[at, i] <= day - ACTIVE_DAYS
            if new:
                self.raised_on[at, i] = day
            self.sounded_on[at, i] = day
            value = values[at, i] if single[at, i] else combined[at]
            since, raised_on = int(self.since[at, i]), int(self.raised_on[at, i])
            counts = (float(self.found[at, i]), float(self.looked_at[at, i]), float(self.at_most[at, i]))
            raised.append(Alarm(int(rows[at]), detectors[i].name, not single[at, i], day, since, raised_on, float(value), *counts))
        # An alarm spends the evidence that it rests on: where a single detector sounds, the mean sounds with it, and the others keep theirs.
        for i in range(len(detectors)):
            self.log_evidence[np.ix_(single[:, i], processes_with(i, detectors))] = -np.inf
        return raised

    def _spend_strongest(self, row: int, values: Floats, detectors: Sequence[UnitDetector]) -> int:
        """Where only all processes together sound: spends the strongest one, and returns its detector, or the stronger one of its pair."""
        strongest = int(values.argmax())
        if strongest < len(detectors):
            self.log_evidence[row, processes_with(strongest, detectors)] = -np.inf
            return strongest
        self.log_evidence[row, strongest] = -np.inf
        pair = pairs_of(detectors)[strongest - len(detectors)]
        return max(pair, key=lambda place: float(values[place]))
