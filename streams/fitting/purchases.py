"""BG/NBD (Fader, Hardie and Lee, Marketing Science 24(2), 2005): who is still a customer, and how many purchases are to come.

Customers buy at random times, each at a rate of their own, and after each purchase leave for good with a probability of their own. Rates are gamma
distributed with shape ``r`` and rate ``alpha``, probabilities beta with ``a`` and ``b``.

Time is in weeks. A customer's history is the frequency (purchase days after the first), the recency (from the first purchase to the last) and the age
(from the first purchase to the day as of which all this is told).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, gammaln

from streams.core.batch import Floats
from streams.fitting.maximise import Maximum, maximise

LEAST_REPEATERS = 10
"""Customers with a purchase after their first without whom nothing can be said of rates and leaving."""
_NODES = 64


@dataclass(frozen=True, slots=True)
class Histories:
    """What the model needs to know of customers, one entry each."""

    frequency: Floats
    """Days with a purchase, the first left out."""
    recency: Floats
    """Weeks from the first purchase to the last; 0 where the frequency is."""
    age: Floats
    """Weeks from the first purchase to the day as of which this is told."""

    @property
    def repeaters(self) -> int:
        """Customers who came back."""
        return int(np.count_nonzero(self.frequency))


@dataclass(frozen=True, slots=True)
class PurchaseModel:
    """The fitted distribution of customers."""

    r: float
    alpha: float
    a: float
    b: float

    def probability_alive(self, histories: Histories) -> Floats:
        """Probability that the customer has not left, as of the age; 1 where there was no purchase after the first."""
        x = histories.frequency
        came_back = x > 0
        # In logarithms, since the ratio to a high power leaves the range of numbers for frequent customers.
        odds = np.log(self.a) - np.log(self.b + np.where(came_back, x, 1.0) - 1)
        odds += (self.r + x) * (np.log(self.alpha + histories.age) - np.log(self.alpha + histories.recency))
        return np.where(came_back, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)

    def expected_purchases(self, frequency: Floats, age: Floats, weeks: Floats) -> Floats:
        """Purchase days in the next ``weeks``, for customers who are alive: a row per customer, a column per number of weeks.

        Of a customer who is alive, the probability of leaving after a purchase, p, is beta distributed with a and b + x, and given p the purchases
        until leaving within t weeks are (1 - ((alpha + T) / (alpha + T + p t)) ^ (r + x)) / p. The mean over p is taken by Gauss-Jacobi quadrature,
        which unlike the published form with a hypergeometric function holds for all parameters, a = 1 included.
        """
        expected = np.empty((len(frequency), len(weeks)))
        for x in np.unique(frequency):
            chosen = frequency == x
            p, weights = beta_quadrature(self.a, self.b + x, _NODES)
            until = weeks[None, :, None] / (self.alpha + age[chosen])[:, None, None]
            # -expm1(-y) / p keeps its digits where p t is small.
            expected[chosen] = (-np.expm1(-(self.r + x) * np.log1p(p * until)) / p) @ weights
        return expected

    def probability_of_return(self, weeks: Floats) -> Floats:
        """Probability that a customer of whom nothing else is known buys again within so many weeks after the first purchase: 1 - P(X(t) = 0)."""
        return np.asarray(-np.expm1(-self.r * np.log1p(weeks / self.alpha)))

    def expected_of_new(self, weeks: Floats) -> Floats:
        """Purchase days after the first of a customer of whom nothing else is known, within so many weeks."""
        nobody = np.zeros(1)
        return np.asarray(self.expected_purchases(nobody, nobody, weeks)[0])


def beta_quadrature(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Points in (0, 1) and weights that sum to 1 whose mean of a function is that over a beta distribution, exactly for polynomials.

    By Golub and Welsch, Math. Comp. 23 (1969). Weights are normalised, so that no beta function over- or underflows.
    """
    left, right = b - 1, a - 1
    n = np.arange(nodes, dtype=np.float64)
    total = 2 * n + left + right
    diagonal = np.empty(nodes)
    diagonal[0] = (right - left) / (left + right + 2)
    diagonal[1:] = (right**2 - left**2) / (total[1:] * (total[1:] + 2))
    beside = np.empty(nodes - 1)
    beside[0] = 4 * (1 + left) * (1 + right) / ((2 + left + right) ** 2 * (3 + left + right))
    k, s = n[2:], total[2:]
    beside[1:] = 4 * k * (k + left) * (k + right) * (k + left + right) / (s**2 * (s + 1) * (s - 1))
    points, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(np.sqrt(beside), 1) + np.diag(np.sqrt(beside), -1))
    return np.maximum((1 + points) / 2, np.finfo(np.float64).tiny), vectors[0] ** 2


def fit_purchases(histories: Histories) -> Maximum:
    """Maximum likelihood of r, alpha, a and b, in this order. There must be customers who came back."""
    distinct, counts = np.unique(np.column_stack((histories.frequency, histories.recency, histories.age)), axis=0, return_counts=True)
    x, recency, age = distinct.T
    weights = counts.astype(np.float64)
    scale = max(float(np.average(age, weights=weights)), 1e-3)

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        return _log_likelihood(parameters, x, recency, age, weights)

    starts = [(0.5, 0.5 * scale / max(float(np.average(x, weights=weights)), 0.01), 1.0, 2.0), (1.0, scale / 4, 0.5, 5.0)]
    return maximise(log_likelihood, float(weights.sum()), starts)


def _log_likelihood(parameters: Floats, x: Floats, recency: Floats, age: Floats, weights: Floats) -> tuple[float, Floats]:
    """Equation 6 of the paper, and its gradient; customers with the same history are one with a weight."""
    r, alpha, a, b = parameters.tolist()
    came_back = x > 0
    later = np.where(came_back, b + x - 1, 1.0)
    never_left = -(r + x) * np.log(alpha + age)
    left_at_last = np.where(came_back, np.log(a) - np.log(later) - (r + x) * np.log(alpha + recency), -np.inf)
    either = np.logaddexp(never_left, left_at_last)
    stayed, left = np.exp(never_left - either), np.exp(left_at_last - either)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b) + either
    of_a_and_b = digamma(a + b) - digamma(a + b + x)
    gradient = (
        digamma(r + x) - digamma(r) + np.log(alpha) - stayed * np.log(alpha + age) - left * np.log(alpha + recency),
        r / alpha - (r + x) * (stayed / (alpha + age) + left / (alpha + recency)),
        of_a_and_b + left / a,
        of_a_and_b + digamma(b + x) - digamma(b) - np.where(came_back, left / later, 0.0),
    )
    return float(weights @ value), np.array([weights @ part for part in gradient])
