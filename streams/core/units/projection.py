"""What the units stage found, as rows for the sink."""

import math
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.enums import Detector, Family, UnitState
from schemas.rows import TABLES, Table
from streams.core.batch import Bools, Int64s
from streams.core.integrity.detectors import FLEET_DETECTORS, PLAN_DETECTORS, UNIT_DETECTORS
from streams.core.units.findings import finding_ids, plan_id, units_of
from streams.core.units.state import UnitsState
from streams.core.units.tables import HISTORY
from streams.core.units.verdict import BITS, FAMILIES

_DETECTORS, _FAMILIES, _STATES = list(Detector), list(Family), list(UnitState)
_WORDS = {detector.name: detector.words for detector in (*UNIT_DETECTORS, *PLAN_DETECTORS, *FLEET_DETECTORS)}
_INSTANT = pa.timestamp("us", tz="UTC")
_EPOCH = date(1970, 1, 1)
_MOST_LOG_E = math.log(1e300)
"""Above it an e-value is no number of 64 bits any more, and says no more either."""
_MOST_DAYS = math.log(1e6)


def finding_rows(state: UnitsState, rows: Int64s, partition: int, version: int) -> pa.Table:
    """Returns these findings, those that do not stand any more included."""
    table = state.findings
    detectors = [_DETECTORS[number] for number in table.detector[rows].tolist()]
    columns: dict[str, object] = {
        "finding_id": finding_ids(state, rows),
        "unit_id": ["" if unit < 0 else state.units.unit_id[unit] for unit in table.unit[rows].tolist()],
        "plan_id": ["" if not pool else plan_id(state, pool) for pool in table.pool[rows].tolist()],
        "plan_units": [units_of(state, row) for row in rows.tolist()],
        "detector": [detector.value for detector in detectors],
        "family": [FAMILIES[detector].value for detector in detectors],
        "since": _dates(table.since[rows]),
        "raised_on": _dates(table.raised_on[rows]),
        "sounded_on": _dates(table.sounded_on[rows]),
        "raised_at": pa.array(table.raised_at[rows]).view(_INSTANT),
        "e_value": _e_values(table.log_e[rows]),
        "found": table.found[rows],
        "looked_at": table.looked_at[rows],
        "at_most": table.at_most[rows],
        "evidence": [_evidence(state, row, detector) for row, detector in zip(rows.tolist(), detectors, strict=True)],
        "standing": table.standing[rows],
    }
    return _complete(Table.FINDINGS, columns, partition, version)


def sign_rows(state: UnitsState, rows: Int64s, partition: int, version: int) -> pa.Table:
    """Returns these answers with the signs that they carry, and the detectors for whose findings they are flagged."""
    table = state.answers
    columns: dict[str, object] = {
        "account_id": table.account_id[rows].tolist(),
        "response_id": table.response_id[rows].tolist(),
        "revision": table.revision[rows],
        "unit_id": state.units.unit_id[table.unit[rows]].tolist(),
        "day": _dates(table.day[rows]),
        "signs": [_detectors(bits) for bits in table.marks[rows].tolist()],
        "flags": [_detectors(bits) for bits in table.flagged[rows].tolist()],
    }
    return _complete(Table.SIGNS, columns, partition, version)


def unit_rows(state: UnitsState, rows: Int64s, partition: int, version: int) -> pa.Table:
    """Returns what is to be thought of these units."""
    table = state.units
    since = table.suspected_since[rows]
    columns: dict[str, object] = {
        "unit_id": table.unit_id[rows].tolist(),
        "state": [_STATES[number].value for number in table.state[rows].tolist()],
        "families": [[family.value for place, family in enumerate(_FAMILIES) if bits & 1 << place] for bits in table.families[rows].tolist()],
        "since": _dates(since, unknown=since == HISTORY),
        "e_value": _e_values(table.log_e[rows]),
        "judged": _dates(table.judged[rows]),
    }
    return _complete(Table.UNITS, columns, partition, version)


def progress_rows(judged: int, closed: int, up_to_date: bool, partition: int, version: int) -> pa.Table:
    """Returns the row that says how far units have been judged."""
    days = {name: [_day(day) if day > HISTORY else None] for name, day in (("judged", judged), ("closed", closed))}
    row = {"partition": [partition], **days, "up_to_date": [up_to_date], "version": [version]}
    return pa.Table.from_pydict(row, TABLES[Table.JUDGED].arrow_schema)


def _complete(table: Table, columns: dict[str, object], partition: int, version: int) -> pa.Table:
    schema = TABLES[table].arrow_schema
    count = len(columns["unit_id"])  # type: ignore[arg-type]  # every column is a sequence
    columns |= {"partition": np.full(count, partition), "version": np.full(count, version, np.uint64)}
    return pa.Table.from_pydict({name: _array(columns[name], schema.field(name).type) for name in schema.names}, schema)


def _array(values: object, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


def _dates(days: Int64s, unknown: Bools | None = None) -> pa.Array:
    return pa.array(days.astype(np.int32), mask=unknown).view(pa.date32())


def _e_values(logarithms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.exp(np.minimum(logarithms, _MOST_LOG_E))


def _detectors(bits: int) -> list[str]:
    return [detector.value for detector, bit in BITS.items() if bits & bit]


def _evidence(state: UnitsState, row: int, detector: Detector) -> str:
    """Words that whoever runs the unit can read and check."""
    table = state.findings
    counts = {name: _number(float(table.column(name)[row])) for name in ("found", "looked_at", "at_most")}
    told = _WORDS[detector].format(**counts)
    first, last = _day(int(table.since[row])), _day(int(table.raised_on[row]))
    when = f"on {first}" if first == last else f"from {first} to {last}"
    lead = f"No sign is enough by itself, but all signs of the unit together are; the strongest: {when}" if table.together[row] else when.capitalize()
    return f"{lead} {told}. Where nothing is wrong, this much is reached {_how_often(float(table.log_e[row]), detector)}."


def _how_often(log_e: float, detector: Detector) -> str:
    """Beyond a million nobody gains by the number, and no assumption holds so far."""
    days = "of these last days" if detector is Detector.PERIOD_END_PUSH else "days with answers"
    if log_e > _MOST_DAYS:
        return f"less than once in a million {days}"
    return f"once in {_number(math.exp(log_e))} {days}, or less often"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)
