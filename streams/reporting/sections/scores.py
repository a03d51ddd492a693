"""Loyalty over time, and units in a funnel plot."""

from datetime import timedelta
from math import ceil

from schemas.enums import Metric, UnitState
from schemas.events import SCALES
from streams.reporting import charts, sentences
from streams.reporting.charts import LEAST_FILLED, Kind, Point
from streams.reporting.drawing import GREY
from streams.reporting.numbers import Sums, difference, mean, percentage
from streams.reporting.rows import FromFirstDay, LoyaltyBucket, Numbers, UnitFunnel, UnitScore
from streams.reporting.sections.model import Column, Figure, Section, Table, cell, ends, integer, percent, value_of
from streams.reporting.sections.scoring import THE_VIEWS_CES, told_of

RAW, CLEANED = "all answers", "without the flagged"
_STATES = (
    Kind(UnitState.CLEAR, charts.BLUE),
    Kind(UnitState.INVESTIGATE, charts.ORANGE, "square"),
    Kind(UnitState.SUSPECT, charts.VERMILLION, "diamond"),
)
_MOST_WITHOUT_STATE = 400
"""Units of a clear state that are drawn beside all others; the table holds them all."""
_LEAST_IN_TABLE = 5
"""Units of a clear state with fewer answers stand in one line together: of so few a score says next to nothing, and there may be thousands."""


def loyalty(numbers: Numbers) -> Section:
    """The score of the period, raw beside cleaned, and whether it moved."""
    identity, title = "loyalty", "Loyalty over time"
    told = told_of(numbers.metric)
    total = sum((bucket.sums for bucket in numbers.loyalty), Sums(numbers.metric))
    if not numbers.metrics:
        return Section(identity, title, missing="No counted response lies in this period and scope.")
    by_metric = Table(
        "Responses of the period by metric",
        (
            Column("metric", "loyalty_daily.metric", is_number=False),
            Column("n", "loyalty_daily.n"),
            Column("flagged", "loyalty_daily.flagged"),
            Column("mean score", "loyalty_daily.score_sum"),
            Column("top box", "loyalty_daily.top_box"),
            Column("interval", "interval"),
            Column("top two boxes", "loyalty_daily.top_two_box"),
        ),
        [
            [
                one.metric,
                integer(one.n),
                integer(one.flagged),
                cell(one.score_sum / one.n, 2),
                percent(one.top_box / one.n),
                _share_ends(one.top_box, one.n),
                percent(one.top_two_box / one.n),
            ]
            for one in numbers.metrics
        ],
    )
    raw = total.raw
    if raw is None:
        return Section(
            identity,
            title,
            notes=[f"No {numbers.metric} response lies in this period and scope, so there is no {told.score}; other metrics are in the table."],
            tables=[by_metric],
        )
    score = [told.level(told.named("{} of the period"), raw), *told.cleaning(total), *_against_before(numbers, total)]
    # The mean is what the views call ces, so it comes first there.
    said = [*_mean(numbers), *score] if numbers.metric is Metric.CES else [*score, *_mean(numbers)]
    points = [point for bucket in _without_gaps(numbers) for point in _points(bucket)]
    table = Table(
        f"{told.heading} a {'week' if numbers.scope.weekly else 'month'}",
        (Column("from", "week", is_number=False), *told.columns),
        [[bucket.start.isoformat(), *told.row(bucket.sums)] for bucket in numbers.loyalty],
    )
    drawing = charts.lines(points, _series(numbers.metric), told.axis)
    figure = Figure("loyalty-lines", f"{told.heading}, raw beside cleaned", said, drawing, table)
    each = "week" if numbers.scope.weekly else "month"
    notes = [f"Bands are 95 % intervals of each {each} by itself; whether the score moved is told by the sentence, not by the line."]
    if any(point.value is not None and point.n < LEAST_FILLED for point in points):
        notes.append(f"Hollow marks rest on fewer than {LEAST_FILLED} answers.")
    if any(point.value is None for point in points):
        notes.append(f"A line is broken where a {each} has no answer that it could tell of.")
    return Section(identity, title, notes=notes, figures=[figure], tables=[*_comparison(numbers, total), by_metric])


