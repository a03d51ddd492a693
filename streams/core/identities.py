"""Identities that were seen, kept as hashes with their event time; those that are past the horizon are forgotten."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from streams.core.batch import Bools, Int64s
from streams.core.hash_index import HashIndex, copies
from streams.core.hashing import UInt64s
from streams.core.ordering import grouped
from streams.core.segments import FAN_IN, chunk_key, encode, tombstones
from streams.core.stage import CheckpointRecord

TICK = 6_000_000
"""Microseconds; times are cut to it, so that a horizon ends up to so much later than on the instant."""
_EARLIEST = -2_300_000_000_000_000
"""Ticks are counted from here, before 1900, so that they are never negative and fit 32 bits until after 2299."""
_UNKNOWN = -1
FINAL_ROWS = 65_536
"""A segment of so many hashes is never folded again, and its hashes are kept in the index only."""


class Segment:
    """Hashes that one checkpoint segment holds; ``hashes`` is empty once the segment is final."""

    def __init__(self, hashes: UInt64s, ticks: Int64s, chunks: int) -> None:
        self.hashes = hashes
        self.ticks = ticks
        self.count = len(hashes)
        self.newest_tick = int(ticks.max())
        self.chunks = chunks
        if self.count >= FINAL_ROWS:
            self.hashes, self.ticks = hashes[:0], ticks[:0]


class Identities:
    """What was seen within the horizon: 24 to 48 bytes an identity in memory, 10 to 12 in the checkpoint."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._index = HashIndex(dtype=np.int32)
        self._oldest_tick = 0
        self._added: list[tuple[UInt64s, Int64s]] = []
        self.segments: dict[int, Segment] = {}

    def __len__(self) -> int:
        return len(self._index)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the index occupies."""
        return self._index.nbytes

    def held(self, hashes: UInt64s) -> Bools:
        """Returns whether each identity was claimed before, however long ago, and is not forgotten."""
        found: Bools = self._index.find(hashes) != _UNKNOWN
        return found

    def copies(self, hashes: UInt64s, occurred_at: Int64s, since: Int64s) -> Bools:
        """Returns which are copies of one that was claimed, or of one before in the arrays, whose time is at or after ``since``.

        Times in microseconds since 1970, one entry each; ``since`` must not be before what was forgotten.
        """
        return copies(hashes, tick_of(occurred_at), self._index.find(hashes), tick_of(since))

    def claim(self, hashes: UInt64s, occurred_at: Int64s) -> None:
        """Remembers identities with their time; of several times of one the latest counts."""
        self._remember(hashes, tick_of(occurred_at))

    def forget(self, before: int) -> None:
        """Nobody asks any more for what was before this instant, in microseconds since 1970."""
        self._oldest_tick = max(self._oldest_tick, int(tick_of(np.array([before]))[0]))

    def write(self, number: int) -> list[CheckpointRecord]:
        """Returns the records that bring the checkpoint up to date; ``number`` is above all earlier ones."""
        pieces = self._added
        self._added = []
        records: list[CheckpointRecord] = []
        for segment in self._to_fold():
            folded = self.segments.pop(segment)
            records += tombstones(self.name, segment, folded.chunks)
            pieces.append((folded.hashes, folded.ticks))
        if not pieces:
            return records
        hashes, ticks = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
        alive = ticks >= self._oldest_tick
        hashes, ticks = hashes[alive], ticks[alive]
        if len(hashes):
            chunks = list(encode(pa.RecordBatch.from_pydict({"hash": pa.array(hashes), "tick": pa.array(ticks.astype(np.int32))})))
            records += [CheckpointRecord(chunk_key(self.name, number, i), chunk) for i, chunk in enumerate(chunks)]
            self.segments[number] = Segment(hashes, ticks, len(chunks))
        return records

    @classmethod
    def restore(cls, name: str, segments: Iterable[tuple[int, pa.Table]], chunks: Mapping[int, int], forgotten_before: int) -> "Identities":
        """Returns the identities that these segments hold, without those that had been forgotten."""
        identities = cls(name)
        identities.forget(forgotten_before)
        for number, table in segments:
            hashes: UInt64s = table["hash"].to_numpy()
            ticks = table["tick"].to_numpy().astype(np.int64)
            identities.segments[number] = Segment(hashes, ticks, chunks[number])
            identities._remember(hashes, ticks)
        identities._added.clear()
        return identities

    def _remember(self, hashes: UInt64s, ticks: Int64s) -> None:
        hashes, ticks = _newest(hashes, ticks)
        # What is older than all that is asked for need not be remembered.
        wanted = ticks >= self._oldest_tick
        hashes, ticks = hashes[wanted], ticks[wanted]
        if self._index.is_full(len(hashes)):
            self._index.drop_below(self._oldest_tick)
        held = self._index.find(hashes)
        later = (held != _UNKNOWN) & (ticks > held)
        self._index.replace(hashes[later], ticks[later])
        new = held == _UNKNOWN
        self._index.insert(hashes[new], ticks[new])
        changed = later | new
        if changed.any():
            self._added.append((hashes[changed], ticks[changed]))

    def _to_fold(self) -> list[int]:
        """Returns the segments that are all forgotten, and the lowest size class that is full."""
        gone = [number for number, segment in self.segments.items() if segment.newest_tick < self._oldest_tick]
        classes: dict[int, list[int]] = {}
        for number, segment in self.segments.items():
            if segment.count < FINAL_ROWS and segment.newest_tick >= self._oldest_tick:
                classes.setdefault(segment.count.bit_length() // 3, []).append(number)
        return gone + next((classes[size] for size in sorted(classes) if len(classes[size]) >= FAN_IN), [])


def tick_of(instants: Int64s) -> Int64s:
    """Returns the tick of each instant; 0 for one before all that can be stored."""
    ticks: Int64s = np.maximum(instants, _EARLIEST) // TICK - _EARLIEST // TICK
    return ticks


def _newest(hashes: UInt64s, ticks: Int64s) -> tuple[UInt64s, Int64s]:
    """Returns each hash once, ascending, and the newest of its ticks."""
    order, starts = grouped(hashes)
    hashes, ticks = hashes[order], ticks[order]
    return (hashes, ticks) if len(starts) == len(order) else (hashes[starts], np.maximum.reduceat(ticks, starts))
