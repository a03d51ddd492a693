"""What the findings of a unit add up to, and which of its answers they stand on.

A level shift by itself is a reason to look, for a unit that became better looks the same. It takes two kinds of evidence to suspect a unit; which
of its answers are flagged then follows from the signs that they carry.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from schemas.enums import Decision, Detector, Family, UnitState
from streams.core.batch import Floats, Int64s
from streams.core.hashing import hash_strings
from streams.core.integrity.detectors import FLEET_DETECTORS, PLAN_DETECTORS, UNIT_DETECTORS
from streams.core.integrity.e_detector import log_mean_of_processes
from streams.core.integrity.evidence import ACTIVE_DAYS
from streams.core.signals import Sign
from streams.core.units.decisions import DECISIONS
from streams.core.units.findings import finding_ids, units_of
from streams.core.units.judging import OpenDays
from streams.core.units.state import LOOK_BACK_DAYS, UnitsState
from streams.core.units.tables import HISTORY

FAMILIES = {detector.name: detector.family for detector in (*UNIT_DETECTORS, *PLAN_DETECTORS, *FLEET_DETECTORS)}
BITS = {detector.name: 1 << place for place, detector in enumerate(UNIT_DETECTORS)}
"""How the signs on an answer are kept; those who look at pools see none on single answers."""
_DETECTORS = list(Detector)
_FAMILIES, _STATES = list(Family), list(UnitState)


class Affair(NamedTuple):
    """A finding that is active."""

    detector: Detector
    since: int
    confirmed: bool = False
    """Somebody looked into it, and it is gaming."""


def unit_state(affairs: Collection[Affair]) -> UnitState:
    """What these active findings make of a unit."""
    families: set[Family] = {FAMILIES[affair.detector] for affair in affairs}
    if not families:
        return UnitState.CLEAR
    return UnitState.SUSPECT if len(families) > 1 or any(affair.confirmed for affair in affairs) else UnitState.INVESTIGATE


def affairs_on(state: UnitsState, day: int) -> dict[int, list[Affair]]:
    """Returns the findings of each unit that are active on a day: raised, and sounded again, with less than ``ACTIVE_DAYS`` between.

    Those of an incentive plan count at its units that have one of their own: by itself it says nothing of any single unit. Those that somebody
    dismissed are left out.
    """
    table = state.findings
    raised_on, sounded_on = table.raised_on[: table.count], table.sounded_on[: table.count]
    affairs: dict[int, list[Affair]] = {}
    pooled: list[tuple[int, Affair]] = []
    rows = np.flatnonzero(table.standing[: table.count] & (raised_on <= day) & (day < sounded_on + ACTIVE_DAYS))
    for row, decision in zip(rows.tolist(), _decisions(state, rows), strict=True):
        if decision is Decision.DISMISSED:
            continue
        affair = Affair(_DETECTORS[int(table.detector[row])], int(table.since[row]))
        if table.pool[row]:
            pooled.append((row, affair))
            continue
        affair = affair._replace(confirmed=decision is Decision.CONFIRMED)
        affairs.setdefault(int(table.unit[row]), []).append(affair)
    for row, affair in pooled:
        for unit_id in units_of(state, row):
            unit = state.units.numbers.get(unit_id)
            if unit in affairs:
                affairs[unit].append(affair)
    return affairs


def _decisions(state: UnitsState, rows: Int64s) -> list[Decision | None]:
    """Returns what people decided about these findings."""
    if not state.decisions.count:
        return [None] * len(rows)
    found = state.decisions.find(hash_strings(finding_ids(state, rows)))
    return [None if row < 0 else DECISIONS[int(state.decisions.decision[row])] for row in found.tolist()]


def flags(state: UnitsState, days: OpenDays, first: int, last: int) -> Int64s:
    """Returns, for each answer of ``days``, the bits of the detectors for whose findings it is flagged on the days ``first`` to ``last``.

    On each of these days, at the units that are suspect then, the answers of the last ``LOOK_BACK_DAYS`` that carry a sign which an active finding
    rests on, from the day on which it began. Where all are of one family, of the confirmed ones alone. Those with a low score are not what gaming is
    after, unless somebody confirmed it: whoever was begged and gave a 3 all the same must not be taken out for telling.
    """
    reasons = np.zeros(len(days.rows), np.int64)
    for day in range(first, last + 1):
        for unit, affairs in affairs_on(state, day).items():
            if unit_state(affairs) is UnitState.SUSPECT:
                mine = np.flatnonzero((days.units_of_rows == unit) & (days.days_of_rows >= day - LOOK_BACK_DAYS) & (days.days_of_rows <= day))
                families = {FAMILIES[affair.detector] for affair in affairs}
                for affair in affairs:
                    if len(families) == 1 and not affair.confirmed:
                        continue
                    bit = BITS.get(affair.detector, 0)
                    carrying = (days.marks[mine] & bit != 0) & (days.days_of_rows[mine] >= affair.since)
                    if not affair.confirmed:
                        carrying &= days.high[mine]
                    reasons[mine[carrying]] |= bit
    return reasons


def record_signs(state: UnitsState, days: OpenDays, for_good: Int64s, for_now: Int64s) -> None:
    """Keeps the signs on the answers, adds flags that rest on closed days, and stay, and replaces those that rest on open ones."""
    table, rows = state.answers, days.rows
    flagged_for_good = table.flagged_for_good[rows] | for_good
    flagged = flagged_for_good | for_now
    told = (flagged != table.flagged[rows]) | (days.marks != table.marks[rows])
    changed = told | (flagged_for_good != table.flagged_for_good[rows])
    table.flagged_for_good[rows[changed]], table.flagged[rows[changed]] = flagged_for_good[changed], flagged[changed]
    table.marks[rows[changed]] = days.marks[changed]
    table.sequence[rows[told]] = state.sequence
    table.touch(rows[changed])
    # What was taken out in time never was evidence.
    gone = np.flatnonzero((table.signs[: table.count] & Sign.COUNTED == 0) & ((table.marks | table.flagged)[: table.count] != 0))
    table.marks[gone] = table.flagged[gone] = table.flagged_for_good[gone] = 0
    table.sequence[gone] = state.sequence
    table.touch(gone)


def record_units(state: UnitsState, log_values: Floats, day: int) -> None:
    """Keeps what each unit's findings add up to on a day; ``log_values`` are those of its detectors and their pairs, first axis the units."""
    units, count = state.units, state.units.count
    found = {
        "state": np.full(count, _STATES.index(UnitState.CLEAR)),
        "families": np.zeros(count, np.int64),
        "suspected_since": np.full(count, HISTORY),
        "log_e": log_mean_of_processes(log_values),
    }
    for unit, affairs in affairs_on(state, day).items():
        detectors = [affair.detector for affair in affairs]
        found["state"][unit] = _STATES.index(unit_state(affairs))
        found["families"][unit] = sum(1 << _FAMILIES.index(family) for family in {FAMILIES[detector] for detector in detectors})
        found["suspected_since"][unit] = min(affair.since for affair in affairs)
    new = units.sequence[:count] == 0
    changed = np.flatnonzero(new | np.any([units.column(name)[:count] != values for name, values in found.items()], axis=0))
    for name, values in found.items():
        units.column(name)[changed] = values[changed]
    units.judged[changed], units.sequence[changed] = day, state.sequence
    units.touch(changed)