def _without_gaps(numbers: Numbers) -> list[LoyaltyBucket]:
    """From the first to the last week or month with answers, those without any, too."""
    found = {bucket.start: bucket for bucket in numbers.loyalty}
    start, last, buckets = min(found), max(found), []
    while start <= last:
        buckets.append(found.get(start, LoyaltyBucket(start, Sums(numbers.metric))))
        start = start + timedelta(days=7) if numbers.scope.weekly else (start.replace(day=1) + timedelta(days=31)).replace(day=1)
    return buckets


def _points(bucket: LoyaltyBucket) -> list[Point]:
    """Raw, cleaned and at worst."""
    drawn = [
        Point(bucket.start, kind) if found is None else Point(bucket.start, kind, found.value, found.low, found.high, found.n)
        for kind, found in ((RAW, bucket.sums.raw), (CLEANED, bucket.sums.excluded))
    ]
    return [*drawn, Point(bucket.start, told_of(bucket.sums.metric).worst, bucket.sums.bound_low, n=bucket.sums.n)]


def _series(metric: Metric) -> tuple[Kind, Kind, Kind]:
    worst = Kind(told_of(metric).worst, GREY, "triangle-down", (2, 3))
    return Kind(RAW, charts.BLUE), Kind(CLEANED, charts.VERMILLION, "diamond", (6, 3)), worst


def _share_ends(successes: int, n: int) -> str:
    return ends(percentage(successes, n))


def _against_before(numbers: Numbers, total: Sums) -> list[str]:
    told, before = told_of(numbers.metric), numbers.before
    days = sentences.counted(numbers.scope.days, "day", "days")
    if before.raw is None or total.raw is None:
        return [f"The {days} before hold no {numbers.metric} response, so {sentences.NO_CHANGE}."]
    said = [told.change(f"Against the {days} before, {{}}", before.raw, total.raw)]
    if before.excluded is not None and total.excluded is not None and before.flagged + total.flagged:
        said.append(told.change("Without the flagged answers, {}", before.excluded, total.excluded))
    return said


def _mean(numbers: Numbers) -> list[str]:
    """The mean of all answers, where it is what people know the metric by."""
    one = next((one for one in numbers.metrics if one.metric == numbers.metric), None)
    if numbers.metric is Metric.NPS or one is None:
        return []
    lowest, highest = SCALES[one.metric]
    what = f"On the scale of {lowest:.0f} to {highest:.0f} the mean of all {one.metric} answers"
    found = mean(one.metric, one.score_sum, one.score_sum_squares, one.n)
    if found is not None:
        said = sentences.level(what, found, decimals=2)
    else:
        said = f"{what} is {sentences.number(one.score_sum / one.n, 2)} (n = {sentences.count(one.n)}; how far others would differ cannot be told)."
    return [f"{said} {THE_VIEWS_CES}"] if one.metric is Metric.CES else [said]


def _comparison(numbers: Numbers, total: Sums) -> list[Table]:
    """The numbers behind the sentences about the period before."""
    told, before = told_of(numbers.metric), numbers.before
    columns = (
        Column("answers", "loyalty_daily.flagged", is_number=False),
        Column("n before", "loyalty_daily.n"),
        Column(f"{told.score} before", told.definition),
        Column("n", "loyalty_daily.n"),
        Column(told.score, told.definition),
        Column("difference", "difference"),
        Column("interval", "difference"),
    )
    rows = []
    for name, earlier, later in ((RAW, before.raw, total.raw), (CLEANED, before.excluded, total.excluded)):
        if earlier is not None and later is not None:
            gap = difference(later, earlier)
            rows.append([name, integer(earlier.n), value_of(earlier), integer(later.n), value_of(later), value_of(gap), ends(gap)])
    return [Table(f"{told.heading} against as many days before", columns, rows)] if rows else []


