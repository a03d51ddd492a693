"""The stages of one partition chained as if they were one, for whoever reads events without Kafka between them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from schemas.topics import SIGNALS
from streams.core.batch import Numbered, SourceRecord
from streams.core.stage import Applied, CheckpointRecord, Flush, PartitionStage, StageFactory

_UNITS = b"stage.units/"
"""Before the keys of the units stage in the checkpoint that both share."""


class ChainedStages:
    """Makes an accounts stage and the units stage that it tells; there must be no other partition."""

    def __init__(self, accounts: StageFactory, units: StageFactory) -> None:
        self._accounts = accounts
        self._units = units

    def restore(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> "ChainedStage":
        """Returns the stages that the records describe; see ``StageFactory``."""
        records = list(checkpoint)
        of_units = [CheckpointRecord(key.removeprefix(_UNITS), value) for key, value in records if key.startswith(_UNITS)]
        of_accounts = [record for record in records if not record.key.startswith(_UNITS)]
        return ChainedStage(self._accounts.restore(partition, of_accounts), self._units.restore(partition, of_units))


class ChainedStage:
    """See ``streams.core.stage.PartitionStage``. What a flush of the accounts stage tells is judged in the same flush."""

    def __init__(self, accounts: PartitionStage, units: PartitionStage) -> None:
        self._accounts = accounts
        self._units = units
        self._flushed: dict[int, int] = {}
        """Sequences of the units stage by those of the accounts stage, of flushes that are not acknowledged."""

    def position(self, topic: str) -> int:
        """Next offset to read; 0 where nothing was read."""
        return self._accounts.position(topic)

    def pending(self) -> int:
        """Input records applied since the last flush."""
        return self._accounts.pending()

    def apply(self, topic: str, records: Sequence[SourceRecord]) -> Applied:
        """Apply records of one topic in offset order; those below ``position(topic)`` are skipped."""
        return self._accounts.apply(topic, records)

    def rest(self, topics: Iterable[str]) -> None:
        """Of these topics there is nothing more to read for now: whatever can be judged is judged with the next flush."""
        # Nobody else reads on between two claims.
        resting = list(topics)
        self._accounts.rest(resting)
        self._accounts.rest(resting)

    def flush(self) -> Flush | None:
        """All that changed since the last flush, or None; see ``PartitionStage``."""
        flush = self._accounts.flush()
        if flush is None:
            return None
        first = self._units.position(SIGNALS.name)
        signals = [Numbered(first + place, 0, signal.unit_id, signal.value) for place, signal in enumerate(flush.signals)]
        self._units.apply(SIGNALS.name, signals)
        judged = self._units.flush()
        if judged is None:
            return flush
        self._flushed[flush.sequence] = judged.sequence
        checkpoint = [*flush.checkpoint, *(CheckpointRecord(_UNITS + key, value) for key, value in judged.checkpoint)]
        return replace(flush, checkpoint=checkpoint, cells={**flush.cells, **judged.cells}, signals=())

    def acknowledge(self, sequence: int) -> None:
        """The cells of this flush are in the sink; kept with the next flush."""
        self._accounts.acknowledge(sequence)
        if sequence in self._flushed:
            self._units.acknowledge(self._flushed[sequence])
        self._flushed = {flushed: of_units for flushed, of_units in self._flushed.items() if flushed > sequence}
