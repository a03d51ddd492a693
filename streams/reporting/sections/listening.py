"""Who answered and who did not, and whether customers were followed up in time."""

from collections.abc import Callable

from schemas.enums import Metric
from streams.reporting import charts, sentences
from streams.reporting.charts import Dot
from streams.reporting.numbers import Estimate, percentage, representativeness, share
from streams.reporting.rows import FollowUp, Numbers, Stratum
from streams.reporting.sections.model import Column, Figure, Section, Table, cell, ends, integer, value_of

_RETURNING, _NEW = "returning customers", "new customers"
_OUTCOMES: tuple[tuple[str, Callable[[Stratum], int]], ...] = (
    ("answered", lambda one: one.answered),
    ("refused, or opened without an answer", lambda one: one.refusals),
    ("sent, but bounced or not known to be opened", lambda one: one.noncontacts),
    ("drawn, then suppressed or never sent", lambda one: one.others),
    ("not drawn", lambda one: one.not_sampled),
)
_NO_CLASS = (
    "Whether an answer is owed a follow-up cannot be told here: rules name promoters, passives and detractors, "
    "which only answers of nps are, and this period and scope have none."
)


def answered(numbers: Numbers) -> Section:
    """How many of the chances to ask were answered, and by whom."""
    identity, title = "answered", "Who answered, and who did not"
    strata = numbers.strata
    total = sum(one.eligible for one in strata)
    if not total:
        return Section(
            identity,
            title,
            missing=(
                "No chance to ask is known to have become eligible in this period and scope, so who did not answer "
                "cannot be told. It needs events invitation.eligible from the transaction system."
            ),
        )
    heard = sum(one.answered for one in strata)
    whole = share(heard, total)
    said = [] if whole is None else [sentences.level("The share of the chances to ask that were answered", whole.scaled_to_percent, " %")]
    groups = _margins(strata)
    returning, new = (percentage(answered, eligible) for eligible, answered in (groups.get(name, (0, 0)) for name in (_RETURNING, _NEW)))
    if returning is not None and new is not None:
        said.append(sentences.comparison(_RETURNING, returning, _NEW, new))
    indicator = representativeness([(one.eligible, one.answered) for one in strata])
    if indicator is not None:
        said.append(
            f"The R-indicator over {sentences.counted(len(strata), 'stratum', 'strata')} is {sentences.number(indicator, 3)} "
            f"(n = {sentences.count(total)}): 1 would say that all answer alike."
        )
    shown = {name: found for name, (eligible, answered) in groups.items() if (found := share(answered, eligible)) is not None}
    drawing = charts.dots([("answered, per cent of the chances to ask", [_dot(name, found) for name, found in shown.items()])], charts.ONE_KIND)
    table = Table(
        "Chances to ask, and answers",
        (
            Column("customers", "stratum", is_number=False),
            Column("n, chances to ask", "response_strata.eligible"),
            Column("answered", "response_strata.completes"),
            Column("share, %", "share_answered"),
            Column("interval", "interval"),
        ),
        [
            [name, integer(groups[name][0]), integer(groups[name][1]), value_of(found.scaled_to_percent), ends(found.scaled_to_percent)]
            for name, found in shown.items()
        ],
    )
    outcomes = Table(
        "What became of the chances",
        (
            Column("outcome", "survey_chances.disposition", is_number=False),
            Column("chances", "response_strata.eligible"),
            Column("share, %", "share_answered"),
        ),
        [[name, integer(n := sum(count(one) for one in strata)), cell(100 * n / total)] for name, count in _OUTCOMES],
    )
    indicator_table = Table(
        "Representativeness of the period",
        (Column("chances", "response_strata.eligible"), Column("R-indicator", "r_indicator_of_period")),
        [[integer(total), cell(indicator, 3)]],
    )
    notes = ["Chances to ask are not told apart by survey: these are of all surveys."] if numbers.scope.survey is not None else []
    return Section(
        identity,
        title,
        notes=notes,
        figures=[Figure("answered-dots", "Share that answered", said, drawing, table)],
        tables=[outcomes, indicator_table],
    )


