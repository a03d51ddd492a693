"""Loyalty per cell: counted responses only, summed exactly, then scored (contracts 7; R12 to R17, R32, R37, R40, R41)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from statistics import mean, variance

from scipy.stats import t

from tests.oracle import scores
from tests.oracle.facts import Flags, flags_of, local_day, mapped_score, newest_revisions
from tests.oracle.records import Approximate, Catalog, Horizons, Row, Rows
from tests.oracle.validate import Event

FIRST_MONDAY = date(1970, 1, 5)


@dataclass(frozen=True, slots=True)
class Counted:
    """A response that counts."""

    day: date
    unit_id: str
    channel: str
    metric: str
    score: Fraction
    revenue: Decimal
    flagged: bool = False


def counted_responses(events: Iterable[Event], catalog: Catalog, flags: Flags) -> list[Counted]:
    """Every response that is neither withdrawn nor synthetic, as its highest revision says, with the revenue that it brings (R17)."""
    events = list(events)
    purchases: dict[tuple[object, ...], tuple[Decimal, datetime]] = {}
    for event in events:
        if event.event_type == "transaction.completed" and not event.synthetic:
            amount = event.fields["amount_base"]
            assert isinstance(amount, Decimal)
            purchases[event.account_id, event.fields["transaction_id"]] = amount, event.occurred_at
    return [
        Counted(
            local_day(response.event.occurred_at, catalog),
            str(response.event.fields["unit_id"]),
            str(response.event.fields["channel"]),
            str(response.event.fields["metric"]),
            mapped_score(response.event),
            _revenue(purchases.get((response.event.account_id, response.event.fields["transaction_id"])), response.named_at),
            bool(flags_of(response.event, flags)),
        )
        for response in newest_revisions(events).values()
        if response.counted
    ]


def _revenue(purchase: tuple[Decimal, datetime] | None, named_at: datetime) -> Decimal:
    """The amount of a purchase that is named within the horizon of joins."""
    if purchase is None or named_at - purchase[1] > Horizons().join or purchase[1] - named_at > Horizons().revision:
        return Decimal(0)
    return purchase[0]


def window(day: date) -> date:
    """The first day, a Monday, of the 28-day window that a local day is in (R40)."""
    return day - timedelta(days=(day - FIRST_MONDAY).days % 28)


def daily(counted: Iterable[Counted]) -> Rows:
    """By day, unit, channel and metric."""
    return _grouped(counted, lambda one: (one.day, one.unit_id, one.channel, one.metric))


def by_unit(counted: Iterable[Counted]) -> Rows:
    """By unit, metric and window; window None is all days."""
    return _all_and_windows(counted, lambda one: (one.unit_id, one.metric))


def by_channel(counted: Iterable[Counted]) -> Rows:
    """By channel, metric and window; window None is all days."""
    return _all_and_windows(counted, lambda one: (one.channel, one.metric))


def total(counted: Iterable[Counted]) -> Rows:
    """By metric and window; window None is all days."""
    return _all_and_windows(counted, lambda one: (one.metric,))


def _all_and_windows(counted: Iterable[Counted], key: Callable[[Counted], tuple[object, ...]]) -> Rows:
    counted = list(counted)
    return _grouped(counted, lambda one: (*key(one), None)) | _grouped(counted, lambda one: (*key(one), window(one.day)))


def _grouped(counted: Iterable[Counted], key: Callable[[Counted], tuple[object, ...]]) -> Rows:
    groups: dict[tuple[object, ...], list[Counted]] = defaultdict(list)
    for one in counted:
        groups[key(one)].append(one)
    return {name: _row(group) for name, group in groups.items()}


def _row(group: list[Counted]) -> Row:
    classes = [scores.response_class(one.metric, one.score) for one in group]
    n, promoters, detractors = len(group), classes.count("promoter"), classes.count("detractor")
    nps, low, high = net_promoter_score(n, promoters, detractors) if group[0].metric == "nps" else (None, None, None)
    flagged = [of_class for one, of_class in zip(group, classes, strict=True) if one.flagged]
    suspect = [one for one in group if one.flagged]
    return {
        "n": n,
        "promoters": promoters,
        "passives": classes.count("passive"),
        "detractors": detractors,
        "top_box": sum(scores.top_box(one.metric, one.score) for one in group),
        "top_two_box": sum(scores.top_two_box(one.metric, one.score) for one in group),
        "score_sum": sum((one.score for one in group), Fraction(0)),
        "score_sum_squares": sum((one.score**2 for one in group), Fraction(0)),
        "flagged": len(flagged),
        "flagged_promoters": flagged.count("promoter"),
        "flagged_passives": flagged.count("passive"),
        "flagged_detractors": flagged.count("detractor"),
        "flagged_top_two_box": sum(scores.top_two_box(one.metric, one.score) for one in suspect),
        "flagged_score_sum": sum((one.score for one in suspect), Fraction(0)),
        "flagged_score_sum_squares": sum((one.score**2 for one in suspect), Fraction(0)),
        "revenue": sum((one.revenue for one in group), Decimal(0)),
        "nps": nps,
        "nps_low": low,
        "nps_high": high,
        **dict(zip(BOUNDS, bounds(classes, flagged) if nps is not None else (None,) * len(BOUNDS), strict=True)),
        **satisfaction(group),
        **effort(group),
    }


def satisfaction(group: list[Counted]) -> Row:
    """The share of csat in the two best steps, in per cent, with Wilson's interval; without the flagged; and as if none of these were satisfied."""
    names = ("csat", "csat_low", "csat_high", "csat_excluded", "csat_excluded_low", "csat_excluded_high", "csat_bound_low")
    if group[0].metric != "csat":
        return dict.fromkeys(names)
    good = [scores.top_two_box(one.metric, one.score) for one in group]
    left = [is_good for is_good, one in zip(good, group, strict=True) if not one.flagged]
    return dict(zip(names, (*share(good), *share(left), 100 * sum(left) / len(group)), strict=True))


