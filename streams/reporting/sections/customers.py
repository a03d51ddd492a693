"""Value against feeling, the loyalty matrix, drivers, and what predicts buying again."""

from collections import Counter
from collections.abc import Iterable

from schemas.model_enums import FitState, Model
from streams.reporting import charts, sentences
from streams.reporting.charts import Dot, Kind
from streams.reporting.numbers import Estimate, share
from streams.reporting.rows import AccountGroup, Driver, Numbers, Predictor
from streams.reporting.sections.model import Column, Figure, Section, Table, cell, ends, estimate, integer, value_of

_QUADRANTS = (
    Kind("thriving", charts.GREEN),
    Kind("served_not_loved", charts.BLUE, "square"),
    Kind("loved_not_served", charts.ORANGE, "triangle-up"),
    Kind("at_risk", charts.VERMILLION, "diamond"),
)
_SEGMENTS = ("truly_loyal", "accessible", "trapped", "high_risk")
AT_RISK = frozenset({"trapped", "high_risk"})
_RISKS = (Kind("at risk", charts.VERMILLION), Kind("not at risk", charts.BLUE))


def _whose(numbers: Numbers) -> str:
    answered = "of the accounts that answered in this period and scope" if numbers.scope.asked else "of all accounts"
    return f"The numbers are {answered}, as they are now; they are not cut to the period."


def _why_unfitted(numbers: Numbers, model: Model) -> str:
    for run in numbers.runs:
        if run.model == model:
            return f"the last run of candor fit says: {run.explanation}" if run.explanation else "the last run of candor fit found none"
    return "candor fit has not been run"


def value_and_feeling(numbers: Numbers) -> Section:
    """Where customers get value and feel well, and where only one of both."""
    identity, title = "value", "Value against feeling"
    places = [one for one in numbers.accounts if one.quadrant is not None and one.value_tenth is not None and one.feeling_tenth is not None]
    total, known = sum(one.accounts for one in numbers.accounts), sum(one.accounts for one in places)
    if not known:
        whose = {0: "There is no account of which", 1: "Of the one account not"}.get(total, f"Of none of {sentences.count(total)} accounts")
        return Section(identity, title, missing=f"{whose} both are known: an outcome (value) and a counted response (feeling).")
    by_quadrant: Counter[str] = Counter()
    for one in places:
        by_quadrant[str(one.quadrant)] += one.accounts
    revenue = {kind.name: sum(one.revenue for one in places if one.quadrant == kind.name) for kind in _QUADRANTS}
    said = [f"Both are known of {sentences.count(known)} of {sentences.counted(total, 'account', 'accounts')}."]
    shares = {kind.name: share(by_quadrant[kind.name], known) for kind in _QUADRANTS}
    for name, one_does, many_do in (
        ("served_not_loved", "gets value and does not feel it", "get value and do not feel it"),
        ("loved_not_served", "feels well and does not get the value that it bought", "feel well and do not get the value that they bought"),
    ):
        part = shares[name]
        if part is not None:
            meaning = sentences.counted(by_quadrant[name], one_does, many_do)
            said.append(f"{meaning}: {sentences.level('the share', part.scaled_to_percent, ' %')}")
    drawing = charts.bubbles(
        [((one[1] + 0.5) / 10, (one[2] + 0.5) / 10, n, sentences.words(one[0])) for one, n in _squares(places)],
        tuple(Kind(sentences.words(kind.name), kind.colour, kind.shape) for kind in _QUADRANTS),
        "value delivered",
        "feeling",
    )
    table = Table(
        "Accounts by quadrant",
        (
            Column("quadrant", "accounts.quadrant", is_number=False),
            Column("accounts", "accounts.account_id"),
            Column("share", "standing"),
            Column("interval", "interval"),
            Column("revenue", "accounts.revenue"),
        ),
        [
            [
                sentences.words(kind.name),
                integer(by_quadrant[kind.name]),
                value_of(_percent(shares[kind.name])),
                ends(_percent(shares[kind.name])),
                cell(revenue[kind.name], 0),
            ]
            for kind in _QUADRANTS
        ],
    )
    figure = Figure("value-bubbles", "Accounts by value delivered and feeling", said, drawing, table)
    note = (
        f"{_whose(numbers)} Revenue is in {numbers.currency}. Each mark stands for the "
        "accounts of a tenth by a tenth, and is as large as they are many."
    )
    return Section(identity, title, notes=[note], figures=[figure])


def _squares(places: Iterable[AccountGroup]) -> list[tuple[tuple[str, int, int], int]]:
    """How many accounts there are of each quadrant and tenths of value and feeling."""
    squares: Counter[tuple[str, int, int]] = Counter()
    for one in places:
        if one.quadrant is not None and one.value_tenth is not None and one.feeling_tenth is not None:
            squares[one.quadrant, one.value_tenth, one.feeling_tenth] += one.accounts
    return sorted(squares.items())


def _percent(part: Estimate | None) -> Estimate | None:
    return None if part is None else part.scaled_to_percent


