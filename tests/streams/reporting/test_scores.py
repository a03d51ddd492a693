"""Which metric the scores of a report are of."""

from datetime import date

from schemas.enums import Metric
from streams.reporting.rows import ScoreGroup
from streams.reporting.scores import metric_of


def group(metric: Metric, n: int, *, is_before: bool = False, by_unit: bool = False) -> ScoreGroup:
    sums = ("promoters", "detractors", "top_box", "top_two_box", "flagged", "flagged_promoters", "flagged_detractors", "flagged_top_two_box")
    return ScoreGroup(
        metric=metric,
        is_before=is_before,
        by_unit=by_unit,
        bucket=date(2026, 1, 5),
        unit="",
        n=n,
        score_sum=0.0,
        score_sum_squares=0.0,
        **dict.fromkeys(sums, 0),
    )


def test_scores_are_of_the_metric_with_most_answers_in_the_period_and_of_nps_where_as_many_are() -> None:
    assert metric_of([]) is Metric.NPS
    assert metric_of([group(Metric.CSAT, 3), group(Metric.NPS, 2), group(Metric.CSAT, 2), group(Metric.NPS, 3)]) is Metric.NPS
    assert metric_of([group(Metric.CSAT, 3), group(Metric.NPS, 2), group(Metric.NPS, 9, is_before=True)]) is Metric.CSAT
    assert metric_of([group(Metric.CES, 3, is_before=True), group(Metric.NPS, 2, is_before=True)]) is Metric.CES
    assert metric_of([group(Metric.NPS, 3), group(Metric.CSAT, 2), group(Metric.CSAT, 2, by_unit=True)]) is Metric.NPS
