"""What the whole fleet did, as every unit is held against it: top scores per stratum, how many answers came, and how forms were filled in."""

import numpy as np

from streams.core.batch import Bools, Floats, Int64s
from streams.core.hashing import UInt64s, combine
from streams.core.signals import STRAIGHT_BIN
from streams.core.units.intake import pace_keys, stratum_keys
from streams.core.units.state import DRIFT_DAYS, UnitsState
from streams.core.units.tables import HISTORY

FEWEST_PEER_ANSWERS = 30
"""With fewer answers of a metric in a peer group nothing is expected of a unit there."""
CHANNEL_WEIGHT = 30.0
"""Answers that the rate of a channel is shrunk to that of all channels with: few may all be of units that game."""
SHOCK_WEIGHT = 50.0
"""What peers do differently of late, or on one day, is believed by n / (n + this), n answers of peers then."""
FEWEST_DURATIONS = 200
"""With fewer durations of a form nobody is called fast there."""
FASTEST = 0.05
"""The share of forms that is called fast."""
FAST_WEIGHT = 20.0
"""How many of the others' forms were fast lately is believed by n / (n + this), n of their forms."""
MOST_STRAIGHT = 0.05
"""Where more forms than this have the same answer throughout, that is what customers do, and no sign."""
MOST_NEW = 0.1
"""Where more units than this have been there for less than half of the time of the oldest, the past of all says little of those of today."""


class Strata:
    """Top scores per peer group, metric and channel, and how each group did day by day. Days must be gone through in order."""

    def __init__(self, state: UnitsState) -> None:
        table = state.strata
        count = table.count
        group, metric, channel = table.group[:count], table.metric[:count], table.channel[:count]
        codes = stratum_keys(np.zeros(count, np.int64), group, metric, channel)
        self._codes, first, self._of_cell = np.unique(codes, return_index=True, return_inverse=True)
        self._groups, self._group = np.unique(group[first], return_inverse=True)
        self._wholes, self._whole = np.unique(combine(group[first], metric[first].view(np.uint64)), return_inverse=True)
        self._cell_n, self._cell_top = table.n[:count].astype(np.float64), table.top_box[:count].astype(np.float64)
        self._by_day = np.argsort(table.day[:count], kind="stable")
        self._days = table.day[:count][self._by_day]
        self._learned = 0
        self._n, self._top = np.zeros(len(self._codes)), np.zeros(len(self._codes))
        self.rates: Floats = np.full(len(self._codes), np.nan)
        """The rate of each stratum; NaN where too little is known of its metric in its group."""

    def of(self, group: UInt64s, metric: Int64s, channel: Int64s) -> Int64s:
        """Returns the stratum of each answer; -1 where the fleet has not told of it."""
        keys = stratum_keys(np.zeros(len(group), np.int64), group, metric, channel)
        at = np.minimum(np.searchsorted(self._codes, keys), max(len(self._codes) - 1, 0))
        return np.where(self._codes[at] == keys, at, -1) if len(self._codes) else np.full(len(keys), -1)

    def learn(self, until: int) -> None:
        """What is known are the days up to ``until``."""
        upto = int(np.searchsorted(self._days, until, side="right"))
        cells = self._by_day[self._learned : upto]
        np.add.at(self._n, self._of_cell[cells], self._cell_n[cells])
        np.add.at(self._top, self._of_cell[cells], self._cell_top[cells])
        if not len(cells):
            return
        self._learned = upto
        n, top = (np.bincount(self._whole, values, len(self._wholes))[self._whole] for values in (self._n, self._top))
        of_all = np.where(n >= FEWEST_PEER_ANSWERS, top / np.maximum(n, 1.0), np.nan)
        self.rates = np.asarray((self._top + CHANNEL_WEIGHT * of_all) / (self._n + CHANNEL_WEIGHT))

    def excess(self, first: int, last: int) -> tuple[Floats, Floats]:
        """Returns, per stratum, the number of answers of its group on these days, and how many more top scores they hold than was expected."""
        chosen = self._by_day[slice(*np.searchsorted(self._days, [first, last + 1]).tolist())]
        chosen = chosen[~np.isnan(self.rates[self._of_cell[chosen]])]
        of_cell = self._of_cell[chosen]
        group, groups = self._group[of_cell], len(self._groups)
        answers = np.bincount(group, self._cell_n[chosen], groups).astype(np.float64)
        more = np.bincount(group, self._cell_top[chosen] - self.rates[of_cell] * self._cell_n[chosen], groups).astype(np.float64)
        return answers[self._group], more[self._group]


