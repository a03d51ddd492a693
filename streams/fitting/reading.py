"""What the models need to know, read from ClickHouse: sums wherever sums suffice, in an order that is always the same.

Only counted responses and true events are read, up to the end of a local day. Text is hashed to groups of accounts where accounts must be told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import xxhash

from sinks.base import Reader
from streams.core.batch import Floats, Int64s
from streams.fitting.jackknife import GROUPS

_COUNTED = "NOT withdrawn AND NOT synthetic AND score IS NOT NULL AND day <= {as_of:Date32}"
_GROUP = f"toInt64(cityHash64(account_id) % {GROUPS})"
WINDOW_DAYS = 28
MONDAY = 4
"""Windows are tumbling, and begin on Mondays: this is the first of them, in days since 1970."""
LARGEST_ANSWER = 1e6
"""Responses with an answer beyond plus or minus this are left out of driver analysis: sums of products are decimals of limited size."""

# The mean of what one account has on one day: sorted, so that rounding does not depend on the order in which ClickHouse reads.
_MEAN = "arrayAvg(arraySort(groupArray({})))"
_MAPPED = "(score - scale_min) / (scale_max - scale_min)"
_MEAN_OF_EFFORT = f"arrayAvg(arraySort(groupArrayIf({_MAPPED}, metric = 'ces')))"

_NEWEST = """
SELECT
    (SELECT maxOrNull(day) FROM transactions WHERE NOT synthetic) AS transactions,
    (SELECT maxOrNull(day) FROM responses WHERE NOT synthetic AND NOT withdrawn) AS responses
"""

_HISTORIES = """
SELECT account_id, frequency, recency_weeks, age_weeks, mean_value, margin
FROM purchase_history_as_of(as_of = {as_of:Date32})
ORDER BY account_id
"""

_QUESTIONS = f"""
SELECT survey_id, metric, question, toInt64(count()) AS answered, max(greatest(top, answer)) AS top, any(responses) AS responses
FROM (
    SELECT survey_id, metric, scale_max AS top, arrayJoin(mapKeys(answers)) AS question, answers[question] AS answer
    FROM responses
    WHERE {_COUNTED}
) AS asked
GLOBAL INNER JOIN (
    SELECT survey_id, metric, toInt64(count()) AS responses FROM responses WHERE {_COUNTED} AND notEmpty(answers) GROUP BY survey_id, metric
) AS total USING (survey_id, metric)
GROUP BY survey_id, metric, question
ORDER BY survey_id, metric, question
"""  # noqa: S608 (constants)

_DRIVER_SUMS = f"""
SELECT
    {_GROUP} AS part,
    toInt64(count()) AS n,
    arrayMap(x -> toFloat64(x), sumForEach(arrayMap(x -> toDecimal128(x, 9), said))) AS totals,
    arrayMap(
        x -> toFloat64(x), sumForEach(arrayMap(x -> toDecimal128(x, 9), arrayFlatten(arrayMap(x -> arrayMap(y -> x * y, said), said))))
    ) AS products
FROM (
    SELECT account_id, arrayPushBack(arrayMap(name -> answers[name], {{drivers:Array(String)}}), assumeNotNull(score_mapped)) AS said
    FROM responses
    WHERE {_COUNTED} AND survey_id = {{survey:String}} AND metric = {{metric:String}} AND hasAll(mapKeys(answers), {{drivers:Array(String)}})
)
WHERE arrayAll(x -> abs(x) <= {LARGEST_ANSWER}, said)
GROUP BY part
ORDER BY part
"""  # noqa: S608 (constants)

_MEASURES = "SELECT DISTINCT measure FROM operations WHERE NOT synthetic AND day <= {as_of:Date32} ORDER BY measure"

_PAIRS = f"""
SELECT
    measured.measure AS measure, measured.mean_value AS value, said.mean_feeling AS score,
    toInt64(toInt32(measured.measured_on)) AS day, toInt64(cityHash64(measured.account_id) % {GROUPS}) AS part
