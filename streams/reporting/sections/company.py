"""What the company sends, how it grows, and what it measures itself by."""

from streams.reporting import charts, sentences
from streams.reporting.charts import Dot, Kind
from streams.reporting.drawing import GREY
from streams.reporting.numbers import percentage, share
from streams.reporting.rows import Numbers
from streams.reporting.sections.model import Column, Figure, Section, Table, cell, ends, integer, percent, value_of

_MESSAGES = (Kind("selling", charts.VERMILLION), Kind("teaching value", charts.BLUE))
_NEW = (Kind("earned", charts.BLUE), Kind("bought", charts.ORANGE), Kind("other or unknown", GREY))
_RATIOS = (Kind("by weight", charts.BLUE), Kind("by weight and pay", charts.VERMILLION, "diamond"))


def _whole_company(numbers: Numbers) -> list[str]:
    return ["These numbers are of the whole company: they are not told apart by unit or survey."] if numbers.scope.asked else []


def messages(numbers: Numbers) -> Section:
    """Messages that sell against messages that teach value."""
    identity, title = "messages", "Selling against value messages"
    selling, value = sum(one.selling for one in numbers.messages), sum(one.value for one in numbers.messages)
    part = share(selling, selling + value)
    if part is None:
        return Section(identity, title, missing="No message that sells or teaches value was sent in the months of this period.")
    offers, errors = sum(one.offers for one in numbers.messages), sum(one.attention_errors for one in numbers.messages)
    said = [
        f"{sentences.counted(selling, 'message sells', 'messages sell')} and {sentences.counted(value, 'teaches', 'teach')} value: "
        + sentences.level("the selling share", part.scaled_to_percent, " %"),
    ]
    wrong = share(errors, offers)
    if wrong is not None:
        said.append(sentences.level("The share of offers that were owned already, or made while a case was open,", wrong.scaled_to_percent, " %"))
    drawing = charts.stacked(
        [(one.month, kind.name, float(n)) for one in numbers.messages for kind, n in zip(_MESSAGES, (one.selling, one.value), strict=True)],
        _MESSAGES,
        "messages",
    )
    table = Table(
        "Messages a month",
        (
            Column("month", "month", is_number=False),
            Column("n, messages", "messages_monthly.messages"),
            Column("selling", "messages_monthly.selling"),
            Column("teaching value", "messages_monthly.value"),
            Column("selling share, %", "selling_share"),
            Column("interval", "interval"),
            Column("offers", "messages_monthly.offers"),
            Column("attention errors", "messages_monthly.attention_errors"),
        ),
        [
            [
                f"{one.month:%Y-%m}",
                integer(one.messages),
                integer(one.selling),
                integer(one.value),
                value_of(found),
                ends(found),
                integer(one.offers),
                integer(one.attention_errors),
            ]
            for one in numbers.messages
            for found in (percentage(one.selling, one.selling + one.value),)
        ],
    )
    return Section(
        identity,
        title,
        notes=_whole_company(numbers),
        figures=[Figure("messages-bars", "Messages that sell, and that teach value", said, drawing, table)],
    )


