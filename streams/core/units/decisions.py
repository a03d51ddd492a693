"""What people decided about findings: records of the topic ``adjudications`` into the state and into facts."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from schemas.adjudication import Adjudication
from schemas.enums import Decision, Detector, RejectReason
from schemas.rows import TABLES, Table
from schemas.topics import MAX_VALUE_BYTES
from streams.core.batch import Rejected, SourceRecord
from streams.core.hashing import hash_string, hash_strings
from streams.core.units.state import UnitsState
from streams.core.units.tables import FLEET

DECISIONS = list(Decision)
_DETECTORS = {detector: number for number, detector in enumerate(Detector)}
_REASONS = {"missing": RejectReason.MISSING_FIELD, "string_too_long": RejectReason.OVERSIZE}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_AHEAD = timedelta(hours=24)


class Accepted(NamedTuple):
    """A decision, and where it was read."""

    offset: int
    adjudication: Adjudication


def read_decisions(records: Sequence[SourceRecord]) -> tuple[list[Accepted], list[Rejected]]:
    """Returns the decisions among the records, and those that are none, with the reason."""
    accepted, rejected = [], []
    for index, record in enumerate(records):
        found = _read(index, record)
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            accepted.append(Accepted(record.offset, found))
    return accepted, rejected


def _read(index: int, record: SourceRecord) -> Adjudication | Rejected:
    value = record.value
    if value is not None and len(value) > MAX_VALUE_BYTES:
        return Rejected(index, RejectReason.OVERSIZE, None, f"{len(value):,} bytes, at most {MAX_VALUE_BYTES:,} are read")
    try:
        content = json.loads(value) if value is not None else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return Rejected(index, RejectReason.MALFORMED, None, "expected a JSON object in UTF-8")
    version = content.get("schema_version", 1)
    if isinstance(version, int) and not isinstance(version, bool) and version != 1:
        return Rejected(index, RejectReason.UNKNOWN_VERSION, "schema_version", f"version {version}, only 1 is supported")
    try:
        adjudication = Adjudication.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else None
        reason = RejectReason.UNKNOWN_TYPE if field == "event_type" and first["type"] != "missing" else _REASONS.get(first["type"])
        return Rejected(index, reason or RejectReason.INVALID_FIELD, field, first["msg"])
    return _checked(index, record, adjudication)


def _checked(index: int, record: SourceRecord, adjudication: Adjudication) -> Adjudication | Rejected:
    if adjudication.unit_id is not None and record.key != adjudication.unit_id.encode():
        return Rejected(index, RejectReason.KEY_MISMATCH, "unit_id", "the key is not the unit_id")
    if adjudication.occurred_at > _EPOCH + timedelta(milliseconds=record.timestamp) + _MOST_AHEAD:
        return Rejected(index, RejectReason.IN_FUTURE, "occurred_at", "more than 24 h after the record's timestamp")
    return adjudication


def take_in_decisions(state: UnitsState, accepted: Sequence[Accepted]) -> None:
    """Keeps of each finding the newest decision; they may come in any order."""
    for _, decided in accepted:
        table = state.decisions
        rows, added = table.find_or_append(hash_strings([decided.finding_id]))
        row = int(rows[0])
        moment = (decided.occurred_at - _EPOCH) // timedelta(microseconds=1)
        if not len(added) and (table.occurred_at[row], table.event_id[row]) >= (moment, decided.event_id):
            continue
        judged_until = decided.judged_until or decided.occurred_at.date() - timedelta(1)
        table.event_id[row], table.occurred_at[row] = decided.event_id, moment
        table.unit_id[row], table.pool[row] = decided.unit_id or "", _pool(decided)
        table.detector[row] = _DETECTORS[decided.detector]
        table.decision[row] = DECISIONS.index(decided.decision)
        # What is closed stays as it was judged.
        table.effect_day[row] = max((judged_until - date(1970, 1, 1)).days, state.closed) + 1
        table.touch(rows)
        state.decided = True


def _pool(decided: Adjudication) -> int:
    if decided.plan_id is not None:
        return hash_string(decided.plan_id)
    return 0 if decided.unit_id is not None else FLEET


def decision_rows(accepted: Sequence[Accepted], partition: int, version: int) -> pa.Table:
    """Returns decisions as rows of their table."""
    rows = [
        {
            **decided.model_dump(include={"event_id", "finding_id", "unit_id", "plan_id", "reason", "decided_by", "occurred_at", "judged_until"}),
            "decision": decided.decision.value,
            "source_partition": partition,
            "source_offset": offset,
            "version": version,
        }
        for offset, decided in accepted
    ]
    return pa.Table.from_pylist(rows, TABLES[Table.ADJUDICATIONS].arrow_schema)


class Pardon(NamedTuple):
    """A dismissed finding, whose detector learns anew from a day on."""

    day: int
    detector: Detector


def pardons(state: UnitsState) -> tuple[list[tuple[int, Pardon]], list[tuple[int, Pardon]]]:
    """Returns the pardons on open days: of units by their number, and of pools by their key."""
    table = state.decisions
    dismissed = table.decision[: table.count] == DECISIONS.index(Decision.DISMISSED)
    of_units, of_pools = [], []
    for row in np.flatnonzero(dismissed & (table.effect_day[: table.count] > state.closed)).tolist():
        pardon = Pardon(int(table.effect_day[row]), list(Detector)[int(table.detector[row])])
        unit = state.units.numbers.get(table.unit_id[row])
        if table.pool[row]:
            of_pools.append((int(table.pool[row]), pardon))
        elif unit is not None:
            of_units.append((unit, pardon))
    return of_units, of_pools
