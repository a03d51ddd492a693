"""The whole import: tables to rows, rows to events, events to records in order of arrival."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from schemas.catalog import Catalog
from schemas.enums import Topic
from streams.core.decoding import decode
from streams.files import FileRecord
from streams.importing.expressions import CannotMap, Compiler, Compute, Value
from streams.importing.mapping import EventRule, Mapping
from streams.importing.tables import Row, Tables, check_conditions, holds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKED_AT_ONCE = 10_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that became no event: of which rule, where it stands, which field, and what was wrong with it."""

    event: str
    file: str
    line: int
    field: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.event}{f'.{self.field}' if self.field else ''}: {self.message}"


@dataclass(slots=True)
class Counted:
    """What became of the rows of a rule; every row is one of the three."""

    events: int = 0
    left_out: int = 0
    """Rows that the rule's conditions do not want."""
    problems: int = 0

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return self.events + self.left_out + self.problems


@dataclass(frozen=True, slots=True)
class Import:
    """Records in order of arrival, and everything that did not become one."""

    records: list[FileRecord]
    problems: list[Problem]
    counted: dict[str, Counted]


@dataclass(slots=True)
class _Arriving:
    """A record as decoding wants it, and the row that it comes from."""

    rule: str
    file: str
    line: int
    timestamp: int
    key: bytes
    value: bytes
    offset: int = 0
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=list)


def import_events(mapping: Mapping, folder: Path, catalog: Catalog, secret: str | None = None, limit: int | None = None) -> Import:
    """The events of a folder; the same files give the same records. ``limit`` is the most rows that are looked at for each rule.

    Every event is checked as the stages will check it, with ``catalog``. Raises ``MappingError`` and ``TableError``.
    """
    tables = Tables(mapping, folder)
    counted = {name: Counted() for name in mapping.events}
    problems: list[Problem] = []
    arriving: list[tuple[Topic, _Arriving]] = []
    for name, rule in mapping.events.items():
        accepted: list[_Arriving] = []
        for made in islice(_apply(mapping, name, rule, tables, secret), limit):
            if made is None:
                counted[name].left_out += 1
            elif isinstance(made, Problem):
                problems.append(made)
            else:
                accepted.append(made)
        refused = list(_refused(rule.topic, accepted, catalog))
        problems += [problem for _, problem in refused]
        bad = {index for index, _ in refused}
        arriving += [(rule.topic, one) for index, one in enumerate(accepted) if index not in bad]
        counted[name].events = len(accepted) - len(bad)
    for problem in problems:
        counted[problem.event].problems += 1
    # Sorting is stable: at equal times the order of the mapping, then of the file.
    arriving.sort(key=lambda one: one[1].timestamp)
    return Import([FileRecord(topic, one.timestamp, one.key, one.value) for topic, one in arriving], problems, counted)


def _apply(mapping: Mapping, name: str, rule: EventRule, tables: Tables, secret: str | None) -> Iterator[_Arriving | Problem | None]:
    """What each row becomes: a record, a problem, or None where the rule does not want it."""
    table = tables.table(rule.source)
    check_conditions(f"events.{name}.where", table, rule.where)
    compiler = Compiler(frozenset(table.columns), table.file, mapping.timezone, secret.encode() if secret else None, mapping.hash_secret)
    fields = {one: compiler.compile(form, f"events.{name}.fields.{one}") for one, form in rule.fields.items()}
    for row in table.rows:
        if not all(holds(condition, row) for condition in rule.where):
            yield None
        elif row.missing is not None:
            yield Problem(name, table.file, row.line, None, row.missing)
        else:
            yield _event(name, rule, table.file, row, fields)


def _event(name: str, rule: EventRule, file: str, row: Row, fields: dict[str, Compute]) -> _Arriving | Problem:
    event: dict[str, Value] = {"event_id": None, "event_type": rule.event_type}
    for field_name, compute in fields.items():
        try:
            value = compute(row)
            if value is not None:
                event[field_name] = value
        except CannotMap as error:
            return Problem(name, file, row.line, field_name, str(error))
    for needed in ("event_id", "occurred_at", "account_id"):
        if not isinstance(event.get(needed), str):
            return Problem(name, file, row.line, needed, f"expected a text, found {event.get(needed)!r}")
    timestamp = _milliseconds(str(event["occurred_at"]))
    if timestamp is None:
        return Problem(name, file, row.line, "occurred_at", f"expected a time with an offset, found {event['occurred_at']!r}; use the form time")
    try:
        return _Arriving(name, file, row.line, timestamp, str(event["account_id"]).encode(), _encode(event))
    except UnicodeEncodeError:
        return Problem(name, file, row.line, None, "holds a lone surrogate; correct the encoding of the file")


def _milliseconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1) if moment.tzinfo is not None else None


def _refused(topic: Topic, records: Sequence[_Arriving], catalog: Catalog) -> Iterator[tuple[int, Problem]]:
    """Records that the stages would refuse, by their place."""
    for start in range(0, len(records), _CHECKED_AT_ONCE):
        stretch = records[start : start + _CHECKED_AT_ONCE]
        for rejected in decode(topic, stretch, catalog).rejected:
            record = stretch[rejected.index]
            yield start + rejected.index, Problem(record.rule, record.file, record.line, rejected.field, f"{rejected.reason}: {rejected.message}")
