"""Sinks to test: memory, chDB in this process, chDB behind HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.catalog_rows import CATALOG_TABLES
from schemas.rows import TABLES, Table
from sinks.base import Sink
from sinks.clickhouse import ClickHouse, connect
from sinks.memory import MemorySink
from sinks.migrate import Migrator
from tests.sinks.rows import emptied


@dataclass(frozen=True, slots=True)
class Backend:
    """A sink, and what counts in a table of it: one row per key, in the order of the key."""

    sink: Sink
    read: Callable[[Table], pa.Table]


def read_back(clickhouse: ClickHouse, table: Table) -> pa.Table:
    """What counts in a table, in declared types."""
    spec = TABLES[table]
    names = ", ".join(f"`{column.name}`" for column in spec.columns)
    binary = table is Table.DEAD_LETTERS
    found = clickhouse.query(f"SELECT {names} FROM {table} FINAL ORDER BY {', '.join(spec.key)}", binary=binary)
    return pa.table([found.column(field.name).cast(field.type) for field in spec.arrow_schema], schema=spec.arrow_schema)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A migrated database of chDB in this process; closed with the module, since a process can hold one folder at a time."""
    clickhouse = connect(f"chdb://{tmp_path_factory.mktemp('chdb')}?database=candor")
    Migrator(clickhouse).apply()
    yield clickhouse
    clickhouse.close()


@pytest.fixture(params=["memory", "embedded", "served"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each kind of sink, with empty tables."""
    if request.param == "memory":
        memory = MemorySink()
        return Backend(memory, memory.rows)
    clickhouse: ClickHouse = request.getfixturevalue(request.param)
    emptied(clickhouse, Table)
    return Backend(clickhouse, lambda table: read_back(clickhouse, table))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for an engine of the test's own."""
    return tmp_path / "data"


@pytest.fixture
def clickhouse(served: ClickHouse) -> ClickHouse:
    """A migrated database with empty tables, behind HTTP: what a view gives is the engine's doing, whoever asks.

    That both ways of asking hand it out in the same types is held in ``test_clickhouse.py``.
    """
    return emptied(served, Table)


@pytest.fixture
def with_catalog(clickhouse: ClickHouse) -> Iterator[ClickHouse]:
    """A database whose catalog is empty again after the test."""
    yield clickhouse
    for table in CATALOG_TABLES:
        clickhouse.command(f"TRUNCATE TABLE {table.name}")
