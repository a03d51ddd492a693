"""The evidence against each suspect unit, in words that its branch manager can check. Of customers it names identifiers of answers alone."""

from collections.abc import Mapping
from datetime import timedelta

from schemas.enums import Detector, UnitState
from streams.reporting import charts, sentences
from streams.reporting.charts import Kind, Span
from streams.reporting.numbers import share
from streams.reporting.rows import Finding, Numbers, UnitScore
from streams.reporting.sections.model import Column, Figure, Item, Section, Table, cell, integer
from streams.reporting.sections.scoring import told_of

_MOST_UNITS = 20
"""Suspect units that get a part of their own, those with most evidence first."""
_KINDS = (Kind("not flagged", charts.BLUE), Kind("flagged", charts.VERMILLION))

MEANING: Mapping[Detector, tuple[str, str]] = {
    Detector.LEVEL_SHIFT: (
        "More top scores came than this unit and its peers lead to expect.",
        "Ask what changed on that day: staff, a campaign, a poster at the till, a new survey. Real improvement looks the same here.",
    ),
    Detector.RESPONSE_VOLUME: (
        "More answers came than sales and invitations lead to expect.",
        "Compare the answers of these days with the till: how many customers were there?",
    ),
    Detector.SHARED_DEVICES: (
        "Several accounts answered for the unit from one personal device.",
        "Look at the answers listed below: whose device is it? A tablet at the counter explains it; then say so when you decide about the finding.",
    ),
    Detector.COACHED_TEXT: (
        "Comments repeat other accounts' words, or customers say that a score was asked for.",
        "Read the comments of the answers listed below in your survey tool, and ask how customers are spoken to.",
    ),
    Detector.CHERRY_PICKING: (
        "Customers who had trouble were asked less often than others.",
        "Look at who suppresses invitations and how addresses are noted for customers who complain.",
    ),
    Detector.FAST_FORMS: (
        "Forms were filled in faster than people do, or with one answer throughout.",
        "Look at when the answers listed below were given, and who was at work.",
    ),
    Detector.REGRETTED_PRAISE: (
        "Purchases that were praised were given back more often than others.",
        "Ask customers who gave back what they had said, and how they were asked.",
    ),
    Detector.PERIOD_END_PUSH: (
        "Top scores pile up in the last days of the period that a bonus is paid for.",
        "Compare the last days of the period with the rest, at all units of the plan.",
    ),
    Detector.SHARED_CONTACTS: (
        "Several accounts answered from one contact address, or from one of staff.",
        "Look at whose address it is, and who entered it.",
    ),
}
"""What each detector saw, and what a manager can check."""


def suspects(numbers: Numbers) -> Section:
    """A time line and the findings of each suspect unit."""
    identity, title = "evidence", "Evidence, unit by unit"
    found = [unit for unit in numbers.units if unit.state == UnitState.SUSPECT]
    if not found:
        judged = "no unit is suspect as of the newest judged day" if numbers.judged else "no unit has been judged yet"
        return Section(identity, title, missing=f"There is nothing to show: {judged} in this scope.")
    strength = {unit.unit_id: max((one.e_value for one in _of(unit, numbers)), default=0.0) for unit in found}
    ordered = sorted(found, key=lambda unit: (-strength[unit.unit_id], unit.unit_id))
    notes = [
        (
            "A finding is evidence, no verdict. It says how much was seen, how much would have been "
            "usual at most, and how seldom as much is reached where nothing is wrong."
        ),
        "Who disagrees decides about the finding: candor findings adjudicate, with its identity from the table.",
    ]
    if len(ordered) > _MOST_UNITS:
        notes.append(
            f"Shown are the {_MOST_UNITS} units with the strongest evidence of "
            f"{sentences.count(len(ordered))}; the others are in the table of units above."
        )
    return Section(identity, title, notes=notes, items=[_unit(place, unit, numbers) for place, unit in enumerate(ordered[:_MOST_UNITS], 1)])


def _of(unit: UnitScore, numbers: Numbers) -> list[Finding]:
    """Findings of the unit itself, then of plans that pay it."""
    own = [finding for finding in numbers.findings if finding.of_unit == unit.unit_id]
    return own + [finding for finding in numbers.findings if finding.of_plan and unit.unit_id in numbers.plan_units.get(finding.of_plan, [])]


