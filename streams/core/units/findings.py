"""Alarms into findings: one for each affair of a unit that a detector sounded at, open ones as long as they stand."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from schemas.adjudication import FLEET_SUBJECT, PLAN_SUBJECT
from schemas.enums import Detector
from streams.core.batch import Int64s
from streams.core.hashing import UInt64s, combine
from streams.core.integrity.evidence import Alarm
from streams.core.units.state import UnitsState
from streams.core.units.tables import FLEET

_DETECTORS = list(Detector)
_EPOCH = date(1970, 1, 1)
_NUMBERS = {detector: number for number, detector in enumerate(Detector)}


class Raised(NamedTuple):
    """An alarm, and whom it is about."""

    alarm: Alarm
    unit: int
    """-1: a pool."""
    pool: int
    """Key of the pool; 0: a unit."""
    raised_at: int
    """Newest ``occurred_at``, in microseconds, of the answers of its day."""


class Standing:
    """Which findings stood before days are judged anew, to know afterwards what changed."""

    def __init__(self, state: UnitsState) -> None:
        findings = state.findings
        self._findings = findings
        self._units_of_plans = state.units_of_plans
        self._stood, self._sounded = findings.standing[: findings.count].copy(), findings.sounded_on[: findings.count].copy()

    def record_closed(self, alarms: Iterable[Raised]) -> None:
        """Keeps the findings of alarms on days that are closed now; those of open days stand no more, until they are raised again."""
        findings = self._findings
        for raised in alarms:
            row = self._finding(raised)
            findings.closed[row], findings.closed_on[row] = True, raised.alarm.day
            findings.touch(np.array([row]))
        every = slice(findings.count)
        findings.standing[every] = findings.closed[every]
        findings.sounded_on[every] = np.where(findings.closed[every], findings.closed_on[every], findings.sounded_on[every])

    def record_open(self, alarms: Iterable[Raised]) -> None:
        """Adds the findings of alarms on open days, for the time being."""
        findings = self._findings
        for raised in alarms:
            row = self._finding(raised)
            findings.standing[row], findings.sounded_on[row] = True, raised.alarm.day
        before = len(self._stood)
        changed = (findings.standing[:before] != self._stood) | (findings.sounded_on[:before] != self._sounded)
        findings.touch(np.concatenate([np.flatnonzero(changed), np.arange(before, findings.count)]))

    def _finding(self, raised: Raised) -> int:
        """Returns the row of the finding that an alarm belongs to, opened or brought up to date where it is the alarm that raises it."""
        findings, alarm = self._findings, raised.alarm
        number = _NUMBERS[alarm.detector]
        rows, added = findings.find_or_append(finding_keys(raised.pool or raised.unit, number, alarm.raised_on))
        row = int(rows[0])
        if len(added):
            # The catalog may take them out of the plan later.
            findings.pool_units[row] = json.dumps(sorted(self._units_of_plans.get(raised.pool, ())))
        if alarm.day != alarm.raised_on:
            return row
        values: dict[str, float] = {
            "unit": raised.unit,
            "pool": raised.pool,
            "detector": number,
            "raised_on": alarm.raised_on,
            "raised_at": raised.raised_at,
            "since": alarm.since,
            "log_e": alarm.log_e,
            "found": alarm.found,
            "looked_at": alarm.looked_at,
            "at_most": alarm.at_most,
            "together": alarm.together,
        }
        if any(findings.column(name)[row] != value for name, value in values.items()):
            for name, value in values.items():
                findings.column(name)[row] = value
            findings.touch(np.array([row]))
        return row


def finding_ids(state: UnitsState, rows: Int64s) -> list[str]:
    """Returns what these findings are called: unit, plan or fleet, detector and the day on which they were raised."""
    table = state.findings
    columns = (table.unit[rows], table.pool[rows], table.detector[rows], table.raised_on[rows])
    return [
        f"{_subject(state, unit, pool)}/{_DETECTORS[detector]}/{_EPOCH + timedelta(raised_on)}"
        for unit, pool, detector, raised_on in zip(*(column.tolist() for column in columns), strict=True)
    ]


def units_of(state: UnitsState, row: int) -> list[str]:
    """Returns the units of the plan that a finding is about, as they were when it was raised; none where it is about a unit."""
    units: list[str] = json.loads(state.findings.pool_units[row])
    return units


def _subject(state: UnitsState, unit: int, pool: int) -> str:
    if pool == FLEET:
        return FLEET_SUBJECT
    return f"{PLAN_SUBJECT}{plan_id(state, pool)}" if pool else str(state.units.unit_id[unit])


def plan_id(state: UnitsState, pool: int) -> str:
    """Returns the id of the plan that a pool is; empty for the fleet."""
    found: str = state.pools.plan_id[state.pools.find(np.array([pool], np.uint64))[0]]
    return found


def finding_keys(subject: int, detector: int, raised_on: int) -> UInt64s:
    """Returns the key of a finding; the subject is the number of a unit or the key of a pool."""
    return combine(combine(np.array([subject], np.uint64), np.array([detector], np.uint64)), np.array([raised_on], np.int64).view(np.uint64))
