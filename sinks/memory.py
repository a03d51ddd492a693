"""A sink in memory, for tests and dry runs: of rows with one key the highest version counts, as in ClickHouse."""

from collections.abc import Mapping
from threading import Lock

import pyarrow as pa

from schemas.rows import TABLES, Table, TableSpec
from sinks.base import SinkRefused

_Key = tuple[object, ...]
_Row = dict[str, object]


class MemorySink:
    """A ``Sink`` that refuses what ClickHouse refuses: unknown columns, values that do not fit, NULL where none may be."""

    def __init__(self) -> None:
        self._rows: dict[Table, dict[_Key, _Row]] = {table: {} for table in Table}
        self._lock = Lock()
        self._closed = False

    def insert(self, table: Table, rows: pa.Table) -> None:
        """Store the rows; see ``Sink.insert``. All of them or, where one is refused, none."""
        if self._closed:
            raise SinkRefused("This sink is closed")
        if rows.num_rows == 0:
            return
        spec = TABLES[table]
        incoming = _checked(spec, rows).cast(_counting(spec.arrow_schema)).to_pylist(maps_as_pydicts="lossy")
        with self._lock:
            stored = self._rows[table]
            for row in incoming:
                key = tuple(row[name] for name in spec.key)
                held = stored.get(key)
                if held is None or row["version"] >= _version(held):
                    stored[key] = row

    def rows(self, table: Table) -> pa.Table:
        """What counts, one row per key, in the order of the key, with all declared columns."""
        spec = TABLES[table]
        with self._lock:
            chosen = [row for _, row in sorted(self._rows[table].items(), key=lambda item: _sortable(item[0]))]
        return pa.Table.from_pylist(chosen, schema=_counting(spec.arrow_schema)).cast(spec.arrow_schema)

    def close(self) -> None:
        """Take no more rows; what is there can still be read."""
        self._closed = True


def _counting(schema: pa.Schema) -> pa.Schema:
    """The schema with times as numbers: records bring times beyond the years of Python's calendar."""
    return pa.schema([field.with_type(pa.int64()) if pa.types.is_timestamp(field.type) else field for field in schema])


def _version(row: Mapping[str, object]) -> int:
    version = row["version"]
    assert isinstance(version, int)
    return version


def _sortable(key: _Key) -> tuple[bytes | object, ...]:
    """Text sorts by its UTF-8 bytes, as in ClickHouse."""
    return tuple(part.encode() if isinstance(part, str) else part for part in key)


def _checked(spec: TableSpec, rows: pa.Table) -> pa.Table:
    """The rows with all declared columns, in declared types; absent columns take their type's default."""
    unknown = [name for name in rows.column_names if name not in {column.name for column in spec.columns}]
    if unknown:
        raise SinkRefused(f"No such column {', '.join(unknown)} in table {spec.table}")
    arrays = []
    for column, field in zip(spec.columns, spec.arrow_schema, strict=True):
        if column.name not in rows.column_names:
            arrays.append(pa.array([_default(column.clickhouse, field.type)] * rows.num_rows, field.type))
            continue
        given = rows.column(column.name)
        if given.null_count and not _nullable(column.clickhouse):
            raise SinkRefused(f"NULL in column {column.name} of table {spec.table}, which is {column.clickhouse}")
        try:
            arrays.append(given.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SinkRefused(f"Column {column.name} of table {spec.table} is {column.clickhouse}: {error}") from error
    return pa.table(arrays, schema=spec.arrow_schema)


def _nullable(clickhouse: str) -> bool:
    return clickhouse.startswith(("Nullable(", "LowCardinality(Nullable("))


def _default(clickhouse: str, arrow: pa.DataType) -> object:
    if _nullable(clickhouse):
        return None
    if pa.types.is_list(arrow) or pa.types.is_map(arrow):
        return []
    if pa.types.is_string(arrow):
        return ""
    return pa.scalar(0, pa.int64()).cast(arrow).as_py()