def loyalty_matrix(numbers: Numbers) -> Section:
    """How accounts feel against whether they still buy, and the revenue at risk."""
    identity, title = "matrix", "Loyalty matrix and revenue at risk"
    accounts = {name: sum(one.accounts for one in numbers.accounts if one.loyalty_segment == name) for name in _SEGMENTS}
    revenue = {name: sum(one.revenue for one in numbers.accounts if one.loyalty_segment == name) for name in _SEGMENTS}
    ahead = {name: sum(one.lifetime_value or 0.0 for one in numbers.accounts if one.loyalty_segment == name) for name in _SEGMENTS}
    known, total = sum(accounts.values()), sum(one.accounts for one in numbers.accounts)
    if not known:
        is_fitted = any(run.model == Model.PURCHASES and run.state == FitState.FITTED for run in numbers.runs)
        reason = "none has both" if is_fitted else _why_unfitted(numbers, Model.PURCHASES)
        return Section(
            identity,
            title,
            missing=(
                f"{'There is no account that' if total == 0 else 'No account'} has a segment: it needs a counted "
                f"response and the probability that the account still buys; {reason}."
            ),
        )
    risky, n_risky = sum(revenue[name] for name in AT_RISK), sum(accounts[name] for name in AT_RISK)
    whole = sum(revenue.values())
    part = share(n_risky, known)
    said = [
        f"Revenue at risk is {sentences.number(risky, 0)} {numbers.currency}, "
        + (f"{sentences.number(100 * risky / whole)} % of {sentences.number(whole, 0)}, " if whole > 0 else "")
        + f"of {sentences.counted(n_risky, 'account that is', 'accounts that are')} trapped or at high risk (n = {sentences.count(known)}).",
    ]
    if part is not None:
        said.append(sentences.level("Their share of the accounts with a segment", part.scaled_to_percent, " %"))
    said += _never_seen_to_leave(sum(one.bought_once for one in numbers.accounts if one.loyalty_segment is not None), known)
    table = Table(
        "Accounts by segment",
        (
            Column("segment", "accounts.loyalty_segment", is_number=False),
            Column("accounts", "accounts.account_id"),
            Column("revenue", "accounts.revenue"),
            Column("at risk", "revenue_at_risk.at_risk", is_number=False),
            Column("lifetime value", "accounts.lifetime_value"),
        ),
        [
            [sentences.words(name), integer(accounts[name]), cell(revenue[name], 0), "yes" if name in AT_RISK else "no", cell(ahead[name], 0)]
            for name in _SEGMENTS
        ],
    )
    drawing = charts.bars(
        [(sentences.words(name), revenue[name], _RISKS[0 if name in AT_RISK else 1].name) for name in _SEGMENTS],
        _RISKS,
        f"revenue, {numbers.currency}",
    )
    figure = Figure("matrix-bars", "Revenue by loyalty segment", said, drawing, table)
    notes = [_whose(numbers)]
    if known < total:
        notes.append(
            f"{sentences.count(total - known)} of {sentences.count(total)} accounts "
            f"{'has no segment: it' if total - known == 1 else 'have no segment: they'} never answered, "
            "or had not bought when candor fit was last run."
        )
    return Section(identity, title, notes=notes, figures=[figure])


def _never_seen_to_leave(bought_once: int, known: int) -> list[str]:
    """Whom the model of purchases cannot take for gone: it lets customers leave after a purchase that is not their first (BG/NBD)."""
    if not bought_once:
        return []
    if known == 1:
        who, they, read = "The one account", "it leave, so it counts", "its"
    else:
        who = f"{sentences.count(bought_once)} of the {sentences.count(known)} accounts with a segment"
        they, read = ("it leave, so it counts", "its") if bought_once == 1 else ("them leave, so they count", "their")
    return [
        f"{who} bought on one day only: the model cannot see {they} as still buying for ever, and never as at high risk; read {read} lifetime value."
    ]