def units(numbers: Numbers) -> Section:
    """Each unit against its peers; the suspects by name."""
    identity, title = "units", "Units against their peers"
    told = told_of(numbers.metric)
    if not numbers.units:
        state = "none is suspected" if numbers.judged else "none has been judged yet"
        response = f"{'an' if numbers.metric is Metric.NPS else 'a'} {numbers.metric} response" if numbers.metrics else "a counted response"
        return Section(identity, title, missing=f"No unit has {response} in this period and scope, and {state}.")
    states = {unit.unit_id: unit for unit in numbers.units}
    said = [_named(numbers, UnitState.SUSPECT), _named(numbers, UnitState.INVESTIGATE), _from_first_day(numbers.from_first_day)]
    unjudged = {unit.unit_id for unit in numbers.units if unit.judged is None}
    notes = ["States are those of the newest judged day, over all surveys, and rest on days, devices, words and more, not on this picture alone."]
    if unjudged:
        drawn_as_clear = "; in the picture that counts as clear" if any(one.unit_id in unjudged for one in numbers.funnel) else ""
        notes.append(f"{sentences.counted(len(unjudged), 'unit has', 'units have')} not been judged yet{drawn_as_clear}.")
    folded = [unit for unit in numbers.units if unit.state == UnitState.CLEAR and unit.sums.n < _LEAST_IN_TABLE]
    if len(folded) == 1:
        folded = []
    few = {unit.unit_id for unit in folded}
    shown = [unit for unit in numbers.units if unit.unit_id not in few]
    if folded:
        notes.append(
            f"{sentences.count(len(folded))} units with fewer than {_LEAST_IN_TABLE} answers are not shown one by one: "
            "they are the last line of the table of scores, and each is in loyalty_daily."
        )
    is_told = numbers.is_metric_chosen
    scores = Table(
        "Scores of the units" if is_told else "Units that stand out",
        (
            Column("unit", "integrity_units.unit_id", is_number=False),
            Column("state", "integrity_units.state", is_number=False),
            Column("kinds of evidence", "integrity_units.families", is_number=False),
            *(told.brief_columns if is_told else ()),
        ),
        [*(_score_row(unit, is_told=is_told) for unit in sorted(shown, key=lambda unit: (_rank(unit.state), unit.unit_id))), *_folded(folded)],
    )
    if not numbers.funnel:
        notes.append(
            f"There is no funnel plot: no unit can be compared {f'by {numbers.metric} ' if is_told else ''}in this period. "
            "That takes at least 10 comparable answers, "
            "7 peers with as many, and enough of them to tell how much peers differ."
        )
        return Section(identity, title, notes=[*[one for one in said if one], *notes], tables=[scores])
    standing_out = [one for one in numbers.funnel if _state(states.get(one.unit_id)) != UnitState.CLEAR or one.named]
    calm = [one for one in numbers.funnel if one not in standing_out] if len(standing_out) < len(numbers.funnel) else []
    drawn = [*standing_out, *sorted(calm, key=lambda one: -one.rate_n)[:_MOST_WITHOUT_STATE]]
    said += _outside(numbers.funnel)
    if numbers.scope.survey is not None:
        notes.append("The funnel plot and the states are over all surveys: units are judged as a whole.")
    if len(drawn) < len(numbers.funnel):
        notes.append(
            f"Drawn are {sentences.count(len(drawn))} of {sentences.count(len(numbers.funnel))} units: all "
            "that stand out, and of the others those with most answers. The table holds all."
        )
    missing = len(states.keys() - {one.unit_id for one in numbers.funnel})
    if missing:
        notes.append(f"{sentences.counted(missing, 'unit is', 'units are')} not in the picture: too few answers or peers to compare.")
    best = f"{SCALES[numbers.metric][1]:.0f} of {SCALES[numbers.metric][1]:.0f}"
    notes.append(f"Top scores of the funnel plot are answers of {best}, the best of the scale{told.not_top_scores}.")
    drawing = charts.funnel(
        [_point(one, states.get(one.unit_id)) for one in drawn],
        _STATES,
        "comparable answers",
        f"top scores ({best}) above expected, % points",
    )
    table = Table(
        f"Top scores of each unit against its peers ({numbers.metric})",
        (
            Column("unit", "integrity_funnel.unit_id", is_number=False),
            Column("peer group", "integrity_funnel.peer_group", is_number=False),
            Column("n", "integrity_funnel.rate_n"),
            Column(f"top scores ({best})", "integrity_funnel.rate"),
            Column("expected", "integrity_funnel.rate_expected"),
            Column("lower limit", "integrity_funnel.rate_low"),
            Column("upper limit", "integrity_funnel.rate_high"),
            Column("q value", "integrity_funnel.q_value"),
            Column("named", "integrity_funnel.named", is_number=False),
        ),
        [
            [
                one.unit_id,
                one.peer_group or "",
                integer(one.rate_n),
                percent(one.rate),
                percent(one.rate_expected),
                percent(one.rate_low),
                percent(one.rate_high),
                cell(one.q_value, 3),
                "yes" if one.named else "no",
            ]
            for one in numbers.funnel
        ],
    )
    figure = Figure("units-funnel", f"Funnel plot of top scores ({best}, {numbers.metric})", [one for one in said if one], drawing, table)
    return Section(identity, title, notes=notes, figures=[figure], tables=[scores])


