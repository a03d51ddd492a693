"""The dashboard of scores: what customers say, how sure that is, which units look gamed, and whether somebody follows up. No score without its n."""

from collections.abc import Iterator

from streams.metrics.dashboards.colours import BLUE, GREEN, GREY, VERMILLION
from streams.metrics.dashboards.model import Dashboard, Look, Panel, Row, Source, Unit, Variable
from streams.metrics.dashboards.sql import (
    CLEANED,
    RAW,
    by_survey,
    chosen,
    columns,
    drawn,
    interval,
    newest_scores,
    numbers,
    pair,
    score_series,
    table,
)

_POINTS = ("nps", "low", "high", "nps_excluded", "excluded_low", "excluded_high", "nps_bound_low")


def _company() -> Iterator[Panel]:
    yield numbers(
        "Newest 28 days, chosen units",
        "The newest window of 28 days: number of responses, net promoter score, the interval that holds the true score 95 times in 100, and "
        "the score if every flagged response were a detractor.",
        Unit.POINTS, newest_scores(RAW), looks=columns(Unit.NUMBER, "n"),
    )  # fmt: skip
    yield numbers(
        "The same without the flagged responses",
        "Responses of the same window that carry no standing flag, their score and its interval; and again the score at worst.", Unit.POINTS,
        newest_scores(CLEANED), looks=columns(Unit.NUMBER, "n"),
    )  # fmt: skip
    yield drawn(
        "NPS as given, chosen units",
        "Net promoter score of each 28-day window, in a band that holds the true score 95 times in 100, over its number of responses (right axis). "
        "Windows without responses are gaps. Bands that overlap much say: no change.",
        Unit.POINTS, score_series(RAW), looks=interval(), low=-100, high=100, of_alerts=("CandorScoreDown", "CandorResponseRateCollapsed"),
    )  # fmt: skip
    yield drawn(
        "NPS without the flagged responses, chosen units",
        "The same without responses that carry a standing flag. Where it lies clearly below the score as given, scores were helped.",
        Unit.POINTS, score_series(CLEANED), looks=interval(), low=-100, high=100,
    )  # fmt: skip
    yield drawn(
        "Who was heard",
        "Share of the invitations that were answered, share of the chances to ask that were used, and how alike groups of customers answer (1: all "
        "alike), per 28-day window, all units; with the number of counted responses of metric nps.",
        Unit.SHARE,
        """\
SELECT toDateTime(assumeNotNull(window_start), 'UTC') AS time, response_rate, coverage, r_indicator, n
FROM loyalty_total
WHERE metric = 'nps' AND period = '28 days' AND $__dateFilter(window_start)
ORDER BY time WITH FILL STEP INTERVAL 28 DAY""",
        looks=(
            *pair("response_rate", "coverage"), Look("r_indicator", colour=GREEN), Look("n", unit=Unit.NUMBER, colour=GREY, bars=True, right=True),
        ), low=0,
    )  # fmt: skip
    yield table(
        "By survey",
        "Counted nps responses of the chosen surveys and units in the time that is shown, with score and 95 % interval.", by_survey(), width=12,
        height=8,
        looks=columns(Unit.POINTS, "nps", "low", "high"),
    )  # fmt: skip


def _units() -> Iterator[Panel]:
    yield table(
        "By unit, over all days",
        "Chosen units, most responses first: score and 95 % interval, without flagged responses, and at worst. Units whose intervals overlap much "
        "are "
        "not to be ranked.",
        f"""\
SELECT
    unit_id AS unit, n, nps, nps_low AS low, nps_high AS high, flagged, nps_excluded, nps_excluded_low AS excluded_low,
    nps_excluded_high AS excluded_high, nps_bound_low, validity_rate, response_rate
FROM loyalty_by_unit
WHERE metric = 'nps' AND period = 'all' AND {chosen("unit")}
ORDER BY n DESC, unit
LIMIT 500""",
        looks=(*columns(Unit.POINTS, *_POINTS), *columns(Unit.NUMBER, "n", "flagged"), *columns(Unit.SHARE, "validity_rate", "response_rate")),
    )  # fmt: skip
    yield table(
        "By channel, over all days",
        "Scores by where customers were met, all units and all metrics: means are on the metric's own scale, NPS is of metric nps alone.",
        """\
SELECT CAST(channel AS String) AS channel, CAST(metric AS String) AS metric, n, score_sum / n AS mean, nps, nps_low AS low, nps_high AS high,
response_rate
FROM loyalty_by_channel
WHERE period = 'all'
ORDER BY metric, n DESC
LIMIT 200""",
        looks=(*columns(Unit.POINTS, "nps", "low", "high"), *columns(Unit.NUMBER, "n", "mean"), *columns(Unit.SHARE, "response_rate")), height=8,
    )  # fmt: skip


