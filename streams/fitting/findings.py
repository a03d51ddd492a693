"""From what is read to the rows of drivers, links and predictors."""

from datetime import date
from itertools import groupby

import numpy as np

from schemas.catalog import Catalog, Driver
from schemas.enums import Metric
from schemas.model_enums import Model, Predictor
from streams.core.batch import Floats
from streams.fitting.drivers import Aim, analyse
from streams.fitting.importance import Sums
from streams.fitting.linkage import LAGS, LEAST_PAIRS, Pairs, link
from streams.fitting.prediction import COMPARED_WITH, grades, predict
from streams.fitting.reading import Question, Source, floats, integers
from streams.fitting.report import Report, Row, columns

_LEAST_ANSWERED = 0.5
"""A question is a driver of its survey if at least this share of the responses with any answer answer it."""


def find_drivers(source: Source, catalog: Catalog, as_of: date) -> tuple[list[Row], Report]:
    """A row per survey and driver. A survey with several metrics is explained by its most frequent, of equals the first by name."""
    aims = {survey.survey_id: {driver.name: driver for driver in survey.drivers} for survey in catalog.surveys}
    rows: list[Row] = []
    surveys = responses = 0
    for survey, asked in groupby(source.questions(as_of), lambda question: question.survey):
        metrics = [list(questions) for _, questions in groupby(asked, lambda question: question.metric)]
        # max takes the first of equals, and metrics come by name.
        questions = max(metrics, key=lambda one: one[0].responses)
        n, found = _drivers_of(source, as_of, questions, aims.get(survey, {}))
        rows += found
        surveys += n > 0
        responses += n
    told = any(row["priority"] is not None for row in rows)
    why = "" if told else "no survey has enough responses that answer all of its driver questions, with scores that vary"
    return rows, Report(
        Model.DRIVERS, as_of, responses, f"responses to {surveys:,} surveys that answer all of their driver questions", explanation=why
    )


def _drivers_of(source: Source, as_of: date, asked: list[Question], aims: dict[str, Driver]) -> tuple[int, list[Row]]:
    questions = [question for question in asked if question.answered >= _LEAST_ANSWERED * question.responses]
    if not questions:
        return 0, []
    first, names = questions[0], [question.driver for question in questions]
    groups = [
        Sums(row["n"], np.array(row["totals"]), np.array(row["products"]).reshape(len(names) + 1, -1))
        for row in source.driver_sums(as_of, first.survey, first.metric, names).to_pylist()
    ]
    if not groups:
        return 0, []
    found = analyse(names, groups, {question.driver: _aim(question, aims.get(question.driver)) for question in questions})
    rows: list[Row] = [
        {
            "survey_id": first.survey, "driver": row.driver, "metric": first.metric, "n": row.n, **columns("performance", row.performance),
            "target": row.aim.target, "cost": row.aim.cost, "r_squared": row.r_squared,
            **columns("lmg", row.lmg), **columns("johnson", row.johnson), **columns("priority", row.priority),
        }
        for row in found
    ]  # fmt: skip
    return found[0].n, rows


def _aim(question: Question, wanted: Driver | None) -> Aim:
    if wanted is None:
        return Aim(question.top, 1.0)
    return Aim(question.top if wanted.target is None else wanted.target, wanted.cost)


def find_links(source: Source, as_of: date) -> tuple[list[Row], Report]:
    """A row per measure and lag."""
    measures = source.measures(as_of)
    rows: list[Row] = []
    total = 0
    for lag in LAGS if measures else ():
        read = source.pairs(as_of, lag)
        everything = Pairs(floats(read, "value"), floats(read, "score"), integers(read, "day"), integers(read, "part"))
        of_measure = read.column("measure").to_numpy()
        for measure in measures:
            # Pairs come by measure.
            begin, end = np.searchsorted(of_measure, measure, "left"), np.searchsorted(of_measure, measure, "right")
            found = link(everything.of(slice(int(begin), int(end))))
            total += found.n
            rows.append(
                {
                    "measure": measure, "lag": lag, "n": found.n, **columns("correlation", found.correlation, ("low", "high")),
                    "published": found.published, "holdout_n": found.held_out,
                    **columns("holdout_correlation", found.held_out_correlation), "confirmed": found.confirmed,
                }
            )  # fmt: skip
    enough = any(row["correlation"] is not None for row in rows)
    why = "" if enough else "no account has measurements and scores on the days that the lags are apart"
    data = f"pairs of measurement and score, of {len(measures):,} measures at {len(LAGS)} lags"
    return rows, Report(Model.LINKAGE, as_of, total, data, {"least_pairs": float(LEAST_PAIRS)}, why)


def find_predictors(source: Source, catalog: Catalog, as_of: date) -> tuple[list[Row], Report]:
    """A row per predictor."""
    days = catalog.grades.repurchase_days
    read = source.judged(as_of, days)
    feeling, value = floats(read, "feeling"), floats(read, "value")
    metric = read.column("metric").cast("string").to_numpy(zero_copy_only=False)

    def of(kind: Metric, values: Floats) -> Floats:
        return np.where(metric == kind.value, values, np.nan)

    predictors = {
        Predictor.SATISFACTION: of(Metric.CSAT, feeling),
        Predictor.SATISFACTION_TOP_BOX: of(Metric.CSAT, floats(read, "top_box")),
        Predictor.NPS: of(Metric.NPS, feeling),
        Predictor.GRADE: grades(floats(read, "surpassed"), floats(read, "relative_value"), catalog.grades.delta, catalog.grades.epsilon),
        Predictor.RELATIVE_VALUE: floats(read, "relative_value"),
        Predictor.VALUE: value,
        # What was felt stands on the same responses as the value, so that they can be compared.
        Predictor.FEELING: np.where(np.isfinite(value), feeling, np.nan),
        Predictor.VALUE_AND_FEELING: np.sqrt(value * feeling),
    }
    bought, group = floats(read, "bought") > 0, integers(read, "part")
    rows: list[Row] = []
    for name, values in predictors.items():
        other = COMPARED_WITH.get(name)
        found = predict(values, bought, group, predictors[other] if other else None)
        told = {"predictor": name.value, "n": found.n, "bought": found.bought, **columns("auc", found.auc, ("low", "high"))}
        rows.append({**told, "compared_with": other and other.value, **columns("gain", found.gain)})
    enough = any(row["auc"] is not None for row in rows)
    why = (
        ""
        if enough
        else f"no predictor was known both of accounts that bought again within {days} days and of others: predictors are scores of csat and nps, "
        "scores beside the expected or the competitors' ones, and outcomes; ratings alone are none"
    )
    return rows, Report(Model.PREDICTION, as_of, len(read), f"responses at least {days} days old", {"repurchase_days": float(days)}, why)
