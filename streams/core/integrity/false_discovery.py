"""Which of many units to name at once, by their e-values."""

import numpy as np

from streams.core.batch import Bools, Floats


def e_benjamini_hochberg(e_values: Floats, level: float) -> Bools:
    """Which hypotheses are rejected with a false-discovery rate of at most ``level``, under any dependence.

    Wang and Ramdas, "False discovery rate control with e-values" (JRSS B 2022): the largest k with the k-th greatest e-value at least
    n / (level * k); all k are rejected.
    """
    count = len(e_values)
    if not count:
        return np.zeros(0, np.bool_)
    descending = np.sort(e_values)[::-1]
    passing = np.flatnonzero(descending >= count / (level * np.arange(1, count + 1)))
    if not len(passing):
        return np.zeros(count, np.bool_)
    rejected: Bools = e_values >= descending[passing[-1]]
    return rejected


def e_value_of(p_value: Floats, kappa: float = 0.5) -> Floats:
    """The calibrator ``kappa * p ** (kappa - 1)`` (Vovk and Wang, "E-values", 2021): turns a p-value into an e-value; ``kappa`` in (0, 1)."""
    calibrated: Floats = kappa * p_value ** (kappa - 1)
    return calibrated
