"""What an insert costs: rows a second, and CPU microseconds a row in the client and in the engine, merges included.

``python -m benchmarks.sink`` starts a server of its own, and prints one line per table and way. Rows are those of a real flush: 20,000 at a time.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

from schemas.rows import TABLES, Table
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator

ROWS = 20_000
INSERTS = 25
TABLES_MEASURED = (Table.INVITATIONS, Table.TRANSACTIONS, Table.ACCOUNTS)
START = datetime(2026, 1, 1, tzinfo=UTC)


def batch(table: Table, number: int) -> pa.Table:
    """A flush of a table: 50,000 accounts, 200 units, two months."""
    random = np.random.default_rng(number)
    accounts = random.integers(0, 50_000, ROWS)
    offsets = random.integers(0, 60 * 86_400, ROWS)
    arrays = []
    for field in TABLES[table].arrow_schema:
        if field.name == "account_id":
            arrays.append(pa.array([f"account-{account}" for account in accounts]))
        elif field.name in TABLES[table].key and pa.types.is_string(field.type):
            arrays.append(pa.array([f"{field.name}-{number}-{index}" for index in range(ROWS)]))
        elif pa.types.is_string(field.type):
            arrays.append(pa.array([f"{field.name}-{value}" for value in random.integers(0, 200, ROWS)]))
        elif pa.types.is_timestamp(field.type):
            arrays.append(pa.array([START + timedelta(seconds=int(offset)) for offset in offsets], field.type))
        elif pa.types.is_date32(field.type):
            arrays.append(pa.array([date(2026, 1, 1) + timedelta(seconds=int(offset)) for offset in offsets], field.type))
        elif pa.types.is_decimal(field.type):
            arrays.append(pa.array([Decimal(int(value)) / 100 for value in random.integers(0, 100_000, ROWS)], field.type))
        elif pa.types.is_list(field.type):
            kind = field.type.value_type
            lines = ["a", "b"] if pa.types.is_string(kind) else [Decimal("1.5")] * 2 if pa.types.is_decimal(kind) else [True, False]
            arrays.append(pa.array([lines] * ROWS, field.type))
        else:
            arrays.append(pa.array(random.integers(0, 2, ROWS)).cast(field.type))
    return pa.table(arrays, schema=TABLES[table].arrow_schema)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server of its own: where it is, and its process."""
    command = [sys.executable, "-m", "sinks.chdb_server", "--path", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(name: str, clickhouse: ClickHouse, table: Table, batches: list[pa.Table], engine: psutil.Process | None) -> None:
    """Insert and print one line."""
    me = psutil.Process(os.getpid())
    clickhouse.command(f"TRUNCATE TABLE {table}")
    clickhouse.insert(table, batches[0])
    wall, client, served = time.perf_counter(), cpu_seconds(me), cpu_seconds(engine) if engine else 0.0
    for rows in batches[1:]:
        clickhouse.insert(table, rows)
    wall, client = time.perf_counter() - wall, cpu_seconds(me) - client
    served = cpu_seconds(engine) - served if engine else 0.0
    count = ROWS * (len(batches) - 1)
    print(
        f"{table:20} {batches[0].num_columns:3} columns {batches[0].nbytes / ROWS:5.0f} B/row  {name:12} {count / wall:9,.0f} rows/s  "
        f"{client / count * 1e6:5.2f} us client {served / count * 1e6:5.2f} us engine"
    )


def main() -> None:
    batches = {table: [batch(table, number) for number in range(INSERTS + 1)] for table in TABLES_MEASURED}
    with tempfile.TemporaryDirectory() as folder:
        with server(Path(folder) / "served") as (address, engine):
            Migrator(connect(f"{address}/bench")).apply()
            for compress in ("false", "lz4", "zstd"):
                clickhouse = connect(f"{address}/bench?compress={compress}")
                for table in TABLES_MEASURED:
                    measure(f"HTTP {compress}", clickhouse, table, batches[table], engine)
                clickhouse.close()
        clickhouse = connect(f"chdb://{folder}/embedded?database=bench")
        Migrator(clickhouse).apply()
        for table in TABLES_MEASURED:
            measure("in process", clickhouse, table, batches[table], None)
        clickhouse.close()


if __name__ == "__main__":
    main()
