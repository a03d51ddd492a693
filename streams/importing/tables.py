"""CSV files as rows that know where they stand, grouped and joined."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Protocol

from streams.errors import ProblemFound
from streams.importing.mapping import Aggregate, Condition, Group, Join, Mapping, MappingError, Order, Source

Key = tuple[str | None, ...]


class CsvReader(Protocol):
    """What ``csv.reader`` gives."""

    @property
    def line_num(self) -> int:
        """Lines read so far."""

    def __next__(self) -> list[str]:
        """The next record."""


class TableError(ProblemFound):
    """A table cannot be read or joined; the message names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column, None where it is empty; ``line`` is where it starts in its file, counted from 1."""

    line: int
    values: dict[str, str | None]
    missing: str | None = None
    """Why the row cannot become an event: a required match that it has not."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order of the file; ``file`` is what problems are reported under."""

    file: str
    columns: Sequence[str]
    rows: list[Row]


class Tables:
    """The sources of a mapping, read from a folder when they are first needed."""

    def __init__(self, mapping: Mapping, folder: Path) -> None:
        self._mapping = mapping
        self._folder = folder
        self._tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """A source by name; raises ``TableError`` or ``MappingError``."""
        if name not in self._tables:
            source = self._mapping.sources[name]
            table = self._group(name, source.group) if source.group else self._read(source)
            for join in source.join:
                table = self._join(name, table, join)
            self._tables[name] = table
        return self._tables[name]

    def _read(self, source: Source) -> Table:
        path = self._folder / str(source.csv)
        try:
            with path.open(encoding=source.encoding, newline="") as file:
                return _read_csv(path, csv.reader(file, delimiter=source.delimiter, strict=True), frozenset(source.empty))
        except OSError as error:
            raise TableError(f"{path}: cannot be read: {error.strerror}") from error
        except LookupError as error:
            raise TableError(f"{path}: cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            raise TableError(f"{path}: byte {error.start} is not {source.encoding}; say the encoding of the file in the mapping") from error

    def _group(self, name: str, group: Group) -> Table:
        table = self.table(group.source)
        used = [*group.by, *(order.column for order in group.order_by), *(column for one in group.columns.values() for _, column in one.chosen)]
        _check_columns(f"sources.{name}.group", table, used)
        members: dict[Key, list[Row]] = {}
        for row in table.rows:
            members.setdefault(tuple(row.values[column] for column in group.by), []).append(row)
        rows = []
        for key, group_rows in members.items():
            for order in reversed(group.order_by):
                group_rows.sort(key=_sort_key(table, order), reverse=order.descending)
            values = dict(zip(group.by, key, strict=True))
            values.update({new: _aggregate(table, one, group_rows) for new, one in group.columns.items()})
            rows.append(Row(group_rows[0].line, values))
        return Table(table.file, [*group.by, *group.columns], rows)

    def _join(self, name: str, table: Table, join: Join) -> Table:
        other = self.table(join.source)
        place = f"sources.{name}.join"
        _check_columns(place, table, list(join.by))
        _check_columns(place, other, list(join.by.values()))
        index = _index(other, join, place)
        nothing: dict[str, str | None] = {f"{join.prefix}.{column}": None for column in other.columns}
        columns = {column: f"{join.prefix}.{column}" for column in other.columns}
        rows = []
        for row in table.rows:
            key = tuple(row.values[column] for column in join.by)
            match = None if None in key else index.get(key)
            if match is not None:
                found = {columns[column]: value for column, value in match.values.items() if column in columns}
                rows.append(Row(row.line, {**row.values, **found}, row.missing or match.missing))
            else:
                why = f"no row of {join.source} for {_shown(join, key)}" if join.required else None
                rows.append(Row(row.line, {**row.values, **nothing}, row.missing or why))
        return Table(table.file, [*table.columns, *nothing], rows)


def _shown(join: Join, key: Key) -> str:
    return ", ".join(f"{column} {value!r}" if value is not None else f"{column} (empty)" for column, value in zip(join.by, key, strict=True))


def _index(table: Table, join: Join, place: str) -> dict[Key, Row]:
    index: dict[Key, Row] = {}
    for row in table.rows:
        key = tuple(row.values[column] for column in join.by.values())
        if None in key:
            continue
        if key in index:
            raise TableError(
                f"{table.file}, lines {index[key].line} and {row.line}: {place} finds two rows of {join.source} for "
                f"{', '.join(str(part) for part in key)}; reduce {join.source} to one row a key with a group"
            )
        index[key] = row
    return index


def _read_csv(path: Path, reader: CsvReader, empty: frozenset[str]) -> Table:
    lines = _numbered(path, reader)
    _, columns = next(lines, (0, []))
    if not columns or len(set(columns)) < len(columns):
        raise TableError(f"{path}, line 1: expected a header with a different name for each column, found {columns}")
    rows = []
    for line, cells in lines:
        if not cells:
            continue
        if len(cells) != len(columns):
            raise TableError(f"{path}, line {line}: {len(cells)} columns where the header has {len(columns)}; is a quote or delimiter wrong?")
        rows.append(Row(line, {column: None if cell in empty else cell for column, cell in zip(columns, cells, strict=True)}))
    return Table(path.name, columns, rows)


def _numbered(path: Path, reader: CsvReader) -> Iterator[tuple[int, list[str]]]:
    """Records and the line on which each starts; quoted newlines make a record longer than a line."""
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"{path}, line {start}: not CSV ({error}); correct it there") from error
        yield start, cells
        start = reader.line_num + 1


def check_conditions(place: str, table: Table, conditions: Sequence[Condition]) -> None:
    """Raise ``MappingError`` where a condition names a column that is not there."""
    _check_columns(place, table, [condition.column for condition in conditions])


def _check_columns(place: str, table: Table, columns: Sequence[str]) -> None:
    known = set(table.columns)
    for column in columns:
        if column not in known:
            raise MappingError(f"{place}: {table.file} has no column {column!r}; it has {', '.join(table.columns)}")


def holds(condition: Condition, row: Row) -> bool:
    """Whether a row fulfils all parts of a condition."""
    value = row.values[condition.column]
    return (
        (condition.equals is None or value == condition.equals)
        and (condition.is_in is None or value in condition.is_in)
        and (condition.not_in is None or value not in condition.not_in)
        and (condition.empty is None or (value is None) == condition.empty)
    )


def _sort_key(table: Table, order: Order) -> Callable[[Row], tuple[bool, Decimal | str]]:
    def key(row: Row) -> tuple[bool, Decimal | str]:
        value = row.values[order.column]
        if not order.numeric:
            return value is None, value or ""
        return value is None, _decimal(table, row, order.column) if value is not None else Decimal(0)

    return key


def _decimal(table: Table, row: Row, column: str) -> Decimal:
    try:
        number = Decimal(row.values[column] or "")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise TableError(f"{table.file}, line {row.line}: {column} should be a number, found {row.values[column]!r}")
    return number


def _aggregate(table: Table, aggregate: Aggregate, rows: list[Row]) -> str | None:
    ((what, column),) = aggregate.chosen
    there = [row for row in rows if row.values[column] is not None]
    if what == "count":
        return str(len(there))
    if not there:
        return None
    if what == "sum":
        return str(sum((_decimal(table, row, column) for row in there), Decimal(0)))
    if what in {"first", "last"}:
        return there[0 if what == "first" else -1].values[column]
    texts = [str(row.values[column]) for row in there]
    return min(texts) if what == "min" else max(texts)
