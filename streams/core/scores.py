"""A net promoter score with its interval, from sums over any grouping."""

from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""Of 95 % of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Score:
    """A net promoter score with its 95 % interval, in points."""

    nps: float
    low: float
    high: float


def score(n: int, promoters: int, detractors: int) -> Score | None:
    """The score and its adjusted Wald interval, as in the views: three more answers, of which three quarters are promoters and as many detractors.

    None where there is no answer.
    """
    if n <= 0:
        return None
    centre = (promoters - detractors) / (n + 3)
    margin = Z * sqrt(((promoters + detractors + 1.5) / (n + 3) - centre**2) / (n + 3))
    return Score(100 * (promoters - detractors) / n, max(-100.0, 100 * (centre - margin)), min(100.0, 100 * (centre + margin)))