def _rank(state: str) -> int:
    return [UnitState.SUSPECT, UnitState.INVESTIGATE, UnitState.CLEAR].index(UnitState(state))


def _state(unit: UnitScore | None) -> UnitState:
    return UnitState.CLEAR if unit is None else unit.state


def _score_row(unit: UnitScore, *, is_told: bool) -> list[str]:
    judged = unit.judged
    score = told_of(unit.sums.metric).brief_row(unit.sums) if is_told else []
    if judged is None:
        return [unit.unit_id, "not judged yet", "", *score]
    return [unit.unit_id, judged.state, ", ".join(sentences.words(name) for name in judged.families), *score]


def _folded(found: list[UnitScore]) -> list[list[str]]:
    """One row for many units of few answers."""
    if not found:
        return []
    metric = found[0].sums.metric
    score = told_of(metric).brief_row(sum((unit.sums for unit in found), Sums(metric)))
    return [[f"{sentences.count(len(found))} units, few answers", "", "", *score]]


def _point(one: UnitFunnel, unit: UnitScore | None) -> dict[str, str | float | None]:
    state = _state(unit)
    return {
        "n": float(one.rate_n),
        "value": 100 * (one.rate - one.rate_expected),
        "low": 100 * (one.rate_low - one.rate_expected),
        "high": 100 * (one.rate_high - one.rate_expected),
        "kind": state,
        "label": one.unit_id if state != UnitState.CLEAR or one.named else "",
    }


def _named(numbers: Numbers, state: UnitState) -> str:
    """Who is of a state, of all units that were judged: most of these may have no answer in the period, and are clear."""
    if not numbers.judged:
        return "None of these units has been judged yet." if state == UnitState.SUSPECT else ""
    names = [unit.unit_id for unit in numbers.units if unit.judged is not None and unit.state == state]
    if not names:
        return f"{sentences.none_is(numbers.judged, 'judged unit', 'judged units', state)}." if state == UnitState.SUSPECT else ""
    of_all = f"of {sentences.counted(numbers.judged, 'judged unit', 'judged units')}"
    meaning = {
        UnitState.SUSPECT: "two kinds of evidence or more agree, or somebody confirmed a finding",
        UnitState.INVESTIGATE: "one kind of evidence, which honest change may explain",
    }[state]
    return f"{state.value.capitalize()} ({meaning}): {sentences.listed(names, 12)}; {sentences.count(len(names))} {of_all}."


def _from_first_day(found: list[FromFirstDay]) -> str:
    if not found:
        return ""
    each = [f"{one.unit_id} (since {sentences.day(one.first_day)}, {sentences.count(int(one.e_value))} to 1)" for one in found]
    needed = sentences.count(ceil(found[0].e_value_needed))
    return (
        f"Over all answers since its first day, higher scores than honest peers have: {sentences.listed(each, 12)}; {needed} to 1 is needed. "
        "A reason to look, no proof."
    )


def _outside(found: list[UnitFunnel]) -> list[str]:
    outside = [one for one in found if one.rate > one.rate_high or one.rate < one.rate_low]
    named = [one.unit_id for one in found if one.named]
    said = (
        []
        if outside
        else [f"All {sentences.count(len(found))} units that can be compared lie within their limits of three standard deviations."]
        if len(found) > 1
        else ["The one unit that can be compared lies within its limits of three standard deviations."]
    )
    said += [sentences.against_expected(one.unit_id, one.rate, one.rate_low, one.rate_high, one.rate_n) for one in outside[:6]]
    if len(outside) > 6:
        said.append(f"{sentences.counted(len(outside) - 6, 'more lies outside its limits', 'more lie outside their limits')}; see the table.")
    if named:
        said.append(f"At a false-discovery rate of 5 % the comparison with peers names {sentences.listed(named, 12)}: a reason to look, no proof.")
    return said