def _suspects() -> Iterator[Panel]:
    yield table(
        "Units and what is to be thought of their answers",
        "clear; investigate: one kind of evidence, which honest change may explain; suspect: two kinds, or somebody confirmed it. With the scores as "
        "given, without flagged responses, and at worst. Suspect first.",
        f"""\
SELECT
    unit_id AS unit, CAST(state AS String) AS state, arrayStringConcat(families, ', ') AS evidence_of, toString(since) AS since, n_nps AS n,
    nps_raw AS nps,
    nps_excluded, nps_bound_low, flagged, validity_rate, e_value
FROM integrity_units
WHERE {chosen("unit")}
ORDER BY indexOf(['suspect', 'investigate', 'clear'], state), e_value DESC, unit
LIMIT 500""",
        looks=(*columns(Unit.POINTS, "nps", "nps_excluded", "nps_bound_low"), *columns(Unit.NUMBER, "n", "flagged", "e_value"), *columns(Unit.SHARE,
        "validity_rate")),
    )  # fmt: skip
    yield table(
        "Findings",
        "Alarms of the detectors, newest first, with the evidence in words and what people decided. `candor findings show` lists the responses; "
        "`candor findings adjudicate` takes a decision.",
        f"""\
SELECT
    ifNull(unit_id, ifNull(concat('plan ', plan_id), 'all units')) AS about, CAST(detector AS String) AS detector, state, toString(since) AS since,
    toString(raised_on) AS raised_on, evidence, ifNull(decision, 'nobody has decided') AS decision, e_value, toInt64(length(response_ids)) AS
    responses,
    finding_id AS finding
FROM findings
WHERE unit_id IS NULL OR {chosen("unit")}
ORDER BY raised_on DESC, finding
LIMIT 200""",
        looks=columns(Unit.NUMBER, "e_value", "responses"), of_alerts=("CandorGamingSuspected", "CandorBeggingReported"),
    )  # fmt: skip
    yield table(
        "Units that stand out among their peers",
        "Share of answers at the top of the scale, against what honest peers reach and the upper limit of the funnel (three standard deviations). "
        "Sees "
        "what was gamed from the first day. Least probable first; q_value: share of false alarms if all up to this row are named.",
        f"""\
SELECT unit_id AS unit, CAST(metric AS String) AS metric, ifNull(peer_group, 'none') AS peers, rate_n AS n, rate, rate_expected, rate_high, q_value,
    if(named, 'yes', 'no') AS named
FROM integrity_funnel
WHERE rate IS NOT NULL AND {chosen("unit")}
ORDER BY q_value NULLS LAST, n DESC, unit, metric
LIMIT 100""",
        looks=(*columns(Unit.SHARE, "rate", "rate_expected", "rate_high"), *columns(Unit.NUMBER, "n", "q_value")), width=16, height=8,
    )  # fmt: skip
    yield table(
        "How far units are judged",
        "Per partition of the signals: the newest day whose answers were judged, and the newest that nothing will change any more.",
        """\
SELECT toInt64(partition) AS partition, toString(judged) AS judged, toString(closed) AS closed, if(up_to_date, 'yes', 'no') AS up_to_date
FROM integrity_progress
ORDER BY partition""",
        looks=columns(Unit.NUMBER, "partition"), width=8, height=8,
    )  # fmt: skip


def _monthly(selected: str) -> str:
    """Sums of the chosen programmes per month in which contact was due; rates are divided again."""
    return f"""\
SELECT toDateTime(month, 'UTC') AS time, {selected}
FROM (
    SELECT
        month, sum(due) AS due, sum(in_sla) AS in_sla, sum(detractors_contacted) AS contacted, sum(rescued) AS rescued, sum(acted_upon) AS acted_upon,
        sum(told) AS told, sum(feedback_debt) AS debt
    FROM follow_up
    WHERE $__dateFilter(month) AND {chosen("programme")}
    GROUP BY month
)
ORDER BY time WITH FILL STEP INTERVAL 1 MONTH"""


