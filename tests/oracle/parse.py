"""One JSON value at a time: each function returns the parsed value or raises ``InvalidError``."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:(Z)|([+-])(\d\d):(\d\d))", re.ASCII)
_MONEY = re.compile(r"-?\d+(\.\d{1,4})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class MalformedError(Exception):
    """The value is not one JSON object in UTF-8."""


class InvalidError(Exception):
    """A value of the wrong JSON type, of a wrong format or outside a closed list."""


def document(value: bytes | None) -> dict[str, Json]:
    """The JSON object that a record's value holds; raises ``MalformedError``. Of a key given twice the last counts (R6)."""
    if value is None:
        raise MalformedError
    try:
        parsed = json.loads(value.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        raise MalformedError from None
    if not isinstance(parsed, dict):
        raise MalformedError
    return parsed


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    for key, value in pairs:
        _no_lone_surrogates(key)
        _no_lone_surrogates(value)
    return dict(pairs)


def _no_lone_surrogates(value: Json) -> None:
    if isinstance(value, str):
        value.encode("utf-8")  # raises UnicodeEncodeError, a ValueError
    elif isinstance(value, list):
        for item in value:
            _no_lone_surrogates(item)


def identifier(value: Json) -> str:
    """An opaque string of 1 to 128 characters (R5)."""
    if not isinstance(value, str) or not 1 <= len(value) <= 128:
        raise InvalidError
    return value


def text(value: Json) -> str:
    """Any string."""
    if not isinstance(value, str):
        raise InvalidError
    return value


def boolean(value: Json) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise InvalidError
    return value


def number(value: Json) -> float:
    """A JSON number: no string, no boolean (R6)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidError
    return float(value)


def integer(value: Json) -> int:
    """A JSON number without a fraction; it may be written 2.0 (R6)."""
    if number(value) % 1 != 0:
        raise InvalidError
    assert isinstance(value, int | float)
    return int(value)


def money(value: Json) -> Decimal:
    """A JSON number, read by its shortest decimal form, or a decimal string; at most 4 decimals (R6)."""
    if isinstance(value, str):
        if not _MONEY.fullmatch(value):
            raise InvalidError
        return Decimal(value)
    number(value)
    amount = Decimal(repr(value))
    exponent = amount.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4:
        raise InvalidError
    return amount


def currency(value: Json) -> str:
    """Three capitals (R36)."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise InvalidError
    return value


def time(value: Json) -> datetime:
    """RFC 3339 with ``T``, seconds and an offset; fractions are cut to microseconds (R6). In UTC."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidError
    year, month, day, hour, minute, second, fraction, zulu, sign, hours, minutes = match.groups()
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    offset = timedelta(0) if zulu else timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    if not zulu and (int(hours) > 23 or int(minutes) > 59):
        raise InvalidError
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError from None


def answers(value: Json) -> dict[str, float]:
    """Names and numbers; no nulls (R4)."""
    if not isinstance(value, dict):
        raise InvalidError
    return {name: number(answer) for name, answer in value.items()}


def numbers(value: Json) -> list[float]:
    """A list of numbers; no nulls (R4)."""
    return [number(item) for item in array(value)]


def texts(value: Json) -> list[str]:
    """A list of strings; no nulls (R4)."""
    return [text(item) for item in array(value)]


def identifiers(value: Json) -> list[str]:
    """A list of ids; no nulls (R4)."""
    return [identifier(item) for item in array(value)]


def array(value: Json) -> list[Json]:
    """A JSON array."""
    if not isinstance(value, list):
        raise InvalidError
    return value
