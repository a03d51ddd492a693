"""Event files through the stages in process, without Kafka: the same stages, the same order of writing, a checkpoint in ClickHouse.

A file is known by its content. What was replayed is not replayed again: a replay that was interrupted goes on where its last checkpoint
stands, and one that ended is skipped. The same file named twice in one go is fed twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import xxhash

from schemas.enums import RejectReason, Topic
from schemas.rows import Table
from sinks.base import Sink
from streams.core.batch import Numbered
from streams.core.stage import CheckpointRecord, Flush, PartitionStage, StageFactory
from streams.errors import EventFileError, ProblemFound
from streams.files import FileRecord, read_events

PARTITION = 0
RECORDS_AT_ONCE = 20_000
FLUSH_RECORDS = 200_000
FILE_PREFIX = b"replay/file/"
_READ_BYTES = 1 << 20


class Checkpoints(Protocol):
    """A log of keys and values of which the newest value of each key counts."""

    def load(self) -> list[CheckpointRecord]:
        """The records that count, in the order in which they were written."""

    def append(self, records: Sequence[CheckpointRecord]) -> None:
        """Store records, all or none."""


class MemoryCheckpoints:
    """Checkpoints for tests and dry runs."""

    def __init__(self) -> None:
        self._records: dict[bytes, CheckpointRecord] = {}

    def load(self) -> list[CheckpointRecord]:
        """The records that count, in the order in which they were written."""
        return list(self._records.values())

    def append(self, records: Sequence[CheckpointRecord]) -> None:
        """Store records; of a key given twice the last counts."""
        for record in records:
            self._records.pop(record.key, None)
            self._records[record.key] = record


class FileState(msgspec.Struct, frozen=True):
    """How far a file was replayed."""

    name: str
    records: int
    """Records that are in the checkpoint."""
    done: bool
    broken: bool = False
    """It ends at a line that is no record; everything before is written, and nothing is left to be finished."""


@dataclass(slots=True)
class Summary:
    """What became of the records; each is counted once."""

    accepted: int = 0
    duplicates: int = 0
    rejected: Counter[RejectReason] = field(default_factory=Counter)
    skipped: int = 0
    """Records that an earlier replay had applied."""
    unknown_fields: int = 0

    @property
    def records(self) -> int:
        """All records of the files."""
        return self.accepted + self.duplicates + self.rejected.total() + self.skipped


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    key: bytes


class Interrupted(ProblemFound):
    """An earlier replay of another file was interrupted."""


class Replay:
    """Feeds files into a sink. ``sink`` waits by itself while ClickHouse is away; ``checkpoints`` may raise what a sink raises."""

    def __init__(self, stages: StageFactory, sink: Sink, checkpoints: Checkpoints, flush_records: int = FLUSH_RECORDS) -> None:
        self._sink = sink
        self._checkpoints = checkpoints
        self._flush_records = flush_records
        records = checkpoints.load()
        self._files = {r.key: msgspec.json.decode(r.value, type=FileState) for r in records if r.key.startswith(FILE_PREFIX) and r.value is not None}
        self._stage: PartitionStage = stages.restore(PARTITION, [record for record in records if not record.key.startswith(FILE_PREFIX)])
        self._offsets: dict[Topic, int] = {topic: self._stage.position(topic) for topic in Topic}
        self._unwritten: dict[bytes, FileState] = {}
        self.summary = Summary()

    def run(self, paths: Sequence[Path], on_progress: Callable[[Summary], None] = lambda _: None, *, abandon: bool = False) -> Summary:
        """Feed the files, in the order given, but a file whose replay was interrupted first; everything is written when it returns.

        ``abandon`` forgets an interrupted replay of a file that is not given, whose last facts may then be in no number. Else it raises
        ``Interrupted``. Also raises ``EventFileError`` at a line that is no record (what stands before it is written) and what the sink raises.
        """
        files = _identify(paths)
        self._check_interrupted(files, abandon)
        files.sort(key=lambda file: not self._is_interrupted(file.key))
        for file in files:
            try:
                self._feed(file, on_progress)
            except EventFileError:
                # What stands before a line that cannot be read was applied, and is kept.
                self._flush()
                self._leave(file)
                raise
        self._stage.rest(Topic)
        self._flush()
        on_progress(self.summary)
        return self.summary

    def _is_interrupted(self, key: bytes) -> bool:
        state = self._files.get(key)
        return state is not None and not (state.done or state.broken)

    def _leave(self, file: _File) -> None:
        """The file cannot be read further: mended, it is another one, and this one does not hold up others."""
        state = self._files[file.key]
        self._checkpoints.append([_file_record(file.key, FileState(state.name, state.records, done=False, broken=True))])

    def _check_interrupted(self, files: Sequence[_File], abandon: bool) -> None:
        given = {file.key for file in files}
        left = [key for key in self._files if self._is_interrupted(key) and key not in given]
        if not left:
            return
        if not abandon:
            names = ", ".join(self._files[key].name for key in left)
            raise Interrupted(f"an earlier replay of {names} was interrupted: replay it too, or forget it with --abandon-interrupted")
        self._checkpoints.append([CheckpointRecord(key, None) for key in left])
        for key in left:
            del self._files[key]

    def _feed(self, file: _File, on_progress: Callable[[Summary], None]) -> None:
        state = self._files.get(file.key)
        if state is not None and state.done:
            self.summary.skipped += state.records
            on_progress(self.summary)
            return
        done = state.records if state else 0
        if state is None:
            # From here on facts may be there that the checkpoint does not know of. How far other files are waits for the next flush.
            self._files[file.key] = FileState(file.path.name, 0, done=False)
            self._checkpoints.append([_file_record(file.key, self._files[file.key])])
        records = read_events([file.path])
        self.summary.skipped += sum(1 for _ in islice(records, done))
        for stretch in _stretches(records):
            self._apply(stretch)
            done += len(stretch)
            self._remember(file, done, done=False)
            if self._stage.pending() >= self._flush_records:
                self._flush()
            on_progress(self.summary)
        self._remember(file, done, done=True)

    def _apply(self, stretch: Sequence[FileRecord]) -> None:
        by_topic: dict[Topic, list[Numbered]] = {}
        for record in stretch:
            offset = self._offsets[record.topic]
            self._offsets[record.topic] = offset + 1
            by_topic.setdefault(record.topic, []).append(Numbered(offset, record.timestamp, record.key, record.value, record.headers))
        for topic in Topic:
            if topic in by_topic:
                applied = self._stage.apply(topic, by_topic[topic])
                self.summary.accepted += applied.accepted
                self.summary.duplicates += applied.duplicates
                self.summary.rejected.update(applied.rejected)
                self.summary.unknown_fields += applied.unknown_fields

    def _remember(self, file: _File, records: int, *, done: bool) -> None:
        self._unwritten[file.key] = self._files[file.key] = FileState(file.path.name, records, done)

    def _flush(self) -> None:
        flush = self._stage.flush()
        if flush is None:
            self._checkpoints.append(self._file_records())
            self._unwritten.clear()
            return
        self._write(flush)
        self._stage.acknowledge(flush.sequence)

    def _write(self, flush: Flush) -> None:
        """Facts, then the checkpoint with the files, then cells: the order that makes every crash harmless."""
        self._insert(flush.facts)
        self._checkpoints.append([*flush.checkpoint, *self._file_records()])
        self._unwritten.clear()
        self._insert(flush.cells)

    def _insert(self, tables: Mapping[Table, pa.Table]) -> None:
        for table, rows in tables.items():
            self._sink.insert(table, rows)

    def _file_records(self) -> list[CheckpointRecord]:
        return [_file_record(key, state) for key, state in self._unwritten.items()]


def _file_record(key: bytes, state: FileState) -> CheckpointRecord:
    return CheckpointRecord(key, msgspec.json.encode(state))


def _stretches(records: Iterator[FileRecord]) -> Iterator[list[FileRecord]]:
    """The records in lists; those that stand before a line that cannot be read come before its ``EventFileError``."""
    stretch: list[FileRecord] = []
    try:
        for record in records:
            stretch.append(record)
            if len(stretch) == RECORDS_AT_ONCE:
                yield stretch
                stretch = []
    except EventFileError:
        yield stretch
        raise
    if stretch:
        yield stretch


def _identify(paths: Sequence[Path]) -> list[_File]:
    """The files by content; one that is named twice is two."""
    seen: Counter[str] = Counter()
    files = []
    for path in paths:
        content = _digest(path)
        seen[content] += 1
        files.append(_File(path, FILE_PREFIX + f"{content}/{seen[content]}".encode()))
    return files


def _digest(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
