"""Alarms into findings: one for each affair of a unit that a detector sounded at, open ones as long as they stand."""

from collections.abc import Iterable

import numpy as np

from schemas.enums import Detector
from streams.core.hashing import UInt64s, combine
from streams.core.integrity.evidence import Alarm
from streams.core.units.judging import OpenDays
from streams.core.units.state import UnitsState

_NUMBERS = {detector: number for number, detector in enumerate(Detector)}


class Standing:
    """Which findings stood before days are judged anew, to know afterwards what changed."""

    def __init__(self, state: UnitsState) -> None:
        findings = state.findings
        self._findings = findings
        self._stood, self._sounded = findings.standing[: findings.count].copy(), findings.sounded_on[: findings.count].copy()

    def record_closed(self, state: UnitsState, days: OpenDays, alarms: Iterable[Alarm]) -> None:
        """Keeps the findings of alarms on days that are closed now; those of open days stand no more, until they are raised again."""
        findings = self._findings
        for alarm in alarms:
            row = _finding(state, days, alarm)
            findings.closed[row], findings.closed_on[row] = True, alarm.day
            findings.touch(np.array([row]))
        every = slice(findings.count)
        findings.standing[every] = findings.closed[every]
        findings.sounded_on[every] = np.where(findings.closed[every], findings.closed_on[every], findings.sounded_on[every])

    def record_open(self, state: UnitsState, days: OpenDays, alarms: Iterable[Alarm]) -> None:
        """Adds the findings of alarms on open days, for the time being."""
        findings = self._findings
        for alarm in alarms:
            row = _finding(state, days, alarm)
            findings.standing[row], findings.sounded_on[row] = True, alarm.day
        before = len(self._stood)
        changed = (findings.standing[:before] != self._stood) | (findings.sounded_on[:before] != self._sounded)
        findings.touch(np.concatenate([np.flatnonzero(changed), np.arange(before, findings.count)]))


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
