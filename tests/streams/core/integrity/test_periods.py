"""The last days of periods, as a calendar on the wall says."""

from datetime import date, timedelta

import pytest

from streams.core.integrity.periods import last_days

EPOCH = date(1970, 1, 1)


def _found(period: str, first: date, last: date) -> list[date]:
    found = last_days(period)
    assert found is not None
    return [day for day in (first + timedelta(n) for n in range((last - first).days + 1)) if found.hold((day - EPOCH).days)]


@pytest.mark.parametrize(
    ("period", "first", "days"),
    [
        ("month", date(2026, 2, 24), 5),
        ("Monthly", date(2024, 2, 25), 5),
        ("quarter", date(2026, 3, 22), 10),
        ("quarterly", date(2026, 12, 22), 10),
        ("year", date(2026, 12, 12), 20),
        ("annual", date(2026, 12, 12), 20),
    ],
)
def test_a_period_ends_with_its_last_days(period: str, first: date, days: int) -> None:
    assert _found(period, first - timedelta(1), first + timedelta(days)) == [first + timedelta(n) for n in range(days)]


def test_periods_end_again_and_again() -> None:
    year = date(2026, 1, 1), date(2026, 12, 31)
    for period, number in (("month", 60), ("quarter", 40), ("year", 20)):
        found = last_days(period)
        assert found is not None
        assert len(_found(period, *year)) == number
        assert found.share == pytest.approx(number / 365, rel=0.01)


@pytest.mark.parametrize(("period", "last", "days"), [("2026", (12, 31), 20), ("2026-Q1", (3, 31), 10), ("2026-02", (2, 28), 5)])
def test_a_single_period_ends_once(period: str, last: tuple[int, int], days: int) -> None:
    found = _found(period, date(2025, 1, 1), date(2028, 1, 1))
    assert (found[-1], len(found)) == (date(2026, *last), days)
    once = last_days(period)
    assert once is not None
    assert once.share == 1.0


@pytest.mark.parametrize("period", [None, "", "week", "fortnight", "2026-Q5", "2026-13", "0000", "20266"])
def test_a_text_that_names_no_period_is_told_apart(period: str | None) -> None:
    assert last_days(period) is None
