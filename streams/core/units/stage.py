"""The units stage of one partition of the signals: what was answered at each unit, day by day, held against the detectors.

Evidence goes by days of the customers' time, not by the order in which partitions happen to be read. A day is judged once every source
partition has come past it, or has long had nothing to read, and is closed, so that nothing changes it any more, once they have come so far
past it that no answer in time can be missing. Until then what came out is for the time being: it is computed anew from the closed days whenever the
next day can be judged, and when the fleet falls idle.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from schemas.enums import Stage
from schemas.rows import Table
from schemas.topics import ADJUDICATIONS
from streams.core.batch import Bools, Rejected, SourceRecord
from streams.core.dead_letters import dead_letter, dead_letter_rows
from streams.core.hashing import UInt64s, hash_string
from streams.core.signals import CLOSING_DAYS, IDLE_DAYS, FleetSignals, UnitSignals, decode
from streams.core.stage import EPOCH_SHIFT, Applied, CheckpointRecord, DeadLetter, Flush
from streams.core.units.closing import close_days
from streams.core.units.decisions import Accepted, decision_rows, read_decisions, take_in_decisions
from streams.core.units.findings import Standing
from streams.core.units.intake import take_in_fleet, take_in_units
from streams.core.units.pools import Plan
from streams.core.units.projection import finding_rows, progress_rows, sign_rows, unit_rows
from streams.core.units.state import UnitsState
from streams.core.units.tables import FLEET
from streams.core.units.trial import Trial
from streams.core.units.verdict import flags, record_signs, record_units

MOST_LIVE_DAYS = 2
"""Where a flush closes more days than this, the stage is catching up, and open days wait."""


class _Reached(NamedTuple):
    """The newest days that can be judged and closed, and whether all partitions are idle and none has anything more of the newest day."""

    judgeable: int
    closable: int
    idle: bool


class Watched(NamedTuple):
    """What all units stages watch, and how many false alarms they may raise over it."""

    source_partitions: int
    plans: Sequence[Plan]
    false_alarm_days: float


class UnitsStages:
    """Makes units stages from checkpoints.

    ``source_partitions`` is the number of partitions of the inputs; ``peer_groups`` gives the peer group of each unit that has one;
    ``false_alarm_days`` is the time in which the whole fleet, its ``plans`` included, may raise one false alarm.
    """

    def __init__(self, source_partitions: int, peer_groups: Mapping[str, str], false_alarm_days: float, plans: Sequence[Plan] = ()) -> None:
        self._peer_groups = peer_groups
        self._watched = Watched(source_partitions, plans, false_alarm_days)

    def restore(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> "UnitsStage":
        """Returns the stage that the records describe, given in log order, under a new owner; no records: an empty one."""
        state = UnitsState.restore(checkpoint)
        state.regroup(self._group_of)
        state.know_plans({plan.plan_id: plan.units for plan in self._watched.plans})
        return UnitsStage(partition, state, self._group_of, self._watched)

    def _group_of(self, unit_id: str) -> int:
        return hash_string(self._peer_groups.get(unit_id, ""))


class UnitsStage:
    """See ``streams.core.stage.PartitionStage``; its only input is the signals."""

    def __init__(self, partition: int, state: UnitsState, group_of: Callable[[str], int], watched: Watched) -> None:
        self.state = state
        self._partition = partition
        self._group_of = group_of
        self._watched = watched
        self._decided: list[Accepted] = []
        self._dead_letters: list[DeadLetter] = []
        self._pending = 0
        self._is_first_flush = True
        self._told: tuple[int, int, bool] | None = None

    def position(self, topic: str) -> int:
        """Next offset to read; 0 where nothing was read."""
        return self.state.positions.get(topic, 0)

    def pending(self) -> int:
        """Records applied since the last flush."""
        return self._pending

    def acknowledge(self, sequence: int) -> None:
        """The cells of this flush are in the sink; kept with the next flush."""
        self.state.acknowledged = max(self.state.acknowledged, sequence)

    def rest(self, topics: Iterable[str]) -> None:
        """Nothing: how far the inputs are is told by the signals."""
        del topics

    def apply(self, topic: str, records: Sequence[SourceRecord]) -> Applied:
        """Takes in signals or decisions in offset order; those below the position are skipped."""
        fresh = [record for record in records if record.offset >= self.position(topic)]
        rejected = self._take_in_decisions(fresh) if topic == ADJUDICATIONS.name else self._take_in_signals(fresh)
        if fresh:
            self.state.positions[topic] = fresh[-1].offset + 1
            self._pending += len(fresh)
        return Applied(len(fresh) - len(rejected), 0, len(records) - len(fresh), Counter(refused.reason for refused in rejected), 0)

    def _take_in_signals(self, records: Sequence[SourceRecord]) -> list[Rejected]:
        signals = [decode(record.value) for record in records if record.value is not None]
        take_in_units(self.state, [signal for signal in signals if isinstance(signal, UnitSignals)], self._group_of)
        take_in_fleet(self.state, [signal for signal in signals if isinstance(signal, FleetSignals)])
        return []

    def _take_in_decisions(self, records: Sequence[SourceRecord]) -> list[Rejected]:
        accepted, rejected = read_decisions(records)
        take_in_decisions(self.state, accepted)
        self._decided += accepted
        self._dead_letters += [dead_letter(Stage.UNITS, ADJUDICATIONS.name, self._partition, records[one.index], one) for one in rejected]
        return rejected

    def flush(self) -> Flush | None:
        """Judges what can be judged, and returns all that changed since the last flush, or None; see ``PartitionStage``."""
        if not self._pending and not self._is_first_flush:
            return None
        state = self.state
        state.sequence += 1
        self._judge()
        cells = self._cells()
        flush = Flush(
            partition=self._partition,
            sequence=state.sequence,
            facts=self._facts(),
            checkpoint=state.checkpoint(),
            dead_letters=self._dead_letters,
            offsets=dict(state.positions),
            cells=cells,
            records=self._pending,
        )
        self._decided, self._dead_letters, self._pending, self._is_first_flush = [], [], 0, False
        state.forget()
        return flush

    def _facts(self) -> dict[Table, pa.Table]:
        facts: dict[Table, pa.Table] = {}
        version = self.state.epoch << EPOCH_SHIFT | self.state.sequence
        if self._decided:
            facts[Table.ADJUDICATIONS] = decision_rows(self._decided, self._partition, version)
        if self._dead_letters:
            facts[Table.DEAD_LETTERS] = dead_letter_rows(self._dead_letters, version)
        return facts

    def _cells(self) -> dict[Table, pa.Table]:
        state = self.state
        changed = state.findings.changed()
        state.findings.sequence[changed] = state.sequence
        # What may not be in the sink is written again after a restore.
        after = state.acknowledged if self._is_first_flush else state.sequence - 1
        version = state.epoch << EPOCH_SHIFT | state.sequence
        cells: dict[Table, pa.Table] = {}
        for kind, table, project in (
            (Table.FINDINGS, state.findings, finding_rows),
            (Table.SIGNS, state.answers, sign_rows),
            (Table.UNITS, state.units, unit_rows),
        ):
            rows = np.flatnonzero(table.sequence[: table.count] > after)
            if table is state.findings:
                # All partitions come to the same about pools; one of them tells.
                pool = state.findings.pool[rows]
                rows = rows[(pool == 0) | self._tells(pool)]
            if len(rows):
                cells[kind] = project(state, rows, self._partition, version)
        reached = self._reached()
        progress = (state.judged, state.closed, reached is not None and reached.idle and not state.changed)
        if progress != self._told or self._is_first_flush:
            self._told = progress
            cells[Table.JUDGED] = progress_rows(*progress, self._partition, version)
        return cells

    def _tells(self, pools: UInt64s) -> Bools:
        """Whether it is this partition that writes the findings of each pool."""
        return np.asarray(pools % np.uint64(self._watched.source_partitions) == self._partition)

    def _judge(self) -> None:
        state, reached = self.state, self._reached()
        if reached is None or not (reached.judgeable > state.judged or (reached.idle and state.changed) or state.decided):
            return
        # A decision changes what was judged already.
        closable, last = reached.closable, max(reached.judgeable, state.judged) if state.decided else reached.judgeable
        closing = closable > state.closed
        trial = Trial(state, self._watched.plans, self._watched.false_alarm_days, tells_fleet=bool(self._tells(np.array([FLEET], np.uint64)).all()))
        days = trial.days
        first = max(state.closed + 1, self._first_day(last))
        for_good = np.zeros(len(days.rows), np.int64)
        standing = Standing(state)
        standing.record_closed(trial.judge(first, closable) if closing else ())
        if closing:
            trial.keep()
            for_good = flags(state, days, first, closable)
            first = max(first, closable + 1)
            if not reached.idle and closable - state.closed > MOST_LIVE_DAYS:
                # Days go by faster than in life: what would be judged for the time being is over with the next flush.
                last = closable
        standing.record_open(trial.judge(first, last))
        record_signs(state, days, for_good, flags(state, days, first, last))
        record_units(state, trial.log_values(), last)
        if closing:
            close_days(state, closable)
        state.judged, state.changed, state.decided = last, last < reached.judgeable, False

    def _reached(self) -> _Reached | None:
        """Returns how far the partitions have come; None: not all have told yet."""
        clocks = self.state.clocks
        if clocks.count < self._watched.source_partitions:
            return None
        day, caught_up = clocks.day[: clocks.count], clocks.caught_up[: clocks.count]
        vouched = clocks.vouched[: clocks.count]
        # Whoever rests has nothing of what the others had reached some time ago. Of what they have read since it may have more.
        reached = int(np.where(caught_up, np.maximum(day, vouched), day).min())
        # It may go on from where it stopped, but not from long ago.
        behind = int(np.where(caught_up, np.maximum(day, vouched - IDLE_DAYS), day).min())
        return _Reached(reached - 1, min(reached, behind) - CLOSING_DAYS - 1, bool(caught_up.all()) and reached == int(day.max()))

    def _first_day(self, last: int) -> int:
        """Returns the first day on which anything happened in the fleet; the same in every partition, also in one without units."""
        known = self.state.fleet_units
        return min(int(known.first_day[: known.count].min()), last + 1) if known.count else last + 1
