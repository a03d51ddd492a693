"""The units stage of one partition of the signals: what was answered at each unit, day by day, held against the detectors.

Evidence goes by days of the customers' time, not by the order in which partitions happen to be read. A day is judged once every source
partition that is not idle has come past it, and is closed, so that nothing changes it any more, once they have come so far past it that
no answer in time can be missing. Until then what came out is for the time being: it is computed anew from the closed days whenever the
next day can be judged, and when the fleet falls idle.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from streams.core.batch import SourceRecord
from streams.core.signals import LATE_DAYS, FleetSignals, UnitSignals, decode
from streams.core.stage import CheckpointRecord
from streams.core.units.closing import close_days
from streams.core.units.findings import record_closed, record_open
from streams.core.units.intake import group_hash, take_in_fleet, take_in_units
from streams.core.units.judging import OpenDays
from streams.core.units.state import UnitsState
from streams.core.units.verdict import Flagged, flags, record_flags


class UnitsStage:
    """The state of one partition of the signals.

    ``source_partitions`` is the number of partitions of the inputs; ``peer_groups`` gives the peer group of each unit that has one;
    ``false_alarm_days`` is the time in which the whole fleet may raise one false alarm.
    """

    def __init__(self, state: UnitsState, source_partitions: int, peer_groups: Mapping[str, str], false_alarm_days: float = 30.0) -> None:
        self.state = state
        self._source_partitions = source_partitions
        self._peer_groups = peer_groups
        self._false_alarm_days = false_alarm_days
        self._pending = 0
        self.flagged: list[Flagged] = []
        """Responses whose flags changed, in order; whoever writes them clears the list."""

    @property
    def position(self) -> int:
        """Next offset of the signals to read."""
        return self.state.position

    def apply(self, records: Sequence[SourceRecord]) -> None:
        """Takes in records in offset order; those below the position are skipped."""
        fresh = [record for record in records if record.offset >= self.state.position]
        signals = [decode(record.value) for record in fresh if record.value is not None]
        take_in_units(self.state, [signal for signal in signals if isinstance(signal, UnitSignals)], self._group_of)
        take_in_fleet(self.state, [signal for signal in signals if isinstance(signal, FleetSignals)])
        if fresh:
            self.state.position = fresh[-1].offset + 1
            self._pending += len(fresh)

    def checkpoint(self) -> list[CheckpointRecord]:
        """Judges what can be judged, and returns the records that bring the checkpoint up to date; empty where nothing was applied."""
        if not self._pending:
            return []
        self._pending = 0
        self._judge()
        self.state.sequence += 1
        return self.state.checkpoint()

    def _group_of(self, unit_id: str) -> int:
        return group_hash(self._peer_groups.get(unit_id, ""))

    def _judge(self) -> None:
        state = self.state
        judgeable, closable, idle = self._reached()
        if judgeable is None or not (judgeable > state.judged or (idle and state.changed)):
            return
        days = OpenDays(state, self._false_alarm_days)
        everybody = np.arange(state.units.count)
        evidence = state.evidence(everybody)
        first = max(state.closed + 1, self._first_day(judgeable))
        for_good = np.zeros(len(days.rows), np.int64)
        closing = closable is not None and closable > state.closed
        if closing and closable is not None:
            record_closed(state, days, days.judge(evidence, first, closable))
            state.put_evidence(everybody, evidence)
            for_good = flags(state, days, first, closable)
            first = max(first, closable + 1)
        record_open(state, days, days.judge(evidence, first, judgeable))
        self.flagged += record_flags(state, days, for_good, flags(state, days, first, judgeable))
        if closing and closable is not None:
            close_days(state, days, closable)
        state.judged, state.changed = judgeable, False

    def _reached(self) -> tuple[int | None, int | None, bool]:
        """Returns the newest days that can be judged and closed, and whether all partitions are idle; None: not known yet."""
        clocks = self.state.clocks
        if clocks.count < self._source_partitions:
            return None, None, False
        day, caught_up = clocks.day[: clocks.count], clocks.caught_up[: clocks.count]
        idle = bool(caught_up.all())
        reached = int(day.max() if idle else day[~caught_up].min())
        return reached - 1, reached - LATE_DAYS - 1, idle

    def _first_day(self, last: int) -> int:
        """Returns the first day on which anything happened."""
        days = self.state.units.first_day[: self.state.units.count]
        return min(int(days.min()), last + 1) if len(days) else last + 1


def restore(
    checkpoint: Iterable[CheckpointRecord], source_partitions: int, peer_groups: Mapping[str, str], false_alarm_days: float = 30.0
) -> UnitsStage:
    """Returns the stage that the records describe, given in log order, under a new owner; no records: an empty one."""
    return UnitsStage(UnitsState.restore(checkpoint), source_partitions, peer_groups, false_alarm_days)
