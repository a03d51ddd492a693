"""How the score of each metric is told: NPS in points, of other metrics the share of answers in the two best steps of the scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from schemas.enums import Metric
from schemas.events import SCALES, TOP_TWO
from streams.reporting import sentences
from streams.reporting.numbers import Estimate, Sums
from streams.reporting.rows import Numbers
from streams.reporting.sections.model import Column, cell, ends, integer, value_of

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Told:
    """The words for a score."""

    score: str
    heading: str
    """The same as a heading."""
    axis: str
    article: str
    unit: str
    """After a value."""
    unit_of_difference: str
    in_headings: str
    """The unit where there is no value before it."""
    worst: str
    """What answers are taken for in the lower bound."""
    definition: str
    definition_excluded: str
    not_top_scores: str
    """How top scores, which the funnel plot compares, differ from what the score counts; the end of a sentence."""
    bounds: tuple[Column, ...]
    """Bounds of the score, the lowest last."""

    def named(self, what: str) -> str:
        """A phrase that begins a sentence, with the score, and its article where it has one, for ``{}``."""
        told = what.format(self.article + self.score)
        return told[0].upper() + told[1:]

    def level(self, what: str, estimate: Estimate) -> str:
        """What ``what`` is, a score."""
        return sentences.level(what, estimate, self.unit)

    def change(self, what: str, before: Estimate, after: Estimate) -> str:
        """How the score moved."""
        return sentences.change(self.named(what), before, after, self.unit, self.unit_of_difference)

    def cleaning(self, sums: Sums) -> list[str]:
        """What the score is worth without the flagged answers, and at worst; nothing without answers."""
        if sums.bound_mid is None or sums.bound_low is None:
            return []
        low = f"{sentences.number(sums.bound_low)}{self.unit}"
        worst = (
            f"If flagged promoters were passives it would be {sentences.number(sums.bound_mid)}, if every flagged answer were a detractor {low}"
            if sums.metric is Metric.NPS
            else f"If no flagged answer were in the two best steps it would be {low}"
        )
        return [sentences.cleaning(sums.n, sums.flagged, sums.excluded, worst, self.unit)]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of a score with its n, interval and bounds."""
        return (
            Column("n", "loyalty_daily.n"),
            Column(self.score + self.in_headings, self.definition),
            Column("interval", "interval"),
            Column("flagged", "loyalty_daily.flagged"),
            Column("without flagged", self.definition_excluded),
            Column("its interval", "interval"),
            *self.bounds,
        )

    def row(self, sums: Sums) -> list[str]:
        """The cells of these columns."""
        bounds = [sums.bound_mid, sums.bound_low][-len(self.bounds) :]
        return [
            integer(sums.n),
            value_of(sums.raw),
            ends(sums.raw),
            integer(sums.flagged),
            value_of(sums.excluded),
            ends(sums.excluded),
            *(cell(bound) for bound in bounds),
        ]

    @property
    def brief_columns(self) -> tuple[Column, ...]:
        """The same without the interval of the cleaned score, and with the lowest bound alone."""
        return _brief(self.columns)

    def brief_row(self, sums: Sums) -> list[str]:
        """The cells of these columns."""
        return list(_brief(self.row(sums)))


def _brief(found: Sequence[_T]) -> tuple[_T, ...]:
    return (*found[:5], found[-1])


THE_VIEWS_CES = "This mean is what the views call ces; the top-two share of ces is top_two_box / n there."

_NPS = Told(
    score="NPS",
    heading="NPS",
    axis="NPS, points",
    article="",
    unit="",
    unit_of_difference=" points",
    in_headings="",
    worst="every flagged one a detractor",
    definition="loyalty_daily.nps",
    definition_excluded="loyalty_daily.nps_excluded",
    not_top_scores="; promoters are those and the next best",
    bounds=(Column("bound, mid", "loyalty_daily.nps_bound_mid"), Column("bound, low", "loyalty_daily.nps_bound_low")),
)
_SHARE = Told(
    score="top-two share",
    heading="Top-two share",
    axis="top-two share, %",
    article="the ",
    unit=" %",
    unit_of_difference=" percentage points",
    in_headings=", %",
    worst="no flagged one in the two best steps",
    definition="top_two_share",
    definition_excluded="top_two_share_excluded",
    not_top_scores="; the top-two share counts the next best, too",
    bounds=(Column("bound, low", "top_two_share_bound"),),
)


def told_of(metric: Metric) -> Told:
    """The words for the score of a metric."""
    return _NPS if metric is Metric.NPS else _SHARE


def scores_are_of(numbers: Numbers) -> str:
    """Which metric the scores are of, what the score is, and why that one; empty where there are none."""
    n, of_all = sum(one.n for one in numbers.metrics if one.metric == numbers.metric), sum(one.n for one in numbers.metrics)
    if not of_all:
        return ""
    why = "as was asked for" if numbers.scope.metric is not None else "the metric with most counted answers in this period and scope"
    least, most = TOP_TWO[numbers.metric], SCALES[numbers.metric][1]
    share = f"the top-two share, that is the share of answers of at least {least:.0f} of {most:.0f}, in per cent"
    meaning = "the net promoter score, in points" if numbers.metric is Metric.NPS else share
    besides = " The column ces of the views is another number, the mean, which is told beside it." if numbers.metric is Metric.CES else ""
    return f"Scores are of {numbers.metric}, {why} ({sentences.count(n)} of {sentences.count(of_all)}): {meaning}.{besides}"
