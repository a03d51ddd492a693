"""What the stages make of a stream when nothing happens to them: in one go, in memory, without Kafka and ClickHouse.

The detectors have no oracle; that they are right is shown elsewhere. Here whatever they find must be what is found however often workers die, and
what the views say of it is computed once more, from the rows that the stages write.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.rows import Table
from streams.core.batch import Numbered
from tests.oracle.facts import Flags
from tests.oracle.records import Record, Row, Rows
from tests.streams.core.units.fleet import Fleet

_ACTIVE = timedelta(days=60)
_CELL = ("partition", "version", "standing", "judged", "plan_units")
_UNDECIDED = dict.fromkeys(("decision", "decided_at", "decided_by", "decision_reason"))


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that the units stages leave."""

    fleet: Fleet

    @property
    def flags(self) -> Flags:
        """Detectors for whose findings each response is flagged."""
        flags: dict[tuple[object, object, object], set[str]] = defaultdict(set)
        for row in self.fleet.sink[Table.SIGNS].values():
            flags[row["account_id"], row["response_id"], row["unit_id"]] |= set(row["flags"])
        return {key: sorted(reasons) for key, reasons in flags.items() if reasons}

    def tables(self, loyalty: dict[str, Rows]) -> dict[str, Rows]:
        """What the views of integrity must hold beside those of loyalty."""
        return {"findings": self._findings(), "integrity_units": self._units(loyalty["loyalty_by_unit"])}

    def _findings(self) -> Rows:
        standing = [row for row in self.fleet.sink[Table.FINDINGS].values() if row["standing"]]
        return {(row["finding_id"],): _shown(row) | self._told(row, standing) for row in standing}

    def _told(self, finding: dict[str, Any], standing: Sequence[dict[str, Any]]) -> Row:
        others = {
            other["family"]
            for other in standing
            if _units_of(other) & _units_of(finding)
            and other["raised_on"] < finding["sounded_on"] + _ACTIVE
            and finding["raised_on"] < other["sounded_on"] + _ACTIVE
        }
        carriers = {
            row["response_id"]
            for row in self.fleet.sink[Table.SIGNS].values()
            if (row["unit_id"], finding["detector"] in row["signs"]) == (finding["unit_id"], True)
            and finding["since"] <= row["day"] <= finding["sounded_on"]
        }
        subjects = {name: finding[name] or None for name in ("unit_id", "plan_id")}
        return {"state": "suspect" if len(others) > 1 else "investigate", "response_ids": sorted(carriers), **subjects, **_UNDECIDED}

    def _units(self, by_unit: Rows) -> Rows:
        return {(unit,): _shown(row) | _worth(unit, by_unit) for (unit,), row in self.fleet.sink[Table.UNITS].items()}


def _units_of(finding: dict[str, Any]) -> set[str]:
    return set(finding["plan_units"] if finding["plan_id"] else [finding["unit_id"]])


def _shown(row: dict[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name not in _CELL}


def _worth(unit: object, by_unit: Rows) -> Row:
    """From the rows over all days, one a metric, of the oracle."""
    rows: list[Any] = [row for (name, _, window), row in by_unit.items() if name == unit and window is None]
    of_nps: Any = by_unit.get((unit, "nps", None), {"n": 0})
    n, flagged = sum(row["n"] for row in rows), sum(row["flagged"] for row in rows)
    same = ("nps_excluded", "nps_excluded_low", "nps_excluded_high", "nps_bound_low")
    scores = {f"nps_raw{end}": of_nps.get(f"nps{end}") for end in ("", "_low", "_high")} | {name: of_nps.get(name) for name in same}
    return {"n": n, "flagged": flagged, "validity_rate": 1 - flagged / n if n else None, "n_nps": of_nps["n"], **scores}


def judge(records: Sequence[Record], catalog: Catalog, partitions: int) -> Judged:
    """Everything through stages of so many partitions, each partition in order."""
    fleet = Fleet(catalog, partitions)
    for partition in range(partitions):
        mine = [record for record in records if record.partition == partition]
        fleet.feed(partition, ((Topic(r.topic), Numbered(r.offset, r.timestamp_ms, r.key, r.value, r.headers)) for r in mine))
    fleet.end()
    return Judged(fleet)
