"""The catalog in ClickHouse, so that BI can join the names and plans in it."""

import time

import pyarrow as pa

from schemas.catalog import Catalog
from schemas.catalog_rows import CATALOG_TABLES, VERSION, CatalogTable
from schemas.rows import Table
from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse, quoted


def write_catalog(clickhouse: ClickHouse, catalog: Catalog, version: int | None = None) -> list[str]:
    """Make the catalog's tables equal to the catalog; returns the tables that had to be changed. Doing it again, or twice at once, is fine.

    ``version`` (milliseconds since 1970, now by default) tells the new rows from the old ones, which are taken away once the new ones are there.
    Raises ``SinkUnavailable`` or ``SinkRefused``.
    """
    chosen = time.time_ns() // 1_000_000 if version is None else version
    return [table.name for table in CATALOG_TABLES if _write(clickhouse, table, table.arrow(catalog), chosen)]


def check_catalog(clickhouse: ClickHouse, catalog: Catalog) -> None:
    """Raises ``SinkRefused`` where the database holds numbers of another time zone or base currency: days and sums of both would mix."""
    if not clickhouse.command(f"SELECT 1 FROM {Table.ACCOUNTS} LIMIT 1"):  # noqa: S608 (a declared name)
        return
    for name, wanted in (("timezone", catalog.timezone), ("base_currency", catalog.base_currency)):
        held = clickhouse.command(f"SELECT any({name}) FROM {name}")  # noqa: S608 (declared names)
        if held and held != wanted:
            said = f"the catalog says {wanted}" if name in catalog.model_fields_set else f"no catalog is set that says which, so {wanted}"
            raise SinkRefused(
                f"the numbers in the database {clickhouse.address.database} are of {name} {held}, and {said}: "
                "set CANDOR_CATALOG to the catalog that they were made with. To change it, count everything anew in an empty database"
            )


def _write(clickhouse: ClickHouse, table: CatalogTable, rows: pa.Table, version: int) -> bool:
    columns = ", ".join(quoted(column.name) for column in table.columns)
    stored = clickhouse.query(f"SELECT {columns} FROM {table.name} ORDER BY {quoted(table.key)}")  # noqa: S608 (declared names)
    if stored.to_pylist() == rows.to_pylist():
        return False
    clickhouse.insert_into(table.name, rows.append_column(VERSION.name, pa.array([version] * rows.num_rows, pa.uint64())))
    clickhouse.command(f"DELETE FROM {table.name} WHERE version < {{version:UInt64}}", {"version": version})  # noqa: S608 (a declared name)
    return True
