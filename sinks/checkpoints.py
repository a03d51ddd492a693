"""The checkpoint of replays, in ClickHouse itself: a log of keys and values of which the newest value of each key counts, as in a compacted topic."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pyarrow as pa

from schemas.rows import Table
from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse
from streams.core.stage import CheckpointRecord

TABLE = "replay_checkpoint"
_CLAIM = b"replay/writer"
"""Key of the record that tells who writes."""
_FED = (Table.LOYALTY, Table.ACCOUNTS, Table.DEAD_LETTERS)


class ForeignData(SinkRefused):
    """The database holds rows that no replay wrote."""


class CheckpointMoved(SinkRefused):
    """Another replay writes to the same database."""


def holds_replays(clickhouse: ClickHouse) -> bool:
    """Whether the database is filled by replays."""
    return bool(clickhouse.command(f"SELECT 1 FROM {TABLE} LIMIT 1"))  # noqa: S608 (a declared name)


class ClickHouseCheckpoints:
    """Reads and appends the checkpoint of the database of a ``ClickHouse``. One process at a time may: a later one ends an earlier one's writing."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._writer = uuid4()
        self._version = 0

    def load(self) -> list[CheckpointRecord]:
        """The records that count, in the order in which they were written; from here on nobody else who loaded before can append.

        Raises ``ForeignData`` where there is no checkpoint, but data that somebody else keeps the state of, and ``CheckpointMoved`` where another
        process loads at the same time.
        """
        self._version, _ = self._newest()
        if self._version == 0:
            self._refuse_foreign_data()
        # Written before the state is read, so that whoever is still writing finds out before anything that we do not know of is stored.
        self.append([CheckpointRecord(_CLAIM, self._writer.bytes)])
        rows = self._clickhouse.query(
            f"SELECT key, value, deleted FROM {TABLE} FINAL WHERE key != {{claim:String}} ORDER BY version, position",  # noqa: S608 (a declared name)
            {"claim": _CLAIM.decode()},
            binary=True,
        )
        columns = (rows.column(name).to_pylist() for name in ("key", "value", "deleted")) if rows.num_rows else ([], [], [])
        return [CheckpointRecord(key, None if deleted else value) for key, value, deleted in zip(*columns, strict=True)]

    def append(self, records: Sequence[CheckpointRecord]) -> None:
        """Store records, all or none; once it returns they are what ``load`` gives.

        Of a key given twice the last counts. Raises ``CheckpointMoved`` where somebody else appended since ``load``.
        """
        if not records:
            return
        version = self._version + 1
        found, writers = self._newest()
        # A failed insert that was stored all the same is ours.
        if found > version or (found == version and writers != {self._writer}):
            raise self._moved(found)
        newest = {record.key: (position, record.value) for position, record in enumerate(records)}
        rows = pa.table(
            {
                "key": pa.array(list(newest), pa.binary()),
                "value": pa.array([value or b"" for _, value in newest.values()], pa.binary()),
                "deleted": pa.array([value is None for _, value in newest.values()], pa.bool_()),
                "position": pa.array([position for position, _ in newest.values()], pa.uint32()),
                "writer": pa.array([str(self._writer)] * len(newest), pa.string()),
                "version": pa.array([version] * len(newest), pa.uint64()),
            }
        )
        # One Arrow batch is one block, and one block is one part: it is there as a whole or not at all.
        self._clickhouse.insert_into(TABLE, rows.combine_chunks())
        # Two that found the same version a moment ago have both written the next one now.
        found, writers = self._newest()
        if found != version or writers != {self._writer}:
            raise self._moved(found)
        self._version = version

    def _newest(self) -> tuple[int, set[UUID]]:
        """The number of the newest write, 0 for none, and who made it."""
        newest = f"SELECT max(version) FROM {TABLE}"  # noqa: S608 (a declared name)
        rows = self._clickhouse.query(f"SELECT version, toString(writer) AS by FROM {TABLE} WHERE version = ({newest}) GROUP BY version, by")  # noqa: S608
        if not rows.num_rows:
            return 0, set()
        return int(rows.column("version")[0].as_py()), {UUID(writer) for writer in rows.column("by").to_pylist()}

    def _moved(self, found: int) -> CheckpointMoved:
        return CheckpointMoved(
            f"{TABLE} was at write {self._version} and is at {found}: another replay fills this database; let it end, then replay again"
        )

    def _refuse_foreign_data(self) -> None:
        for table in _FED:
            if self._clickhouse.command(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 (a declared name)
                raise ForeignData(
                    f"{table} holds rows, but there is no checkpoint of a replay: this database is filled by workers. Replay into one of its own"
                )
