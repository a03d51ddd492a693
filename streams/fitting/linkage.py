"""Whether what operations measure goes with what customers say, on the same day or days later."""

from dataclasses import dataclass
from math import atanh, tanh

import numpy as np

from streams.core.batch import Bools, Floats, Int64s
from streams.fitting.drivers import Estimate
from streams.fitting.jackknife import interval
from streams.fitting.ranks import correlation, ranked, without_each

LAGS = (0, 1, 7, 14, 28)
"""Days from the measurement to the score."""
LEAST_PAIRS = 200
"""Of fewer pairs no correlation is published."""
HELD_OUT = 0.25
"""Share of the pairs, the newest, that are looked at apart."""
_NEARLY_ONE = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Pairs:
    """Measurements and scores of the same account, one entry for an account and a day, in any order."""

    value: Floats
    score: Floats
    day: Int64s
    """Day of the measurement."""
    group: Int64s
    """Group of the account."""

    def of(self, chosen: Bools | Int64s | slice) -> "Pairs":
        """Those that are chosen, by a flag each, by place, or from one place up to another."""
        return Pairs(self.value[chosen], self.score[chosen], self.day[chosen], self.group[chosen])

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True)
class Link:
    """How a measurement goes with the score; None where it cannot be told."""

    n: int
    correlation: Estimate | None
    published: bool
    """There are enough pairs, and the interval leaves out 0."""
    held_out: int
    held_out_correlation: Estimate | None
    confirmed: bool
    """Published, and the newest pairs alone show the same sign, with an interval that leaves out 0."""


def link(pairs: Pairs) -> Link:
    """Spearman's correlation over all pairs, and over the newest quarter of them alone."""
    found = rank_correlation(pairs)
    days = np.sort(pairs.day)
    # At least a quarter: a day is held out whole.
    newest = pairs.of(pairs.day >= days[int(len(days) * (1 - HELD_OUT))]) if len(days) else pairs
    apart = rank_correlation(newest)
    published = len(pairs) >= LEAST_PAIRS and _excludes_zero(found)
    confirmed = published and _excludes_zero(apart) and found is not None and apart is not None and found.value * apart.value > 0
    return Link(len(pairs), found, published, len(newest), apart, confirmed)


def rank_correlation(pairs: Pairs) -> Estimate | None:
    """Spearman's correlation; its interval is taken on Fisher's scale, leaving out groups of accounts. None where a side does not vary."""
    first, second = ranked(pairs.value), ranked(pairs.score)
    found = correlation(first.ranks, second.ranks)
    if not np.isfinite(found):
        return None
    without = [_fisher(correlation(first.among(kept), second.among(kept))) for kept in without_each(pairs.group)]
    limits = interval(_fisher(found), np.array(without))
    return Estimate(found, *(map(tanh, limits) if limits else (None, None)))


def _fisher(value: float) -> float:
    return atanh(min(_NEARLY_ONE, max(-_NEARLY_ONE, value))) if np.isfinite(value) else value


def _excludes_zero(found: Estimate | None) -> bool:
    return found is not None and found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