def _dot(name: str, found: Estimate) -> Dot:
    return Dot(name, 100 * found.value, 100 * found.low, 100 * found.high)


def _margins(strata: list[Stratum]) -> dict[str, tuple[int, int]]:
    """Chances and answers by each of the three things that make a stratum."""
    margins: dict[str, tuple[int, int]] = {}
    name_ofs: tuple[Callable[[Stratum], str], ...] = (
        lambda one: _NEW if one.is_new else _RETURNING,
        lambda one: f"channel {one.channel}",
        lambda one: f"peer group {one.peer_group}" if one.peer_group else "no peer group",
    )
    for name_of in name_ofs:
        found: dict[str, tuple[int, int]] = {}
        for one in strata:
            eligible, answered = found.get(name_of(one), (0, 0))
            found[name_of(one)] = (eligible + one.eligible, answered + one.answered)
        margins |= dict(sorted(found.items()))
    return margins


def follow_up(numbers: Numbers) -> Section:
    """Follow-up of the cases that were due in the period, against what was promised."""
    identity, title = "follow-up", "Follow-up against its promise"
    found = [one for one in numbers.follow_up if one.due]
    debt, due = sum(one.debt for one in numbers.follow_up), sum(one.due for one in numbers.follow_up)
    selectable = not numbers.metrics or any(one.metric is Metric.NPS for one in numbers.metrics)
    if not numbers.follow_up:
        nothing = "No case was due in this period and scope"
        return Section(
            identity,
            title,
            missing=f"{nothing}, and no answer that a rule wanted to be followed up went without." if selectable else f"{nothing}. {_NO_CLASS}",
        )
    owed = (
        f"{sentences.counted(debt, 'answer', 'answers')} of the period {'is' if debt == 1 else 'are'} owed a "
        "follow-up: a rule wanted it, its time has passed, and no case and no message is about it."
        if selectable
        else _NO_CLASS
    )
    table = Table(
        "Cases by programme",
        (
            Column("programme", "follow_up.programme", is_number=False),
            Column("n, cases due", "follow_up.due"),
            Column("contacted in time", "follow_up.in_sla"),
            Column("share, %", "follow_up.sla_attainment"),
            Column("interval", "interval"),
            Column("late", "follow_up_cases.contacted_at"),
            Column("not contacted", "follow_up_cases.contacted_at"),
            Column("owed", "follow_up.feedback_debt"),
        ),
        [_programme_row(one) for one in numbers.follow_up],
    )
    notes = ["Cases that name no response are left out, since it is not known which unit or survey they are about."] if numbers.scope.asked else []
    whole = share(sum(one.in_sla for one in found), due)
    if whole is None:
        return Section(identity, title, notes=[f"No case was due in this period. {owed}", *notes], tables=[table])
    said = [sentences.level("The share of due cases whose customer was contacted in time", whole.scaled_to_percent, " %"), owed]
    parts = [(one.programme, part) for one in found if (part := share(one.in_sla, one.due)) is not None]
    if len(parts) == 2:
        said.append(sentences.comparison(parts[0][0], parts[0][1].scaled_to_percent, parts[1][0], parts[1][1].scaled_to_percent))
    drawing = charts.dots([("contacted in time, per cent of due cases", [_dot(name, part) for name, part in parts])], charts.ONE_KIND)
    return Section(identity, title, notes=notes, figures=[Figure("follow-up-dots", "Cases contacted in time", said, drawing, table)])


def _programme_row(one: FollowUp) -> list[str]:
    scaled = percentage(one.in_sla, one.due)
    return [
        one.programme,
        integer(one.due),
        integer(one.in_sla),
        value_of(scaled),
        ends(scaled),
        integer(one.late),
        integer(one.not_contacted),
        integer(one.debt),
    ]
