"""Numbers that signals are made of, and how large records become."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import SIGNALS
from streams.core.signals import (
    BINS_A_DOUBLING,
    MOST_ANSWERS,
    MOST_NUMBERS,
    Answers,
    FleetSignals,
    Flows,
    NewUnits,
    Paces,
    PlanDays,
    PraiseDays,
    Strata,
    UnitSignals,
    decode,
    duration_bins,
    encode,
)

LARGEST = 2**63 - 1


@given(st.lists(st.integers(-1, LARGEST) | st.integers(0, 2_000), max_size=20))
def test_a_bin_is_an_eighth_of_a_doubling(durations: list[int]) -> None:
    """Exact also where a floating-point logarithm would be off."""
    expected = []
    for duration in durations:
        whole = max(duration, 1).bit_length() - 1
        expected.append(whole * BINS_A_DOUBLING + (max(duration, 1) * BINS_A_DOUBLING >> whole) - BINS_A_DOUBLING)
    assert duration_bins(np.array(durations, np.int64)).tolist() == expected


def test_the_largest_record_of_a_unit_fits_the_topic() -> None:
    numbers, names = [LARGEST] * MOST_ANSWERS, ["\U0001f600" * 128] * MOST_ANSWERS
    value = encode(UnitSignals(names[0], Answers(*([numbers] * 13), names, names), Flows(*([numbers] * len(Flows.names())))))
    assert 1_000_000 < len(value) < SIGNALS.max_message_bytes * 0.9


def test_the_largest_record_of_the_fleet_is_below_a_megabyte_and_comes_back() -> None:
    numbers = [LARGEST] * MOST_NUMBERS
    columns = [numbers] * 6
    signals = FleetSignals(
        3, None, True, NewUnits(*columns[:2]), Strata(*columns), Paces(*columns[:4]), PlanDays(*columns[:5]), PraiseDays(*columns[:5])
    )  # fmt: skip
    value = encode(signals)
    assert len(value) < 1_000_000
    back = decode(value)
    assert isinstance(back, FleetSignals)
    assert (back.partition, back.clock, back.caught_up, len(back.praise)) == (3, None, True, MOST_NUMBERS)
    assert (back.plans.plan == LARGEST).all()


def test_columns_of_another_release_are_refused_by_name() -> None:
    columns, *rest = Flows().pack()
    with pytest.raises(ValueError, match="Flows has 12 columns of numbers, and 10"):
        Flows.unpack([columns - 2, *rest])  # type: ignore[operator]  # a number
