"""Ranks, with and without a group of accounts, and what is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streams.core.batch import Bools, Floats, Int64s

ROUNDING = 1e-12
"""Share of the greatest value by which two may differ and still be the same."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Values by rank."""

    place: Int64s
    """Of each entry, the place of its value among the distinct ones, from 0."""
    ranks: Floats
    """Of each entry, its rank from 1; equal values share the mean of theirs."""

    def among(self, kept: Bools) -> Floats:
        """What the ranks of the kept entries are among themselves: those left out below are taken off, of equal ones half."""
        gone = np.bincount(self.place[~kept], minlength=int(self.place.max(initial=-1)) + 1)
        return np.asarray(self.ranks[kept] - (np.cumsum(gone) - gone / 2)[self.place[kept]])


def ranked(values: Floats) -> Ranked:
    """The values by rank; those that differ by no more than errors of rounding are equal."""
    distinct, position = np.unique(values, return_inverse=True)
    # 0.3 of one scale may be 0.30000000000000004 of another, a mean of the same values in another order, and a difference that should be 0 next to 0.
    is_new = np.diff(distinct) > ROUNDING * np.max(np.abs(distinct), initial=0.0)
    place = np.concatenate([[0], np.cumsum(is_new)])[position.reshape(-1)]
    counts = np.bincount(place)
    return Ranked(place, np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place]))


def without_each(groups: Int64s) -> Iterator[Bools]:
    """For each group in turn, which entries are not of it."""
    for group in np.unique(groups):
        yield groups != group


def correlation(first: Floats, second: Floats) -> float:
    """Pearson's correlation, of ranks Spearman's; NaN where one of both does not vary."""
    if len(first) < 2:
        return float("nan")
    u, v = first - np.mean(first), second - np.mean(second)
    spread = float(np.sqrt((u @ u) * (v @ v)))
    return float(u @ v) / spread if spread > 0 else float("nan")


def area_under_curve(ranks: Floats, positive: Bools) -> float:
    """Probability that a positive entry ranks above one that is not, equal ones counting one half; NaN where there is none of either."""
    positives = int(np.count_nonzero(positive))
    others = len(positive) - positives
    if not positives or not others:
        return float("nan")
    return (float(np.sum(ranks[positive])) - positives * (positives + 1) / 2) / (positives * others)
