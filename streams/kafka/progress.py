"""What a worker has done so far, and how far behind it is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from schemas.enums import RejectReason
from streams.core.stage import Applied


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a worker; counts are since its start. Holds numbers and ids, never customer text."""

    partitions: tuple[int, ...]
    """Source partitions that it owns."""
    applied: int
    """Records that went through the stage; the sum of the next four."""
    accepted: int
    duplicates: int
    replayed: int
    rejected: int
    rejected_by_reason: Mapping[str, int]
    unknown_fields: int
    flushes: int
    """Flushes that are committed, counted per partition."""
    committed: int
    """Records that these flushes cover."""
    waiting: int
    """Records that were read and not yet applied."""
    lag: int
    """Records of the owned partitions at the broker that are not applied yet, as of the last fetches."""
    lost_ownerships: int
    """How often a partition's state was thrown away and read again."""
    paused: tuple[str, ...]
    """Topic and partition of what stands still because most of a stretch was refused."""
    sink_away: bool

    def fields(self) -> dict[str, object]:
        """For a log line; empty collections are left out."""
        return {name: value for name, value in asdict(self).items() if value not in ((), {})}


@dataclass(slots=True)
class Counts:
    """The counters behind ``Progress``."""

    accepted: int = 0
    duplicates: int = 0
    replayed: int = 0
    unknown_fields: int = 0
    flushes: int = 0
    committed: int = 0
    lost_ownerships: int = 0
    rejected: Counter[RejectReason] = field(default_factory=Counter)

    def add(self, applied: Applied) -> None:
        """Count what became of a batch."""
        self.accepted += applied.accepted
        self.duplicates += applied.duplicates
        self.replayed += applied.replayed
        self.unknown_fields += applied.unknown_fields
        self.rejected.update(applied.rejected)

    def progress(self, *, partitions: tuple[int, ...], waiting: int, lag: int, paused: tuple[str, ...], sink_away: bool) -> Progress:
        """The counts with what only the worker knows."""
        rejected = sum(self.rejected.values())
        return Progress(
            partitions=partitions,
            applied=self.accepted + self.duplicates + self.replayed + rejected,
            accepted=self.accepted,
            duplicates=self.duplicates,
            replayed=self.replayed,
            rejected=rejected,
            rejected_by_reason={reason.value: count for reason, count in sorted(self.rejected.items())},
            unknown_fields=self.unknown_fields,
            flushes=self.flushes,
            committed=self.committed,
            waiting=waiting,
            lag=lag,
            lost_ownerships=self.lost_ownerships,
            paused=paused,
            sink_away=sink_away,
        )
