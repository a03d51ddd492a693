"""What changes in an account when something else in it has changed: accounts over 28-day windows, each compared with itself alone.

What always tells accounts apart (size, branch, temper) and what befalls all of them in one window (season, a change of prices) are taken out, so
neither can pass for an effect. The estimate is that of a regression with an effect of each account and of each window (two-way fixed effects;
Wooldridge, Econometric Analysis of Cross Section and Panel Data, chapter 10); its controls are held constant besides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np

from streams.core.batch import Bools, Floats, Int64s
from streams.fitting.drivers import Estimate
from streams.fitting.jackknife import interval
from streams.fitting.linkage import HELD_OUT, LEAST_PAIRS

LEAST_ENTRIES = 8
"""Windows in which an account must be known for what came first in it to be told."""
_HELD_OUT_ONE_IN = round(1 / HELD_OUT)
_NEARLY_ONE = 1 - 1e-12
_NO_VARIANCE = 1e-12
"""What is left of a constant after rounding, as a share of its sum of squares, is not variance."""
_DETERMINED = 1e-9
"""What the controls leave of a side is not variance either where it is less than this share."""
_SETTLED = 1e-11
MOST_ROUNDS = 500
"""Rounds after which what accounts and windows have in common counts as not told apart."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A cause, its controls and an effect, one entry for an account and a window, in any order."""

    cause: Floats
    effect: Floats
    controls: Sequence[Floats]
    account: Int64s
    """Accounts, numbered from 0."""
    window: Int64s
    """Window of the cause."""
    group: Int64s
    """Group of the account, for intervals."""

    def of(self, chosen: Bools) -> "Observed":
        """Those that are chosen, by a flag each."""
        controls = [control[chosen] for control in self.controls]
        return Observed(self.cause[chosen], self.effect[chosen], controls, self.account[chosen], self.window[chosen], self.group[chosen])

    def comparable(self, least: int = 2) -> "Observed":
        """Entries of which everything is known, of accounts that have at least so many of them."""
        known = np.isfinite(self.cause) & np.isfinite(self.effect)
        for control in self.controls:
            known &= np.isfinite(control)
        entries = np.bincount(self.account[known], minlength=int(self.account.max(initial=-1)) + 1)
        return self.of(known & (entries[self.account] >= least))

    def __len__(self) -> int:
        return len(self.cause)


@dataclass(frozen=True, slots=True)
class Effect:
    """How an effect follows its cause within accounts; None where it cannot be told, also where ``settled`` is False."""

    n: int
    correlation: Estimate | None
    """Partial correlation, given the account, the window and the controls."""
    slope: Estimate | None
    """Units of the effect for a unit more of the cause."""
    elasticity: Estimate | None
    """Per cent of the effect for a per cent more of the cause, at the means of both. None where a mean is 0."""
    published: bool
    """There are enough entries, and the interval of the correlation leaves out 0."""
    held_out: int
    held_out_correlation: Estimate | None
    confirmed: bool
    """Published, and what is held out alone shows the same sign, with an interval that leaves out 0."""
    settled: bool = True
    """Effects of accounts and windows could be told apart, of all entries and of those held out; where not, the estimate that they spoil is None."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What is known of accounts in windows: one row for an account and a window in which anything is, ordered by both."""

    account: Int64s
    """Accounts, numbered from 0."""
    window: Int64s
    group: Int64s
    values: Mapping[str, Floats]
    """NaN where not known."""

    def observed(self, cause: Floats, effect: str, lag: int, controls: Sequence[Floats] = ()) -> Observed:
        """Every row, with the effect of the same account so many windows later (earlier where below 0)."""
        return Observed(cause, self._shifted(self.values[effect], lag), controls, self.account, self.window, self.group)

    def counted(self, cause: Floats, effect: str, lag: int, begin: Int64s, last: int, controls: Sequence[Floats] = ()) -> Observed:
        """The same for what is counted: 0 where nothing is known from window ``begin`` of the account to ``last``, and not known outside."""
        later = self.window + lag
        shifted = self._shifted(self.values[effect], lag)
        filled = np.where(np.isfinite(shifted), shifted, 0.0)
        within = (later >= begin[self.account]) & (later <= last)
        return Observed(cause, np.where(within, filled, np.nan), controls, self.account, self.window, self.group)

    def carried(self, values: Floats, lag: int) -> Floats:
        """For every row, what was known last of the same account by so many windows later (earlier where below 0)."""
        known = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(self)), -1))
        row = self.place(self.account, self.window + lag + 1) - 1
        last = np.where(row >= 0, known[row], -1)
        return np.where((last >= 0) & (self.account[last] == self.account), values[last], np.nan)

    def place(self, account: Int64s, window: Int64s) -> Int64s:
        """Where these accounts and windows would be in the panel; windows may lie outside it, accounts may not."""
        first = min(int(self.window.min(initial=0)), int(window.min(initial=0)))
        span = max(int(self.window.max(initial=0)), int(window.max(initial=0))) - first + 1
        return np.searchsorted(self.account * span + (self.window - first), account * span + (window - first))

    def _shifted(self, values: Floats, lag: int) -> Floats:
        wanted = self.window + lag
        place = np.minimum(self.place(self.account, wanted), len(self) - 1)
        found = (self.account[place] == self.account) & (self.window[place] == wanted)
        return np.where(found, values[place], np.nan)

    def __len__(self) -> int:
        return len(self.account)


