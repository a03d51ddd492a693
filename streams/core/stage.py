"""What a stage promises to whoever feeds it: the Faust worker, the in-process replay, the tests.

A stage holds the state of one source partition. Feeding it is deterministic: the same records in the same order give the
same flushes, wherever they are cut into batches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import pyarrow as pa

from schemas.enums import RejectReason, Stage
from schemas.rows import Table
from streams.core.batch import Int64s, SourceRecord

EPOCH_SHIFT = 40
"""A version is the owner's epoch times 2 to the power of this, plus the sequence of the flush."""


class CheckpointRecord(NamedTuple):
    """A record of the compacted checkpoint topic; ``value`` None is a tombstone."""

    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used, byte for byte, and where it came from; ``timestamp`` is in milliseconds since 1970."""

    topic: str
    """Without the prefix."""
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    stage: Stage
    reason: RejectReason
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch: every record is counted in exactly one of ``accepted``, ``duplicates``, ``replayed`` and ``rejected``."""

    accepted: int
    duplicates: int
    replayed: int
    """Records below the position of the state, which had been applied before."""
    rejected: Mapping[RejectReason, int]
    unknown_fields: int
    newest: int | None = None
    """Newest occurred_at of the topic so far, in microseconds since 1970; None where the stage knows none."""
    behind: Int64s | None = None
    """By how many microseconds each valid event was older than the newest before it; 0 where it was the newest itself."""


class SignalRecord(NamedTuple):
    """A record of the signals topic; ``unit_id`` is its key, and decides its partition. Where it is None the record goes to every partition."""

    unit_id: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything that one flush of a partition writes, in the order in which it must be written.

    ``facts`` (dead letters included) go to the sink first; then ``checkpoint``, ``dead_letters``, ``signals`` and ``offsets`` in one
    transaction; then ``cells`` to the sink. Once the cells are acknowledged, call ``acknowledge(sequence)``.
    """

    partition: int
    sequence: int
    facts: Mapping[Table, pa.Table]
    checkpoint: Sequence[CheckpointRecord]
    dead_letters: Sequence[DeadLetter]
    offsets: Mapping[str, int]
    """Next offset to read, per input topic that was ever read."""
    cells: Mapping[Table, pa.Table]
    records: int
    """Input records that this flush covers."""
    signals: Sequence[SignalRecord] = ()
    """What the next stage is told."""


class PartitionStage(Protocol):
    """The state of one source partition."""

    def apply(self, topic: str, records: Sequence[SourceRecord]) -> Applied:
        """Apply records of one topic in offset order; those below ``position(topic)`` are skipped."""

    def position(self, topic: str) -> int:
        """Next offset to read; 0 where nothing was read."""

    def pending(self) -> int:
        """Input records applied since the last flush."""

    def rest(self, topics: Iterable[str]) -> None:
        """Of these topics, and of no others, there is nothing more to read for now; the next stage hears of it with the next flush.

        It is worth what had been read of the others when the same was said before, so it is to be said again as long as it holds: not before what
        was said is flushed, and so long after it that whatever belongs to that time has come.
        """

    def flush(self) -> Flush | None:
        """All that changed since the last flush, or None.

        The state may go on while the flush is being written; flushes are written one after another.

        The first flush after a restore is never None: it holds the raised epoch, and in ``cells`` all cells above the last acknowledged sequence.
        """

    def acknowledge(self, sequence: int) -> None:
        """The cells of this flush are in the sink; kept with the next flush."""


class StageFactory(Protocol):
    """Makes the state of a partition from its checkpoint."""

    def restore(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> PartitionStage:
        """The state that the records, in log order, describe, under a new owner: its epoch is one above the stored one.

        No records: an empty state.
        """
