"""The last days of the periods that incentive plans pay for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_EPOCH = date(1970, 1, 1)
_DAY = timedelta(1)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A kind of period: how long its end is in days, and the first day of the period after the one that holds a day."""

    last_days: int
    next_start: Callable[[date], date]


def _month_after(day: date, months: int) -> date:
    """Returns the first day of the month that begins the next stretch of so many months, counted from January."""
    at = (day.year * 12 + day.month - 1) // months * months + months
    return date(at // 12, at % 12 + 1, 1)


_KINDS = {
    "week": Pushed(2, lambda day: day + timedelta(7 - day.weekday())),
    "month": Pushed(5, lambda day: _month_after(day, 1)),
    "quarter": Pushed(10, lambda day: _month_after(day, 3)),
    "year": Pushed(20, lambda day: _month_after(day, 12)),
}
_NAMES = {name: kind for kind in _KINDS for name in (kind, f"{kind}ly")} | {"annual": "year", "annually": "year"}
_SINGLE = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")


def last_days(period: str | None) -> Callable[[int], bool] | None:
    """Whether a local day, in days since 1970-01-01, is among the last of a period; None where the text names none that is known.

    Known are ``week``, ``month``, ``quarter``, ``year`` (also with -ly), which end again and again: the last 2, 5, 10 or 20 days;
    and single ones such as ``2026``, ``2026-Q1`` or ``2026-03``. Weeks end on Sundays, the others with those of the calendar.
    """
    text = (period or "").strip()
    kind = _NAMES.get(text.lower())
    if kind is not None:
        return lambda day: _is_last(_KINDS[kind], _EPOCH + day * _DAY)
    single = _SINGLE.fullmatch(text)
    if single is None:
        return None
    year, quarter, month = (int(found) if found else 0 for found in single.group("year", "quarter", "month"))
    if year == 0:
        return None
    first = date(year, month or (quarter or 1) * 3 - 2, 1)
    named = _KINDS["month" if month else "quarter" if quarter else "year"]
    return lambda day: first <= _EPOCH + day * _DAY < named.next_start(first) and _is_last(named, _EPOCH + day * _DAY)


def _is_last(kind: Pushed, day: date) -> bool:
    return (kind.next_start(day) - day).days <= kind.last_days
