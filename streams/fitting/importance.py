"""How much each driver explains of a score, from the correlations alone: LMG (Shapley) shares and Johnson's relative weights.

Both add up to R squared, and neither depends on the order in which drivers are named.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np

from streams.core.batch import Floats

MOST_FOR_LMG = 12
"""Of more drivers LMG, which looks at every subset, is not computed."""
_LEAST_EIGENVALUE = 1e-10


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of drivers with each other and with the score; a driver that does not vary is correlated with nothing."""

    among: Floats
    with_score: Floats


@dataclass(frozen=True, slots=True)
class Sums:
    """What driver analysis needs of responses; sums of two sets of responses add up to those of both.

    ``products`` holds the sum of the product of each two values of a response; the score is the last value.
    """

    n: int
    totals: Floats
    products: Floats

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.n + other.n, self.totals + other.totals, self.products + other.products)

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(self.n - other.n, self.totals - other.totals, self.products - other.products)

    @property
    def means(self) -> Floats:
        """Mean of each value."""
        return np.asarray(self.totals / self.n)

    def correlations(self) -> Correlations | None:
        """Correlations between the values; None where the score does not vary."""
        covariances = self.products / self.n - np.outer(self.means, self.means)
        # What is left of a constant after rounding is not variance.
        noise = 1e-12 * np.diag(self.products) / self.n
        variances = np.diag(covariances)
        varies = variances > noise
        if not varies[-1]:
            return None
        deviations = np.where(varies, np.sqrt(np.maximum(variances, 0)), np.inf)
        correlations = covariances / np.outer(deviations, deviations)
        np.fill_diagonal(correlations, 1.0)
        return Correlations(correlations[:-1, :-1], correlations[:-1, -1])


def lmg(correlations: Correlations) -> Floats:
    """Each driver's part of R squared, averaged over all orders in which drivers may be taken in.

    Lindeman, Merenda and Gold (1980): the Shapley value of R squared (Groemping, J. Statistical Software 17(1), 2006). Up to ``MOST_FOR_LMG``.
    """
    drivers = len(correlations.with_score)
    explained = _r_squared_of_subsets(correlations)
    shares = np.zeros(drivers)
    everyone = np.arange(2**drivers)
    sizes = _sizes(drivers)
    weights = np.array([1 / (drivers * comb(drivers - 1, size)) if size < drivers else 0.0 for size in range(drivers + 1)])
    for driver in range(drivers):
        without = everyone[(everyone >> driver) & 1 == 0]
        shares[driver] = weights[sizes[without]] @ (explained[without | 1 << driver] - explained[without])
    return shares


def johnson(correlations: Correlations) -> Floats:
    """Each driver's relative weight: Johnson, Multivariate Behavioral Research 35(1), 2000. Any number of drivers."""
    values, vectors = np.linalg.eigh(correlations.among)
    roots = np.sqrt(np.maximum(values, 0))
    loadings = (vectors * roots) @ vectors.T
    kept = values > _LEAST_EIGENVALUE
    inverse = (vectors[:, kept] / roots[kept]) @ vectors[:, kept].T
    return np.asarray(loadings**2 @ (inverse @ correlations.with_score) ** 2)


def r_squared(correlations: Correlations) -> float:
    """Share of the score's variance that all drivers together explain."""
    return float(np.sum(johnson(correlations)))


@lru_cache(maxsize=MOST_FOR_LMG)
def _sizes(drivers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([number.bit_count() for number in range(2**drivers)])


def _r_squared_of_subsets(correlations: Correlations) -> Floats:
    """R squared of each subset of drivers; the bits of the index name the drivers."""
    drivers = len(correlations.with_score)
    explained = np.zeros(2**drivers)
    for size in range(1, drivers + 1):
        members = np.array(list(combinations(range(drivers), size)))
        among = correlations.among[members[:, :, None], members[:, None, :]]
        with_score = correlations.with_score[members]
        # Of drivers that say the same twice the pseudo-inverse takes what they say once.
        solved = np.linalg.pinv(among, rcond=_LEAST_EIGENVALUE, hermitian=True) @ with_score[:, :, None]
        explained[np.sum(1 << members, axis=1)] = np.sum(solved[:, :, 0] * with_score, axis=1)
    return explained
