"""Scores: mapped to the metric's default scale, exactly, and classed (R13, R14, R15)."""

from decimal import Decimal
from fractions import Fraction
from math import sqrt

from tests.oracle.validate import SCALES

Z = 1.959964
TOP_TWO = {"nps": 9, "csat": 4, "ces": 6, "rating": 4}
"""Least mapped score of the top two boxes."""


def exact(value: object) -> Fraction:
    """A JSON number as it was written: by its shortest decimal form, so 0.7 is seven tenths."""
    return Fraction(Decimal(repr(value)))


def mapped(metric: str, score: object, scale_min: object, scale_max: object) -> Fraction:
    """The score on the metric's default scale (R13)."""
    lowest, highest = SCALES[metric]
    share = (exact(score) - exact(scale_min)) / (exact(scale_max) - exact(scale_min))
    return exact(lowest) + share * (exact(highest) - exact(lowest))


def response_class(metric: str, score: Fraction) -> str | None:
    """Promoter, passive or detractor; None for other metrics than nps (R14)."""
    if metric != "nps":
        return None
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def top_box(metric: str, score: Fraction) -> bool:
    """The score is the top of its scale (R15)."""
    return score == exact(SCALES[metric][1])


def top_two_box(metric: str, score: Fraction) -> bool:
    """csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10 (R15)."""
    return score >= TOP_TWO[metric]


def wilson(share: float, n: int) -> tuple[float, float]:
    """The shares of which this one is z standard errors away: the roots of a quadratic (Wilson 1927)."""
    a, b, c = 1 + Z**2 / n, -(2 * share + Z**2 / n), share**2
    root = sqrt(max(b**2 - 4 * a * c, 0.0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
