"""When a link is told, published and confirmed."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from streams.fitting.linkage import Pairs, link


def pairs(n: int, strength: float, seed: int = 1, newest: float | None = None) -> Pairs:
    """So many pairs, a day each; the newest quarter may have another strength."""
    random = np.random.default_rng(seed)
    value = random.normal(size=n)
    slope = np.where(np.arange(n) < 0.75 * n, strength, strength if newest is None else newest)
    return Pairs(value, slope * value + random.normal(size=n), np.arange(n), random.integers(0, 64, n))


def test_the_correlation_is_spearmans_with_an_interval_like_the_usual_one() -> None:
    """Of pairs that do not hang together the jackknife gives about what Bonett and Wright (2000) give: (1 + r^2 / 2) / (n - 3) on Fisher's scale."""
    some = pairs(4000, 0.6)

    found = link(some).correlation

    assert found is not None
    assert found.value == pytest.approx(spearmanr(some.value, some.score).statistic)
    assert found.low is not None
    assert found.high is not None
    width = 2 * 1.96 * np.sqrt((1 + found.value**2 / 2) / 3997)
    assert np.arctanh(found.high) - np.arctanh(found.low) == pytest.approx(width, rel=0.25)


def test_one_account_that_measures_a_hundred_times_is_one_account() -> None:
    once = pairs(300, 0.5)
    often = once.of(np.repeat(np.arange(300), 100))

    first, second = link(once).correlation, link(often).correlation

    assert first is not None
    assert second is not None
    assert (second.value, second.low, second.high) == pytest.approx((first.value, first.low, first.high), abs=1e-9)


@pytest.mark.parametrize(("n", "published"), [(199, False), (200, True)])
def test_it_is_published_from_200_pairs_on(n: int, published: bool) -> None:
    assert link(pairs(n, -2.0)).published == published


def test_what_may_be_chance_is_not_published() -> None:
    found = link(pairs(1000, 0.0, seed=3))

    assert found.correlation is not None
    assert not found.published
    assert not found.confirmed


@pytest.mark.parametrize(("newest", "confirmed"), [(1.0, True), (0.0, False), (-1.0, False)])
def test_it_is_confirmed_where_the_newest_pairs_show_it_again(newest: float, confirmed: bool) -> None:
    found = link(pairs(2000, 1.0, newest=newest))

    assert found.published
    assert found.held_out == 500
    assert found.confirmed == confirmed


def test_a_side_that_does_not_vary_has_no_correlation() -> None:
    some = pairs(300, 1.0)
    found = link(Pairs(some.value, np.full(300, 0.5), some.day, some.group))

    assert (found.n, found.correlation, found.published) == (300, None, False)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_pairs_tell_nothing(n: int) -> None:
    found = link(pairs(n, 1.0))

    assert (found.n, found.published, found.confirmed) == (n, False, False)


def test_accounts_of_few_groups_have_no_interval() -> None:
    some = pairs(500, 1.0)
    found = link(Pairs(some.value, some.score, some.day, some.group % 9))

    assert found.correlation is not None
    assert (found.correlation.low, found.published) == (None, False)
