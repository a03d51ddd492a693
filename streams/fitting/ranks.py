"""Ranks, with and without a group of accounts, and what is made of them."""

from collections.abc import Iterator

import numpy as np

from streams.core.batch import Bools, Floats, Int64s


def midranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[position.reshape(-1)])


def without_each(groups: Int64s) -> Iterator[Bools]:
    """For each group in turn, which entries are not of it."""
    for group in np.unique(groups):
        yield groups != group


def ranks_among(values: Floats, ranks: Floats, kept: Bools) -> Floats:
    """What the ranks of the kept values are among themselves, from those among all: those left out below are taken off."""
    gone = np.sort(values[~kept])
    stayed = values[kept]
    below = np.searchsorted(gone, stayed, side="left") + np.searchsorted(gone, stayed, side="right")
    return np.asarray(ranks[kept] - below / 2)


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
