"""Loyalty over time, and units in a funnel plot."""

from schemas.enums import Metric, UnitState
from streams.reporting import charts, sentences
from streams.reporting.charts import Kind
from streams.reporting.numbers import Sums, difference, percentage
from streams.reporting.rows import Numbers, UnitFunnel, UnitScore
from streams.reporting.sections.model import Column, Figure, Section, Table, cell, ends, integer, percent, value_of

RAW, CLEANED, WORST = "all answers", "without the flagged", "every flagged one a detractor"
_SERIES = (Kind(RAW, charts.BLUE), Kind(CLEANED, charts.VERMILLION, "diamond", (6, 3)), Kind(WORST, charts.GREY, "triangle-down", (2, 3)))
_STATES = (
    Kind(UnitState.CLEAR, charts.BLUE),
    Kind(UnitState.INVESTIGATE, charts.ORANGE, "square"),
    Kind(UnitState.SUSPECT, charts.VERMILLION, "diamond"),
)
_MOST_WITHOUT_STATE = 400
"""Units of a clear state that are drawn beside all others; the table holds them all."""


def loyalty(numbers: Numbers) -> Section:
    """The score of the period, raw beside cleaned, and whether it moved."""
    identity, title = "loyalty", "Loyalty over time"
    total = sum((bucket.sums for bucket in numbers.loyalty), Sums())
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
                cell(one.mean, 2),
                percent(one.top_box / one.n),
                _share_ends(one.top_box, one.n),
                percent(one.top_two_box / one.n),
            ]
            for one in numbers.metrics
        ],
    )
    raw = total.raw
    if raw is None or total.bound_mid is None or total.bound_low is None:
        return Section(
            identity,
            title,
            notes=["No nps response lies in this period and scope, so there is no NPS; other metrics are in the table."],
            tables=[by_metric],
        )
    said = [
        sentences.level("NPS of the period", raw),
        sentences.cleaning(total.n, total.flagged, total.excluded, total.bound_mid, total.bound_low),
        *_against_before(numbers, total),
    ]
    rows = []
    for bucket in numbers.loyalty:
        one = bucket.sums
        rows.append(
            [
                bucket.start.isoformat(),
                integer(one.n),
                value_of(one.raw),
                ends(one.raw),
                integer(one.flagged),
                value_of(one.excluded),
                ends(one.excluded),
                cell(one.bound_mid),
                cell(one.bound_low),
            ]
        )
    drawn = [
        (bucket.start, kind, found.value, found.low, found.high)
        for bucket in numbers.loyalty
        for kind, found in ((RAW, bucket.sums.raw), (CLEANED, bucket.sums.excluded))
        if found is not None
    ]
    worst = [(bucket.start, WORST, low, None, None) for bucket in numbers.loyalty if (low := bucket.sums.bound_low) is not None]
    table = Table(
        f"NPS a {'week' if numbers.scope.weekly else 'month'}",
        (
            Column("from", "week", is_number=False),
            Column("n", "loyalty_daily.n"),
            Column("NPS", "loyalty_daily.nps"),
            Column("interval", "interval"),
            Column("flagged", "loyalty_daily.flagged"),
            Column("without flagged", "loyalty_daily.nps_excluded"),
            Column("its interval", "interval"),
            Column("bound, mid", "loyalty_daily.nps_bound_mid"),
            Column("bound, low", "loyalty_daily.nps_bound_low"),
        ),
        rows,
    )
    figure = Figure("loyalty-lines", "NPS, raw beside cleaned", said, charts.lines([*drawn, *worst], _SERIES, "NPS, points"), table)
    notes = ["Bands are 95 % intervals of each week or month by itself; whether the score moved is told by the sentence, not by the line."]
    return Section(identity, title, notes=notes, figures=[figure], tables=[*_comparison(numbers, total), by_metric])


def _share_ends(successes: int, n: int) -> str:
    return ends(percentage(successes, n))


def _against_before(numbers: Numbers, total: Sums) -> list[str]:
    before = sum((row.sums for row in numbers.before), Sums())
    days = sentences.counted(numbers.scope.days, "day", "days")
    if before.raw is None or total.raw is None:
        return [f"The {days} before hold no nps response, so {sentences.NO_CHANGE}."]
    said = [sentences.change(f"Against the {days} before, NPS", before.raw, total.raw)]
    if before.excluded is not None and total.excluded is not None and before.flagged + total.flagged:
        said.append(sentences.change("Without the flagged answers, NPS", before.excluded, total.excluded))
    return said


def _comparison(numbers: Numbers, total: Sums) -> list[Table]:
    """The numbers behind the sentences about the period before."""
    before = sum((row.sums for row in numbers.before), Sums())
    columns = (
        Column("answers", "loyalty_daily.flagged", is_number=False),
        Column("n before", "loyalty_daily.n"),
        Column("NPS before", "loyalty_daily.nps"),
        Column("n", "loyalty_daily.n"),
        Column("NPS", "loyalty_daily.nps"),
        Column("difference", "difference"),
        Column("interval", "difference"),
    )
    rows = []
    for name, earlier, later in ((RAW, before.raw, total.raw), (CLEANED, before.excluded, total.excluded)):
        if earlier is not None and later is not None:
            gap = difference(later, earlier)
            rows.append([name, integer(earlier.n), value_of(earlier), integer(later.n), value_of(later), value_of(gap), ends(gap)])
    return [Table("NPS against as many days before", columns, rows)] if rows else []


