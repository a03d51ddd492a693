"""What a rival is, what counts as a finding of one, and how its threshold is set."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from benchmarks.integrity.daily import Daily
from streams.core.batch import Bools, Floats

BURN_IN = 60
"""Days from which rivals learn what is usual at a unit, before they judge."""
WEEK = 7
OPEN_DAYS = 60
"""An alarm within so many days of another belongs to the same finding, as in Candor."""
_HALVINGS = 40


class Rival(Protocol):
    """Judges units by days, with one threshold that decides how often it sounds."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def learn(self, clean: Sequence[Daily]) -> None:
        """Learns what it must know of the fleet, from clean streams."""

    def statistic(self, stream: Daily) -> Floats:
        """Units by days, 0 where nothing is judged; the more suspicious the greater."""

    def sounds(self, statistic: Floats, threshold: float) -> Bools:
        """On which days it sounds; ``statistic`` is its own of a stream."""


class Plain:
    """Sounds wherever the statistic reaches the threshold, and learns nothing from other streams."""

    def learn(self, clean: Sequence[Daily]) -> None:
        """Nothing to learn."""
        del clean

    def sounds(self, statistic: Floats, threshold: float) -> Bools:
        """Where the statistic reaches the threshold."""
        return np.asarray(statistic >= threshold)


def new_findings(sounds: Bools) -> Bools:
    """Sounds that are not within ``OPEN_DAYS`` of an earlier one of the unit."""
    days = np.arange(sounds.shape[1])
    last = np.maximum.accumulate(np.where(sounds, days, -(10**6)), axis=1)
    before = np.concatenate([np.full((len(sounds), 1), -(10**6)), last[:, :-1]], axis=1)
    return np.asarray(sounds & (days - before >= OPEN_DAYS))


def tune(rival: Rival, clean: Sequence[Daily], allowed: int) -> float:
    """A threshold at which it has at most so many findings on clean streams, and just below which it has more."""
    statistics = [rival.statistic(stream) for stream in clean]

    def is_quiet(threshold: float) -> bool:
        return sum(int(new_findings(rival.sounds(statistic, threshold)).sum()) for statistic in statistics) <= allowed

    low, high = 0.0, 1.0
    while not is_quiet(high):
        low, high = high, high * 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_quiet(middle) else (middle, high)
    return high


def rolling(values: Floats, days: int) -> Floats:
    """Sums over the last ``days`` days up to each; over fewer at the beginning."""
    summed = np.cumsum(values, axis=1)
    summed[:, days:] -= summed[:, :-days].copy()
    return summed


def judged_only(statistic: Floats) -> Floats:
    """0 in the days from which it learned, and where there is nothing to say."""
    statistic = np.nan_to_num(statistic, nan=0.0, posinf=0.0, neginf=0.0)
    statistic[:, :BURN_IN] = 0.0
    return np.maximum(statistic, 0.0)
