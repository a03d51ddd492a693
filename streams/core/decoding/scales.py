"""Scores on their scales, mapped to the default scale of their metric."""

from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from schemas.enums import Metric
from schemas.events import SCALES, TOP_TWO
from streams.core.batch import Bools, Floats

_LOWEST = np.array([SCALES[metric][0] for metric in Metric])
_HIGHEST = np.array([SCALES[metric][1] for metric in Metric])
_TOP_TWO = np.array([TOP_TWO[metric] for metric in Metric])
_NPS = list(Metric).index(Metric.NPS)
_EXACT_PRODUCTS = float(2**40)
"""Whole numbers up to this give products that a double holds exactly."""


def scale_of(metric: str, scale_min: float | None, scale_max: float | None) -> tuple[float, float]:
    """The scale of a response: what it says, else the default of its metric."""
    lowest, highest = SCALES[metric]
    return (lowest if scale_min is None else scale_min), (highest if scale_max is None else scale_max)


def scales(metric: npt.NDArray[np.int8], scale_min: Floats, scale_max: Floats) -> tuple[Floats, Floats]:
    """The scale of each response; NaN where none is given, metric -1 leaves NaN."""
    known = metric >= 0
    return (
        np.where(np.isnan(scale_min) & known, _LOWEST[metric], scale_min),
        np.where(np.isnan(scale_max) & known, _HIGHEST[metric], scale_max),
    )


def mapped_scores(metric: npt.NDArray[np.int8], score: Floats, lowest: Floats, highest: Floats) -> Floats:
    """Scores mapped linearly to the metric's default scale: the double nearest to the exact value; NaN stays."""
    to_lowest, to_highest = _LOWEST[metric], _HIGHEST[metric]
    mapped = score.copy()
    rows = np.flatnonzero(((lowest != to_lowest) | (highest != to_highest)) & ~np.isnan(score))
    if len(rows):
        parts = (score[rows], lowest[rows], highest[rows], to_lowest[rows], to_highest[rows])
        mapped[rows] = _whole(*parts)
        inexact = np.flatnonzero(~np.logical_and.reduce([(part == np.floor(part)) & (np.abs(part) <= _EXACT_PRODUCTS) for part in parts]))
        for row in inexact:
            mapped[rows[row]] = _exact(*(float(part[row]) for part in parts))
    return mapped


def _whole(score: Floats, lowest: Floats, highest: Floats, to_lowest: Floats, to_highest: Floats) -> Floats:
    # Of whole numbers everything but the one division is exact, so its rounding is the only one.
    with np.errstate(all="ignore"):  # rows that are not whole are replaced by the caller
        width = highest - lowest
        mapped: Floats = (to_lowest * width + (score - lowest) * (to_highest - to_lowest)) / width
        return mapped


@lru_cache(maxsize=65_536)
def _exact(score: float, lowest: float, highest: float, to_lowest: float, to_highest: float) -> float:
    # By shortest decimal form, as people read numbers: 0.7 on 0..1 is 7 of 10, not a little less.
    score_, lowest_, highest_ = (Fraction(repr(number)) for number in (score, lowest, highest))
    return float(Fraction(to_lowest) + (score_ - lowest_) * Fraction(to_highest - to_lowest) / (highest_ - lowest_))


def classes(metric: npt.NDArray[np.int8], mapped: Floats) -> npt.NDArray[np.int8]:
    """Index of each response's class in ``ResponseClass``: promoter, passive, detractor; -1 where the metric is not nps."""
    with np.errstate(invalid="ignore"):
        found = np.where(mapped >= 9, 0, np.where(mapped >= 7, 1, 2))
    return np.where(metric == _NPS, found, -1).astype(np.int8)


def top_boxes(metric: npt.NDArray[np.int8], mapped: Floats) -> tuple[Bools, Bools]:
    """Whether each mapped score is the top of its scale, and whether it is among the top two boxes; False where there is no score."""
    with np.errstate(invalid="ignore"):
        return mapped == _HIGHEST[metric], mapped >= _TOP_TWO[metric]
