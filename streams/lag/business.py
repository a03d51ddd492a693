"""What the tables say of findings, units and scores, for gauges: a few numbers of the whole company, never of a unit."""

from collections.abc import Mapping

from schemas.enums import Detector, OpenCase, ScoreVariant, ScoreWindow, UnitState
from sinks.base import Reader
from streams.core.scores import score
from streams.metrics import declared
from streams.metrics.collectors import Labels, combinations
from streams.metrics.declared import Metric

WINDOW_DAYS = 28
_FINDINGS = "SELECT detector, state, count() AS n, countIf(decision = '') AS undecided FROM standing_findings GROUP BY detector, state"
_UNITS = "SELECT state, count() AS n FROM cell_units FINAL GROUP BY state"
_CASES = (
    "SELECT multiIf(contacted_at IS NOT NULL, 'contacted', is_due, 'overdue', 'waiting') AS state, count() AS n "
    "FROM follow_up_cases WHERE is_open GROUP BY state"
)
_SCORES = f"""
WITH (SELECT max(day) FROM cell_loyalty FINAL WHERE metric = 'nps' AND n > 0) AS newest
SELECT
    if(day > newest - {WINDOW_DAYS}, '{ScoreWindow.LAST}', '{ScoreWindow.BEFORE}') AS window,
    sum(cell.n) AS n, sum(cell.promoters) AS promoters, sum(cell.detractors) AS detractors,
    sum(cell.flagged) AS flagged, sum(cell.flagged_promoters) AS flagged_promoters, sum(cell.flagged_detractors) AS flagged_detractors
FROM loyalty_sums AS cell
WHERE metric = 'nps' AND day > newest - {2 * WINDOW_DAYS}
GROUP BY window
"""  # noqa: S608  # of numbers and names of our own
"""Windows end at the newest day that has an answer, not today: a company whose answers come late is not called silent."""
_ANSWER_DAYS = 14
"""Time in which an invitation is answered, or is not; younger ones are not counted yet."""
_REMINDER_DAYS = 90
"""An invitation that is sent again within so long is the same one, of the day of the first."""
_INVITATIONS = f"""
WITH (SELECT max(day) FROM fact_invitations WHERE event_type = 'invitation.sent' AND NOT synthetic) - {_ANSWER_DAYS} AS newest
SELECT
    if(first_day > newest - {WINDOW_DAYS}, '{ScoreWindow.LAST}', '{ScoreWindow.BEFORE}') AS window, count() AS sent,
    countIf(answered_day >= first_day AND answered_day < first_day + {_ANSWER_DAYS}) AS answered
FROM
(
    SELECT account_id, invitation_id, minIf(day, event_type = 'invitation.sent') AS first_day
    FROM fact_invitations FINAL
    WHERE event_type IN ('invitation.sent', 'invitation.bounced') AND NOT synthetic AND day > newest - {2 * WINDOW_DAYS + _REMINDER_DAYS}
    GROUP BY account_id, invitation_id
    HAVING countIf(event_type = 'invitation.sent') > 0 AND countIf(event_type = 'invitation.bounced') = 0
) AS invitation
GLOBAL LEFT JOIN
(
    SELECT account_id, assumeNotNull(responses.invitation_id) AS invitation_id, min(day) AS answered_day
    FROM responses
    WHERE responses.invitation_id IS NOT NULL AND NOT withdrawn AND NOT synthetic AND day > newest - {2 * WINDOW_DAYS}
    GROUP BY account_id, responses.invitation_id
) AS answer USING (account_id, invitation_id)
WHERE first_day <= newest AND first_day > newest - {2 * WINDOW_DAYS}
GROUP BY window
"""  # noqa: S608  # of numbers and names of our own
_ASKED = f"""
WITH (SELECT max(day) FROM responses WHERE asked_for_score IS NOT NULL AND NOT withdrawn AND NOT synthetic) AS newest
SELECT
    if(day > newest - {WINDOW_DAYS}, '{ScoreWindow.LAST}', '{ScoreWindow.BEFORE}') AS window, count() AS questions, countIf(asked_for_score) AS asked
FROM responses
WHERE asked_for_score IS NOT NULL AND NOT withdrawn AND NOT synthetic AND day > newest - {2 * WINDOW_DAYS}
GROUP BY window
"""  # noqa: S608  # of numbers and names of our own
Values = Mapping[Metric, Mapping[Labels, float]]
"""Per metric the series that are known; one that is absent has no value."""


def read_business(reader: Reader) -> Values:
    """All business gauges; raises ``SinkError``."""
    findings, undecided = (dict.fromkeys(combinations(metric), 0.0) for metric in (declared.FINDINGS, declared.FINDINGS_OPEN))
    for row in reader.query(_FINDINGS).to_pylist():
        labels = (Detector(row["detector"]).value, UnitState(row["state"]).value)
        findings[labels], undecided[labels] = row["n"], row["undecided"]
    units = dict.fromkeys(combinations(declared.UNITS), 0.0)
    units |= {(UnitState(row["state"]).value,): row["n"] for row in reader.query(_UNITS).to_pylist()}
    cases = dict.fromkeys(combinations(declared.OPEN_CASES), 0.0)
    cases |= {(OpenCase(row["state"]).value,): row["n"] for row in reader.query(_CASES).to_pylist()}
    counts = {declared.FINDINGS: findings, declared.FINDINGS_OPEN: undecided, declared.UNITS: units, declared.OPEN_CASES: cases}
    return {**counts, **_answers(reader), **_scores(reader)}


def _answers(reader: Reader) -> Values:
    values = {metric: dict.fromkeys(combinations(metric), 0.0) for metric in declared.ANSWERS}
    for row in reader.query(_INVITATIONS).to_pylist():
        labels = (ScoreWindow(row["window"]).value,)
        values[declared.SENT_INVITATIONS][labels], values[declared.ANSWERED_INVITATIONS][labels] = row["sent"], row["answered"]
    for row in reader.query(_ASKED).to_pylist():
        labels = (ScoreWindow(row["window"]).value,)
        values[declared.SCORE_QUESTIONS][labels], values[declared.ASKED_FOR_SCORE][labels] = row["questions"], row["asked"]
    return values


def _scores(reader: Reader) -> Values:
    answers: dict[Labels, float] = dict.fromkeys(combinations(declared.NPS_N), 0.0)
    values: dict[Metric, dict[Labels, float]] = {declared.NPS: {}, declared.NPS_LOW: {}, declared.NPS_HIGH: {}, declared.NPS_N: answers}
    for row in reader.query(_SCORES).to_pylist():
        raw = (row["n"], row["promoters"], row["detractors"])
        excluded = (row["n"] - row["flagged"], row["promoters"] - row["flagged_promoters"], row["detractors"] - row["flagged_detractors"])
        for variant, sums in ((ScoreVariant.RAW, raw), (ScoreVariant.EXCLUDED, excluded)):
            labels = (ScoreWindow(row["window"]).value, variant.value)
            answers[labels] = sums[0]
            if (found := score(*sums)) is not None:
                for metric, value in ((declared.NPS, found.nps), (declared.NPS_LOW, found.low), (declared.NPS_HIGH, found.high)):
                    values[metric][labels] = value
    return values