def _follow_up() -> Iterator[Panel]:
    bars = Look("n", unit=Unit.NUMBER, colour=GREY, bars=True, right=True)
    yield drawn(
        "Contacted in time",
        "Share of the cases whose due time has passed in which the customer was contacted in time, per month in which they were due; n: such cases.",
        Unit.SHARE, _monthly("in_sla / nullIf(due, 0) AS in_time, due AS n"), width=8, looks=(Look("in_time", colour=BLUE), bars), low=0, high=1,
    )  # fmt: skip
    yield drawn(
        "Told what was done",
        "Share of the responses acted upon whose customer was told within 60 days; n: responses acted upon.",
        Unit.SHARE, _monthly("told / nullIf(acted_upon, 0) AS told_rate, acted_upon AS n"), width=8, looks=(Look("told_rate", colour=BLUE), bars),
        low=0, high=1,
    )  # fmt: skip
    yield drawn(
        "Detractors won back",
        "Share of the contacted detractors whose next score within half a year was 7 or better; n: contacted detractors. The last half year is "
        "not over.",
        Unit.SHARE, _monthly("rescued / nullIf(contacted, 0) AS rescue_rate, contacted AS n"), width=8,
        looks=(Look("rescue_rate", colour=BLUE), bars),
        low=0, high=1,
    )  # fmt: skip
    yield drawn(
        "Answers that nobody acted upon",
        "Responses that had to be followed up in the month, and that no case and no message is about.", Unit.NUMBER,
        _monthly("debt AS owed"), width=8, looks=(Look("owed", colour=VERMILLION, bars=True),), low=0,
    )  # fmt: skip
    yield table(
        "Open cases",
        "Follow-up cases that are open, those that were due first on top. overdue, and hours without contact: as of the newest step "
        "of any case. hours: from the opening to the contact.",
        f"""\
SELECT
    case_id AS `case`, programme, account_id AS account, CAST(trigger AS String) AS trigger, toDateTime(opened_at, 'UTC') AS opened,
    toDateTime(due_at, 'UTC') AS due, if(is_due, 'yes', 'no') AS overdue, if(contacted_at IS NULL, 'no', 'yes') AS contacted, hours
FROM follow_up_cases
WHERE is_open AND {chosen("programme")}
ORDER BY due, `case`
LIMIT 200""",
        looks=(Look("hours", unit=Unit.HOURS),), of_alerts=("CandorFollowUpOverdue",), width=16, height=8,
    )  # fmt: skip
    yield table(
        "By programme",
        "All months together: cases that were due, the share of them in time, answers that nobody acted upon; and whether each of its surveys has an "
        "owner who must act.",
        f"""\
SELECT one.programme AS programme, one.due AS due, one.in_sla / nullIf(one.due, 0) AS in_time, one.debt AS owed,
    if(plan.has_plan, 'yes', 'no') AS has_plan
FROM (SELECT programme, sum(due) AS due, sum(in_sla) AS in_sla, sum(feedback_debt) AS debt FROM follow_up WHERE {chosen("programme")} GROUP BY
programme) AS one
LEFT JOIN follow_up_plans AS plan ON one.programme = plan.programme
ORDER BY due DESC, programme""",
        looks=(*columns(Unit.NUMBER, "due", "owed"), Look("in_time", unit=Unit.SHARE)), height=8,
    )  # fmt: skip


SCORES = Dashboard(
    "candor-scores",
    "Candor scores",
    "What customers say and how sure that is: every score with its number of responses and its interval, as given and without the flagged responses.",
    (
        Row("Scores", tuple(_company())),
        Row("Units and channels", tuple(_units())),
        Row("Findings and suspects", tuple(_suspects())),
        Row("Follow-up", tuple(_follow_up())),
    ),
    (
        # As many as one can choose from; tables show the rest.
        Variable("unit", "Unit", Source.CLICKHOUSE, "SELECT unit_id FROM loyalty_sums GROUP BY unit_id ORDER BY sum(n) DESC, unit_id LIMIT 1000"),
        Variable("survey", "Survey", Source.CLICKHOUSE, "SELECT DISTINCT survey_id FROM responses ORDER BY survey_id LIMIT 1000"),
        Variable("programme", "Programme", Source.CLICKHOUSE, "SELECT DISTINCT programme FROM follow_up ORDER BY programme LIMIT 1000"),
    ),
    since="now-1y",
    refresh="",
)
