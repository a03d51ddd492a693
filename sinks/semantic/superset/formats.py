"""How Superset writes numbers, in the language of d3."""

import re
from collections.abc import Iterable, Mapping

POINTS, SHARE, STEPS, MONEY, COUNT = ",.1f", ".1%", ",.2f", ",.2f", ",d"
BY_UNIT: Mapping[str, str] = {
    "points, -100 to 100": POINTS,
    "share, 0 to 1": SHARE,
    "ratio": SHARE,
    "steps": STEPS,
    "base currency": MONEY,
}
"""Of sums and scores, by the unit that they declare; whatever has another unit is counted."""
_BY_NAME = (
    (re.compile(r"nps(_\w+)?"), POINTS),
    (re.compile(r"(\w+_)?(rate|share|shape)(_expected|_low|_high)?|engagement(_low|_high)?"), SHARE),
    (re.compile(r"(\w+_)?revenue(_at_risk)?(_last_year)?"), MONEY),
    (re.compile(r"performance|found|at_most|looked_at"), ",.1~f"),
    (re.compile(r"lmg(_low|_high)?|priority|q_value"), ",.3~r"),
    (re.compile(r"e_value|e_value_max|e_value_needed"), ",.3~s"),
)


def of_column(name: str) -> str | None:
    """The format of a column of a view; None where it is written as it is kept: a whole number, or no number."""
    return next((shown for pattern, shown in _BY_NAME if pattern.fullmatch(name)), None)


def of_axis(formats: Iterable[str | None]) -> str | None:
    """The format of an axis: that of everything that is drawn along it; None where they differ."""
    found = set(formats)
    return found.pop() if len(found) == 1 else None
