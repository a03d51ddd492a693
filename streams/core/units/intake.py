"""Signals into the tables of the units stage."""

from collections.abc import Callable, Sequence

import numpy as np

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s, combine, salt
from streams.core.ordering import last_places
from streams.core.signals import (
    NOT_YET,
    REGRET_DAYS,
    Answers,
    FleetSignals,
    Flows,
    NewUnits,
    Paces,
    PlanDays,
    PraiseDays,
    Sign,
    Strata,
    UnitSignals,
)
from streams.core.state_table import StateTable
from streams.core.units.state import DRIFT_DAYS, UnitsState
from streams.core.units.tables import FLOWS, HISTORY, ClockTable

_UNIT = salt("unit of an answer")
_FIELDS = tuple(name for name in Answers.names() if name not in ("key", "signs"))


def take_in_units(state: UnitsState, signals: list[UnitSignals], group_of: Callable[[str], int]) -> None:
    """Takes in what changed at units, in order; ``group_of`` gives the hash of a unit's peer group."""
    if not signals:
        return
    units = state.numbers_of([signal.unit_id for signal in signals], group_of)
    _take_in_answers(state, units, signals)
    _take_in_flows(state, units, signals)


def _take_in_answers(state: UnitsState, units: Int64s, signals: list[UnitSignals]) -> None:
    answers = Answers.concatenated([signal.answers for signal in signals])
    if not len(answers):
        return
    unit = np.repeat(units, [len(signal.answers) for signal in signals])
    keys = combine(answers.key, state.units.hash[unit] ^ _UNIT)
    # Also where the same batch takes it out again: a unit is as old as its first answer.
    open_ = answers.day > state.closed
    state.reopen(unit[open_], answers.day[open_])
    # Of a key given twice the last counts.
    last = last_places(keys)
    counts = answers.signs[last] & Sign.COUNTED != 0
    relevant = open_[last] & (counts | (state.answers.find(keys[last]) >= 0))
    last, counts = last[relevant], counts[relevant]
    rows, _ = state.answers.find_or_append(keys[last])
    table = state.answers
    table.unit[rows], table.signs[rows] = unit[last], answers.signs[last]
    table.touch(rows)
    # One that is taken out keeps its name, by which the sink knows it.
    rows, chosen = rows[counts], last[counts]
    for name in _FIELDS:
        table.column(name)[rows] = answers.column(name)[chosen]


def _take_in_flows(state: UnitsState, units: Int64s, signals: list[UnitSignals]) -> None:
    flows = Flows.concatenated([signal.flows for signal in signals])
    open_ = np.flatnonzero(flows.day > state.flows_closed)
    if not len(open_):
        return
    unit, flows = np.repeat(units, [len(signal.flows) for signal in signals])[open_], flows.take(open_)
    table = state.flows
    rows, _ = table.find_or_append(_keys(unit, flows.day))
    table.unit[rows], table.day[rows] = unit, flows.day
    _add(table, rows, **{name: flows.numbers(name) for name in FLOWS})
    state.reopen(unit, flows.day)


def take_in_fleet(state: UnitsState, signals: Sequence[FleetSignals]) -> None:
    """Takes in what changed in the fleet."""
    _take_in_strata(state, Strata.concatenated([signal.strata for signal in signals]))
    _take_in_paces(state, Paces.concatenated([signal.paces for signal in signals]))
    _take_in_plans(state, PlanDays.concatenated([signal.plans for signal in signals]))
    _take_in_praise(state, PraiseDays.concatenated([signal.praise for signal in signals]))
    new = NewUnits.concatenated([signal.new_units for signal in signals])
    rows, added = state.fleet_units.find_or_append(new.unit)
    state.fleet_units.first_day[added] = -HISTORY
    np.minimum.at(state.fleet_units.first_day, rows, new.first_day)
    state.fleet_units.touch(rows)
    for signal in signals:
        if signal.clock is not None:
            _take_in_clock(state.clocks, signal.partition, signal.clock, caught_up=signal.caught_up)


def _take_in_clock(clocks: ClockTable, partition: int, day: int, *, caught_up: bool) -> None:
    row, _ = clocks.find_or_append(np.array([partition], np.uint64))
    clocks.vouched[row] = np.where(clocks.caught_up[row], clocks.leader[row], NOT_YET) if caught_up else NOT_YET
    clocks.day[row], clocks.caught_up[row] = day, caught_up
    clocks.leader[row] = clocks.day[: clocks.count].max()
    clocks.touch(row)


def _take_in_strata(state: UnitsState, told: Strata) -> None:
    day = _open_day(told.day, state.learned(state.closed + 1))
    table = state.strata
    rows, added = table.find_or_append(stratum_keys(day, told.group, told.metric, told.channel))
    table.first[added] = -HISTORY
    np.minimum.at(table.first, rows, told.day)
    table.day[rows], table.group[rows], table.metric[rows], table.channel[rows] = day, told.group, told.metric, told.channel
    _add(table, rows, n=told.answers, top_box=told.top_box)


def _take_in_paces(state: UnitsState, told: Paces) -> None:
    day = _open_day(told.day, state.closed - DRIFT_DAYS)
    rows, _ = state.paces.find_or_append(pace_keys(day, told.form, told.bin))
    state.paces.day[rows], state.paces.form[rows], state.paces.bin[rows] = day, told.form, told.bin
    _add(state.paces, rows, n=told.answers)


def _take_in_plans(state: UnitsState, told: PlanDays) -> None:
    told = told.take(np.flatnonzero(told.day > state.closed))
    if not len(told):
        return
    table = state.plan_days
    rows, _ = table.find_or_append(combine(told.plan, told.day.view(np.uint64)))
    table.plan[rows], table.day[rows] = told.plan, told.day
    np.maximum.at(table.newest, rows, told.newest)
    _add(table, rows, n=told.answers, top_box=told.top_box)
    state.changed = True


def _take_in_praise(state: UnitsState, told: PraiseDays) -> None:
    told = told.take(np.flatnonzero(told.day > state.closed - REGRET_DAYS))
    if not len(told):
        return
    table = state.praise_days
    rows, _ = table.find_or_append(told.day.view(np.uint64))
    table.day[rows] = told.day
    _add(table, rows, praised=told.praised, regretted=told.regretted, others=told.others, others_regretted=told.others_regretted)
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
