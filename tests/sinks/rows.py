"""Rows for tests, of any table, made from its declaration."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from schemas.rows import TABLES, Table
from sinks.clickhouse import ClickHouse
from sinks.migrate import TABLE

INSTANT = datetime(2026, 1, 5, 9, 30, 15, 123456, tzinfo=UTC)


def plain(arrow: pa.DataType) -> object:
    """A value of the type that is neither null nor a type's default."""
    kinds = (
        (pa.types.is_binary, b"\xff\x00bytes"),
        (pa.types.is_string, "text"),
        (pa.types.is_boolean, True),
        (pa.types.is_floating, 2.5),
        (pa.types.is_integer, 7),
        (pa.types.is_timestamp, INSTANT),
        (pa.types.is_date32, date(2026, 1, 5)),
        (pa.types.is_decimal, Decimal("12.3400")),
        (pa.types.is_map, [("question", 4.5)]),
    )
    for is_kind, value in kinds:
        if is_kind(arrow):
            return value
    return [plain(arrow.value_type)]


def rows(table: Table, *overrides: Mapping[str, object]) -> pa.Table:
    """One row per mapping: plain values, with those of the mapping instead."""
    schema = TABLES[table].arrow_schema
    full = {field.name: plain(field.type) for field in schema}
    for override in overrides:
        assert set(override) <= set(full)
    return pa.Table.from_pylist([{**full, "version": 1, **override} for override in overrides], schema=schema)


def column(result: pa.Table, *names: str) -> Sequence[object]:
    """The values of one column, or tuples of several."""
    if len(names) == 1:
        return list(result.column(names[0]).to_pylist())
    return list(zip(*(result.column(name).to_pylist() for name in names), strict=True))


def emptied(clickhouse: ClickHouse, tables: Iterable[str] | None = None) -> ClickHouse:
    """The same database with nothing in these tables; in all but the record of migrations, where none are named."""
    held = clickhouse.query("SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND active")
    named = None if tables is None else {str(table) for table in tables}
    for table in column(held, "table"):
        if table != TABLE if named is None else table in named:
            clickhouse.command(f"TRUNCATE TABLE {table}")
    return clickhouse
