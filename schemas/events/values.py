"""Reading single values as the contract reads them: instants, money and whole numbers.

Each reader takes what a JSON parser gives (a number too large for a double is an infinity) and returns the value, or raises
``Unusable`` with the reason and what was found.
"""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal

from schemas.enums import RejectReason

ID_LENGTH = 128
"""Longest id, in code points."""
EARLIEST_MICROSECONDS = -2_208_988_800_000_000
"""1900-01-01T00:00:00Z, the earliest instant that the tables can hold."""
LATEST_MICROSECONDS = 10_413_791_999_999_999
"""2299-12-31T23:59:59.999999Z, the latest instant that the tables can hold."""
LARGEST_MONEY = 10**18 - 1
"""Largest amount of money, in ten-thousandths: 99,999,999,999,999.9999."""
LARGEST_INTEGER = 2**63 - 1
LARGEST_QUANTITY = 9_000_000_000_000
"""Largest quantity of a product line, so that its millionths fit 64 bits."""
MONEY_PATTERN = r"-?[0-9]+(\.[0-9]{1,4})?"
INSTANT_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
CURRENCY_PATTERN = "[A-Z]{3}"

_MONEY = re.compile(MONEY_PATTERN)
_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_DAYS_IN_400_YEARS = 146_097


class Unusable(ValueError):
    """A value that the contract refuses; ``reason`` is ``invalid_field`` or ``out_of_range``."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def shown(value: object) -> str:
    """The value as a message shows it: JSON-like, at most 60 characters."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def invalid(expected: str, found: object) -> Unusable:
    """A refusal for a wrong type or format."""
    return Unusable(RejectReason.INVALID_FIELD, f"expected {expected}, found {shown(found)}")


def out_of_range(expected: str, found: object) -> Unusable:
    """A refusal for a number beyond its bound."""
    return Unusable(RejectReason.OUT_OF_RANGE, f"expected {expected}, found {shown(found)}")


def read_number(value: object) -> float:
    """A JSON number as a double."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid("a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise out_of_range("a number that a double can hold", value)
    return number


def read_integer(value: object) -> int:
    """A whole JSON number, which may be written 2.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid("a whole number", value)
    if isinstance(value, float):
        if math.isinf(value):
            raise out_of_range("a whole number of at most 64 bits", value)
        if not value.is_integer():
            raise invalid("a whole number", value)
    number = int(value)
    if abs(number) > LARGEST_INTEGER:
        raise out_of_range("a whole number of at most 64 bits", value)
    return number


def read_money(value: object) -> int:
    """An amount of money in ten-thousandths, from a JSON number (by its shortest decimal form) or a decimal string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise invalid("money: a number or a decimal string", value)
    if isinstance(value, str):
        if not _MONEY.fullmatch(value):
            raise invalid("money with at most 4 decimals, such as 12.5", value)
        whole, _, decimals = value.partition(".")
        # Too many digits for any amount: not worth converting, and Python refuses to beyond some thousands.
        ten_thousandths = math.inf if len(whole.lstrip("-0")) > 20 else int(whole + decimals.ljust(4, "0"))
    elif isinstance(value, int):
        ten_thousandths = value * 10_000
    elif math.isinf(value):
        ten_thousandths = value
    else:
        exact = Decimal(repr(value)) * 10_000 if abs(value) < 1e20 else Decimal(value)
        if exact != exact.to_integral_value():
            raise invalid("money with at most 4 decimals", value)
        ten_thousandths = int(exact)
    if value_is_negative(value, ten_thousandths):
        raise out_of_range("money of at least 0", value)
    if ten_thousandths > LARGEST_MONEY:
        raise out_of_range("money of at most 99999999999999.9999", value)
    return int(ten_thousandths)


def value_is_negative(value: object, ten_thousandths: float) -> bool:
    """Whether an amount is below zero; a long negative string has no number of its own."""
    return ten_thousandths < 0 or (isinstance(value, str) and ten_thousandths == math.inf and value.startswith("-"))


def read_instant(value: object) -> int:
    """An RFC 3339 time with offset, in microseconds since 1970 (UTC); fractions are cut to microseconds."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise invalid("a time such as 2026-01-31T09:30:00Z, with T, seconds and an offset", value)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hour, offset_minute = match.groups()[6:]
    offset = 0
    if sign is not None:
        if int(offset_hour) > 23 or int(offset_minute) > 59:
            raise invalid("an offset of at most 23:59", value)
        offset = (int(offset_hour) * 60 + int(offset_minute)) * (-60 if sign == "-" else 60)
    # Year 0 is a year to RFC 3339 but not to datetime; the calendar repeats every 400 years.
    shift = 400 if year == 0 else 0
    try:
        days = datetime(year + shift, month, day, hour, minute, second, tzinfo=UTC).toordinal() - _EPOCH_DAY
    except ValueError as error:
        raise invalid(f"a time that exists ({error})", value) from None
    if shift:
        days -= _DAYS_IN_400_YEARS
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    microseconds = seconds * 1_000_000 + int((fraction or "0")[:6].ljust(6, "0"))
    if not EARLIEST_MICROSECONDS <= microseconds <= LATEST_MICROSECONDS:
        raise out_of_range("a time from 1900 to 2299", value)
    return microseconds