class Volumes:
    """How many answers the fleet got, day by day."""

    def __init__(self, state: UnitsState) -> None:
        table = state.strata
        order = np.argsort(table.day[: table.count], kind="stable")
        self._days = table.day[: table.count][order]
        self._reached = np.concatenate([[0], np.cumsum(table.n[: table.count][order])])
        self._since = int(table.first[: table.count].min()) if table.count else 0
        known = state.fleet_units
        self._first_days = known.first_day[: known.count]

    def sum(self, first: int, last: int) -> float:
        """Returns the number of answers on these days."""
        start, end = np.searchsorted(self._days, [first, last + 1])
        return float(self._reached[end] - self._reached[start])

    def swelling(self, day: int, own: Floats, first: int, before: Floats) -> Floats:
        """Returns how many times as many answers as ever the other units got on a day, at least 1, as far as it is to be believed.

        ``own`` answers of the day, and ``before``, (units, days) of the days from ``first`` up to the one before it, are those of each unit itself.
        The day is held against those days, of which only those count on which others got answers, as a unit's own past has only days with answers;
        and they against all before, so that a change for all and for good is seen in others as long as it is in the unit itself.
        """
        others = np.diff(self._reached[np.searchsorted(self._days, np.arange(first, day + 1))]) - before
        today = np.maximum(self.sum(day, day) - own, 0.0)
        usual = others.sum(axis=1) / np.maximum((others > 0).sum(axis=1), 1)
        more = np.where(usual > 0, np.maximum(today / np.maximum(usual, 1.0) - 1.0, 0.0), 0.0)
        at_once = 1.0 + more * today / (today + SHOCK_WEIGHT)
        return np.asarray(at_once * np.maximum(others.sum(axis=1) * self._growth(first, day), 1.0))

    def _growth(self, first: int, day: int) -> float:
        """Returns what the answers of all days from ``first`` on are to be multiplied by, to be told as times of those of as many days before.

        0 where the days before are fewer, or where many units are new, which may be larger than the others.
        """
        ages = day - self._first_days[self._first_days < day]
        past = self.sum(HISTORY, first - 1)
        if first - self._since < day - first or first == day or not past or (2 * ages < ages.max()).mean() > MOST_NEW:
            return 0.0
        return (first - self._since) / past / (day - first)


