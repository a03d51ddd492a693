"""Instants and local days, whole columns at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.events.values import EARLIEST_MICROSECONDS, LATEST_MICROSECONDS
from streams.core.batch import Bools, Int64s

DAY_MICROSECONDS = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST, _LONGEST = 20, 35
_BYTES = npt.NDArray[np.uint8]


def is_storable(microseconds: int) -> bool:
    """Whether the tables can hold the instant."""
    return EARLIEST_MICROSECONDS <= microseconds <= LATEST_MICROSECONDS


def plain_instant(microseconds: int) -> str:
    """The instant in the form that ``parse_instants`` always takes."""
    return (_EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instants(texts: Sequence[str | None]) -> tuple[Int64s, Bools]:
    """Microseconds since 1970 of each RFC 3339 time, and which could be read and stored.

    Reads dates and times to the second, up to 9 decimals (cut to 6), and ``Z`` or an offset; an unreadable or absent one is 0 and False.
    """
    column = pa.array(texts, pa.string())
    count = len(column)
    instants = np.zeros(count, np.int64)
    readable = np.zeros(count, np.bool_)
    offsets = np.frombuffer(column.buffers()[1], np.int32, count + 1) if count else np.zeros(1, np.int32)
    content = column.buffers()[2] if count else None
    if content is None:
        return instants, readable
    data = np.frombuffer(content, np.uint8)
    lengths = np.diff(offsets)
    for length in np.flatnonzero(np.bincount(np.clip(lengths, 0, _LONGEST + 1), minlength=_LONGEST + 2)):
        if not _SHORTEST <= length <= _LONGEST:
            continue
        if len(lengths) * length == offsets[-1] - offsets[0] and (lengths == length).all():
            rows: Int64s | slice = slice(None)
            matrix = data[offsets[0] : offsets[-1]].reshape(count, length)
        else:
            rows = np.flatnonzero(lengths == length)
            matrix = data[offsets[rows][:, None] + np.arange(length)]
        instants[rows], readable[rows] = _parse_of_one_length(np.ascontiguousarray(matrix.T))
    return instants, readable


def _parse_of_one_length(text: _BYTES) -> tuple[Int64s, Bools]:
    """Instants of texts of one length; ``text`` holds a row for each position."""
    zulu = text[-1] == ord("Z")
    if zulu.all():
        return _parse(text, zone=1)
    if not zulu.any():
        return _parse(text, zone=6)
    instants = np.zeros(text.shape[1], np.int64)
    readable = np.zeros(text.shape[1], np.bool_)
    instants[zulu], readable[zulu] = _parse(text[:, zulu], zone=1)
    instants[~zulu], readable[~zulu] = _parse(text[:, ~zulu], zone=6)
    return instants, readable


_DIGITS = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_SEPARATORS = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))


def _parse(text: _BYTES, zone: int) -> tuple[Int64s, Bools]:
    """Instants of texts whose last ``zone`` characters are ``Z`` or an offset."""
    decimals = len(text) - 19 - zone
    if decimals == 1 or decimals < 0:
        return np.zeros(text.shape[1], np.int64), np.zeros(text.shape[1], np.bool_)
    digit = text - ord("0")  # unsigned: anything that is no digit becomes more than 9
    readable = (digit[list(_DIGITS)] <= 9).all(axis=0)
    for place, separator in _SEPARATORS:
        readable &= text[place] == ord(separator)
    days, is_date = _days(digit)
    hour, minute, second = _two(digit, 11), _two(digit, 14), _two(digit, 17)
    readable &= is_date & (hour <= 23) & (minute <= 59) & (second <= 59)
    seconds = days * 86_400 + hour * np.int32(3_600) + minute * np.int32(60) + second
    if zone == 6:
        offset, is_offset = _offset(text[-6:], digit[-6:])
        seconds -= offset
        readable &= is_offset
    instants = seconds * 1_000_000
    if decimals:
        readable &= (text[19] == ord(".")) & (digit[20 : 19 + decimals] <= 9).all(axis=0)
        for place in range(min(decimals - 1, 6)):
            instants += digit[20 + place].astype(np.int64) * 10 ** (5 - place)
    readable &= (instants >= EARLIEST_MICROSECONDS) & (instants <= LATEST_MICROSECONDS)
    return np.where(readable, instants, 0), readable


def _two(digit: _BYTES, place: int) -> _BYTES:
    number: _BYTES = digit[place] * np.uint8(10) + digit[place + 1]
    return number


def _offset(text: _BYTES, digit: _BYTES) -> tuple[Int64s, Bools]:
    hour, minute = _two(digit, 1), _two(digit, 4)
    readable = (digit[[1, 2, 4, 5]] <= 9).all(axis=0) & (text[3] == ord(":")) & (hour <= 23) & (minute <= 59)
    readable &= (text[0] == ord("+")) | (text[0] == ord("-"))
    seconds = hour.astype(np.int64) * 3_600 + minute.astype(np.int64) * 60
    return np.where(text[0] == ord("-"), -seconds, seconds), readable


_MONTH_LENGTHS = np.zeros(256, np.uint8)
_MONTH_LENGTHS[1:13] = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_BEFORE_MONTH = np.zeros(256, np.int64)
_DAYS_BEFORE_MONTH[1:13] = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_YEARS = np.arange(10_000, dtype=np.int64)
_LEAP = (_YEARS % 4 == 0) & ((_YEARS % 100 != 0) | (_YEARS % 400 == 0))
_DAYS_BEFORE_YEAR = np.concatenate([[0], np.cumsum(365 + _LEAP)[:-1]]) - 719_528
"""Days from 1970-01-01 to the first of January of each year from 0."""


def _days(digit: _BYTES) -> tuple[Int64s, Bools]:
    year = np.minimum(_two(digit, 0) * np.int32(100) + _two(digit, 2), 9_999)
    month, day = _two(digit, 5), _two(digit, 8)
    leap = _LEAP[year]
    exists = (day >= 1) & (day <= _MONTH_LENGTHS[month] + ((month == 2) & leap))
    return _DAYS_BEFORE_YEAR[year] + _DAYS_BEFORE_MONTH[month] + ((month > 2) & leap) + day - 1, exists


def local_days(instants: Int64s, timezone: str) -> npt.NDArray[np.int32]:
    """Local dates, in days since 1970-01-01, of instants in microseconds."""
    changes, offsets = _offsets_of(timezone)
    if len(changes) == 0:
        local = instants + offsets[0]
    else:
        local = instants + offsets[np.searchsorted(changes, instants, side="right")]
    days: npt.NDArray[np.int32] = (local // DAY_MICROSECONDS).astype(np.int32)
    return days


@cache
def _offsets_of(timezone: str) -> tuple[Int64s, Int64s]:
    """Instants at which the offset of a zone changes, and the offset before the first and from each on, in microseconds."""
    zone = ZoneInfo(timezone)
    second, day = 1_000_000, 86_400
    at, last = EARLIEST_MICROSECONDS // second, LATEST_MICROSECONDS // second
    changes: list[int] = []
    offsets = [_offset_at(zone, at)]
    while at < last:
        following = min(at + day, last)
        if _offset_at(zone, following) != offsets[-1]:
            before, after = at, following
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if _offset_at(zone, middle) == offsets[-1] else (before, middle)
            changes.append(after * second)
            offsets.append(_offset_at(zone, after))
            following = after
        at = following
    return np.array(changes, np.int64), np.array(offsets, np.int64) * second


def _offset_at(zone: ZoneInfo, seconds: int) -> int:
    offset = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo knows the offset of every aware datetime
    return int(offset.total_seconds())