FROM (
    SELECT account_id, measure, day AS measured_on, {_MEAN.format("value")} AS mean_value
    FROM operations
    WHERE NOT synthetic AND day <= {{as_of:Date32}}
    GROUP BY account_id, measure, day
) AS measured
GLOBAL INNER JOIN (
    SELECT account_id, toDate32(day - {{lag:UInt32}}) AS measured_on, {_MEAN.format(_MAPPED)} AS mean_feeling
    FROM responses
    WHERE {_COUNTED}
    GROUP BY account_id, day
) AS said ON measured.account_id = said.account_id AND measured.measured_on = said.measured_on
ORDER BY measured.measure, measured.account_id, measured.measured_on
"""  # noqa: S608 (constants)

_JUDGED = f"""
WITH
    (
        SELECT max(occurred_at) FROM transactions WHERE NOT synthetic AND day <= {{as_of:Date32}}
    ) AS newest_movement,
    judged AS (
        SELECT
            account_id, response_id, occurred_at, day, metric, assumeNotNull(top_box) AS top_box,
            {_MAPPED} AS feeling,
            (score - expected_score) / (scale_max - scale_min) AS surpassed,
            if(metric = 'nps', 0, 1) AS lowest, transform(toString(metric), ['nps', 'ces'], [10, 7], 5) AS highest,
            lowest + (arrayAvg(competitor_scores) - scale_min) / (scale_max - scale_min) * (highest - lowest) AS theirs,
            if(notEmpty(competitor_scores) AND theirs > 1e-9, score_mapped / theirs, NULL) AS relative_value
        FROM responses
        WHERE {_COUNTED} AND occurred_at + toIntervalDay({{days:UInt32}}) <= newest_movement
    ),
    delivered AS (
        SELECT
            account_id, response_id,
            arraySum(arraySort(groupArray(newest.1 * newest.2))) / arraySum(arraySort(groupArray(newest.1))) AS value
        FROM (
            SELECT
                judged.account_id AS account_id, judged.response_id AS response_id,
                argMax(
                    (outcome.weight, least(1., greatest(0., (outcome.current - outcome.baseline) / (outcome.target - outcome.baseline)))),
                    (outcome.occurred_at, outcome.event_id)
                ) AS newest
            FROM judged
            GLOBAL INNER JOIN (
                SELECT account_id, outcome_id, occurred_at, event_id, weight, baseline, target, current FROM outcomes WHERE NOT synthetic
            ) AS outcome ON judged.account_id = outcome.account_id
            WHERE outcome.occurred_at <= judged.occurred_at
            GROUP BY judged.account_id, judged.response_id, outcome.outcome_id
        )
        GROUP BY account_id, response_id
    )
SELECT
    toInt64(cityHash64(judged.account_id) % {GROUPS}) AS part, judged.metric AS metric, judged.top_box AS top_box,
    judged.feeling AS feeling, judged.surpassed AS surpassed, judged.relative_value AS relative_value, delivered.value AS value,
    ifNull(later.bought_at <= judged.occurred_at + toIntervalDay({{days:UInt32}}), false) AS bought
