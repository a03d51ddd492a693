"""Replaying files: the tables are those of the stream, however often it is interrupted, repeated or split."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from yaml import safe_load

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from schemas.rows import TABLES, Table
from sinks.base import Sink
from sinks.checkpoints import ClickHouseCheckpoints, ForeignData
from sinks.clickhouse import ClickHouse, connect
from sinks.memory import MemorySink
from streams.commands import cli
from streams.core.accounts import AccountsStages
from streams.core.chained import ChainedStages
from streams.core.stage import CheckpointRecord
from streams.errors import EventFileError
from streams.files import FileRecord, write_events
from streams.replay import Checkpoints, Interrupted, MemoryCheckpoints, Replay, Summary
from streams.simulate import Plan, Simulation, simulate
from streams.stages import signalling_of, units_stages

FLUSH = 400
_UNSTABLE = {"version", "generation", "source_offset", "offset"}
"""Columns that say when something was written, not what."""


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(Plan(events=2_400, accounts=150, units=10, months=1))


@pytest.fixture(scope="module")
def records(simulation: Simulation) -> list[FileRecord]:
    return list(simulation.records())


@pytest.fixture(scope="module")
def catalog(simulation: Simulation) -> Catalog:
    return Catalog.model_validate(safe_load(simulation.catalog()))


@pytest.fixture
def files(tmp_path: Path, records: list[FileRecord]) -> list[Path]:
    """Two files that together hold the stream; neither ends at a flush."""
    paths = [tmp_path / "first.ndjson", tmp_path / "second.ndjson.zst"]
    write_events(paths[0], records[:1_300])
    write_events(paths[1], records[1_300:])
    return paths


@pytest.fixture(scope="module")
def wanted(catalog: Catalog, records: list[FileRecord], tmp_path_factory: pytest.TempPathFactory) -> dict[Table, list[tuple[Any, ...]]]:
    """The tables of a replay in one go."""
    path = tmp_path_factory.mktemp("whole") / "all.ndjson"
    write_events(path, records)
    sink = MemorySink()
    Replay(AccountsStages(catalog), sink, MemoryCheckpoints()).run([path])
    return _tables(sink)


def _tables(sink: MemorySink) -> dict[Table, list[tuple[Any, ...]]]:
    return {table: _content(sink.rows(table), table) for table in Table}


def _content(rows: pa.Table, table: Table) -> list[tuple[Any, ...]]:
    names = [column.name for column in TABLES[table].columns if column.name not in _UNSTABLE]
    found = [tuple(str(row[name]) for name in names) for row in rows.to_pylist(maps_as_pydicts="lossy")]
    # A cell from which everything was taken out counts as none.
    return sorted(row for row in found if table is not Table.LOYALTY or row[names.index("n")] != "0")


class Crash(Exception):
    """The process ends here."""


class Breaking:
    """A sink and checkpoints that end the process at a given write, before or after it is stored."""

    def __init__(self, sink: Sink, checkpoints: Checkpoints, at: int, *, stored: bool) -> None:
        self._sink = sink
        self._checkpoints = checkpoints
        self._left = at
        self._stored = stored

    def insert(self, table: Table, rows: pa.Table) -> None:
        self._step(lambda: self._sink.insert(table, rows))

    def append(self, records: Sequence[CheckpointRecord]) -> None:
        self._step(lambda: self._checkpoints.append(records))

    def load(self) -> list[CheckpointRecord]:
        return self._checkpoints.load()

    def close(self) -> None:
        self._sink.close()

    def _step(self, write: Callable[[], None]) -> None:
        self._left -= 1
        if self._left > 0:
            write()
            return
        if self._stored:
            write()
        raise Crash


def test_what_becomes_of_the_records_is_what_was_simulated(catalog: Catalog, simulation: Simulation, files: list[Path]) -> None:
    told: list[int] = []

    summary = Replay(AccountsStages(catalog), MemorySink(), MemoryCheckpoints()).run(files, lambda so_far: told.append(so_far.records))

    assert summary.records == len(simulation) == told[-1]
    assert dict(summary.rejected) == dict(simulation.bad)
    assert summary.duplicates > 0
    assert told == sorted(told)


def test_files_add_up_also_over_several_replays(catalog: Catalog, files: list[Path], wanted: dict[Table, Any]) -> None:
    sink, checkpoints = MemorySink(), MemoryCheckpoints()

    for file in files:
        Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([file])

    assert _tables(sink) == wanted


def test_what_was_replayed_is_not_replayed_again(catalog: Catalog, files: list[Path], wanted: dict[Table, Any]) -> None:
    sink, checkpoints = MemorySink(), MemoryCheckpoints()
    first = Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run(files)
    moved = files[0].rename(files[0].with_name("elsewhere.ndjson"))

    again = Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([moved, files[1]])

    assert _tables(sink) == wanted
    assert again == Summary(skipped=first.records)


def test_units_are_judged_to_the_end_also_where_there_is_nothing_more_to_read(catalog: Catalog, files: list[Path]) -> None:
    """The last replay may have died before it said that there is no more."""
    sink, checkpoints = MemorySink(), MemoryCheckpoints()
    stages = ChainedStages(AccountsStages(catalog, signalling=signalling_of(catalog)), units_stages(catalog, 1))
    for _ in range(2):
        Replay(stages, sink, checkpoints, FLUSH).run(files)
        (progress,) = sink.rows(Table.JUDGED).to_pylist()
        assert progress["up_to_date"]


def test_a_file_that_is_named_twice_is_fed_twice(catalog: Catalog, files: list[Path], wanted: dict[Table, Any], simulation: Simulation) -> None:
    sink = MemorySink()

    summary = Replay(AccountsStages(catalog), sink, MemoryCheckpoints(), FLUSH).run([*files, *files])

    found = _tables(sink)
    bad = simulation.bad.total()
    assert (summary.records, summary.rejected.total()) == (2 * len(simulation), 2 * bad)
    assert {table: rows for table, rows in found.items() if table is not Table.DEAD_LETTERS} == {
        table: rows for table, rows in wanted.items() if table is not Table.DEAD_LETTERS
    }
    assert len(found[Table.DEAD_LETTERS]) == 2 * bad


def test_a_crash_at_any_write_loses_nothing_and_counts_nothing_twice(
    catalog: Catalog, files: list[Path], wanted: dict[Table, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.replay.RECORDS_AT_ONCE", 300)
    crashes = 0
    for at in range(1, 200):
        sink, checkpoints = MemorySink(), MemoryCheckpoints()
        # After one write is before the next: every moment is met.
        breaking = Breaking(sink, checkpoints, at, stored=False)
        try:
            Replay(AccountsStages(catalog), breaking, breaking, 2 * FLUSH).run(files)
        except Crash:
            crashes += 1
        else:
            break
        Replay(AccountsStages(catalog), sink, checkpoints, 2 * FLUSH).run(files)
        assert _tables(sink) == wanted, f"write {at}"
    assert crashes > 20


def test_a_replay_that_crashes_again_and_again_gets_there(
    catalog: Catalog, files: list[Path], wanted: dict[Table, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.replay.RECORDS_AT_ONCE", 300)
    sink, checkpoints = MemorySink(), MemoryCheckpoints()
    for attempt in range(100):
        breaking = Breaking(sink, checkpoints, 15 + attempt % 7, stored=attempt % 2 == 0)
        try:
            Replay(AccountsStages(catalog), breaking, breaking, FLUSH).run(files)
        except Crash:
            continue
        break

    assert attempt > 3
    assert _tables(sink) == wanted


def test_an_interrupted_file_goes_first_and_cannot_be_forgotten_by_accident(
    catalog: Catalog, files: list[Path], wanted: dict[Table, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.replay.RECORDS_AT_ONCE", 300)
    sink, checkpoints = MemorySink(), MemoryCheckpoints()
    breaking = Breaking(sink, checkpoints, 12, stored=False)
    with pytest.raises(Crash):
        Replay(AccountsStages(catalog), breaking, breaking, FLUSH).run([files[0]])

    with pytest.raises(Interrupted, match=r"replay of first\.ndjson was interrupted"):
        Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[1]])
    Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[1], files[0]])

    assert _tables(sink) == wanted


def test_an_interrupted_file_can_be_abandoned(catalog: Catalog, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.replay.RECORDS_AT_ONCE", 300)
    sink, checkpoints = MemorySink(), MemoryCheckpoints()
    breaking = Breaking(sink, checkpoints, 12, stored=False)
    with pytest.raises(Crash):
        Replay(AccountsStages(catalog), breaking, breaking, FLUSH).run([files[0]])

    Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[1]], abandon=True)
    summary = Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[1]])

    assert summary.skipped == summary.records > 0


def test_what_stands_before_a_broken_line_is_kept(catalog: Catalog, files: list[Path]) -> None:
    sink, checkpoints = MemorySink(), MemoryCheckpoints()
    whole = files[0].read_bytes()
    files[0].write_bytes(whole + b"no record\n")

    with pytest.raises(EventFileError, match=r"first\.ndjson, line 1301"):
        Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[0]])

    found = _tables(sink)
    whole_sink = MemorySink()
    # Replayed again it is read on to the same line; neither it nor others are held up.
    with pytest.raises(EventFileError, match=r"first\.ndjson, line 1301"):
        Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[0]])
    files[0].write_bytes(whole)
    mended = Replay(AccountsStages(catalog), sink, checkpoints, FLUSH).run([files[0]])
    assert (mended.accepted, mended.skipped) == (0, 0)
    assert mended.duplicates + mended.rejected.total() == mended.records
    Replay(AccountsStages(catalog), whole_sink, MemoryCheckpoints()).run([files[0]])
    assert found == _tables(whole_sink)


@pytest.fixture
def clickhouse(migrated_url: str) -> Iterator[ClickHouse]:
    connected = connect(migrated_url)
    yield connected
    connected.close()


def test_clickhouse_keeps_the_same_checkpoint_as_memory(
    catalog: Catalog, files: list[Path], wanted: dict[Table, Any], clickhouse: ClickHouse
) -> None:
    for file in files:
        Replay(AccountsStages(catalog), clickhouse, ClickHouseCheckpoints(clickhouse), FLUSH).run([file])

    for table in (Table.LOYALTY, Table.ACCOUNTS, Table.TRANSACTIONS, Table.RESPONSES, Table.CASES):
        names = ", ".join(f"`{column.name}`" for column in TABLES[table].columns)
        found = clickhouse.query(f"SELECT {names} FROM {table} FINAL")
        typed = pa.table([found.column(field.name).cast(field.type) for field in TABLES[table].arrow_schema], schema=TABLES[table].arrow_schema)
        assert _content(typed, table) == wanted[table]


def test_clickhouse_checkpoints_give_back_the_newest_of_each_key_in_order(clickhouse: ClickHouse) -> None:
    checkpoints, memory = ClickHouseCheckpoints(clickhouse), MemoryCheckpoints()
    assert checkpoints.load() == []
    writes = [
        [CheckpointRecord(b"b\x00\xff", b"1"), CheckpointRecord(b"a", b"\x80\x00"), CheckpointRecord(b"b\x00\xff", b"2")],
        [CheckpointRecord(b"c", b""), CheckpointRecord(b"a", b"3")],
        [],
        [CheckpointRecord(b"c", None)],
    ]
    for write in writes:
        checkpoints.append(write)
        memory.append(write)

    assert ClickHouseCheckpoints(clickhouse).load() == memory.load()


def test_a_write_of_the_checkpoint_is_one_part(clickhouse: ClickHouse) -> None:
    checkpoints = ClickHouseCheckpoints(clickhouse)
    checkpoints.load()
    clickhouse.command("SYSTEM STOP MERGES replay_checkpoint")

    count = "SELECT count() FROM system.parts WHERE table = 'replay_checkpoint' AND database = currentDatabase() AND active"
    before = int(clickhouse.command(count))

    checkpoints.append([CheckpointRecord(b"%d" % number, bytes(4_000_000)) for number in range(80)])

    assert int(clickhouse.command(count)) == before + 1


def test_a_database_that_workers_fill_is_refused(catalog: Catalog, files: list[Path], clickhouse: ClickHouse) -> None:
    Replay(AccountsStages(catalog), clickhouse, ClickHouseCheckpoints(clickhouse)).run([files[0]])
    clickhouse.command("TRUNCATE TABLE replay_checkpoint")

    with pytest.raises(ForeignData, match="filled by workers"):
        ClickHouseCheckpoints(clickhouse).load()


def test_the_command_fills_an_empty_database(files: list[Path], simulation: Simulation, clickhouse_url: str, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(simulation.catalog(), encoding="utf-8")
    environment = {"CANDOR_CATALOG": str(catalog)}
    arguments = ["replay", *map(str, files), "--clickhouse-url", clickhouse_url, "--json"]

    first = CliRunner().invoke(cli, arguments, env=environment)
    again = CliRunner().invoke(cli, arguments, env=environment)

    # Some records are refused, as their writer meant; that is no failure, nor is a currency that the catalog does not know either.
    assert first.exit_code == again.exit_code == 0, first.output
    assert RejectReason.UNKNOWN_CURRENCY in first.stdout
    assert f'"records": {len(simulation)}' in first.stdout
    assert f'"skipped": {len(simulation)}' in again.stdout
    found = connect(clickhouse_url)
    assert int(found.command("SELECT count() FROM dead_letters")) == simulation.bad.total()
    assert int(found.command("SELECT count() FROM units")) == 10


def test_the_command_without_writing(files: list[Path]) -> None:
    result = CliRunner().invoke(cli, ["replay", "--dry-run", str(files[0])])

    assert "accepted" in result.output
    # Without the catalog of the company only euros are known.
    assert f"refused as {RejectReason.UNKNOWN_CURRENCY}: would become dead letters" in result.output
    assert (result.exit_code, "no catalog is set: CANDOR_CATALOG; replay into an empty database" in result.output) == (1, True)


def test_the_command_says_what_is_wrong(files: list[Path], tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("timezone: Nowhere\n")

    wrong_catalog = CliRunner().invoke(cli, ["replay", "--dry-run", str(files[0])], env={"CANDOR_CATALOG": str(catalog)})
    nobody_there = CliRunner().invoke(cli, ["replay", str(files[0]), "--clickhouse-url", "http://127.0.0.1:9/none"])

    assert wrong_catalog.exit_code == 2
    assert "Nowhere" in wrong_catalog.output
    assert nobody_there.exit_code == 3


def test_topics_have_offsets_of_their_own(catalog: Catalog, files: list[Path], records: list[FileRecord]) -> None:
    sink = MemorySink()
    Replay(AccountsStages(catalog), sink, MemoryCheckpoints()).run(files)
    letters = sink.rows(Table.DEAD_LETTERS).to_pylist()

    by_topic = {topic: [record for record in records if record.topic is topic] for topic in Topic}
    assert letters
    for letter in letters:
        source = by_topic[Topic(letter["topic"])][letter["offset"]]
        assert (source.key, source.value) == (letter["key"], letter["value"])