def growth(numbers: Numbers) -> Section:
    """Revenue of new customers who came by themselves, against those who were bought."""
    identity, title = "growth", "Earned against bought growth"
    if not numbers.growth:
        return Section(identity, title, missing="No money moved in the months of this period.")
    earned, bought, other = (
        sum(getattr(one, name) for one in numbers.growth) for name in ("earned_new_revenue", "bought_new_revenue", "other_new_revenue")
    )
    n_earned, n_bought = sum(one.customers_earned_new for one in numbers.growth), sum(one.customers_bought_new for one in numbers.growth)
    n_new = sum(one.customers_new for one in numbers.growth)
    money = numbers.currency
    parts = (
        ("In these months new customers who came by referral or recommendation brought", earned, n_earned),
        ("those who were bought", bought, n_bought),
        ("and others", other, n_new - n_earned - n_bought),
    )
    said = [", ".join(f"{who} {sentences.number(amount, 0)} {money} (n = {sentences.count(n)})" for who, amount, n in parts) + "."]
    earned_part = _part(earned, bought)
    if earned_part is not None:
        n = sentences.count(n_earned + n_bought)
        said.append(f"Of what both earned and bought customers brought, {sentences.number(100 * earned_part)} % is earned (n = {n} customers).")
    part = share(n_earned, n_earned + n_bought)
    if part is not None:
        said.append(sentences.level("Of the customers themselves, the earned share", part.scaled_to_percent, " %"))
    drawing = charts.stacked(
        [
            (one.month, kind.name, n)
            for one in numbers.growth
            for kind, n in zip(_NEW, (one.earned_new_revenue, one.bought_new_revenue, one.other_new_revenue), strict=True)
        ],
        _NEW,
        f"revenue of new customers, {money}",
    )
    table = Table(
        "Growth a month",
        (
            Column("month", "month", is_number=False),
            Column("revenue", "growth_monthly.revenue"),
            Column("customers", "growth_monthly.customers"),
            Column("new customers", "growth_monthly.customers_new"),
            Column("earned new revenue", "growth_monthly.earned_new_revenue"),
            Column("bought new revenue", "growth_monthly.bought_new_revenue"),
            Column("other new revenue", "growth_monthly.other_new_revenue"),
            Column("earned part", "earned_part"),
            Column("net retention", "growth_monthly.nrr"),
            Column("gross retention", "growth_monthly.grr"),
            Column("earned growth rate", "growth_monthly.earned_growth_rate"),
            Column("induced share", "growth_monthly.induced_share"),
        ),
        [
            [
                f"{one.month:%Y-%m}",
                cell(one.revenue, 0),
                integer(one.customers),
                integer(one.customers_new),
                cell(one.earned_new_revenue, 0),
                cell(one.bought_new_revenue, 0),
                cell(one.other_new_revenue, 0),
                percent(_part(one.earned_new_revenue, one.bought_new_revenue)),
                percent(one.nrr),
                percent(one.grr),
                percent(one.earned_growth_rate),
                percent(one.induced_share),
            ]
            for one in numbers.growth
        ],
    )
    notes = [*_whole_company(numbers), "Money is counted, not sampled, so it has no interval; a month that has just begun holds little of it."]
    return Section(identity, title, notes=notes, figures=[Figure("growth-bars", "Revenue of new customers by why they came", said, drawing, table)])


def _part(earned: float, bought: float) -> float | None:
    return earned / (earned + bought) if earned >= 0 and bought >= 0 and earned + bought > 0 else None


def mixed_messages(numbers: Numbers) -> Section:
    """How much of what is measured and paid serves the company rather than the customer."""
    identity, title = "mixed", "Mixed messages"
    if not numbers.scorecards:
        return Section(identity, title, missing="The catalog names no kpis, so there is no scorecard to look at.")
    said = []
    for one in numbers.scorecards:
        paid = "" if one.ratio_paid is None else f"; by pay {sentences.number(100 * one.ratio_paid)} %"
        measures = sentences.counted(one.kpis, "measure", "measures")
        said.append(f"Scorecard {one.scorecard}: {sentences.number(100 * one.ratio)} % of the weight serves the company{paid} (n = {measures}).")
        if one.conflicts:
            said.append(
                f"On it, measures of customer and company moved opposite ways twice in a row {sentences.counted(one.conflicts, 'time', 'times')}."
            )
    dots = [
        Dot(one.scorecard, 100 * ratio, kind=kind.name)
        for one in numbers.scorecards
        for kind, ratio in zip(_RATIOS, (one.ratio, one.ratio_paid), strict=True)
        if ratio is not None
    ]
    drawing = charts.dots([("per cent that serves the company", dots)], _RATIOS, domain=(0, 100))
    table = Table(
        "Scorecards",
        (
            Column("scorecard", "mixed_messages.scorecard", is_number=False),
            Column("n, measures", "mixed_messages.kpis"),
            Column("serving the company", "mixed_messages.company_kpis"),
            Column("ratio", "mixed_messages.ratio"),
            Column("ratio paid", "mixed_messages.ratio_paid"),
            Column("conflicts", "mixed_messages.conflicts"),
        ),
        [
            [one.scorecard, integer(one.kpis), integer(one.company_kpis), cell(one.ratio, 3), cell(one.ratio_paid, 3), cell(one.conflicts, 0)]
            for one in numbers.scorecards
        ],
    )
    notes = [
        *_whole_company(numbers),
        "Ratios are of the catalog as it is now; nothing is sampled, so they have no interval. Conflicts are over all days.",
    ]
    return Section(identity, title, notes=notes, figures=[Figure("mixed-dots", "Whom the scorecards serve", said, drawing, table)])