FROM judged
GLOBAL ASOF LEFT JOIN (
    SELECT account_id, occurred_at AS bought_at
    FROM transactions
    WHERE NOT synthetic AND event_type = 'transaction.completed' AND day <= {{as_of:Date32}}
) AS later ON judged.account_id = later.account_id AND judged.occurred_at < later.bought_at
GLOBAL LEFT JOIN delivered ON judged.account_id = delivered.account_id AND judged.response_id = delivered.response_id
ORDER BY judged.account_id, judged.response_id
SETTINGS join_use_nulls = 1
"""  # noqa: S608 (constants)

_WINDOW = f"toInt64(floor((toInt32(day) - {MONDAY}) / {WINDOW_DAYS}))"
_WINDOWS = f"{_WINDOW} AS number"
_COMPLETE = f"{_WINDOW} <= toInt64(floor((toInt32({{as_of:Date32}}) + 1 - {MONDAY}) / {WINDOW_DAYS})) - 1"
_KNOWN = ("value_share", "feeling", "effort", "spend", "bought", "hassles", "vdi")


def _part(**known: str) -> str:
    return ", ".join(f"{known.get(name, 'NULL')}::Nullable(Float64) AS {name}" for name in _KNOWN)


_PANEL = f"""
WITH
    asked AS (
        SELECT DISTINCT account_id, number FROM (
            SELECT account_id, {_WINDOWS} FROM outcomes WHERE NOT synthetic AND {_COMPLETE}
            UNION ALL
            SELECT account_id, {_WINDOWS} FROM responses WHERE {_COUNTED} AND {_COMPLETE}
        )
    ),
    newest AS (
        SELECT
            asked.account_id AS of_account, asked.number AS of_window, outcome.outcome_id AS outcome_id,
            argMax((outcome.weight, outcome.progress), (outcome.occurred_at, outcome.event_id)) AS last
        FROM asked
        GLOBAL INNER JOIN (
            SELECT
                account_id, outcome_id, occurred_at, event_id, weight, {_WINDOWS},
                least(1., greatest(0., (current - baseline) / (target - baseline))) AS progress
            FROM outcomes
            WHERE NOT synthetic AND {_COMPLETE}
        ) AS outcome ON asked.account_id = outcome.account_id
        WHERE outcome.number <= asked.number
        GROUP BY of_account, of_window, outcome_id
    ),
    began AS (SELECT account_id, case_id, min(day) AS day FROM cases WHERE NOT synthetic GROUP BY account_id, case_id),
    parts AS (
        SELECT account_id, {_WINDOWS}, {_part(value_share="countIf(purpose = 'value_education') / count()")}
        FROM communications
        WHERE NOT synthetic AND purpose IN ('sell', 'upsell', 'value_education') AND {_COMPLETE}
        GROUP BY account_id, number
        UNION ALL
        SELECT account_id, {_WINDOWS}, {_part(feeling=_MEAN.format(_MAPPED), effort=f"if(countIf(metric = 'ces') = 0, NULL, {_MEAN_OF_EFFORT})")}
        FROM responses
        WHERE {_COUNTED} AND {_COMPLETE}
        GROUP BY account_id, number
        UNION ALL
        SELECT account_id, {_WINDOWS}, {
    _part(
        spend="sumIf(amount_base, event_type = 'transaction.completed') - sumIf(amount_base, event_type = 'transaction.refunded')",
        bought="max(event_type = 'transaction.completed')",
    )
}
        FROM transactions
        WHERE NOT synthetic AND {_COMPLETE}
        GROUP BY account_id, number
        UNION ALL
        SELECT account_id, {_WINDOWS}, {_part(hassles="count()")} FROM began WHERE {_COMPLETE} GROUP BY account_id, number
        UNION ALL
        SELECT of_account, of_window, {
    _part(
        vdi="arraySum(arraySort(groupArray(last.1 * last.2))) / arraySum(arraySort(groupArray(last.1)))",
    )
}
        FROM newest
        GROUP BY of_account, of_window
        UNION ALL
        SELECT account_id, {_WINDOWS}, {_part()} FROM operations WHERE NOT synthetic AND {_COMPLETE} GROUP BY account_id, number
    )
SELECT
    reinterpretAsInt64(cityHash64(account_id)) AS account, number AS window, {_GROUP} AS part,
    {", ".join(f"max({name}) AS {name}" for name in _KNOWN)}