def _unit(place: int, unit: UnitScore, numbers: Numbers) -> Item:
    found = _of(unit, numbers)
    weeks = [week for week in numbers.unit_weeks if week.unit_id == unit.unit_id]
    answers, flagged = sum(week.n for week in weeks), sum(week.flagged for week in weeks)
    said, raw, words = [_why(unit)], unit.sums.raw, told_of(numbers.metric)
    if raw is not None:
        said += [words.level(f"Its {words.score} of the period", raw), *words.cleaning(unit.sums)]
    elif numbers.is_metric_chosen:
        said.append(f"It has no {numbers.metric} response in this period and scope, so there is no {words.score} of it.")
    else:
        said.append("It has no response in this period and scope.")
    figures = [_timeline(place, unit, numbers, found)] if weeks and found else []
    if figures:
        part = share(flagged, answers)
        told = "" if part is None else f", {sentences.number(100 * part.value)} % of them"
        figures[0].sentences.append(
            f"The time line holds {sentences.counted(answers, 'answer', 'answers')} of any metric; "
            f"{sentences.counted(flagged, 'is', 'are')} flagged{told} (n = {sentences.count(answers)})."
        )
    bullets = []
    for finding in found:
        seen, check = MEANING[Detector(finding.detector)]
        decided = "" if finding.decision is None else f" Somebody looked at it and decided: {finding.decision}."
        bullets.append(f"{sentences.words(finding.detector).capitalize()}: {seen} {finding.evidence}{decided} What to check: {check}")
    tables = [_findings_table(unit.unit_id, found)] if found and not figures else []
    return Item(unit.unit_id, said, figures, bullets, [*tables, *_responses(unit.unit_id, found)])


def _why(unit: UnitScore) -> str:
    known = unit.judged
    since = "" if known is None or known.since is None else f" since {sentences.day(known.since)}"
    if known is None or not known.families:
        return f"{unit.unit_id} is suspect{since} by a confirmed finding."
    families = sentences.listed([sentences.words(name) for name in known.families])
    return f"{unit.unit_id} is suspect{since}: evidence of {sentences.counted(len(known.families), 'kind', 'kinds')} ({families})."


def _timeline(place: int, unit: UnitScore, numbers: Numbers, found: list[Finding]) -> Figure:
    weeks = [week for week in numbers.unit_weeks if week.unit_id == unit.unit_id]
    first = min(week.start for week in weeks)
    bars = [(week.start, kind, n) for week in weeks for kind, n in ((_KINDS[0].name, week.n - week.flagged), (_KINDS[1].name, week.flagged)) if n]
    spans = [Span(sentences.words(finding.detector), finding.since, finding.sounded_on, finding.raised_on) for finding in found]
    last = max(numbers.scope.end, *(finding.sounded_on for finding in found))
    said = [
        (
            f"{sentences.counted(len(found), 'finding', 'findings')}: a line from when it most likely "
            "began to when it last sounded, a diamond on the day that raised it."
        )
    ]
    drawing = charts.timeline(bars, spans, _KINDS, first, last + timedelta(days=1))
    return Figure(f"evidence-{place}", f"Time line of {unit.unit_id}", said, drawing, _findings_table(unit.unit_id, found))


def _findings_table(unit_id: str, found: list[Finding]) -> Table:
    return Table(
        f"Findings about {unit_id}",
        (
            Column("finding", "findings.finding_id", is_number=False),
            Column("since", "findings.since", is_number=False),
            Column("raised on", "findings.raised_on", is_number=False),
            Column("last sounded", "findings.sounded_on", is_number=False),
            Column("found", "findings.found"),
            Column("among", "findings.looked_at"),
            Column("usual at most", "findings.at_most"),
            Column("evidence", "findings.e_value"),
            Column("decision", "findings.decision", is_number=False),
        ),
        [
            [
                one.finding_id,
                one.since.isoformat(),
                one.raised_on.isoformat(),
                one.sounded_on.isoformat(),
                cell(one.found, 0),
                cell(one.looked_at, 0),
                cell(one.at_most),
                cell(one.e_value, 0),
                one.decision or "nothing yet",
            ]
            for one in found
        ],
    )


def _responses(unit_id: str, found: list[Finding]) -> list[Table]:
    carrying = [one for one in found if one.response_ids]
    if not carrying:
        return []
    rows = []
    for one in carrying:
        more = one.responses - len(one.response_ids)
        rows.append(
            [
                sentences.words(one.detector),
                integer(one.responses),
                ", ".join(one.response_ids) + (f" and {sentences.count(more)} more" if more else ""),
            ]
        )
    columns = (
        Column("sign", "findings.detector", is_number=False),
        Column("n", "findings.response_ids"),
        Column("answers that carry it", "findings.response_ids", is_number=False),
    )
    return [Table(f"Answers that carry a sign at {unit_id}, by their identifiers", columns, rows)]
