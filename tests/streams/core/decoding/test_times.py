"""Columns of times agree with the reader of single values, and days with the zone's own calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events.values import EARLIEST_MICROSECONDS, LATEST_MICROSECONDS, Unusable, read_instant
from streams.core.decoding.times import local_days, parse_instants, plain_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/St_Johns",
]
DIGITS = st.integers(0, 99).map(lambda number: f"{number:02d}")
SHAPED = st.builds(
    lambda year, parts, separator, fraction, zone: f"{year}-{parts[0]}-{parts[1]}{separator}{parts[2]}:{parts[3]}:{parts[4]}{fraction}{zone}",
    st.integers(0, 9_999).map(lambda year: f"{year:04d}"),
    st.tuples(*[st.one_of(st.sampled_from(["00", "01", "02", "12", "28", "29", "30", "31", "23", "24", "59", "60"]), DIGITS)] * 5),
    st.sampled_from(["T", "T", "T", " ", "t"]),
    st.sampled_from(["", ".", ".1", ".123456", ".1234567", ".123456789", ".1234567890", ",5"]),
    st.sampled_from(["Z", "z", "", "+00:00", "-23:59", "+24:00", "+0100", "+01:60", "_01:00", "Z "]),
)
GOOD = st.integers(EARLIEST_MICROSECONDS, LATEST_MICROSECONDS).map(plain_instant)


def _read(text: str) -> int | None:
    try:
        return read_instant(text)
    except Unusable:
        return None


@given(st.lists(st.one_of(st.none(), GOOD, SHAPED, st.text(max_size=40)), max_size=12))
@settings(max_examples=400, deadline=None)
def test_columns_read_what_single_values_read(texts: list[str | None]) -> None:
    """Of a plain length exactly the same; of odd lengths they may leave it to the examination, but never read something else."""
    instants, readable = parse_instants(texts)

    for text, instant, is_readable in zip(texts, instants.tolist(), readable.tolist(), strict=True):
        expected = None if text is None else _read(text)
        assert instant == (expected if is_readable else 0)
        if expected is not None and text is not None and len(text) <= 35:
            assert is_readable


@given(GOOD)
def test_plain_form_is_read_back(text: str) -> None:
    """Microseconds survive."""
    assert plain_instant(read_instant(text)) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000000Z"),
        ("2026-01-31T09:30:00.9999999Z", "2026-01-31T09:30:00.999999Z"),
        ("2026-01-31T09:30:00.9999999+00:30", "2026-01-31T09:00:00.999999Z"),
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
        ("2024-02-29T23:59:59-14:00", "2024-03-01T13:59:59.000000Z"),
        ("1900-01-01T05:30:00+05:30", "1900-01-01T00:00:00.000000Z"),
        ("2300-01-01T00:59:59.5+01:00", "2299-12-31T23:59:59.500000Z"),
    ],
)
def test_times_are_utc_and_cut(text: str, plain: str) -> None:
    """Fractions are cut, never rounded, also before 1970."""
    (instant,), (readable,) = (column.tolist() for column in parse_instants([text]))

    assert readable
    assert plain_instant(instant) == plain


@pytest.mark.parametrize("zone", ZONES)
@given(instants=st.lists(st.integers(EARLIEST_MICROSECONDS, LATEST_MICROSECONDS), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_local_days(zone: str, instants: list[int]) -> None:
    """The date that the zone's clocks show."""
    days = local_days(np.array(instants, np.int64), zone)

    for instant, day in zip(instants, days.tolist(), strict=True):
        local = (EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone))
        assert day == local.date().toordinal() - EPOCH.toordinal()


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", "2026-03-28T22:59:59.999999Z", "2026-03-28"),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T21:59:59.999999Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30"),
        ("Europe/Berlin", "2026-10-25T22:59:59.999999Z", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-26"),
        # Midnight did not exist: clocks went from 23:59:59 to 01:00.
        ("America/Sao_Paulo", "2017-10-15T02:59:59.999999Z", "2017-10-14"),
        ("America/Sao_Paulo", "2017-10-15T03:00:00Z", "2017-10-15"),
        # A day that did not exist.
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"),
    ],
)
def test_days_with_changes_of_clocks(zone: str, at: str, day: str) -> None:
    """To the microsecond around a change."""
    (number,) = local_days(np.array([read_instant(at)], np.int64), zone).tolist()

    assert (EPOCH + timedelta(days=number)).date().isoformat() == day