class Paces:
    """The bin below which the fastest forms lie, and how many have the same answer throughout, per form. Days must be gone through in order.

    Of the answers that are judged, ascending by day, it is given the unit, the form, the bin of its duration, below 0 where that is not known, and
    whether it is the same throughout; they are called by their positions.
    """

    def __init__(self, state: UnitsState, unit: Int64s, form: UInt64s, of_bin: Int64s, is_straight: Bools) -> None:
        table = state.paces
        cells = np.argsort(table.day[: table.count], kind="stable")
        self._day, self._cell_bin, self._n = table.day[cells], table.bin[cells], table.n[cells]
        forms, self._of_cell = np.unique(table.form[cells], return_inverse=True)
        # The last form stands for those that the fleet has not told of.
        self._numbers = np.zeros((len(forms) + 1, STRAIGHT_BIN + 1), np.int64)
        place = np.searchsorted(forms, form)
        self._form = np.where(np.append(forms, np.uint64(0))[place] == form, place, len(forms))
        pairs, self._own = np.unique(combine(unit.view(np.uint64), form), return_inverse=True)
        self._pairs = len(pairs)
        self._bin, self._known, self._straight = of_bin, of_bin >= 0, (of_bin >= 0) & is_straight
        self._add(slice(int(np.searchsorted(self._day, state.closed, side="right"))))

    def fast(self, answers: slice) -> Bools:
        """Returns which answers were given faster than all but so many; none where too little is known."""
        return np.asarray(self._known[answers] & (self._bin[answers] < self._limits[self._form[answers]]))

    def fast_elsewhere(self, first: int, last: int, lately: slice, today: slice) -> Floats:
        """Returns, for each answer of today, how many of the same forms at other units were fast on these days, at least ``FASTEST``.

        Where a form was made shorter for all, half of them are. ``lately`` are the answers of these days.
        """
        cells = slice(*np.searchsorted(self._day, [first, last + 1]).tolist())
        of_cell, n, of_bin, count = self._of_cell[cells], self._n[cells], self._cell_bin[cells], len(self._numbers)
        every = np.bincount(of_cell, n * (of_bin < STRAIGHT_BIN), count)
        fast_of_every = np.bincount(of_cell, n * (of_bin < np.minimum(self._limits[of_cell], STRAIGHT_BIN)), count)
        form, own = self._form[today], self._own[today]
        others = every[form] - self._of_own(self._known[lately], lately)[own]
        fast_of_others = fast_of_every[form] - self._of_own(self.fast(lately), lately)[own]
        others, fast_of_others = np.maximum(others, 0.0), np.maximum(fast_of_others, 0.0)
        return np.asarray(np.maximum((fast_of_others + FASTEST * FAST_WEIGHT) / (others + FAST_WEIGHT), FASTEST))

    def straight(self, before: slice, today: slice) -> Floats:
        """Returns, for each answer of today, the share of such forms with the same answer throughout.

        NaN where that is no sign, or too little is known. Without those of the unit itself among the answers ``before``: else whoever fills in many
        in a new survey would make that what customers do.
        """
        form, own = self._form[today], self._own[today]
        others = np.maximum(self._total[form] - self._of_own(self._known[before], before)[own], 0.0)
        straight_others = np.maximum(self._numbers[form, STRAIGHT_BIN] - self._of_own(self._straight[before], before)[own], 0.0)
        share = straight_others / np.maximum(others, 1.0)
        return np.where((others < FEWEST_DURATIONS) | (share > MOST_STRAIGHT), np.nan, share)

    def end_day(self, day: int) -> None:
        """The day belongs to what is known before the next one."""
        first, last = np.searchsorted(self._day, [day, day + 1]).tolist()
        if last > first:
            self._add(slice(first, last))

    def _of_own(self, marked: Bools, answers: slice) -> Int64s:
        """Returns how many of these answers are marked, by unit and form."""
        return np.bincount(self._own[answers][marked], minlength=self._pairs)

    def _add(self, cells: slice) -> None:
        np.add.at(self._numbers, (self._of_cell[cells], self._cell_bin[cells]), self._n[cells])
        reached = np.cumsum(self._numbers[:, :STRAIGHT_BIN], axis=1)
        self._total = reached[:, -1]
        # The greatest bin below which there are at most so many; all answers of a bin are on the same side.
        self._limits = np.where(self._total >= FEWEST_DURATIONS, (reached <= FASTEST * self._total[:, None]).sum(axis=1), 0)


def close_fleet_days(state: UnitsState, closed: int) -> None:
    """Adds to the history what no day after ``closed`` tells apart any more; these cells are to be forgotten next."""
    strata, paces = state.strata, state.paces
    old = np.flatnonzero((strata.day[: strata.count] <= state.learned(closed + 1)) & (strata.day[: strata.count] != HISTORY))
    if len(old):
        group, metric, channel, n, top, first = (strata.column(name)[old].copy() for name in ("group", "metric", "channel", "n", "top_box", "first"))
        rows, added = strata.find_or_append(
            stratum_keys(np.full(len(old), HISTORY), group.astype(np.uint64), metric.astype(np.int64), channel.astype(np.int64))
        )
        strata.first[added] = -HISTORY
        strata.day[rows], strata.group[rows], strata.metric[rows], strata.channel[rows] = HISTORY, group, metric, channel
        np.minimum.at(strata.first, rows, first)
        np.add.at(strata.n, rows, n)
        np.add.at(strata.top_box, rows, top)
        strata.touch(rows)
    old = np.flatnonzero((paces.day[: paces.count] <= closed - DRIFT_DAYS) & (paces.day[: paces.count] != HISTORY))
    if len(old):
        form, of_bin, n = paces.form[old].copy(), paces.bin[old].copy(), paces.n[old].copy()
        rows, _ = paces.find_or_append(pace_keys(np.full(len(old), HISTORY), form, of_bin))
        paces.day[rows], paces.form[rows], paces.bin[rows] = HISTORY, form, of_bin
        np.add.at(paces.n, rows, n)
        paces.touch(rows)
