"""Money in columns is exact."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events.values import LARGEST_MONEY, Unusable, read_money
from streams.core.decoding.amounts import convert, converted, parse_money

TEN_THOUSANDTHS = st.one_of(st.integers(0, 10**7), st.integers(0, LARGEST_MONEY))
RATES = st.one_of(
    st.sampled_from([Decimal(1), Decimal("0.91"), Decimal("0.5"), Decimal("1E-20"), Decimal("1E+20"), Decimal("0.00012345678901234567")]),
    st.decimals(min_value="0.0001", max_value="1000", places=6),
)
NEAR_MONEY = st.one_of(
    st.none(),
    st.integers(-10, 10**16),
    st.floats(allow_nan=False),
    TEN_THOUSANDTHS.map(lambda amount: amount / 10_000),
    TEN_THOUSANDTHS.map(lambda amount: f"{amount // 10_000}.{amount % 10_000:04d}"),
    st.text(alphabet="0123456789.-+e \n", max_size=8),
)


@given(st.lists(NEAR_MONEY, max_size=12))
@settings(max_examples=400, deadline=None)
def test_columns_read_what_single_values_read(values: list[float | str | None]) -> None:
    """Numbers and strings, mixed, usable or not."""
    amounts, given_, usable = parse_money(values)

    for value, amount, is_given, is_usable in zip(values, amounts.tolist(), given_.tolist(), usable.tolist(), strict=True):
        assert is_given == (value is not None)
        if value is None:
            continue
        try:
            expected: int | None = read_money(value)
        except Unusable:
            expected = None
        assert (amount if is_usable else None) == expected


@given(TEN_THOUSANDTHS)
def test_every_amount_survives(amount: int) -> None:
    """As a string always, as a number up to fifteen digits."""
    assert read_money(f"{amount // 10_000}.{amount % 10_000:04d}") == amount
    if amount < 10**15:
        assert read_money(amount / 10_000) == amount


@given(st.lists(TEN_THOUSANDTHS, max_size=10), RATES)
@settings(max_examples=300, deadline=None)
def test_conversion_is_exact(amounts: list[int], rate: Decimal) -> None:
    """As decimals say, half-even, in columns and singly; what is too large is told."""
    columns, held = convert(np.array(amounts, np.int64), rate)

    for amount, found, is_held in zip(amounts, columns.tolist(), held.tolist(), strict=True):
        expected = int((Decimal(amount) * rate).quantize(Decimal(1), ROUND_HALF_EVEN)) if rate < 10**10 else converted(amount, rate)
        assert converted(amount, rate) == expected
        assert is_held == (expected <= LARGEST_MONEY)
        assert found == (expected if is_held else 0)


@pytest.mark.parametrize(
    ("amount", "rate", "expected"), [(1, "0.5", 0), (3, "0.5", 2), (5, "0.5", 2), (5, "0.50001", 3), (10**18 - 1, "1", 10**18 - 1)]
)
def test_halves_go_to_even(amount: int, rate: str, expected: int) -> None:
    """Ties alone; anything above a half goes up."""
    assert converted(amount, Decimal(rate)) == expected
    assert convert(np.array([amount], np.int64), Decimal(rate))[0].tolist() == [expected]
