"""All that the units stage remembers of one partition of the signals, and how it goes into a checkpoint and back."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import InitVar, dataclass, field, fields
from typing import TypeVar

import msgspec
import numpy as np

from schemas.enums import Detector
from streams.core.batch import Int64s
from streams.core.hashing import hash_string, hash_strings
from streams.core.integrity.detectors import PLAN_DETECTORS, UNIT_DETECTORS
from streams.core.integrity.evidence import Evidence, processes_with
from streams.core.segments import META_KEY, SegmentLog, check_format, load, meta_of, newest_values
from streams.core.signals import ASK_DAYS, REGRET_DAYS
from streams.core.stage import CheckpointRecord
from streams.core.state_table import StateTable
from streams.core.units.tables import (
    FLEET,
    HISTORY,
    AnswerTable,
    ClockTable,
    DecisionTable,
    FindingTable,
    FleetUnitTable,
    FlowTable,
    PaceTable,
    PlanDayTable,
    PoolTable,
    PraiseDayTable,
    StratumTable,
    UnitTable,
)

FORMAT = 5
"""Of the checkpoint; raised when older code could not read it, or what it holds means something else."""
ASKED_SHARE_DAYS = 14
"""Days over which the share of asked customers is taken."""
FLOW_DAYS = ASK_DAYS + ASKED_SHARE_DAYS
"""How long the flows of a closed day are needed."""
LEARNING_LAG_DAYS = 60
"""Gaming that began within so many days has no part in what is known of peers."""
LOOK_BACK_DAYS = 30
"""How far back a device, a contact or a comment is remembered."""
DRIFT_DAYS = 7
"""What peers do differently of late is taken from so many days, and what they do differently on the day itself beside it."""
_EVIDENCE = tuple(field.name for field in fields(Evidence))
"""Columns of the units that hold it, named alike."""
_AGAINST_PEERS = [detector.name for detector in UNIT_DETECTORS].index(Detector.LEVEL_SHIFT)
_Table = TypeVar("_Table", bound=StateTable)


class Meta(msgspec.Struct):
    """Where a checkpoint stands; written with every flush, in the same transaction as the segments that it lists."""

    format: int
    epoch: int
    sequence: int
    acknowledged: int
    positions: dict[str, int]
    closed: int
    judged: int
    changed: bool
    decided: bool
    segments: dict[str, dict[int, int]]
    """Number of chunks of each live segment, by table and segment."""


@dataclass
class UnitsState:
    """The state of one partition."""

    units: UnitTable = field(default_factory=UnitTable)
    answers: AnswerTable = field(default_factory=AnswerTable)
    flows: FlowTable = field(default_factory=FlowTable)
    strata: StratumTable = field(default_factory=StratumTable)
    paces: PaceTable = field(default_factory=PaceTable)
    pools: PoolTable = field(default_factory=PoolTable)
    plan_days: PlanDayTable = field(default_factory=PlanDayTable)
    praise_days: PraiseDayTable = field(default_factory=PraiseDayTable)
    fleet_units: FleetUnitTable = field(default_factory=FleetUnitTable)
    clocks: ClockTable = field(default_factory=ClockTable)
    findings: FindingTable = field(default_factory=FindingTable)
    decisions: DecisionTable = field(default_factory=DecisionTable)
    epoch: int = 1
    sequence: int = 0
    """Of the last flush."""
    acknowledged: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    """Next offset to read, by topic, of those that were read."""
    closed: int = HISTORY
    """The newest day that is closed: nothing that is of it or before it changes the evidence any more."""
    judged: int = HISTORY
    """The newest day that was judged, for the time being where it is not closed."""
    changed: bool = False
    """Something of an open day changed since it was judged."""
    decided: bool = False
    """Somebody decided about a finding since units were judged."""
    units_of_plans: dict[int, Collection[str]] = field(default_factory=dict)
    """Units of each plan that is watched, by the hash of its id; not kept in checkpoints."""
    segments: InitVar[dict[str, dict[int, int]] | None] = None

    def __post_init__(self, segments: dict[str, dict[int, int]] | None) -> None:
        self.logs = [SegmentLog(table, (segments or {}).get(table.NAME)) for table in self.tables()]

    def tables(self) -> list[StateTable]:
        """Every table, all of which are kept in checkpoints."""
        return [
            self.units, self.answers, self.flows, self.strata, self.paces, self.pools, self.plan_days,
            self.praise_days, self.fleet_units, self.clocks, self.findings, self.decisions,
        ]  # fmt: skip

    @property
    def flows_closed(self) -> int:
        """The newest day whose flows are closed: an invitation may come some days after the transaction."""
        return self.closed - ASK_DAYS

    def learned(self, day: int) -> int:
        """The newest day from which on ``day`` it is known what is usual at peers.

        It lies ``LEARNING_LAG_DAYS`` back, or half of the time since the first day: what several units began lately, in a channel that few others
        use, must not be what is expected of each of them.
        """
        known = self.fleet_units
        if day <= HISTORY + LEARNING_LAG_DAYS or not known.count:
            return HISTORY
        age = max(day - int(known.first_day[: known.count].min()), 0)
        return day - 1 - min(LEARNING_LAG_DAYS, age // 2)

    def numbers_of(self, unit_ids: list[str], group_of: Callable[[str], int]) -> Int64s:
        """Returns the number of each unit, adding those that are new."""
        numbers = self.units.numbers
        unknown = [unit_id for unit_id in dict.fromkeys(unit_ids) if unit_id not in numbers]
        if unknown:
            rows = self.units.append_dense(len(unknown))
            self.units.unit_id[rows] = unknown
            self.units.hash[rows] = hash_strings(unknown)
            self.units.group[rows] = np.array([group_of(unit_id) for unit_id in unknown], np.uint64)
            self.units.first_day[rows] = -HISTORY
            self.units.suspected_since[rows] = HISTORY
            self.units.judged[rows] = HISTORY
            self.units.log_e[rows] = -np.inf
            self.put_evidence(rows, Evidence.nothing(len(rows)))
            numbers.update(zip(unknown, rows.tolist(), strict=True))
        return np.fromiter((numbers[unit_id] for unit_id in unit_ids), np.int64, len(unit_ids))

    def regroup(self, group_of: Callable[[str], int]) -> None:
        """The catalog may have moved units to other peers: how they compare with those is to be learned anew."""
        units = self.units
        groups = np.array([group_of(unit_id) for unit_id in units.unit_id[: units.count].tolist()], np.uint64)
        moved = np.flatnonzero(groups != units.group[: units.count])
        units.group[moved] = groups[moved]
        for name in ("hits", "answers", "expected", "days", "run"):
            units.column(name)[moved, _AGAINST_PEERS] = 0.0
        units.log_evidence[np.ix_(moved, processes_with(_AGAINST_PEERS, UNIT_DETECTORS))] = -np.inf
        units.touch(moved)

    def reopen(self, unit: Int64s, day: Int64s) -> None:
        """Something happened at these units on these open days."""
        np.minimum.at(self.units.first_day, unit, day)
        self.units.touch(unit)
        self.changed = True

    def evidence(self, rows: Int64s) -> Evidence:
        """Returns the evidence against these units at the end of the closed days, as a copy."""
        return Evidence(**{name: getattr(self.units, name)[rows] for name in _EVIDENCE})

    def put_evidence(self, rows: Int64s, evidence: Evidence) -> None:
        """Replaces the evidence against these units."""
        _put(self.units, rows, evidence)

    def pool_evidence(self, rows: Int64s) -> Evidence:
        """Returns the evidence against the pools in these rows at the end of the closed days, as a copy."""
        return Evidence(**{name: getattr(self.pools, name)[rows] for name in _EVIDENCE})

    def put_pool_evidence(self, rows: Int64s, evidence: Evidence) -> None:
        """Replaces the evidence against these pools."""
        _put(self.pools, rows, evidence)

    def know_plans(self, units_of: Mapping[str, Collection[str]]) -> None:
        """These are the plans that are watched, and the units of each, beside the fleet; what is known of others is kept."""
        for plan_id, units in {"": (), **units_of}.items():
            key = hash_string(plan_id) if plan_id else FLEET
            rows, added = self.pools.find_or_append(np.array([key], np.uint64))
            self.units_of_plans[key] = units
            if len(added):
                self.pools.plan_id[rows] = plan_id
                self.put_pool_evidence(rows, Evidence.nothing(1, PLAN_DETECTORS))

    def forget(self) -> None:
        """Forgets what no open day asks for, and what is in the sink: of closed days the flows and the fleet's numbers have been added up before."""
        closed, answers, flows, strata, paces = self.closed, self.answers, self.flows, self.strata, self.paces
        answers.keep((answers.day[: answers.count] > closed - LOOK_BACK_DAYS) | (answers.sequence[: answers.count] > self.acknowledged))
        flows.keep(flows.day[: flows.count] > closed - FLOW_DAYS)
        strata.keep((strata.day[: strata.count] > self.learned(closed + 1)) | (strata.day[: strata.count] == HISTORY))
        paces.keep((paces.day[: paces.count] > closed - DRIFT_DAYS) | (paces.day[: paces.count] == HISTORY))
        self.plan_days.keep(self.plan_days.day[: self.plan_days.count] > closed)
        self.praise_days.keep(self.praise_days.day[: self.praise_days.count] > closed - REGRET_DAYS)
        for log in self.logs:
            log.recount()

    def checkpoint(self) -> list[CheckpointRecord]:
        """Returns the records that bring the checkpoint up to date with this state; the meta record comes last."""
        records: list[CheckpointRecord] = []
        for log in self.logs:
            records += log.write(self.sequence)
        segments = {log.table.NAME: log.chunks for log in self.logs}
        meta = Meta(
            FORMAT, self.epoch, self.sequence, self.acknowledged, self.positions, self.closed, self.judged, self.changed, self.decided, segments
        )  # fmt: skip
        return [*records, CheckpointRecord(META_KEY, msgspec.json.encode(meta))]

    @classmethod
    def restore(cls, checkpoint: Iterable[CheckpointRecord]) -> "UnitsState":
        """Returns the state that the records describe, given in log order, with the epoch raised by one; no records: an empty state."""
        records = newest_values(checkpoint)
        written = meta_of(records)
        if written is None:
            return cls()
        meta = msgspec.json.decode(written, type=Meta)
        check_format(meta.format, FORMAT)

        def table(kind: type[_Table]) -> _Table:
            return kind.from_arrow(load(kind.NAME, meta.segments.get(kind.NAME, {}), records))

        state = cls(
            units=table(UnitTable),
            answers=table(AnswerTable),
            flows=table(FlowTable),
            strata=table(StratumTable),
            paces=table(PaceTable),
            pools=table(PoolTable),
            plan_days=table(PlanDayTable),
            praise_days=table(PraiseDayTable),
            fleet_units=table(FleetUnitTable),
            clocks=table(ClockTable),
            findings=table(FindingTable),
            decisions=table(DecisionTable),
            epoch=meta.epoch + 1,
            sequence=meta.sequence,
            acknowledged=meta.acknowledged,
            positions=meta.positions,
            closed=meta.closed,
            judged=meta.judged,
            changed=meta.changed,
            decided=meta.decided,
            segments=meta.segments,
        )
        # Rows that were forgotten still stand in segments beside live ones.
        state.forget()
        return state


def _put(table: StateTable, rows: Int64s, evidence: Evidence) -> None:
    for name in _EVIDENCE:
        table.column(name)[rows] = getattr(evidence, name)
    table.touch(rows)
