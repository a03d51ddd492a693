"""Accounts stages and units stages of several partitions, the signals between them, and a sink, in memory."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.rows import TABLES, Table
from schemas.topics import SIGNALS
from streams.core.accounts.stage import AccountsStage, AccountsStages
from streams.core.batch import Numbered
from streams.core.stage import CheckpointRecord, Flush
from streams.core.units.stage import UnitsStage
from streams.stages import signalling_of, units_stages
from tests.chaos.wire import partition_of

Row = dict[str, Any]


@dataclass
class Fleet:
    """Accounts stages and units stages with the signals between them, and the sink as a reader who keeps every row would see it."""

    catalog: Catalog
    partitions: int
    signals: list[list[Numbered]] = field(default_factory=list)
    accounts: list[AccountsStage] = field(default_factory=list)
    units: list[UnitsStage] = field(default_factory=list)
    checkpoints: list[dict[bytes, CheckpointRecord]] = field(default_factory=list)
    sink: dict[Table, dict[tuple[object, ...], Row]] = field(default_factory=lambda: defaultdict(dict))
    """Newest rows, by table and key."""
    unprojected: list[list[Flush]] = field(default_factory=list)
    """Flushes of units stages that are committed and not yet in the sink."""

    def __post_init__(self) -> None:
        """Begin with nothing."""
        stages = AccountsStages(self.catalog, signalling=signalling_of(self.catalog))
        self._units_stages = units_stages(self.catalog, self.partitions)
        self.accounts = [stages.restore(partition, ()) for partition in range(self.partitions)]
        self.units = [self._units_stages.restore(partition, ()) for partition in range(self.partitions)]
        self.signals = [[] for _ in range(self.partitions)]
        self.checkpoints = [{} for _ in range(self.partitions)]
        self.unprojected = [[] for _ in range(self.partitions)]

    def feed(self, partition: int, records: Iterable[tuple[Topic, Numbered]]) -> None:
        """An accounts stage reads on, topic by topic."""
        by_topic: dict[Topic, list[Numbered]] = {}
        for topic, record in records:
            by_topic.setdefault(topic, []).append(record)
        for topic, batch in by_topic.items():
            self.accounts[partition].apply(topic, batch)

    def tell(self, partition: int) -> None:
        """What a flush of an accounts stage tells goes into the signals."""
        flush = self.accounts[partition].flush()
        for unit_id, value in flush.signals if flush is not None else ():
            for receiver in range(self.partitions) if unit_id is None else [partition_of(unit_id, self.partitions)]:
                topic = self.signals[receiver]
                topic.append(Numbered(len(topic), 0, unit_id, value))

    def hear(self, partition: int, upto: int | None = None, *, project: bool = True) -> None:
        """A units stage reads on and flushes; ``project``: the sink gets it."""
        stage, topic = self.units[partition], self.checkpoints[partition]
        stage.apply(SIGNALS.name, self.signals[partition][stage.position(SIGNALS.name) : upto])
        flush = stage.flush()
        if flush is not None:
            for record in flush.checkpoint:
                topic.pop(record.key, None)
                topic[record.key] = record
            self.unprojected[partition].append(flush)
        if project:
            self._project(partition)

    def _project(self, partition: int) -> None:
        for flush in self.unprojected[partition]:
            for table, rows in flush.cells.items():
                for row in rows.to_pylist():
                    key = tuple(row[name] for name in TABLES[table].key)
                    if row["version"] >= self.sink[table].get(key, row)["version"]:
                        self.sink[table][key] = row
            self.units[partition].acknowledge(flush.sequence)
        self.unprojected[partition].clear()

    def crash(self, partition: int) -> None:
        """A units stage is lost, with whatever the sink has not got, and restored from its checkpoint."""
        self.unprojected[partition].clear()
        self.units[partition] = self._units_stages.restore(partition, self.checkpoints[partition].values())
        self.hear(partition, 0)

    def rest(self, partition: int, topics: Sequence[Topic] = tuple(Topic)) -> None:
        """Of these topics an accounts stage has nothing more to read: said twice, so that nothing that was read in between counts."""
        for _ in range(2):
            self.accounts[partition].rest(topics)

    def end(self) -> None:
        """Everything has been read, and nothing more comes: each says so until it has done so twice since the last of them came so far."""
        for _ in range(3):
            for partition in range(self.partitions):
                self.rest(partition)
                self.tell(partition)
        for partition in range(self.partitions):
            self.hear(partition)

    def findings(self) -> dict[tuple[object, ...], Row]:
        """The findings that stand, as the sink has them."""
        return {key: _known(row) for key, row in self.sink[Table.FINDINGS].items() if row["standing"]}

    def flags(self) -> dict[tuple[object, ...], Row]:
        """The answers that carry signs or are flagged, as the sink has them."""
        return {key: _known(row) for key, row in self.sink[Table.SIGNS].items() if row["signs"] or row["flags"]}

    def verdicts(self) -> dict[tuple[object, ...], Row]:
        """What the sink has of each unit."""
        return {key: _known(row) for key, row in self.sink[Table.UNITS].items()}


def _known(row: Row) -> Row:
    """Without what tells how it was read; numbers to nine digits."""
    kept = {name: value for name, value in row.items() if name not in ("partition", "version", "judged")}
    return {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in kept.items()}
