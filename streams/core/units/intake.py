"""Signals into the tables of the units stage."""

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s, combine, salt
from streams.core.signals import REGRET_DAYS, FleetSignals, Flow, Sign, UnitSignals
from streams.core.state_table import StateTable
from streams.core.units.state import UnitsState
from streams.core.units.tables import FLOWS, HISTORY

_UNIT = salt("unit of an answer")
_FIELDS = (
    "revision", "occurred_at", "day", "metric", "channel", "account", "device", "contact", "comment", "form", "duration", "account_id", "response_id",
)  # fmt: skip
_UNSIGNED = frozenset({"account", "device", "contact", "comment", "form"})


def take_in_units(state: UnitsState, signals: list[UnitSignals], group_of: Callable[[str], int]) -> None:
    """Takes in what changed at units, in order; ``group_of`` gives the hash of a unit's peer group."""
    if not signals:
        return
    units = state.numbers_of([signal.unit_id for signal in signals], group_of)
    _take_in_answers(state, units, signals)
    _take_in_flows(state, units, signals)


def _take_in_answers(state: UnitsState, units: Int64s, signals: list[UnitSignals]) -> None:
    told = [(unit, answer) for unit, signal in zip(units.tolist(), signals, strict=True) for answer in signal.answers]
    if not told:
        return
    answers = [answer for _, answer in told]
    unit = np.array([unit for unit, _ in told], np.int64)
    keys = combine(np.array([answer.key for answer in answers], np.uint64), state.units.hash[unit] ^ _UNIT)
    days, signs = (np.array([getattr(answer, name) for answer in answers], np.int64) for name in ("day", "signs"))
    # Also where the same batch takes it out again: a unit is as old as its first answer.
    open_ = days > state.closed
    state.reopen(unit[open_], days[open_])
    # Of a key given twice the last counts.
    last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]
    days, signs = days[last], signs[last]
    relevant = (days > state.closed) & ((signs & Sign.COUNTED != 0) | (state.answers.find(keys[last]) >= 0))
    last, days, signs = last[relevant], days[relevant], signs[relevant]
    rows, _ = state.answers.find_or_append(keys[last])
    table = state.answers
    table.unit[rows], table.signs[rows] = unit[last], signs
    table.touch(rows)
    # One that is taken out keeps its name, by which the sink knows it.
    counts = signs & Sign.COUNTED != 0
    rows, chosen = rows[counts], [answers[i] for i in last[counts].tolist()]
    for name in _FIELDS:
        column = table.column(name)
        column[rows] = np.array([getattr(answer, name) for answer in chosen], np.uint64 if name in _UNSIGNED else column.dtype)


def _take_in_flows(state: UnitsState, units: Int64s, signals: list[UnitSignals]) -> None:
    flows: list[Flow] = list(chain.from_iterable(signal.flows for signal in signals))
    if not flows:
        return
    unit = np.repeat(units, [len(signal.flows) for signal in signals])
    days = np.array([flow.day for flow in flows], np.int64)
    open_ = np.flatnonzero(days > state.flows_closed)
    unit, days = unit[open_], days[open_]
    table = state.flows
    rows, _ = table.find_or_append(_keys(unit, days))
    table.unit[rows], table.day[rows] = unit, days
    chosen = [flows[i] for i in open_.tolist()]
    for name in FLOWS:
        np.add.at(table.column(name), rows, np.array([getattr(flow, name) for flow in chosen], np.int64))
    table.touch(rows)
    state.reopen(unit, days)


def take_in_fleet(state: UnitsState, signals: Iterable[FleetSignals]) -> None:
    """Takes in what changed in the fleet, in order."""
    for signal in signals:
        _take_in_strata(state, signal)
        _take_in_paces(state, signal)
        _take_in_plans(state, signal)
        _take_in_praise(state, signal)
        if signal.new_units:
            hashes, days = np.array([unit for unit, _ in signal.new_units], np.uint64), np.array([day for _, day in signal.new_units], np.int64)
            rows, added = state.fleet_units.find_or_append(hashes)
            state.fleet_units.first_day[added] = -HISTORY
            np.minimum.at(state.fleet_units.first_day, rows, days)
            state.fleet_units.touch(rows)
        if signal.clock is None:
            continue
        row, _ = state.clocks.find_or_append(np.array([signal.partition], np.uint64))
        state.clocks.day[row], state.clocks.caught_up[row] = signal.clock, signal.caught_up
        state.clocks.touch(row)


