"""How much more likely a day's number of answers is if their flow has swollen: a likelihood ratio for counts that vary more than chance.

The number of a day is held against the negative binomial distribution with mean ``expected`` and size ``size`` (variance
``expected + expected**2 / size``):

    L = NB(n; lift * expected, size) / NB(n; expected, size)
      = (lift * (size + expected) / (size + lift * expected)) ** n * ((size + expected) / (size + lift * expected)) ** size

L rises exponentially in ``n``, so its expectation is at most 1 for every mean up to ``expected`` and for every distribution that
varies less in the convex order, the Poisson distribution among them.
"""

import numpy as np
import numpy.typing as npt

from streams.core.batch import Floats, Int64s


def log_ratios(counts: Int64s, expected: Floats, size: float, lifts: npt.ArrayLike) -> Floats:
    """Logarithms of the ratios, one row per day and one column per lift (each above 1).

    ``expected`` is the upper baseline of each day, known before the day and above 0; ``size`` above 0 is smaller where days vary more.
    """
    factors = np.asarray(lifts, np.float64)[None, :]
    spread = np.log(size + expected)[:, None] - np.log(size + factors * expected[:, None])
    ratios: Floats = counts[:, None] * (np.log(factors) + spread) + size * spread
    return ratios
