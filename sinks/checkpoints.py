"""The checkpoint of replays, in ClickHouse itself: a log of keys and values of which the newest value of each key counts, as in a compacted topic."""

from collections.abc import Sequence

import pyarrow as pa

from schemas.rows import Table
from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse
from streams.core.stage import CheckpointRecord

TABLE = "replay_checkpoint"
_FED = (Table.LOYALTY, Table.ACCOUNTS, Table.DEAD_LETTERS)


class ForeignData(SinkRefused):
    """The database holds rows that no replay wrote."""


class CheckpointMoved(SinkRefused):
    """Another replay writes to the same database."""


class ClickHouseCheckpoints:
    """Reads and appends the checkpoint of the database of a ``ClickHouse``. One process at a time may append."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._version = 0

    def load(self) -> list[CheckpointRecord]:
        """The records that count, in the order in which they were written.

        Raises ``ForeignData`` where there is no checkpoint, but data that somebody else keeps the state of.
        """
        rows = self._clickhouse.query(f"SELECT key, value, deleted, version FROM {TABLE} FINAL ORDER BY version, position", binary=True)  # noqa: S608 (a declared name)
        self._version = max(rows.column("version").to_pylist(), default=0) if rows.num_rows else 0
        if self._version == 0:
            self._refuse_foreign_data()
            return []
        columns = (rows.column(name).to_pylist() for name in ("key", "value", "deleted"))
        return [CheckpointRecord(key, None if deleted else value) for key, value, deleted in zip(*columns, strict=True)]

    def append(self, records: Sequence[CheckpointRecord]) -> None:
        """Store records, all or none; once it returns they are what ``load`` gives.

        Of a key given twice the last counts. Raises ``CheckpointMoved`` where somebody else appended since ``load``.
        """
        if not records:
            return
        found = int(self._clickhouse.command(f"SELECT max(version) FROM {TABLE}") or 0)  # noqa: S608 (a declared name)
        # A failed insert that was stored all the same is ours.
        if found not in {self._version, self._version + 1}:
            raise CheckpointMoved(f"{TABLE} was at write {self._version} and is at {found}: another replay fills this database; let it end")
        newest = {record.key: (position, record.value) for position, record in enumerate(records)}
        rows = pa.table(
            {
                "key": pa.array(list(newest), pa.binary()),
                "value": pa.array([value or b"" for _, value in newest.values()], pa.binary()),
                "deleted": pa.array([value is None for _, value in newest.values()], pa.bool_()),
                "position": pa.array([position for position, _ in newest.values()], pa.uint32()),
                "version": pa.array([self._version + 1] * len(newest), pa.uint64()),
            }
        )
        # One Arrow batch is one block, and one block is one part: it is there as a whole or not at all.
        self._clickhouse.insert_into(TABLE, rows.combine_chunks())
        self._version += 1

    def _refuse_foreign_data(self) -> None:
        for table in _FED:
            if self._clickhouse.command(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 (a declared name)
                raise ForeignData(
                    f"{table} holds rows, but there is no checkpoint of a replay: this database is filled by workers. Replay into one of its own"
                )
