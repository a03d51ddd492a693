"""What the numbers mean: the comments of views and columns, and the few numbers that the report itself computes."""

from collections.abc import Mapping, Sequence

OWN: Mapping[str, str] = {
    "week": (
        "Monday of the week, or first day of the month in periods longer than 210 days. The first and "
        "the last may lie partly outside the period; answers outside are not counted."
    ),
    "interval": (
        "Values that fit the numbers: of 100 such intervals, some 95 hold the true value. "
        "Of NPS the adjusted Wald interval, of shares Wilson's, of means Student's t. "
        "The score of few answers that all agree may lie outside of it."
    ),
    "top_two_share": (
        "Answers in the two best steps of the scale over all counted answers, in per cent: csat and rating >= 4 "
        "of 5, ces >= 6 of 7. It is loyalty_daily.top_two_box over loyalty_daily.n, with Wilson's interval. Of csat it is loyalty_daily.csat; "
        "loyalty_daily.ces is another number, the mean."
    ),
    "top_two_share_excluded": "The same of the answers that carry no standing flag.",
    "top_two_share_bound": "What it would be if no flagged answer were in the two best steps.",
    "difference": (
        "The later value less the earlier one. Its interval is made of the intervals of both (MOVER, Zou "
        "and Donner 2008). Words such as rose or fell stand only where it excludes 0."
    ),
    "share_answered": "Answered chances over all chances to ask, with Wilson's interval.",
    "stratum": "Peer group, channel of the invitation, or new and returning customers. Each chance is in one row of each of the three.",
    "r_indicator_of_period": "representation.r_indicator, computed in the same way from the chances of the period alone.",
    "gap": "Target less performance, on the question's own scale.",
    "selling_share": "Selling over selling and value messages.",
    "earned_part": "Revenue of new customers who came by referral or recommendation, over that of these and of bought new customers.",
    "month": "First day of the month. Months at the ends of the period are whole months, so they may reach beyond it.",
    "standing": "Share of accounts, with Wilson's interval.",
}
"""Definitions of what no view holds, by name."""


def text_of(definition: str, comments: Mapping[tuple[str, str], str]) -> str:
    """The meaning of ``view.column`` from its comment, or of a name of ``OWN``. Raises ``KeyError`` where there is none."""
    if definition in OWN:
        return OWN[definition]
    view, column = definition.split(".")
    return comments[view, column]


def label_of(definition: str) -> str:
    """How a definition is called on the page."""
    return definition.replace("_", " ") if definition in OWN else definition


def anchor_of(definition: str) -> str:
    """Where a definition is on the page."""
    return f"definition-{definition.replace('.', '-').replace('_', '-')}"


def in_order(definitions: Sequence[str]) -> list[str]:
    """Each once: those of the report first, then by view and column."""
    return sorted(set(definitions), key=lambda one: (one not in OWN, one))
