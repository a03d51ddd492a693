"""From groups of responses, read at once, to the scores of the report."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from schemas.enums import Metric, UnitState
from streams.reporting.numbers import Sums
from streams.reporting.rows import JudgedUnit, LoyaltyBucket, MetricTotal, ScoreGroup, UnitScore


def totals(groups: Iterable[ScoreGroup]) -> list[MetricTotal]:
    """The responses of the period by metric, those with most first."""
    found: dict[Metric, list[ScoreGroup]] = defaultdict(list)
    for one in groups:
        if not one.by_unit and not one.is_before:
            found[Metric(one.metric)].append(one)
    summed = [
        MetricTotal(
            metric=metric,
            n=sum(one.n for one in mine),
            flagged=sum(one.flagged for one in mine),
            score_sum=sum(one.score_sum for one in mine),
            score_sum_squares=sum(one.score_sum_squares for one in mine),
            top_box=sum(one.top_box for one in mine),
            top_two_box=sum(one.top_two_box for one in mine),
        )
        for metric, mine in found.items()
    ]
    return sorted(summed, key=lambda one: (-one.n, one.metric))


def metric_of(groups: Iterable[ScoreGroup]) -> Metric:
    """The metric with most responses in the period; of equally many the first of the enumeration, which is nps.

    Where the period has none, that with most before.
    """
    n: Counter[tuple[Metric, bool]] = Counter()
    for one in groups:
        if not one.by_unit:
            n[Metric(one.metric), one.is_before] += one.n
    return max(Metric, key=lambda metric: (n[metric, False], n[metric, True]))


def buckets(groups: Iterable[ScoreGroup], metric: Metric) -> list[LoyaltyBucket]:
    """The responses of the period by week or month, in order."""
    found = [LoyaltyBucket(one.bucket, one.sums) for one in groups if not one.by_unit and not one.is_before and one.metric == metric]
    return sorted(found, key=lambda one: one.start)


def before(groups: Iterable[ScoreGroup], metric: Metric) -> Sums:
    """The responses of as many days before the period."""
    return sum((one.sums for one in groups if not one.by_unit and one.is_before and one.metric == metric), Sums(metric))


def units(groups: Iterable[ScoreGroup], judged: Sequence[JudgedUnit], metric: Metric) -> list[UnitScore]:
    """Units with responses in the period, and those whose state is not clear, by name."""
    sums = {one.unit: one.sums for one in groups if one.by_unit and one.unit and not one.is_before and one.metric == metric}
    states = {one.unit_id: one for one in judged}
    stand_out = {name for name, one in states.items() if one.state != UnitState.CLEAR}
    return [UnitScore(name, sums.get(name, Sums(metric)), states.get(name)) for name in sorted(sums.keys() | stand_out)]
