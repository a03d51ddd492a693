"""Runs in ClickHouse: written whole before they are seen, and taken away when they are old."""

import time
from collections.abc import Mapping

from schemas.rows import Table
from sinks.base import Sink
from sinks.clickhouse import ClickHouse
from sinks.migrate import Topology
from streams.fitting.run import Run

_UNFINISHED_AFTER_MS = 24 * 3_600_000


def next_version(clickhouse: ClickHouse) -> int:
    """The version of a run that begins now: the milliseconds since 1970, above that of every run that was recorded."""
    last = int(clickhouse.command(f"SELECT max(version) FROM {Table.FIT_RUNS}") or 0)  # noqa: S608 (a declared name)
    return max(time.time_ns() // 1_000_000, last + 1)


def record(sink: Sink, run: Run, version: int) -> None:
    """Write a run. Views go on showing the run before until the last row is written."""
    for table, rows in run.stamped(version).items():
        sink.insert(table, rows)


def forget_old(clickhouse: ClickHouse, topology: Topology, keep: int, version: int) -> list[str]:
    """Take away what all but the newest ``keep`` runs said of each account, and what runs left that were broken off a day ago; these runs' ids.

    What runs found of newcomers, drivers, links and predictors is small and stays.
    """
    held = clickhouse.query(
        f"SELECT run_id, toInt64(max(version)) AS newest FROM {Table.FIT_ACCOUNTS} GROUP BY run_id"  # noqa: S608 (a declared name)
    ).to_pylist()
    recorded = clickhouse.query(
        f"SELECT run_id FROM {Table.FIT_RUNS} GROUP BY run_id ORDER BY max(version) DESC"  # noqa: S608 (a declared name)
    ).to_pylist()
    rank = {row["run_id"]: place for place, row in enumerate(recorded)}
    old = sorted(row["run_id"] for row in held if _is_old(row, rank, keep, version))
    table = f"{Table.FIT_ACCOUNTS}_local" if topology.sharded else Table.FIT_ACCOUNTS.value
    for run_id in old:
        clickhouse.command(f"ALTER TABLE {table}{topology.on_cluster} DROP PARTITION {{run_id:String}}", {"run_id": run_id})
    return old


def _is_old(row: Mapping[str, object], rank: Mapping[str, int], keep: int, version: int) -> bool:
    place = rank.get(str(row["run_id"]))
    return int(str(row["newest"])) < version - _UNFINISHED_AFTER_MS if place is None else place >= keep
