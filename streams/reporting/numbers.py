"""Numbers with their uncertainty: scores from sums, shares, and differences of two estimates.

Formulas are those of the views (adjusted Wald for NPS, Wilson for shares), so that a number computed here from sums over any scope and
period equals what a view says of the same answers. Intervals are of 95 %.
"""

from dataclasses import dataclass
from math import sqrt

from streams.core.scores import Z, score


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
    """Sums of nps responses, as ``loyalty_daily`` has them; they may be added up over any grouping."""

    n: int = 0
    promoters: int = 0
    detractors: int = 0
    flagged: int = 0
    flagged_promoters: int = 0
    flagged_detractors: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.n + other.n,
            self.promoters + other.promoters,
            self.detractors + other.detractors,
            self.flagged + other.flagged,
            self.flagged_promoters + other.flagged_promoters,
            self.flagged_detractors + other.flagged_detractors,
        )

    @property
    def raw(self) -> Estimate | None:
        """The score of all counted responses, in points; None without responses."""
        return net_promoter_score(self.promoters, self.detractors, self.n)

    @property
    def excluded(self) -> Estimate | None:
        """The score without the flagged responses; None where nothing is left."""
        return net_promoter_score(self.promoters - self.flagged_promoters, self.detractors - self.flagged_detractors, self.n - self.flagged)

    @property
    def bound_mid(self) -> float | None:
        """The score if flagged promoters were passives."""
        return 100 * (self.promoters - self.flagged_promoters - self.detractors) / self.n if self.n else None

    @property
    def bound_low(self) -> float | None:
        """The score if every flagged response were a detractor."""
        if not self.n:
            return None
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