def units(numbers: Numbers) -> Section:
    """Each unit against its peers; the suspects by name."""
    identity, title = "units", "Units against their peers"
    if not numbers.units:
        return Section(identity, title, missing="No unit has an nps response in this period and scope, and none is suspected.")
    states = {unit.unit_id: unit for unit in numbers.units}
    said = [_named(numbers.units, UnitState.SUSPECT), _named(numbers.units, UnitState.INVESTIGATE)]
    notes = ["States are those of the newest judged day, over all surveys, and rest on days, devices, words and more, not on this picture alone."]
    scores = Table(
        "Scores of the units",
        (
            Column("unit", "integrity_units.unit_id", is_number=False),
            Column("state", "integrity_units.state", is_number=False),
            Column("kinds of evidence", "integrity_units.families", is_number=False),
            Column("n", "loyalty_daily.n"),
            Column("NPS", "loyalty_daily.nps"),
            Column("interval", "interval"),
            Column("flagged", "loyalty_daily.flagged"),
            Column("without flagged", "loyalty_daily.nps_excluded"),
            Column("bound, low", "loyalty_daily.nps_bound_low"),
        ),
        [_score_row(unit) for unit in sorted(numbers.units, key=lambda unit: (_rank(unit.state), unit.unit_id))],
    )
    if not numbers.funnel:
        notes.append("There is no funnel plot: no unit has at least 10 comparable answers and 7 peers with as many in this period.")
        return Section(identity, title, notes=[*[one for one in said if one], *notes], tables=[scores])
    metric = numbers.funnel[0].metric
    shown = [one for one in numbers.funnel if _state(states.get(one.unit_id)) != UnitState.CLEAR or one.named]
    calm = [one for one in numbers.funnel if one not in shown] if len(shown) < len(numbers.funnel) else []
    drawn = [*shown, *sorted(calm, key=lambda one: -one.rate_n)[:_MOST_WITHOUT_STATE]]
    said += _outside(numbers.funnel)
    if numbers.scope.survey is not None:
        notes.append("The funnel plot and the states are over all surveys: units are judged as a whole.")
    if len(drawn) < len(numbers.funnel):
        notes.append(
            f"Drawn are {sentences.count(len(drawn))} of {sentences.count(len(numbers.funnel))} units: all "
            "that stand out, and of the others those with most answers. The table holds all."
        )
    missing = len(numbers.units) - len(numbers.funnel)
    if missing > 0:
        notes.append(f"{sentences.counted(missing, 'unit is', 'units are')} not in the picture: too few answers or peers to compare.")
    drawing = charts.funnel(
        [_point(one, states.get(one.unit_id)) for one in drawn],
        _STATES,
        "comparable answers",
        "top scores above expected, % points",
    )
    table = Table(
        f"Top scores of each unit against its peers ({metric})",
        (
            Column("unit", "integrity_funnel.unit_id", is_number=False),
            Column("peer group", "integrity_funnel.peer_group", is_number=False),
            Column("n", "integrity_funnel.rate_n"),
            Column("top scores", "integrity_funnel.rate"),
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
    figure = Figure("units-funnel", f"Funnel plot of top scores ({Metric(metric).value})", [one for one in said if one], drawing, table)
    return Section(identity, title, notes=notes, figures=[figure], tables=[scores])


def _rank(state: str) -> int:
    return [UnitState.SUSPECT, UnitState.INVESTIGATE, UnitState.CLEAR].index(UnitState(state))


def _state(unit: UnitScore | None) -> str:
    return UnitState.CLEAR if unit is None else unit.state


def _score_row(unit: UnitScore) -> list[str]:
    sums = unit.sums
    families = ", ".join(sentences.words(name) for name in unit.families)
    return [
        unit.unit_id,
        unit.state,
        families,
        integer(sums.n),
        value_of(sums.raw),
        ends(sums.raw),
        integer(sums.flagged),
        value_of(sums.excluded),
        cell(sums.bound_low),
    ]


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


def _named(found: list[UnitScore], state: UnitState) -> str:
    names = [unit.unit_id for unit in found if unit.state == state]
    of_all = f"of {sentences.counted(len(found), 'unit', 'units')}"
    if not names:
        return f"None {of_all} is {state}." if state == UnitState.SUSPECT else ""
    meaning = {
        UnitState.SUSPECT: "two kinds of evidence or more agree, or somebody confirmed a finding",
        UnitState.INVESTIGATE: "one kind of evidence, which honest change may explain",
    }[state]
    return f"{state.value.capitalize()} ({meaning}): {sentences.listed(names, 12)}; {sentences.count(len(names))} {of_all}."


def _outside(found: list[UnitFunnel]) -> list[str]:
    outside = [one for one in found if one.rate > one.rate_high or one.rate < one.rate_low]
    named = [one.unit_id for one in found if one.named]
    said = (
        [f"All {sentences.count(len(found))} units that can be compared lie within their limits of three standard deviations."] if not outside else []
    )
    said += [sentences.against_expected(one.unit_id, one.rate, one.rate_low, one.rate_high, one.rate_n) for one in outside[:6]]
    if len(outside) > 6:
        said.append(f"{sentences.count(len(outside) - 6)} more lie outside their limits; see the table.")
    if named:
        said.append(f"At a false-discovery rate of 5 % the comparison with peers names {sentences.listed(named, 12)}: a reason to look, no proof.")
    return said
