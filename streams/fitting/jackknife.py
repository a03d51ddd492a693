"""Intervals by leaving out one group of accounts after the other: right however the answers of one account hang together, and the same each time."""

import numpy as np
from scipy.special import stdtrit

from streams.core.batch import Floats

GROUPS = 64
"""Accounts are split into so many groups, by a hash of their ids."""
LEAST_GROUPS = 10
"""Of fewer groups that hold anything, no interval is told."""
_CONFIDENCE = 0.95


def interval(estimate: float, without: Floats, least: float = -np.inf, most: float = np.inf) -> tuple[float, float] | None:
    """The 95 % interval of an estimate, given what it is without each group; cut to what it can be. None where it cannot be told.

    The delete-a-group jackknife (Kott, J. Official Statistics 17(4), 2001), with Student's t of one degree of freedom less than there are groups.
    """
    groups = len(without)
    if groups < LEAST_GROUPS or not np.isfinite(estimate) or not np.all(np.isfinite(without)):
        return None
    error = float(np.sqrt((groups - 1) / groups * np.sum((without - np.mean(without)) ** 2)))
    margin = float(stdtrit(groups - 1, (1 + _CONFIDENCE) / 2)) * error
    return max(least, estimate - margin), min(most, estimate + margin)
