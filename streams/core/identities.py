"""Identities that were seen, kept as hashes with the week of their event time; whole weeks are forgotten."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from streams.core.batch import Bools, Int64s
from streams.core.hash_index import HashIndex
from streams.core.hashing import UInt64s
from streams.core.segments import FAN_IN, chunk_key, encode, tombstones
from streams.core.stage import CheckpointRecord

WEEK = 7 * 86_400_000_000
"""Microseconds."""
_FIRST_WEEK = -3_660
"""Weeks are counted from here, before 1900, so that they are never negative."""
FINAL_ROWS = 65_536
"""A segment of so many hashes is never folded again, and its hashes are kept in the index only."""


class Segment:
    """Hashes that one checkpoint segment holds; ``hashes`` is empty once the segment is final."""

    def __init__(self, hashes: UInt64s, weeks: Int64s, chunks: int) -> None:
        self.hashes = hashes
        self.weeks = weeks
        self.count = len(hashes)
        self.newest_week = int(weeks.max())
        self.chunks = chunks
        if self.count >= FINAL_ROWS:
            self.hashes, self.weeks = hashes[:0], weeks[:0]


class Identities:
    """What was seen within the horizon: 20 to 40 bytes an identity in memory, 8 to 10 in the checkpoint."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._index = HashIndex(dtype=np.int16)
        self._oldest_week = 0
        self._added: list[tuple[UInt64s, Int64s]] = []
        self.segments: dict[int, Segment] = {}

    def __len__(self) -> int:
        return len(self._index)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the index occupies."""
        return self._index.nbytes

    def seen(self, hashes: UInt64s) -> Bools:
        """Returns whether each identity was claimed before and is not forgotten."""
        return self._index.find(hashes) >= self._oldest_week

    def claim(self, hashes: UInt64s, occurred_at: Int64s) -> None:
        """Remembers identities with their time, in microseconds since 1970; they may repeat and may be known."""
        self._remember(hashes, week_of(occurred_at))

    def forget(self, before: int) -> None:
        """Forgets the weeks that ended before this instant, in microseconds since 1970."""
        self._oldest_week = max(self._oldest_week, before // WEEK - _FIRST_WEEK)

    def write(self, number: int) -> list[CheckpointRecord]:
        """Returns the records that bring the checkpoint up to date; ``number`` is above all earlier ones."""
        pieces = self._added
        self._added = []
        records: list[CheckpointRecord] = []
        for segment in self._to_fold():
            folded = self.segments.pop(segment)
            records += tombstones(self.name, segment, folded.chunks)
            pieces.append((folded.hashes, folded.weeks))
        if not pieces:
            return records
        hashes, weeks = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
        alive = weeks >= self._oldest_week
        hashes, weeks = hashes[alive], weeks[alive]
        if len(hashes):
            chunks = list(encode(pa.RecordBatch.from_pydict({"hash": pa.array(hashes), "week": pa.array(weeks.astype(np.int16))})))
            records += [CheckpointRecord(chunk_key(self.name, number, i), chunk) for i, chunk in enumerate(chunks)]
            self.segments[number] = Segment(hashes, weeks, len(chunks))
        return records

    @classmethod
    def restore(cls, name: str, segments: Iterable[tuple[int, pa.Table]], chunks: Mapping[int, int], forgotten_before: int) -> "Identities":
        """Returns the identities that these segments hold, without the weeks that had been forgotten."""
        identities = cls(name)
        identities.forget(forgotten_before)
        for number, table in segments:
            hashes: UInt64s = table["hash"].to_numpy()
            weeks = table["week"].to_numpy().astype(np.int64)
            identities.segments[number] = Segment(hashes, weeks, chunks[number])
            identities._remember(hashes, weeks)
        identities._added.clear()
        return identities

    def _remember(self, hashes: UInt64s, weeks: Int64s) -> None:
        hashes, first = np.unique(hashes, return_index=True)
        held = self._index.find(hashes)
        fresh = held < self._oldest_week
        # What is older than all that is remembered need not be looked for again.
        fresh &= weeks[first] >= self._oldest_week
        if self._index.is_full(len(hashes)) or (held[fresh] >= 0).any():
            self._index.drop_below(self._oldest_week)
        if fresh.any():
            hashes, weeks = hashes[fresh], weeks[first[fresh]]
            self._index.insert(hashes, weeks)
            self._added.append((hashes, weeks))

    def _to_fold(self) -> list[int]:
        """Returns the segments whose weeks are all forgotten, and the lowest size class that is full."""
        gone = [number for number, segment in self.segments.items() if segment.newest_week < self._oldest_week]
        classes: dict[int, list[int]] = {}
        for number, segment in self.segments.items():
            if segment.count < FINAL_ROWS and segment.newest_week >= self._oldest_week:
                classes.setdefault(segment.count.bit_length() // 3, []).append(number)
        return gone + next((classes[size] for size in sorted(classes) if len(classes[size]) >= FAN_IN), [])


def week_of(occurred_at: Int64s) -> Int64s:
    """Returns the week of each instant, counted from before 1900."""
    return occurred_at // WEEK - _FIRST_WEEK