_Estimates = tuple[Estimate | None, Estimate | None, Estimate | None]


def effect_of(observed: Observed) -> Effect:
    """The effect over all windows; held out are the newest, a quarter of the entries.

    Consistent where the cause does not answer to what the effect was before (strict exogeneity).
    """
    known = observed.comparable()
    windows = np.sort(known.window)
    # At least a quarter: a window is held out whole.
    newest = known.of(known.window >= windows[int(len(windows) * (1 - HELD_OUT))]).comparable() if len(known) else known
    return _judged(known, newest, _estimates)


def preceding_effect(observed: Observed) -> Effect:
    """The same where the cause may answer to what the effect was before; the controls must hold what was known of the effect by then.

    Fixed effects are then biased by about one over the number of windows. The half-panel jackknife (Dhaene and Jochmans, Review of Economic Studies
    82(3), 2015) takes that away: twice the slope of all entries, less the mean of the slopes of each account's first and second half. It needs long
    histories, so accounts with fewer than ``LEAST_ENTRIES`` are left out, and held out are a quarter of the groups of accounts, not of the windows.
    """
    known = observed.comparable(LEAST_ENTRIES)
    return _judged(known, known.of(known.group % _HELD_OUT_ONE_IN == 0), _corrected)


def _judged(known: Observed, held_out: Observed, estimates: Callable[[Observed], _Estimates]) -> Effect:
    of_all, of_held_out = (_settled(estimates, of) for of in (known, held_out))
    correlation, slope, elasticity = of_all or _NOTHING
    apart, _, _ = of_held_out or _NOTHING
    published = len(known) >= LEAST_PAIRS and _excludes_zero(correlation)
    confirmed = published and _excludes_zero(apart) and correlation is not None and apart is not None and correlation.value * apart.value > 0
    return Effect(len(known), correlation, slope, elasticity, published, len(held_out), apart, confirmed, None not in (of_all, of_held_out))


def _settled(estimates: Callable[[Observed], _Estimates], of: Observed) -> _Estimates | None:
    try:
        return estimates(of)
    except NotSettledError:
        return None


class NotSettledError(ArithmeticError):
    """What is common to accounts and to windows could not be told apart in ``MOST_ROUNDS`` rounds: too few accounts link the windows."""


def within(columns: Floats, account: Int64s, window: Int64s) -> Floats:
    """The columns without what is common to an account and to a window: their means are taken off in turn until nothing is left of either.

    Raises ``NotSettledError`` where that takes more than ``MOST_ROUNDS`` rounds: each then takes hardly more off than the one before, since windows
    hang together by few accounts, and what is left would pass something common to all for an effect.
    """
    rest = columns - np.mean(columns, axis=0)
    scale = np.sqrt(np.mean(rest**2, axis=0)) + np.finfo(np.float64).tiny
    sides = [np.unique(side, return_inverse=True)[1].reshape(-1) for side in (account, window)]
    entries = [np.bincount(side) for side in sides]
    for _ in range(MOST_ROUNDS):
        moved = 0.0
        for side, count in zip(sides, entries, strict=True):
            means = np.column_stack([np.bincount(side, column) / count for column in rest.T])
            rest = rest - means[side]
            moved = float(np.max(np.abs(means) / scale))
        if moved < _SETTLED:
            return np.asarray(rest)
    raise NotSettledError(f"means of accounts and windows did not settle in {MOST_ROUNDS} rounds")


