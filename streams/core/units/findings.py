"""Alarms into findings: one for each affair of a unit that a detector sounded at, open ones as long as they stand."""

from collections.abc import Iterable

import numpy as np

from schemas.enums import Detector
from streams.core.hashing import UInt64s, combine
from streams.core.integrity.detectors import UNIT_DETECTORS
from streams.core.integrity.evidence import Alarm
from streams.core.units.judging import OpenDays
from streams.core.units.state import UnitsState

_NUMBERS = {detector: number for number, detector in enumerate(Detector)}
_COLUMNS = {detector.name: column for column, detector in enumerate(UNIT_DETECTORS)}


def record_closed(state: UnitsState, days: OpenDays, alarms: Iterable[Alarm]) -> None:
    """Keeps the findings of alarms on days that are closed now; they stay."""
    for alarm in alarms:
        row = _finding(state, days, alarm)
        if not state.findings.closed[row] or state.findings.sounded_on[row] != alarm.day or not state.findings.standing[row]:
            state.findings.closed[row] = state.findings.standing[row] = True
            state.findings.sounded_on[row] = alarm.day
            state.findings.touch(np.array([row]))


def record_open(state: UnitsState, days: OpenDays, alarms: Iterable[Alarm]) -> None:
    """Brings the findings of open days up to date: those that these alarms raise stand, the others do not."""
    findings = state.findings
    newest: dict[int, int] = {}
    for alarm in alarms:
        newest[_finding(state, days, alarm)] = alarm.day
    for row in range(findings.count):
        closed = bool(findings.closed[row])
        unit, column = int(findings.unit[row]), _COLUMNS[list(Detector)[int(findings.detector[row])]]
        sounded = int(findings.sounded_on[row])
        if closed and findings.raised_on[row] == state.units.raised_on[unit, column]:
            sounded = int(state.units.sounded_on[unit, column])
        sounded = newest.get(row, sounded)
        standing = closed or row in newest
        if sounded != findings.sounded_on[row] or standing != findings.standing[row]:
            findings.sounded_on[row], findings.standing[row] = sounded, standing
            findings.touch(np.array([row]))


def _finding(state: UnitsState, days: OpenDays, alarm: Alarm) -> int:
    """Returns the row of the finding that an alarm belongs to, opened or brought up to date where it is the alarm that raises it."""
    findings = state.findings
    number = _NUMBERS[alarm.detector]
    row = int(findings.find_or_append(finding_keys(alarm.row, number, alarm.raised_on))[0][0])
    if alarm.day != alarm.raised_on:
        return row
    values = {
        "unit": alarm.row,
        "detector": number,
        "raised_on": alarm.raised_on,
        "raised_at": days.newest(alarm.row, alarm.day),
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


def finding_keys(unit: int, detector: int, raised_on: int) -> UInt64s:
    """Returns the key of a finding."""
    return combine(combine(np.array([unit], np.uint64), np.array([detector], np.uint64)), np.array([raised_on], np.int64).view(np.uint64))
