"""Money, whole columns at a time, in ten-thousandths."""

import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa

from schemas.events.values import LARGEST_MONEY, MONEY_PATTERN, Unusable, read_money
from streams.core.batch import Bools, Floats, Int64s

_EXACT_BELOW = 1e11
"""Amounts below this have at most 15 digits, so a double and its shortest decimal form determine each other."""
_MONEY_LINES = re.compile(f"(?:{MONEY_PATTERN}\n)*")
_LARGEST = 2**63 - 1


def parse_money(values: Sequence[float | str | None]) -> tuple[Int64s, Bools, Bools]:
    """Ten-thousandths of each amount, which are given, and which of the given ones can be used; others are 0."""
    count = len(values)
    absent = values.count(None)
    if absent == count:
        return np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    numbers, given, suspect = _numbers(values, absent)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(numbers * 10_000)
        usable = given & (scaled / 10_000 == numbers) & (numbers >= 0) & (numbers < _EXACT_BELOW) & ~suspect
    amounts = np.where(usable, scaled, 0).astype(np.int64)
    for row in np.flatnonzero(given & ~usable).tolist():
        try:
            amounts[row] = read_money(values[row])
            usable[row] = True
        except Unusable:
            pass
    return amounts, given, usable


def _numbers(values: Sequence[float | str | None], absent: int) -> tuple[Floats, Bools, Bools]:
    """The amounts as doubles, which are given, and which strings are not of the right form."""
    suspect = np.zeros(len(values), np.bool_)
    try:
        column = pa.array(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pass
    else:
        given = np.ones(len(values), np.bool_) if not absent else column.is_valid().to_numpy(zero_copy_only=False)
        return column.fill_null(0.0).to_numpy() if absent else column.to_numpy(), given, suspect
    texts = [value for value in values if type(value) is str]
    joined = "\n".join(texts) + "\n"
    clean = joined.count("\n") == len(texts) and _MONEY_LINES.fullmatch(joined) is not None
    numbers = np.zeros(len(values))
    given = np.ones(len(values), np.bool_)
    for row, value in enumerate(values):
        if value is None:
            given[row] = False
        elif clean or type(value) is not str:
            numbers[row] = float(value)
        else:
            suspect[row] = True
    return numbers, given, suspect


def converted(ten_thousandths: int, rate: Decimal) -> int:
    """The amount at a rate, rounded half-even to ten-thousandths."""
    numerator, denominator = rate.as_integer_ratio()
    return rounded_quotient(ten_thousandths * numerator, denominator)


def rounded_quotient(numerator: int, denominator: int) -> int:
    """The quotient rounded half-even; both are at least 0, the denominator is not 0."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def convert(amounts: Int64s, rate: Decimal) -> tuple[Int64s, Bools]:
    """Amounts at one rate, rounded half-even to ten-thousandths, and which of them the tables can hold; others are 0."""
    if rate == 1 or not len(amounts):
        return amounts, np.ones(len(amounts), np.bool_)
    numerator, denominator = rate.as_integer_ratio()
    if max(int(amounts.max()), 1) * numerator > _LARGEST // 4 or denominator > _LARGEST // 4:
        exact = [rounded_quotient(int(amount) * numerator, denominator) for amount in amounts]
        held = np.array([amount <= LARGEST_MONEY for amount in exact], np.bool_)
        return np.array([amount if amount <= LARGEST_MONEY else 0 for amount in exact], np.int64), held
    quotient, rest = np.divmod(amounts * numerator, denominator)
    twice = rest * 2
    quotient += (twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))
    held = quotient <= LARGEST_MONEY
    return np.where(held, quotient, 0), held