def drivers(numbers: Numbers) -> Section:
    """What the score hangs on, and how far each driver is from its target."""
    identity, title = "drivers", "Drivers by importance and gap"
    told = [one for one in numbers.drivers if one.priority is not None]
    if not told:
        of_survey = "" if numbers.scope.survey is None else f" of survey {numbers.scope.survey}"
        few = f"no driver question{of_survey} has an importance" if numbers.drivers else f"no driver question{of_survey} is known"
        return Section(identity, title, missing=f"There is nothing to show: {few}; {_why_unfitted(numbers, Model.DRIVERS)}.")
    ordered = sorted(told, key=lambda one: (one.survey_id, -(one.priority or 0.0)))
    said = []
    for survey in dict.fromkeys(one.survey_id for one in ordered):
        ranked = [
            (one.driver, found)
            for one in ordered
            if one.survey_id == survey and (found := estimate(one.priority, one.priority_low, one.priority_high, one.n)) is not None
        ]
        if ranked:
            said.append(f"Survey {survey}: {sentences.first_of('priority', ranked)}")
    drawing = charts.dots(
        [
            (
                "importance (part of the explained variance)",
                [_dot(one, one.lmg, one.lmg_low, one.lmg_high) for one in ordered if one.lmg is not None],
            ),
            ("gap to the target", [_gap_dot(one, one.performance) for one in ordered if one.performance is not None]),
        ],
        charts.ONE_KIND,
    )
    table = Table(
        "Drivers, those of highest priority first",
        (
            Column("survey", "drivers.survey_id", is_number=False),
            Column("driver", "drivers.driver", is_number=False),
            Column("n", "drivers.n"),
            Column("importance", "drivers.lmg"),
            Column("interval", "drivers.lmg_low"),
            Column("performance", "drivers.performance"),
            Column("interval", "drivers.performance_low"),
            Column("target", "drivers.target"),
            Column("gap", "gap"),
            Column("priority", "drivers.priority"),
            Column("interval", "drivers.priority_low"),
        ),
        [
            [
                one.survey_id,
                one.driver,
                integer(one.n),
                cell(one.lmg, 3),
                ends(estimate(one.lmg, one.lmg_low, one.lmg_high, one.n), 3),
                cell(one.performance, 2),
                ends(estimate(one.performance, one.performance_low, one.performance_high, one.n), 2),
                cell(one.target, 2),
                cell(None if one.performance is None else one.target - one.performance, 2),
                cell(one.priority, 2),
                ends(estimate(one.priority, one.priority_low, one.priority_high, one.n), 2),
            ]
            for one in ordered
        ],
    )
    notes = [
        (
            f"From the last run of candor fit, as of {_as_of(numbers, Model.DRIVERS)}, over all days and "
            "units; importance says what goes with the score, not what causes it."
        )
    ]
    return Section(identity, title, notes=notes, figures=[Figure("drivers-dots", "Importance and gap of each driver", said, drawing, table)])


def _as_of(numbers: Numbers, model: Model) -> str:
    return next((sentences.day(run.as_of) for run in numbers.runs if run.model == model), "an unknown day")


def _label(one: Driver) -> str:
    return f"{one.survey_id}: {one.driver}"


def _dot(one: Driver, value: float, low: float | None, high: float | None) -> Dot:
    return Dot(_label(one), value, low, high)


def _gap_dot(one: Driver, performance: float) -> Dot:
    """The gap falls as performance rises, so the ends of its interval change places."""
    found = estimate(one.performance, one.performance_low, one.performance_high, one.n)
    if found is None:
        return Dot(_label(one), one.target - performance)
    return Dot(_label(one), one.target - performance, one.target - found.high, one.target - found.low)


def prediction(numbers: Numbers) -> Section:
    """Whether scores, grades and value tell who buys again."""
    identity, title = "prediction", "Does it predict?"
    told = [(one, found) for one in numbers.prediction if (found := estimate(one.auc, one.low, one.high, one.n)) is not None]
    if not told:
        return Section(identity, title, missing=f"Whether anything predicts buying again is not known: {_why_unfitted(numbers, Model.PREDICTION)}.")
    said = [sentences.discrimination(sentences.words(one.predictor), found) for one, found in told]
    for one, _ in told:
        found = estimate(one.gain, one.gain_low, one.gain_high, one.n)
        if found is not None and one.compared_with:
            said.append(sentences.gain(sentences.words(one.predictor), sentences.words(one.compared_with), found))
    drawing = charts.dots(
        [("AUC; 0.5 tells nothing", [Dot(sentences.words(one.predictor), found.value, found.low, found.high) for one, found in told])],
        charts.ONE_KIND,
        reference=0.5,
    )
    table = Table(
        "Predictors of buying again",
        (
            Column("predictor", "prediction.predictor", is_number=False),
            Column("n", "prediction.n"),
            Column("bought again", "prediction.bought"),
            Column("AUC", "prediction.auc"),
            Column("interval", "prediction.low"),
            Column("compared with", "prediction.compared_with", is_number=False),
            Column("gain", "prediction.gain"),
            Column("interval", "prediction.gain_low"),
        ),
        [_predictor_row(one) for one in numbers.prediction],
    )
    silent = [one for one in numbers.prediction if one.auc is None or one.low is None]
    notes = [f"From the last run of candor fit, as of {_as_of(numbers, Model.PREDICTION)}, over all days, units and surveys."]
    for why, names in (
        ("no answer that is old enough to be judged has it", [sentences.words(one.predictor) for one in silent if not one.n]),
        ("too few are known", [sentences.words(one.predictor) for one in silent if one.n]),
    ):
        if names:
            notes.append(f"Not drawn, since {why}: {sentences.listed(names, 10)}.")
    return Section(identity, title, notes=notes, figures=[Figure("prediction-dots", "How well each tells who buys again", said, drawing, table)])


def _predictor_row(one: Predictor) -> list[str]:
    return [
        sentences.words(one.predictor),
        integer(one.n),
        integer(one.bought),
        cell(one.auc, 3),
        ends(estimate(one.auc, one.low, one.high, one.n), 3),
        sentences.words(one.compared_with or ""),
        cell(one.gain, 3),
        ends(estimate(one.gain, one.gain_low, one.gain_high, one.n), 3),
    ]