def share(good: list[bool]) -> tuple[float | None, ...]:
    """A share in per cent with Wilson's interval."""
    if not good:
        return None, None, None
    low, high = scores.wilson(sum(good) / len(good), len(good))
    return 100 * sum(good) / len(good), Approximate(100 * low), Approximate(100 * high)


def effort(group: list[Counted]) -> Row:
    """The mean of ces with its interval by Student's t; without the flagged; and as if these had the lowest score."""
    names = ("ces", "ces_low", "ces_high", "ces_excluded", "ces_excluded_low", "ces_excluded_high", "ces_bound_low")
    if group[0].metric != "ces":
        return dict.fromkeys(names)
    left = [one.score for one in group if not one.flagged]
    at_worst = [Fraction(1) if one.flagged else one.score for one in group]
    return dict(zip(names, (*_mean([one.score for one in group]), *_mean(left), mean(at_worst)), strict=True))


def _mean(given: list[Fraction]) -> tuple[object, ...]:
    """The mean and its interval, cut to the scale; no interval of one, and where all are equal."""
    if len(set(given)) < 2:
        return (given[0] if given else None), None, None
    margin = float(t.ppf(0.975, len(given) - 1)) * sqrt(variance(given) / len(given))
    return mean(given), Approximate(max(1.0, mean(given) - margin)), Approximate(min(7.0, mean(given) + margin))


BOUNDS = ("nps_excluded", "nps_excluded_low", "nps_excluded_high", "nps_bound_mid", "nps_bound_low")


def bounds(classes: list[str | None], flagged: list[str | None]) -> tuple[float | None, ...]:
    """The score without what is flagged and its interval, with flagged promoters as passives, and with everything flagged as detractors (R41)."""
    left = [*classes]
    for of_class in flagged:
        left.remove(of_class)
    in_the_middle = left + ["passive" if of_class == "promoter" else of_class for of_class in flagged]
    at_worst = left + ["detractor"] * len(flagged)
    excluded = net_promoter_score(len(left), left.count("promoter"), left.count("detractor")) if left else (None, None, None)
    return *excluded, _points(in_the_middle), _points(at_worst)


def _points(classes: list[str | None]) -> float:
    return 100 * (classes.count("promoter") - classes.count("detractor")) / len(classes)


def net_promoter_score(n: int, promoters: int, detractors: int) -> tuple[float, float, float]:
    """The score and its adjusted-Wald interval, in points (R16): 3 responses are added, three quarters to each end."""
    size = n + 3
    up, down = (promoters + 0.75) / size, (detractors + 0.75) / size
    centre, margin = up - down, scores.Z * sqrt((up + down - (up - down) ** 2) / size)
    return 100 * (promoters - detractors) / n, max(-100.0, 100 * (centre - margin)), min(100.0, 100 * (centre + margin))
