"""Numbers with their uncertainty: scores from sums, shares, and differences of two estimates.

Formulas are those of the views (adjusted Wald for NPS, Wilson for shares, Student's t for means), so that a number computed here from sums
over any scope and period equals what a view says of the same answers. Intervals are of 95 %.
"""

from dataclasses import dataclass
from math import sqrt

from scipy.special import stdtrit

from schemas.enums import Metric
from schemas.events import SCALES
from streams.core.scores import Z, score

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 95 % interval and on how many it rests.

    ``low <= value <= high`` does not hold for NPS of few, whose interval is centred elsewhere.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def scaled_to_percent(self) -> "Estimate":
        """A share, 0 to 1, in per cent."""
        return Estimate(100 * self.value, 100 * self.low, 100 * self.high, self.n)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of responses of one metric, as ``loyalty_daily`` has them; they may be added up over any grouping.

    Their score is the NPS in points; of other metrics the share, in per cent, of the responses in the two best steps of the scale.
    """

    metric: Metric
    n: int = 0
    promoters: int = 0
    detractors: int = 0
    top_two_box: int = 0
    flagged: int = 0
    flagged_promoters: int = 0
    flagged_detractors: int = 0
    flagged_top_two_box: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        if self.metric != other.metric:
            raise ValueError(f"responses of {self.metric} and {other.metric} have no score in common")
        return Sums(
            self.metric,
            self.n + other.n,
            self.promoters + other.promoters,
            self.detractors + other.detractors,
            self.top_two_box + other.top_two_box,
            self.flagged + other.flagged,
            self.flagged_promoters + other.flagged_promoters,
            self.flagged_detractors + other.flagged_detractors,
            self.flagged_top_two_box + other.flagged_top_two_box,
        )

    @property
    def raw(self) -> Estimate | None:
        """The score of all counted responses; None without responses."""
        if self.metric is Metric.NPS:
            return net_promoter_score(self.promoters, self.detractors, self.n)
        return percentage(self.top_two_box, self.n)

    @property
    def excluded(self) -> Estimate | None:
        """The score without the flagged responses; None where nothing is left."""
        left = self.n - self.flagged
        if self.metric is Metric.NPS:
            return net_promoter_score(self.promoters - self.flagged_promoters, self.detractors - self.flagged_detractors, left)
        return percentage(self.top_two_box - self.flagged_top_two_box, left)

    @property
    def bound_mid(self) -> float | None:
        """The score if flagged promoters were passives; of other metrics ``bound_low``, since there is nothing between."""
        if self.metric is not Metric.NPS:
            return self.bound_low
        return 100 * (self.promoters - self.flagged_promoters - self.detractors) / self.n if self.n else None

    @property
    def bound_low(self) -> float | None:
        """The score if every flagged response were a detractor; of other metrics, if none of them were in the two best steps."""
        if not self.n:
            return None
        if self.metric is not Metric.NPS:
            return 100 * (self.top_two_box - self.flagged_top_two_box) / self.n
        return 100 * (self.promoters - self.flagged_promoters - self.detractors + self.flagged_detractors - self.flagged) / self.n


def net_promoter_score(promoters: int, detractors: int, n: int) -> Estimate | None:
    """The score in points with its adjusted-Wald interval, cut to -100..100; None without responses (reading R16 of the contract)."""
    found = score(n, promoters, detractors)
    return None if found is None else Estimate(found.nps, found.low, found.high, n)


def share(successes: int, n: int) -> Estimate | None:
    """A share, 0 to 1, with Wilson's interval; None of nothing."""
    if n <= 0:
        return None
    p = successes / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    margin = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    # Rounding must not put the ends of the scale outside their own interval.
    return Estimate(p, min(p, max(0.0, centre - margin)), max(p, min(1.0, centre + margin)), n)


def percentage(successes: int, n: int) -> Estimate | None:
    """A share in per cent, with Wilson's interval; None of nothing."""
    found = share(successes, n)
    return None if found is None else found.scaled_to_percent


def mean(metric: Metric, score_sum: float, score_sum_squares: float, n: int) -> Estimate | None:
    """The mean score with the interval of Student's t, cut to the scale, as the views have it of ces.

    None of one score, and of equal scores, whose interval would be too short.
    """
    if n < 2:
        return None
    middle = score_sum / n
    variance = (score_sum_squares - n * middle**2) / (n - 1)
    # Sums are of nine decimals, so what is left of equal scores is rounding.
    if variance < 1e-6:
        return None
    margin = float(stdtrit(n - 1, (1 + _CONFIDENCE) / 2)) * sqrt(variance / n)
    lowest, highest = SCALES[metric]
    return Estimate(middle, max(lowest, middle - margin), min(highest, middle + margin), n)


def difference(after: Estimate, before: Estimate) -> Estimate:
    """``after`` less ``before``, of two independent samples, with an interval made from those of both.

    The method is MOVER (Zou and Donner 2008; for shares with Wilson's intervals it is Newcombe's method 10), which keeps the asymmetry of both.
    ``n`` is that of the smaller.
    """
    gap = after.value - before.value
    # The interval of NPS of very few can lie beside the value; then there is nothing to add on that side.
    below = sqrt(max(0.0, after.value - after.low) ** 2 + max(0.0, before.high - before.value) ** 2)
    above = sqrt(max(0.0, after.high - after.value) ** 2 + max(0.0, before.value - before.low) ** 2)
    return Estimate(gap, gap - below, gap + above, min(after.n, before.n))


def representativeness(strata: list[tuple[int, int]]) -> float | None:
    """The R-indicator, 1 - 2 S, of strata given as (chances, answered); S is the standard deviation of the share that answered over all chances.

    None without chances. Schouten, Cobben and Bethlehem 2009; as the view ``representation`` computes it.
    """
    chances = sum(eligible for eligible, _ in strata)
    if chances == 0:
        return None
    mean = sum(answered for _, answered in strata) / chances
    variance = sum(eligible * (answered / eligible - mean) ** 2 for eligible, answered in strata if eligible) / chances
    return 1 - 2 * sqrt(variance)
