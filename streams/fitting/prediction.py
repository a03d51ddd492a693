"""Whether what customers said, or the value that they got, tells who buys again.

Predictors are what was known when a response was given, and each ranks responses by itself, with nothing fitted; buying again is what came after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model_enums import Predictor
from streams.core.batch import Bools, Floats, Int64s
from streams.fitting.drivers import Estimate
from streams.fitting.jackknife import interval
from streams.fitting.ranks import area_under_curve, ranked, without_each


@dataclass(frozen=True, slots=True)
class Predicted:
    """How well a predictor tells those who bought again from those who did not."""

    n: int
    bought: int
    auc: Estimate | None
    gain: Estimate | None
    """What it tells more than the predictor that it is compared with, on the same responses."""


def predict(values: Floats, bought: Bools, groups: Int64s, compared_with: Floats | None = None) -> Predicted:
    """The area under the curve of one predictor, with what it gains over another; entries where either is NaN are left out."""
    known = np.isfinite(values) if compared_with is None else np.isfinite(values) & np.isfinite(compared_with)
    again, group = bought[known], groups[known]
    auc, without = _areas(values[known], again, group)
    gain = None
    if compared_with is not None:
        other, other_without = _areas(compared_with[known], again, group)
        gain = _estimate(auc - other, without - other_without, (-1, 1))
    return Predicted(int(np.count_nonzero(known)), int(np.count_nonzero(again)), _estimate(auc, without, (0, 1)), gain)


def _areas(values: Floats, bought: Bools, groups: Int64s) -> tuple[float, Floats]:
    """The area over all, and without each group."""
    ranks = ranked(values)
    without = [area_under_curve(ranks.among(kept), bought[kept]) for kept in without_each(groups)]
    return area_under_curve(ranks.ranks, bought), np.array(without)


def _estimate(value: float, without: Floats, limits: tuple[float, float]) -> Estimate | None:
    return Estimate(value, *(interval(value, without, *limits) or (None, None))) if np.isfinite(value) else None


def grades(surpassed: Floats, relative_value: Floats, delta: float, epsilon: float) -> Floats:
    """Grades as numbers, A 4, B 3, C 2, D 1, F 0; NaN without expectation.

    ``surpassed`` is the score less what was expected, as a share of the scale; ``relative_value`` the score over the mean of competitors' scores, NaN
    where these are not known. The first that holds counts: A both are good; B one is; F far below the expectation, or below it and competitors are
    better; D below; C as expected.
    """
    # Scores are decimal numbers: what is equal on paper must be equal here.
    nearly = 1e-9
    better, worse = relative_value > 1 + epsilon + nearly, relative_value < 1 - epsilon - nearly
    above, below = surpassed >= delta - nearly, surpassed <= -delta + nearly
    far_below = surpassed <= -2 * delta + nearly
    rules = [np.isnan(surpassed), above & better, above | better, far_below | (below & worse), below]
    return np.select(rules, [np.nan, 4.0, 3.0, 0.0, 1.0], 2.0)


COMPARED_WITH: Mapping[Predictor, Predictor] = {Predictor.VALUE: Predictor.FEELING, Predictor.VALUE_AND_FEELING: Predictor.FEELING}
"""Predictors that stand on the same responses as another, and that other."""
