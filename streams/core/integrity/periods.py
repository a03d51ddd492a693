"""The last days of the periods that incentive plans pay for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_EPOCH = date(1970, 1, 1)
_DAY = timedelta(1)


@dataclass(frozen=True, slots=True)
class LastDays:
    """The days in which a push for a period that is paid for would come."""

    hold: Callable[[int], bool]
    """Whether a local day, in days since 1970-01-01, is one of them."""
    share: float
    """Of all days; 1 where the period comes once, so that nothing is made of how rare they are."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of period: its length and that of its end in days, and the first day of the period after the one that holds a day."""

    days: float
    last_days: int
    next_start: Callable[[date], date]


def _month_after(day: date, months: int) -> date:
    """Returns the first day of the month that begins the next stretch of so many months, counted from January."""
    at = (day.year * 12 + day.month - 1) // months * months + months
    return date(at // 12, at % 12 + 1, 1)


_KINDS = {
    "month": _Kind(30.44, 5, lambda day: _month_after(day, 1)),
    "quarter": _Kind(91.31, 10, lambda day: _month_after(day, 3)),
    "year": _Kind(365.25, 20, lambda day: _month_after(day, 12)),
}
_NAMES = {name: kind for kind in _KINDS for name in (kind, f"{kind}ly")} | {"annual": "year", "annually": "year"}
_SINGLE = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")


def last_days(period: str | None) -> LastDays | None:
    """Returns the last days of the periods that a text names; None where it names none that is known.

    Known are ``month``, ``quarter``, ``year`` (also with -ly), which end again and again: the last 5, 10 or 20 days; and single ones such as
    ``2026``, ``2026-Q1`` or ``2026-03``. Weeks are not: customers may well be in another mood on weekends.
    """
    text = (period or "").strip()
    kind = _NAMES.get(text.lower())
    if kind is not None:
        again = _KINDS[kind]
        return LastDays(lambda day: _is_last(again, _EPOCH + day * _DAY), again.last_days / again.days)
    single = _SINGLE.fullmatch(text)
    if single is None:
        return None
    year, quarter, month = (int(found) if found else 0 for found in single.group("year", "quarter", "month"))
    if year == 0:
        return None
    first = date(year, month or (quarter or 1) * 3 - 2, 1)
    named = _KINDS["month" if month else "quarter" if quarter else "year"]
    return LastDays(lambda day: first <= _EPOCH + day * _DAY < named.next_start(first) and _is_last(named, _EPOCH + day * _DAY), 1.0)


def _is_last(kind: _Kind, day: date) -> bool:
    return (kind.next_start(day) - day).days <= kind.last_days