def _take_in_strata(state: UnitsState, signal: FleetSignals) -> None:
    if not signal.strata:
        return
    day = _open_day(np.array([stratum.day for stratum in signal.strata], np.int64), state.learned(state.closed + 1))
    group = np.array([stratum.group for stratum in signal.strata], np.uint64)
    metric, channel, n, top = (
        np.array([getattr(stratum, name) for stratum in signal.strata], np.int64) for name in ("metric", "channel", "answers", "top_box")
    )
    table = state.strata
    rows, _ = table.find_or_append(stratum_keys(day, group, metric, channel))
    table.day[rows], table.group[rows], table.metric[rows], table.channel[rows] = day, group, metric, channel
    _add(table, rows, n=n, top_box=top)


def _take_in_paces(state: UnitsState, signal: FleetSignals) -> None:
    if not signal.paces:
        return
    day = _open_day(np.array([pace.day for pace in signal.paces], np.int64), state.closed)
    form = np.array([pace.form for pace in signal.paces], np.uint64)
    of_bin, n = (np.array([getattr(pace, name) for pace in signal.paces], np.int64) for name in ("bin", "answers"))
    rows, _ = state.paces.find_or_append(pace_keys(day, form, of_bin))
    state.paces.day[rows], state.paces.form[rows], state.paces.bin[rows] = day, form, of_bin
    _add(state.paces, rows, n=n)


def _take_in_plans(state: UnitsState, signal: FleetSignals) -> None:
    told = [plan for plan in signal.plans if plan.day > state.closed]
    if not told:
        return
    plan, day = np.array([cell.plan for cell in told], np.uint64), np.array([cell.day for cell in told], np.int64)
    n, top, newest = (np.array([getattr(cell, name) for cell in told], np.int64) for name in ("answers", "top_box", "newest"))
    table = state.plan_days
    rows, _ = table.find_or_append(combine(plan, day.view(np.uint64)))
    table.plan[rows], table.day[rows] = plan, day
    np.maximum.at(table.newest, rows, newest)
    _add(table, rows, n=n, top_box=top)
    state.changed = True


def _take_in_praise(state: UnitsState, signal: FleetSignals) -> None:
    told = [praise for praise in signal.praise if praise.day > state.closed - REGRET_DAYS]
    if not told:
        return
    table = state.praise_days
    days = np.array([cell.day for cell in told], np.int64)
    rows, _ = table.find_or_append(days.view(np.uint64))
    table.day[rows] = days
    numbers = ("praised", "regretted", "others", "others_regretted")
    _add(table, rows, **{name: np.array([getattr(cell, name) for cell in told], np.int64) for name in numbers})
    state.changed = True


def _open_day(days: Int64s, closed: int) -> Int64s:
    """Returns the day, or ``HISTORY`` where it is told apart no more."""
    return np.where(days > closed, days, HISTORY)


def _add(table: StateTable, rows: Int64s, **differences: Int64s) -> None:
    for name, values in differences.items():
        np.add.at(table.column(name), rows, values)
    table.touch(rows)


def _keys(unit: Int64s, day: Int64s) -> UInt64s:
    return combine(unit.view(np.uint64), day.view(np.uint64))


def stratum_keys(day: Int64s, group: UInt64s, metric: Int64s, channel: Int64s) -> UInt64s:
    """Returns the key of each stratum and day."""
    return combine(combine(group, (metric * 64 + channel).view(np.uint64)), day.view(np.uint64))


def pace_keys(day: Int64s, form: UInt64s, of_bin: Int64s) -> UInt64s:
    """Returns the key of each bin of a form and day."""
    return combine(combine(form, of_bin.view(np.uint64)), day.view(np.uint64))
