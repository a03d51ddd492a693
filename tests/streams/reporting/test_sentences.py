"""Sentences never claim more than the interval allows, whatever the numbers are."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.reporting import sentences
from streams.reporting.numbers import Estimate, difference, net_promoter_score

_DIRECTION = re.compile(r"\b(rose|fell|higher|lower)\b")


@st.composite
def estimates(draw: st.DrawFn, least: float = -100.0, most: float = 100.0) -> Estimate:
    """Any value within any interval."""
    low, value, high = sorted(draw(st.lists(st.floats(least, most), min_size=3, max_size=3)))
    return Estimate(value, low, high, draw(st.integers(1, 10**7)))


@given(estimates(), estimates())
def test_a_change_is_told_exactly_where_the_interval_of_the_difference_excludes_0(before: Estimate, after: Estimate) -> None:
    told, gap = sentences.change("NPS", before, after), difference(after, before)
    assert (" rose " in told) == (gap.low > 0)
    assert (" fell " in told) == (gap.high < 0)
    assert (sentences.NO_CHANGE in told) == (gap.low <= 0 <= gap.high) == (_DIRECTION.search(told) is None)
    assert f"n = {before.n:,}" in told
    assert f"n = {after.n:,}" in told


@given(estimates(), estimates())
def test_a_change_back_is_told_the_other_way_round(before: Estimate, after: Estimate) -> None:
    there, back = sentences.change("x", before, after), sentences.change("x", after, before)
    assert (" rose " in there) == (" fell " in back)
    assert (sentences.NO_CHANGE in there) == (sentences.NO_CHANGE in back)


@given(estimates(0, 100), estimates(0, 100))
def test_of_two_groups_none_is_called_higher_where_it_cannot_be_told(one: Estimate, other: Estimate) -> None:
    told, gap = sentences.comparison("new", one, "returning", other), difference(one, other)
    assert ("higher for new" in told) == (gap.low > 0)
    assert ("lower for new" in told) == (gap.high < 0)
    assert (sentences.NO_DIFFERENCE in told) == (gap.low <= 0 <= gap.high)


@given(estimates(0, 1))
def test_a_predictor_tells_only_where_its_interval_excludes_one_half(auc: Estimate) -> None:
    told = sentences.discrimination("grade", auc)
    assert ("better than chance" in told) == (auc.low > 0.5)
    assert ("wrong way" in told) == (auc.high < 0.5)
    assert ("cannot be told" in told) == (auc.low <= 0.5 <= auc.high)
    assert f"n = {auc.n:,}" in told


@given(estimates(-1, 1))
def test_a_predictor_is_better_than_another_only_where_the_gain_excludes_0(gain: Estimate) -> None:
    told = sentences.gain("value", "feeling", gain)
    assert ("tells more than" in told and "cannot be told" not in told) == (gain.low > 0)
    assert ("tells less than" in told) == (gain.high < 0)


@given(st.lists(estimates(), min_size=1, max_size=6))
def test_what_comes_first_lies_wholly_above_all_others(ranked: list[Estimate]) -> None:
    named = [(f"d{place}", one) for place, one in enumerate(ranked)]
    told = sentences.first_of("priority", named)
    claimed = re.match(r"(d\d) comes first", told)
    if claimed:
        first = dict(named)[claimed[1]]
        assert all(first.low > one.high for name, one in named if name != claimed[1])
    elif len(named) > 1:
        top = max(ranked, key=lambda one: one.value)
        assert "cannot be told" in told
        assert sum(one.high >= top.low for one in ranked) > 1


def test_a_ranking_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to rank"):
        sentences.first_of("priority", [])


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_unit_is_outside_its_limits_only_where_it_is(observed: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    told = sentences.against_expected("u", observed, low, high, 12)
    assert ("above its upper limit" in told) == (observed > high)
    assert ("below its lower limit" in told) == (observed < low)
    assert ("within its limits" in told) == (low <= observed <= high)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_cleaning_says_how_many_are_flagged_and_never_a_direction(given_: tuple[int, int]) -> None:
    n, flagged = given_
    excluded = net_promoter_score(0, 0, n - flagged)
    told = sentences.cleaning(n, flagged, excluded, "At worst it would be -2.0")
    assert _DIRECTION.search(told) is None
    assert f"{n:,}" in told or n == 1
    assert ("None of the" in told or "The one answer is not" in told) == (flagged == 0)
    assert "None of the 1 " not in told
    assert ("Nothing is left" in told) == (flagged == n)


@given(st.floats(-1e12, 1e12), st.integers(0, 3))
def test_a_number_is_read_back_as_it_was_rounded_and_nothing_is_minus_zero(value: float, decimals: int) -> None:
    text = sentences.number(value, decimals)
    assert float(text.replace(",", "").replace(sentences.MINUS, "-")) == float(f"{value:.{decimals}f}")
    assert not re.fullmatch(rf"{sentences.MINUS}[0.,]+", text)


@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=20), st.integers(1, 10))
def test_a_list_names_the_first_and_counts_the_rest(names: list[str], most: int) -> None:
    told = sentences.listed(names, most)
    assert all(name in told for name in names[:most])
    assert (f"and {len(names) - most} more" in told) == (len(names) > most) or any("more" in name for name in names)


@given(estimates(), st.integers(1, 10**6))
def test_a_level_gives_interval_and_n(one: Estimate, n: int) -> None:
    assume(one.n != n)
    told = sentences.level("NPS", one)
    assert f"n = {one.n:,}" in told
    assert sentences.number(one.low) in told
    assert sentences.number(one.high) in told
