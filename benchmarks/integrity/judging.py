"""Records through the stages as in production, in one partition, and what came out of them at the sink."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from schemas.catalog import Catalog
from schemas.enums import Topic, UnitState
from schemas.rows import TABLES, Table
from streams.core.accounts.stage import AccountsStages
from streams.core.batch import Numbered
from streams.core.chained import ChainedStages
from streams.files import FileRecord
from streams.stages import signalling_of, units_stages

_WEEK_MS = 7 * 86_400_000
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding that stands at the end."""

    units: tuple[str, ...]
    """Units that it is about: those of the plan where it is about a plan; none where it is about the whole fleet."""
    detector: str
    family: str
    raised_on: date
    e_value: float


@dataclass
class Verdict:
    """What the sink has at the end, and what it had every week."""

    findings: list[Finding] = field(default_factory=list)
    states: dict[str, list[tuple[date, UnitState]]] = field(default_factory=lambda: defaultdict(list))
    """Of each unit the states that it was in at the end of a week, with the day that brought it there."""
    e_values: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """The greatest evidence against each unit, weekly and in findings."""
    flags: dict[str, list[str]] = field(default_factory=dict)
    """Response ids to the detectors for whose findings they are flagged."""
    signs: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Of each account: signs on its answers, and flags twice."""


def judge(records: Sequence[FileRecord], catalog: Catalog) -> Verdict:
    """Reads all records, in order of arrival, and flushes once a week of theirs; topics that have none are not waited for."""
    stage = ChainedStages(AccountsStages(catalog, signalling=signalling_of(catalog)), units_stages(catalog, 1)).restore(0, ())
    plans = {plan.plan_id: tuple(plan.units) for plan in catalog.incentive_plans}
    absent = set(Topic) - {record.topic for record in records}
    offsets = dict.fromkeys(Topic, 0)
    batches: dict[Topic, list[Numbered]] = {topic: [] for topic in Topic}
    rows: dict[Table, dict[tuple[object, ...], Row]] = {Table.FINDINGS: {}, Table.SIGNS: {}}
    verdict = Verdict()
    week: int | None = None

    def flush() -> None:
        for topic, batch in batches.items():
            stage.apply(topic, batch)
            batch.clear()
        stage.rest(absent)
        flushed = stage.flush()
        if flushed is not None:
            _take(flushed.cells, rows, verdict)
            stage.acknowledge(flushed.sequence)

    for record in records:
        batches[record.topic].append(Numbered(offsets[record.topic], record.timestamp, record.key, record.value, record.headers))
        offsets[record.topic] += 1
        if week is None or record.timestamp // _WEEK_MS > week:
            if week is not None:
                flush()
            week = record.timestamp // _WEEK_MS
    absent = set(Topic)
    flush()
    _conclude(rows, plans, verdict)
    return verdict


def _take(cells: Mapping[Table, Any], rows: dict[Table, dict[tuple[object, ...], Row]], verdict: Verdict) -> None:
    for table, known in rows.items():
        for row in cells[table].to_pylist() if table in cells else ():
            known[tuple(row[name] for name in TABLES[table].key)] = row
    for row in cells[Table.UNITS].to_pylist() if Table.UNITS in cells else ():
        verdict.states[row["unit_id"]].append((row["judged"], UnitState(row["state"])))
        verdict.e_values[row["unit_id"]] = max(verdict.e_values[row["unit_id"]], row["e_value"])


def _conclude(rows: Mapping[Table, Mapping[tuple[object, ...], Row]], plans: Mapping[str, tuple[str, ...]], verdict: Verdict) -> None:
    for row in rows[Table.FINDINGS].values():
        if row["standing"]:
            units = units_of(row, plans)
            verdict.findings.append(Finding(units, row["detector"], row["family"], row["raised_on"], row["e_value"]))
            for unit in units:
                verdict.e_values[unit] = max(verdict.e_values[unit], row["e_value"])
    for row in rows[Table.SIGNS].values():
        verdict.signs[row["account_id"]] += len(row["signs"]) + 2 * len(row["flags"])
        if row["flags"]:
            verdict.flags[row["response_id"]] = row["flags"]


def units_of(row: Row, plans: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The units that a row of findings is about: one, those of its plan, or none where it is about the fleet."""
    if row.get("plan_units"):
        return tuple(row["plan_units"])
    name = row.get("unit_id") or row.get("plan_id")
    return () if not name else plans.get(name, (name,))


def first_raised(findings: Iterable[Finding], units: Collection[str], since: date, *, fleet: bool = False) -> Sequence[Finding]:
    """Findings about any of the units that were raised from a day on, in order of time; ``fleet``: those about the whole fleet, too."""
    mine = (finding for finding in findings if not units_apart(finding.units, units) or (fleet and not finding.units))
    return sorted((finding for finding in mine if finding.raised_on >= since), key=lambda finding: finding.raised_on)


def units_apart(first: Iterable[str], second: Collection[str]) -> bool:
    """Whether they have no unit in common."""
    return not any(unit in second for unit in first)
