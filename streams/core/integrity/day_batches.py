"""How much more likely a day's count is if a rate has risen: likelihood ratios that stay honest when answers of a day are alike.

Answers of one day and unit share weather, staff and mood. A ratio that takes them as independent overstates what a good day
proves: with an intra-class correlation of 0.1 a binomial detector sounds eight times as often as it says. So a day of ``n``
answers with ``k`` hits is judged by the beta-binomial distribution:

    L = BB(k; n, p1, rho) / BB(k; n, p0, rho),    rho = 1 / (a + b + 1) of the beta distribution

Its expectation under ``p <= p0`` and correlation ``rho`` is at most 1, which is what an e-detector needs. Under a *smaller*
correlation it can exceed 1 where ``p0`` is small and ``n`` large, so each ratio is divided by the greatest expectation over the
correlations from 0 to ``rho``, computed here once by summing over ``k``.
"""

import numpy as np
import numpy.typing as npt

from streams.core.batch import Floats, Int64s

MOST_ANSWERS = 64
"""A day with more answers is scaled down to this many, hits rounded down: less evidence than there is, never more."""
LEAST_RATE, GREATEST_RATE = 0.002, 0.98
_RATES = 128
_INDEPENDENT = 1e-10
"""Correlation at which the beta-binomial distribution is the binomial one to all digits that matter."""


class DayBatchRatios:
    """Ratios for a fixed correlation and fixed rises, for every baseline rate of a grid.

    ``correlation``: the greatest intra-class correlation for which the ratios are honest, in (0, 1).
    ``rises``: what is looked for, each added to the baseline rate; a rate that would exceed 0.995 is cut there.
    """

    def __init__(self, correlation: float, rises: npt.ArrayLike) -> None:
        self.correlation = correlation
        self.rates: Floats = _expit(np.linspace(_logit(LEAST_RATE), _logit(GREATEST_RATE), _RATES))
        self.raised: Floats = np.minimum(self.rates[:, None] + np.asarray(rises, np.float64)[None, :], 0.995)
        size = 1 / correlation - 1
        self._hits = _log_rising(self.raised * size) - _log_rising(self.rates * size)[:, None, :]
        self._misses = _log_rising((1 - self.raised) * size) - _log_rising((1 - self.rates) * size)[:, None, :]
        self._norm = self._greatest_expectations()

    def log_ratios(self, hits: Int64s, answers: Int64s, rate: Floats) -> Floats:
        """Logarithms of the ratios, one row per day and one column per rise.

        ``rate`` is the upper baseline of each day, known before the day; it is rounded up to the grid, which makes the ratio smaller. A day
        without answers has ratio 1.
        """
        hits, answers = _scaled_down(hits, answers)
        at = np.minimum(np.searchsorted(self.rates, rate), _RATES - 1)
        found: Floats = self._hits[at, :, hits] + self._misses[at, :, answers - hits] - self._norm[at, :, answers]
        return found

    def _greatest_expectations(self) -> Floats:
        """Logarithms, by rate, rise and number of answers; never below 0."""
        norm = np.zeros((_RATES, self.raised.shape[1], MOST_ANSWERS + 1))
        likelihoods = [
            (_log_rising(self.rates * size), _log_rising((1 - self.rates) * size), _log_rising(np.array([size]))[0])
            for size in 1 / np.array([_INDEPENDENT, *self.correlation * np.array([0.05, 0.1, 0.2, 0.4, 0.7])]) - 1
        ]
        choose = _log_choose()
        for answers in range(1, MOST_ANSWERS + 1):
            hits = np.arange(answers + 1)
            ratios = np.exp(self._hits[:, :, hits] + self._misses[:, :, answers - hits])
            for up, down, both in likelihoods:
                chances = np.exp(choose[answers, hits] + up[:, hits] + down[:, answers - hits] - both[answers])
                np.maximum(norm[:, :, answers], np.log(np.einsum("rk,rjk->rj", chances, ratios)), out=norm[:, :, answers])
        return norm


def _scaled_down(hits: Int64s, answers: Int64s) -> tuple[Int64s, Int64s]:
    many = answers > MOST_ANSWERS
    if not many.any():
        return hits, answers
    return np.where(many, hits * MOST_ANSWERS // np.maximum(answers, 1), hits), np.where(many, MOST_ANSWERS, answers)


def _log_rising(starts: Floats) -> Floats:
    """Logarithms of the rising factorials ``start * (start + 1) * ...`` with 0 to MOST_ANSWERS factors, along a new last axis."""
    factors = np.log(starts[..., None] + np.arange(MOST_ANSWERS))
    return np.concatenate([np.zeros((*starts.shape, 1)), np.cumsum(factors, axis=-1)], axis=-1)


def _log_choose() -> Floats:
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, MOST_ANSWERS + 1)))])
    n, k = np.ogrid[: MOST_ANSWERS + 1, : MOST_ANSWERS + 1]
    return np.where(k <= n, factorials[n] - factorials[k] - factorials[np.maximum(n - k, 0)], -np.inf)


def _logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))


def _expit(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-values))
