"""Sequential detectors whose false alarms are bounded whatever the data do: mixtures of e-SR processes.

Shin, Ramdas, Rinaldo, "E-detectors" (arXiv 2203.03532). Each of K components follows

    M <- (M + 1) * L,    M = 0 at the start,

where L >= 0 has expectation at most 1, given the past, as long as nothing is wrong. The mean of the components is then an
e-detector: stopped where it first reaches A, it runs at least A ticks in expectation while nothing is wrong. It needs neither independence
nor a known size of the change. A tick is a day on which the unit had something to judge.
"""

import numpy as np

from streams.core.batch import Bools, Floats

LARGEST_LOG = 200.0
"""Evidence is cut here, far above every threshold, so that it stays a number."""


def advance(log_evidence: Floats, log_ratios: Floats) -> Floats:
    """One tick: logarithms of the components after it; ``-inf`` is a component that has not begun. Shapes are equal, components last."""
    advanced: Floats = np.minimum(np.logaddexp(log_evidence, 0.0) + log_ratios, LARGEST_LOG)
    return advanced


def log_mixture(log_evidence: Floats) -> Floats:
    """Logarithm of the mean of the components, which are the last axis."""
    mixed: Floats = np.logaddexp.reduce(log_evidence, axis=-1) - np.log(log_evidence.shape[-1])
    return mixed


def log_mean_of_processes(log_values: Floats) -> Floats:
    """Logarithm of the mean over processes (the last axis): again an e-detector, whatever they have to do with each other.

    They must share a clock: one without anything to judge at a tick advances with ratio 1.
    """
    return log_mixture(log_values)


def alarms(log_values: Floats, detectors: int, budget: float) -> tuple[Bools, Bools]:
    """Which of the ``detectors``, who come first in the last axis, sound by themselves, and which units sound by all processes together.

    ``budget`` is the least expected number of ticks to a false alarm of a unit. Half of the false alarms it allows are spent on the mean of all
    processes, half are shared out evenly over the single detectors, because a mean hides a signal that only one detector sees. A
    detector that is alone is its own mean, and has the whole budget.
    """
    if log_values.shape[-1] == 1:
        sounding = log_values >= np.log(budget)
        return sounding, sounding[..., 0]
    return log_values[..., :detectors] >= np.log(2.0 * budget * detectors), log_mean_of_processes(log_values) >= np.log(2.0 * budget)
