"""SQL for panels over the views of ClickHouse, with the macros of Grafana's ClickHouse plugin (4.x), and the panels that show it.

Columns have types that the plugin surely knows: DateTime, String, Int64, UInt64 and Float64, and Nullable of these. NULL stays NULL, so it is a gap.
"""

from collections.abc import Sequence

from streams.metrics.dashboards.colours import BLUE, GREY, ORANGE
from streams.metrics.dashboards.model import Kind, Look, Panel, Query, Source, Threshold, Unit
from streams.metrics.dashboards.runbooks import runbooks

WINDOW = "toDate32(day - positiveModulo(toInt32(day) - 4, 28))"
"""First day of the 28-day window of a day, as in the views."""
_CHOSEN = {"unit": "unit_id", "survey": "survey_id", "programme": "programme"}
_SCORE = """\
    (promoters, detractors, n) -> 100 * (promoters - detractors) / nullIf(n, 0) AS score,
    -- Adjusted Wald, as in the views: three more responses, three quarters of them promoters and three quarters detractors.
    (promoters, detractors, n) -> (promoters - detractors) / (n + 3) AS centre,
    (promoters, detractors, n) ->
        1.959964 * sqrt(((promoters + detractors + 1.5) / (n + 3) - pow((promoters - detractors) / (n + 3), 2)) / (n + 3)) AS margin"""
RAW = ("sum(cell.promoters)", "sum(cell.detractors)", "sum(cell.n)")
CLEANED = ("sum(cell.promoters - cell.flagged_promoters)", "sum(cell.detractors - cell.flagged_detractors)", "sum(cell.n - cell.flagged)")
"""Sums of promoters, detractors and responses: of all that count, and without those that carry a standing flag."""
_SCORED = """\
score(promoters, detractors, n) AS nps,
    if(n > 0, greatest(-100., 100 * (centre(promoters, detractors, n) - margin(promoters, detractors, n))), NULL) AS low,
    if(n > 0, least(100., 100 * (centre(promoters, detractors, n) + margin(promoters, detractors, n))), NULL) AS high"""
"""A score in points and its 95 % interval, from columns of those names."""


def chosen(variable: str) -> str:
    """A condition: the column of the variable has a value that the reader has chosen."""
    return f"$__conditionalAll({_CHOSEN[variable]} IN (${{{variable}:singlequote}}), ${variable})"


def score_series(sums: tuple[str, str, str]) -> str:
    """A score, its interval and its number of responses per 28-day window of the chosen units; a window without responses is a gap."""
    promoters, detractors, n = sums
    return f"""\
WITH
{_SCORE}
SELECT toDateTime(first_day, 'UTC') AS time,
    {_SCORED},
    n
FROM (
    SELECT {WINDOW} AS first_day, {promoters} AS promoters, {detractors} AS detractors, {n} AS n
    FROM loyalty_sums AS cell
    WHERE metric = 'nps' AND {chosen("unit")}
    GROUP BY first_day
)
WHERE $__dateFilter(first_day)
ORDER BY time WITH FILL STEP INTERVAL 28 DAY"""


def newest_scores(sums: tuple[str, str, str]) -> str:
    """A score of the chosen units in the newest 28-day window: responses, score, interval, and the score if every flagged response were a detractor.

    Made from sums, since the views of scores also tell who was heard, which takes several times as long.
    """
    promoters, detractors, n = sums
    return f"""\
WITH
{_SCORE}
SELECT n,
    {_SCORED},
    at_worst
FROM (
    SELECT {WINDOW} AS first_day, {promoters} AS promoters, {detractors} AS detractors, {n} AS n,
        100 * sum(cell.promoters - cell.flagged_promoters - cell.detractors + cell.flagged_detractors - cell.flagged)
            / nullIf(sum(cell.n), 0) AS at_worst
    FROM loyalty_sums AS cell
    WHERE metric = 'nps' AND {chosen("unit")}
    GROUP BY first_day
    ORDER BY first_day DESC
    LIMIT 1
)"""


def by_survey() -> str:
    """Scores of surveys, from counted responses of the time that is shown."""
    return f"""\
WITH
{_SCORE}
SELECT survey, n,
    {_SCORED}
FROM (
    SELECT survey_id AS survey, toInt64(count()) AS n, toInt64(countIf(class = 'promoter')) AS promoters,
        toInt64(countIf(class = 'detractor')) AS detractors
    FROM responses
    WHERE metric = 'nps' AND NOT withdrawn AND NOT synthetic AND {chosen("survey")} AND {chosen("unit")} AND $__dateFilter(day)
    GROUP BY survey_id
)
ORDER BY n DESC, survey
LIMIT 200"""


def drawn(
    title: str,
    description: str,
    unit: Unit,
    sql: str,
    *,
    kind: Kind = Kind.SERIES,
    width: int = 12,
    height: int = 8,
    looks: Sequence[Look] = (),
    thresholds: Sequence[Threshold] = (),
    stacked: bool = False,
    low: float | None = None,
    high: float | None = None,
    of_alerts: Sequence[str] = (),
) -> Panel:
    """A panel over time (or bars) of what SQL gives."""
    pages = runbooks(of_alerts)
    return Panel(title, description, Source.CLICKHOUSE, kind, unit, (Query(sql),), width, height, thresholds, looks, pages, stacked, low, high)


def table(
    title: str, description: str, sql: str, *, width: int = 24, height: int = 9, looks: Sequence[Look] = (), of_alerts: Sequence[str] = ()
) -> Panel:
    """A table of what SQL gives."""
    pages = runbooks(of_alerts)
    return Panel(title, description, Source.CLICKHOUSE, Kind.TABLE, Unit.TEXT, (Query(sql),), width, height, (), looks, pages)


def numbers(title: str, description: str, unit: Unit, sql: str, *, width: int = 12, height: int = 4, looks: Sequence[Look] = ()) -> Panel:
    """The columns of one row, as large numbers side by side."""
    return Panel(title, description, Source.CLICKHOUSE, Kind.STAT, unit, (Query(sql),), width, height, (), looks)


def interval() -> tuple[Look, ...]:
    """How a score, the ends of its interval and its number of responses look: a line in a band, over bars that have the right axis."""
    return (
        Look("nps", colour=BLUE),
        Look("low", colour=BLUE, hidden_line=True),
        Look("high", colour=BLUE, hidden_line=True, fill_to="low"),
        Look("n", unit=Unit.NUMBER, colour=GREY, bars=True, right=True),
    )


def columns(unit: Unit, *names: str) -> tuple[Look, ...]:
    """The unit of several columns."""
    return tuple(Look(name, unit=unit) for name in names)


def pair(first: str, second: str, *, unit: Unit | None = None) -> tuple[Look, ...]:
    """Two series that are told apart by lightness and by their strokes too."""
    return (Look(first, unit=unit, colour=BLUE), Look(second, unit=unit, colour=ORANGE, dashed=True))
