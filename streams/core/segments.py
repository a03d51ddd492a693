"""The checkpoint as segments: each flush writes the rows that changed as one segment, and folds segments that have become small or many.

A segment is a few records of the compacted topic, each an Arrow stream of at most about a megabyte. Row by row records would cost
several microseconds of Python each, to write and to read back; segments cost tens of nanoseconds a row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from streams.core.batch import Int64s
from streams.core.ordering import distinct
from streams.core.stage import CheckpointRecord
from streams.core.state_table import StateTable

META_KEY = b"meta"
"""Of the record that says where a checkpoint stands and which segments are alive."""
FAN_IN = 8
"""So many segments of one size class are folded into one."""
CLASS_BITS = 3
"""Size classes are factors of 8 apart."""
SMALLEST_CLASS_ROWS = 1024
LARGEST_FOLDED_ROWS = 131_072
"""Segments with more live rows than this are left alone until most of their rows have newer copies."""
CHUNK_BYTES = 800_000
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class SegmentLog:
    """Which segments of one table are alive, and how many of their rows are the newest copies."""

    def __init__(self, table: StateTable, chunks: dict[int, int] | None = None) -> None:
        self.table = table
        self.chunks: dict[int, int] = dict(chunks or {})
        """Chunks of each live segment, by segment number; numbers ascend with time."""
        self._alive: dict[int, int] = {}
        self.recount()

    def recount(self) -> None:
        """Counts the newest copies anew; needed after the table has forgotten rows."""
        self._alive = dict.fromkeys(self.chunks, 0)
        self._add_to_alive(self.table.home[: self.table.count], 1)

    def write(self, number: int) -> list[CheckpointRecord]:
        """Returns the records that bring the checkpoint up to date, this flush's segment and tombstones; ``number`` is above all earlier ones."""
        rows = self.table.changed()
        self._add_to_alive(self.table.home[rows], -1)
        self.table.home[rows] = -1
        folded = fold(self._alive)
        if folded:
            rows = distinct(np.concatenate([rows, self._rows_of(folded)]))
        records: list[CheckpointRecord] = []
        if len(rows):
            self.table.saved(rows, number)
            pieces = list(encode(self.table.to_arrow(rows)))
            self.chunks[number] = len(pieces)
            self._alive[number] = len(rows)
            records += [CheckpointRecord(chunk_key(self.table.NAME, number, i), piece) for i, piece in enumerate(pieces)]
        for segment in folded:
            del self._alive[segment]
            records += tombstones(self.table.NAME, segment, self.chunks.pop(segment))
        return records

    def _add_to_alive(self, homes: Int64s, sign: int) -> None:
        for segment, rows in zip(*(a.tolist() for a in np.unique(homes, return_counts=True)), strict=True):
            if segment >= 0:
                self._alive[segment] += sign * rows

    def _rows_of(self, segments: list[int]) -> Int64s:
        wanted = np.zeros(max(self._alive) + 2, np.bool_)  # the last entry stands for home -1
        wanted[segments] = True
        return np.flatnonzero(wanted[self.table.home[: self.table.count]])


def fold(alive: dict[int, int]) -> list[int]:
    """Returns which segments to rewrite, from the live rows of each: the empty ones, and the lowest size class that is full."""
    empty = [segment for segment, rows in alive.items() if rows == 0]
    classes: dict[int, list[int]] = {}
    for segment, rows in alive.items():
        if 0 < rows <= LARGEST_FOLDED_ROWS:
            size = max(0, (rows // SMALLEST_CLASS_ROWS).bit_length() // CLASS_BITS)
            classes.setdefault(size, []).append(segment)
    full = next((classes[size] for size in sorted(classes) if len(classes[size]) >= FAN_IN), [])
    return empty + full


def chunk_key(table: str, segment: int, chunk: int) -> bytes:
    """Returns the key of a chunk in the checkpoint topic."""
    return f"{table}/{segment}/{chunk}".encode()


def tombstones(table: str, segment: int, chunks: int) -> list[CheckpointRecord]:
    """Returns the records that take a segment out of the topic."""
    return [CheckpointRecord(chunk_key(table, segment, chunk), None) for chunk in range(chunks)]


def encode(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yields the rows as Arrow streams, each at most about ``CHUNK_BYTES`` before compression unless a single row is larger."""
    rows = max(1, int(CHUNK_BYTES * batch.num_rows / max(1, batch.get_total_buffer_size())))
    for start in range(0, batch.num_rows, rows):
        piece = batch.slice(start, rows)
        if piece.nbytes > CHUNK_BYTES and piece.num_rows > 1:
            half = piece.num_rows // 2
            yield from encode(_compact(piece.slice(0, half)))
            yield from encode(_compact(piece.slice(half)))
        else:
            yield _stream(piece)


def decode(chunks: Sequence[bytes]) -> pa.Table:
    """Returns the rows of a segment's chunks."""
    return pa.concat_tables([pa.ipc.open_stream(chunk).read_all() for chunk in chunks])


def newest_values(checkpoint: Iterable[CheckpointRecord]) -> dict[bytes, bytes]:
    """Returns the values that count of records given in log order: the last of each key, without what tombstones deleted."""
    records: dict[bytes, bytes] = {}
    for key, value in checkpoint:
        if value is None:
            records.pop(key, None)
        else:
            records[key] = value
    return records


class CheckpointUnreadable(ValueError):
    """A checkpoint that is not whole, or that another release wrote; the message says which."""


def check_format(found: int, readable: int) -> None:
    """Raises ``CheckpointUnreadable`` where a checkpoint was written in another format than this release reads."""
    if found != readable:
        raise CheckpointUnreadable(f"the checkpoint has format {found}, this release reads {readable}. Run the release that wrote it")


def meta_of(records: Mapping[bytes, bytes]) -> bytes | None:
    """The record that says what the others are; None of no records. Raises ``CheckpointUnreadable`` where it alone is missing."""
    if records and META_KEY not in records:
        raise CheckpointUnreadable("the checkpoint lacks the record that says what the others are. Restore the topic as it was")
    return records.get(META_KEY)


def load(name: str, live: dict[int, int], records: dict[bytes, bytes]) -> Iterable[tuple[int, pa.Table]]:
    """Yields the live segments of a table in ascending order; raises ``CheckpointUnreadable`` naming the chunk where one is missing."""
    for segment, chunks in sorted(live.items()):
        keys = [chunk_key(name, segment, chunk) for chunk in range(chunks)]
        for key in keys:
            if key not in records:
                raise CheckpointUnreadable(f"the checkpoint lacks {key.decode()}, which it says is part of it. Restore the topic as it was")
        yield segment, decode([records[key] for key in keys])


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.take(pa.array(np.arange(batch.num_rows)))


def _stream(batch: pa.RecordBatch) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, batch.schema, options=_OPTIONS) as writer:
        writer.write_batch(batch)
    return bytes(out.getvalue())
