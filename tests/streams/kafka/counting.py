"""A stage that only counts, and a sink that is a folder: small enough to see at once whether something was lost or counted twice."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from schemas.enums import RejectReason, Stage, Topic
from schemas.rows import Table
from sinks.base import SinkUnavailable
from streams.core.batch import SourceRecord
from streams.core.stage import Applied, CheckpointRecord, DeadLetter, Flush

BAD = b"bad"
CRASH = b"crash"
META = b"meta"


@dataclass
class Cell:
    """How many records an account had, and the flush that changed it last."""

    count: int
    version: int


class CountingStage:
    """Counts the records of each account; a value that starts with ``bad`` is refused."""

    def __init__(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> None:
        self.partition = partition
        self.positions: dict[Topic, int] = dict.fromkeys(Topic, 0)
        self.cells: dict[str, Cell] = {}
        self.epoch, self.sequence, self.acknowledged = 0, 0, 0
        for key, value in checkpoint:
            assert value is not None
            if key == META:
                meta = json.loads(value)
                self.epoch, self.sequence, self.acknowledged = meta["epoch"], meta["sequence"], meta["acknowledged"]
                self.positions |= {Topic(topic): position for topic, position in meta["positions"].items()}
            else:
                self.cells[key.decode()] = Cell(**json.loads(value))
        self.epoch += 1
        self.changed = {account for account, cell in self.cells.items() if cell.version & (2**40 - 1) > self.acknowledged}
        self.facts: list[tuple[str, str, int]] = []
        self.letters: list[DeadLetter] = []
        self.records = 0
        self.resting: set[str] = set()
        self.first = True
        self.unsaved = True

    def position(self, topic: str) -> int:
        return self.positions[Topic(topic)]

    def pending(self) -> int:
        return self.records

    def rest(self, topics: Iterable[str]) -> None:
        """Remembers it."""
        self.resting = set(topics)

    def apply(self, topic: str, records: Sequence[SourceRecord]) -> Applied:
        topic = Topic(topic)
        new = [record for record in records if record.offset >= self.positions[topic]]
        refused = 0
        for record in new:
            assert record.key is not None
            if record.value == CRASH:
                raise ZeroDivisionError("a bug of the stage")
            if record.value is None or record.value.startswith(BAD):
                refused += 1
                self.letters.append(self._letter(topic, record))
            else:
                cell = self.cells.setdefault(record.key.decode(), Cell(0, 0))
                cell.count += 1
                self.changed.add(record.key.decode())
                self.facts.append((record.key.decode(), record.value.decode(), record.offset))
        if new:
            self.positions[topic] = new[-1].offset + 1
        self.records += len(new)
        rejected = {RejectReason.MALFORMED: refused} if refused else {}
        return Applied(len(new) - refused, 0, len(records) - len(new), rejected, 0)

    def _letter(self, topic: Topic, record: SourceRecord) -> DeadLetter:
        return DeadLetter(
            topic, self.partition, record.offset, record.timestamp, record.key, record.value, record.headers,
            Stage.ACCOUNTS, RejectReason.MALFORMED, None, "bad",
        )  # fmt: skip

    def flush(self) -> Flush | None:
        if not (self.first or self.records):
            return None
        self.first = False
        self.sequence += 1
        version = self.epoch << 40 | self.sequence
        changed = sorted(self.changed)
        for account in changed:
            self.cells[account].version = version
        meta = {"epoch": self.epoch, "sequence": self.sequence, "acknowledged": self.acknowledged, "positions": self.positions}
        flush = Flush(
            self.partition,
            self.sequence,
            {Table.OPERATIONS: self._facts(version)} if self.facts else {},
            [
                *(CheckpointRecord(account.encode(), json.dumps(vars(self.cells[account])).encode()) for account in changed),
                CheckpointRecord(META, json.dumps(meta).encode()),
            ],
            self.letters,
            {topic: position for topic, position in self.positions.items() if position},
            {Table.ACCOUNTS: self._cells(changed, version)} if changed else {},
            self.records,
        )
        self.changed, self.facts, self.letters, self.records = set(), [], [], 0
        return flush

    def _facts(self, version: int) -> pa.Table:
        accounts, values, offsets = zip(*self.facts, strict=True)
        return pa.table({"account_id": accounts, "event_id": values, "source_offset": offsets, "version": [version] * len(accounts)})

    def _cells(self, changed: list[str], version: int) -> pa.Table:
        counts = [self.cells[account].count for account in changed]
        return pa.table({"account_id": changed, "transactions": counts, "version": [version] * len(changed)})

    def acknowledge(self, sequence: int) -> None:
        self.acknowledged = sequence


class CountingStages:
    """Makes ``CountingStage``."""

    def restore(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> CountingStage:
        return CountingStage(partition, checkpoint)


class FolderSink:
    """Appends rows to a file per table; several processes may share the folder. While a file ``away`` lies there, it is away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)

    def insert(self, table: Table, rows: pa.Table) -> None:
        if (self.folder / "away").exists():
            raise SinkUnavailable("the sink is away")
        lines = "".join(json.dumps(row) + "\n" for row in rows.to_pylist())
        file = os.open(self.folder / table.value, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, lines.encode())
        finally:
            os.close(file)

    def close(self) -> None:
        pass

    def counts(self) -> Counter[str]:
        """Per account what the cells say; of each the highest version."""
        newest: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for row in self._rows(Table.ACCOUNTS):
            account = str(row["account_id"])
            newest[account] = max(newest[account], (int(row["version"]), int(row["transactions"])))
        return Counter({account: count for account, (_, count) in newest.items()})

    def facts(self) -> set[str]:
        """The distinct values of all facts."""
        return {str(row["event_id"]) for row in self._rows(Table.OPERATIONS)}

    def _rows(self, table: Table) -> list[dict[str, int | str]]:
        file = self.folder / table.value
        # The last line may be in the middle of being written.
        return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")] if file.exists() else []