@dataclass(frozen=True, slots=True)
class _Products:
    """Sums of products of what is left of cause, controls and effect within accounts and windows: of all entries, and without each group."""

    everyone: Floats
    without: Sequence[Floats]
    noise: Floats

    @staticmethod
    def of(known: Observed, groups: int, group: Int64s) -> "_Products":
        """The effects of windows are those of all accounts, also where a group is left out: one group in 64 hardly changes them."""
        raw = np.column_stack([known.cause, *known.controls, known.effect])
        rest = within(raw, known.account, known.window)
        total = rest.T @ rest
        without = [total - part.T @ part for part in (rest[group == one] for one in range(groups))]
        return _Products(total, without, _NO_VARIANCE * np.sum(raw**2, axis=0))

    def left(self, products: Floats) -> Floats | None:
        """Sums of products of cause and effect that the controls leave; None where a side does not vary."""
        ends = products[np.ix_([0, -1], [0, -1])]
        if len(products) > 2:
            between = products[np.ix_([0, -1], range(1, len(products) - 1))]
            # Scaled first, so that a control in thousands and one in thousandths are judged alike.
            controls = products[1:-1, 1:-1]
            scale = np.sqrt(np.where(np.diag(controls) > 0, np.diag(controls), 1.0))
            scaled = between / scale
            ends = ends - scaled @ np.linalg.pinv(controls / np.outer(scale, scale), rcond=1e-10, hermitian=True) @ scaled.T
        least = np.maximum(self.noise, _DETERMINED * np.diag(products))[[0, -1]]
        return None if np.any(np.diag(ends) <= least) else np.asarray(ends)


_NOTHING: _Estimates = (None, None, None)


def _estimates(known: Observed) -> _Estimates:
    return _told_of(known, [])


def _corrected(known: Observed) -> _Estimates:
    """With the slopes of both halves of each account taken into account."""
    order = np.lexsort((known.window, known.account))
    sorted_accounts = known.account[order]
    starts = np.searchsorted(sorted_accounts, sorted_accounts, "left")
    counts = np.searchsorted(sorted_accounts, sorted_accounts, "right") - starts
    late = np.empty(len(order), dtype=np.bool_)
    late[order] = np.arange(len(order)) - starts >= counts / 2
    return _told_of(known, [~late, late])


def _told_of(known: Observed, halves: Sequence[Bools]) -> _Estimates:
    if len(known) < 2:
        return _NOTHING
    group = np.unique(known.group, return_inverse=True)[1].reshape(-1)
    groups = int(group.max()) + 1
    whole = _Products.of(known, groups, group)
    parts = [_Products.of(known.of(half), groups, group[half]) for half in halves]
    ends = np.column_stack([known.cause, known.effect])
    sums = np.sum(ends, axis=0)
    found = _told(whole, whole.everyone, [(part, part.everyone) for part in parts], sums)
    if found is None:
        return _NOTHING
    others = []
    for one in range(groups):
        gone = [(part, part.without[one]) for part in parts]
        others.append(_told(whole, whole.without[one], gone, sums - np.sum(ends[group == one], axis=0)) or (np.nan, np.nan, np.nan))
    correlation, slope, elasticity = found
    first, second, third = np.array(others).T
    fisher = interval(_fisher(correlation), np.array([_fisher(value) for value in first]))
    return (
        Estimate(correlation, *(map(tanh, fisher) if fisher else (None, None))),
        Estimate(slope, *(interval(slope, second) or (None, None))),
        Estimate(elasticity, *(interval(elasticity, third) or (None, None))) if np.isfinite(elasticity) else None,
    )


def _told(whole: _Products, products: Floats, halves: Sequence[tuple[_Products, Floats]], sums: Floats) -> tuple[float, float, float] | None:
    """Partial correlation, slope and elasticity; None where a side does not vary."""
    left = whole.left(products)
    if left is None:
        return None
    slope = float(left[0, 1] / left[0, 0])
    if halves:
        parts = [part.left(of_half) for part, of_half in halves]
        slopes = [float(part[0, 1] / part[0, 0]) for part in parts if part is not None]
        if len(slopes) < len(halves):
            return None
        slope = 2 * slope - sum(slopes) / len(slopes)
    correlation = min(1.0, max(-1.0, slope * sqrt(float(left[0, 0] / left[1, 1]))))
    return correlation, slope, slope * float(sums[0] / sums[1]) if sums[0] and sums[1] else float("nan")


def _fisher(value: float) -> float:
    return atanh(min(_NEARLY_ONE, max(-_NEARLY_ONE, value))) if np.isfinite(value) else value


def _excludes_zero(found: Estimate | None) -> bool:
    return found is not None and found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