FROM parts
GROUP BY account_id, number
ORDER BY account, window
"""  # noqa: S608 (constants)

_MEASURED = f"""
SELECT reinterpretAsInt64(cityHash64(account_id)) AS account, {_WINDOWS}, {_MEAN.format("value")} AS mean_value
FROM operations
WHERE NOT synthetic AND measure = {{measure:String}} AND {_COMPLETE}
GROUP BY account_id, number
ORDER BY account, number
"""  # noqa: S608 (constants)


@dataclass(frozen=True, slots=True)
class Question:
    """A driver question of a survey, among its responses of one metric."""

    survey: str
    metric: str
    driver: str
    answered: int
    """Responses that answer it."""
    responses: int
    """Responses that answer any question."""
    top: float
    """Top of the scale: that of the score, or the greatest answer where that is higher, since questions may have a scale of their own."""


class Source:
    """The data of a run; remembers what was read, so that the same data can be recognised. Raises what a ``Reader`` raises."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._digest = xxhash.xxh3_128()

    @property
    def fingerprint(self) -> str:
        """A hash of everything that was read so far."""
        return self._digest.hexdigest()

    def newest_days(self) -> tuple[date | None, date | None]:
        """The newest local days of transactions and of counted responses; None where there are none."""
        row = self._reader.query(_NEWEST).to_pylist()[0]
        return row["transactions"], row["responses"]

    def histories(self, as_of: date) -> pa.Table:
        """How each account has bought: see the view purchase_history."""
        return self._read(_HISTORIES, as_of=as_of)

    def questions(self, as_of: date) -> list[Question]:
        """All driver questions, by survey, metric and name."""
        rows = self._read(_QUESTIONS, as_of=as_of).to_pylist()
        return [Question(*(row[name] for name in ("survey_id", "metric", "question", "answered", "responses", "top"))) for row in rows]

    def driver_sums(self, as_of: date, survey: str, metric: str, drivers: Sequence[str]) -> pa.Table:
        """Sums and sums of products of the answers to all of these drivers, then the score, by group of accounts."""
        return self._read(_DRIVER_SUMS, as_of=as_of, survey=survey, metric=metric, drivers=list(drivers))

    def measures(self, as_of: date) -> list[str]:
        """What operations measured."""
        return [str(name) for name in self._read(_MEASURES, as_of=as_of).column("measure").to_pylist()]

    def pairs(self, as_of: date, lag: int) -> pa.Table:
        """Measurements, and scores of the same account so many days later; ordered by measure."""
        return self._read(_PAIRS, as_of=as_of, lag=lag)

    def judged(self, as_of: date, days: int) -> pa.Table:
        """Responses so many days older than the newest transaction, what was known when they were given, and whether their account then bought."""
        return self._read(_JUDGED, as_of=as_of, days=days)

    def panel(self, as_of: date) -> pa.Table:
        """What is known of accounts in 28-day windows that are complete by the end of a day, ordered by account and window; accounts as hashes."""
        return self._read(_PANEL, as_of=as_of)

    def measured(self, as_of: date, measure: str) -> pa.Table:
        """The mean of a measure, by account and window, in the same order."""
        return self._read(_MEASURED, as_of=as_of, measure=measure)

    def _read(self, sql: str, **parameters: object) -> pa.Table:
        table = self._reader.query(sql, parameters)
        self._digest.update(repr((sorted(parameters), [str(value) for value in parameters.values()], table.num_rows)).encode())
        for column in table.columns:
            plain = column.combine_chunks()
            if pa.types.is_dictionary(plain.type):
                plain = plain.dictionary_decode()
            if pa.types.is_primitive(plain.type):
                self._digest.update(plain.to_numpy(zero_copy_only=False).tobytes())
            else:
                self._digest.update(repr(plain.to_pylist()).encode())
        return table


def floats(table: pa.Table, name: str) -> Floats:
    """A column of numbers; NULL is NaN."""
    found: Floats = table.column(name).cast(pa.float64()).to_numpy()
    return found


def integers(table: pa.Table, name: str) -> Int64s:
    """A column of whole numbers without NULL."""
    found: Int64s = table.column(name).cast(pa.int64()).to_numpy()
    return found
