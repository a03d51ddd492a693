"""Both stages in one process: what a worker finds, whatever is lost between two flushes."""

import random

import pytest

from schemas.enums import Topic
from schemas.rows import TABLES, Table
from streams.core.accounts import AccountsStages
from streams.core.batch import Numbered
from streams.core.chained import ChainedStages
from streams.core.stage import CheckpointRecord, Flush
from streams.stages import signalling_of, units_stages
from tests.streams.core.units.company import company, run
from tests.streams.core.units.fleet import Fleet, Row


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """The same through stages of a worker with one partition."""
    return run(1, None)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_tables_are_those_of_a_worker(fleet: Fleet, seed: int | None) -> None:
    """With a seed, the process dies now and then: before a flush is in the checkpoint, or after it and before its cells are in the sink."""
    chance = random.Random(seed)
    _, catalog, arrived = company()
    arrivals = sorted(arrived, key=lambda arrival: arrival.arrived_at)
    stages = ChainedStages(AccountsStages(catalog, signalling=signalling_of(catalog)), units_stages(catalog, 1))
    records: dict[Topic, list[Numbered]] = {topic: [] for topic in Topic}
    for arrival in arrivals:
        records[arrival.topic].append(Numbered(len(records[arrival.topic]), arrival.arrived_at, arrival.key, arrival.value, arrival.headers))
    topics = {topic: [number for number, arrival in enumerate(arrivals) if arrival.topic is topic] for topic in Topic}
    checkpoint: dict[bytes, CheckpointRecord] = {}
    sink: dict[Table, dict[tuple[object, ...], Row]] = {}
    stage, restarts, reached = stages.restore(0, ()), 0, 0
    _write(stage.flush(), checkpoint, sink)
    while reached < len(arrivals):
        reached = min(len(arrivals), reached + 4_000)
        for topic, numbers in topics.items():
            stage.apply(topic, records[topic][stage.position(topic) : sum(number < reached for number in numbers)])
        if reached == len(arrivals):
            stage.rest(Topic)
        died = chance.choice(["", "", "before", "between"]) if seed is not None and reached < len(arrivals) else ""
        if died != "before":
            flush = stage.flush()
            _write(flush, checkpoint, sink, cells=died != "between")
            if flush is not None and not died:
                stage.acknowledge(flush.sequence)
        if died:
            restarts += 1
            stage = stages.restore(0, checkpoint.values())
            _write(stage.flush(), checkpoint, sink)

    assert (restarts > 2) == (seed is not None)
    for table in (Table.FINDINGS, Table.SIGNS, Table.UNITS):
        assert _known(sink[table], table) == _known(fleet.sink[table], table)


def _write(
    flush: Flush | None, checkpoint: dict[bytes, CheckpointRecord], sink: dict[Table, dict[tuple[object, ...], Row]], *, cells: bool = True
) -> None:
    assert flush is not None
    for record in flush.checkpoint:
        checkpoint.pop(record.key, None)
        checkpoint[record.key] = record
    for table, rows in flush.cells.items() if cells else ():
        for row in rows.to_pylist():
            sink.setdefault(table, {})[tuple(row[name] for name in TABLES[table].key)] = row


def _known(rows: dict[tuple[object, ...], Row], table: Table) -> dict[tuple[object, ...], Row]:
    """What does not depend on when it was judged; what came and went may or may not have been written."""
    standing = {Table.FINDINGS: "standing", Table.SIGNS: "signs"}.get(table)
    return {
        key: {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in row.items() if name not in ("version", "judged")}
        for key, row in rows.items()
        if standing is None or row[standing]
    }
