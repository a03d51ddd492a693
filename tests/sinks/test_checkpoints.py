"""The checkpoint of replays: one writer at a time, whoever comes when."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from sinks.checkpoints import CheckpointMoved, ClickHouseCheckpoints, ForeignData, holds_replays
from sinks.clickhouse import ClickHouse, connect
from streams.core.stage import CheckpointRecord

ONE, TWO = CheckpointRecord(b"one", b"1"), CheckpointRecord(b"two", b"\xff")


@pytest.fixture
def clickhouse(migrated_url: str) -> Iterator[ClickHouse]:
    """A database without rows."""
    connection = connect(migrated_url)
    yield connection
    connection.close()


def _loaded(clickhouse: ClickHouse) -> ClickHouseCheckpoints:
    checkpoints = ClickHouseCheckpoints(clickhouse)
    checkpoints.load()
    return checkpoints


def test_what_was_appended_is_loaded_and_tombstones_take_away(clickhouse: ClickHouse) -> None:
    assert not holds_replays(clickhouse)
    first = _loaded(clickhouse)
    first.append([ONE, TWO])
    first.append([CheckpointRecord(b"one", None)])

    records = ClickHouseCheckpoints(clickhouse).load()
    assert [record for record in records if record.value is not None] == [TWO]
    assert holds_replays(clickhouse)


def test_whoever_loads_later_ends_the_writing_of_whoever_loaded_before(clickhouse: ClickHouse) -> None:
    first = _loaded(clickhouse)
    first.append([ONE])
    second = _loaded(clickhouse)
    with pytest.raises(CheckpointMoved, match="another replay"):
        first.append([CheckpointRecord(b"one", b"changed")])
    second.append([TWO])

    assert ClickHouseCheckpoints(clickhouse).load() == [ONE, TWO]


def test_of_two_that_write_at_the_same_moment_neither_goes_on(clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second writes between the first one's question and its insert."""
    first = _loaded(clickhouse)
    insert = clickhouse.insert_into

    def after_another(table: str, rows: pa.Table) -> None:
        monkeypatch.setattr(clickhouse, "insert_into", insert)
        version = rows.column("version")[0].as_py()
        clickhouse.command(f"INSERT INTO {table} (key, writer, version) VALUES ('two', generateUUIDv4(), {version})")
        insert(table, rows)

    monkeypatch.setattr(clickhouse, "insert_into", after_another)
    with pytest.raises(CheckpointMoved):
        first.append([ONE])
    with pytest.raises(CheckpointMoved):
        first.append([ONE])


def test_an_insert_that_was_stored_without_an_answer_is_sent_again(clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = _loaded(clickhouse)
    insert = clickhouse.insert_into

    def unanswered(table: str, rows: pa.Table) -> None:
        monkeypatch.setattr(clickhouse, "insert_into", insert)
        insert(table, rows)
        raise ConnectionError

    monkeypatch.setattr(clickhouse, "insert_into", unanswered)
    with pytest.raises(ConnectionError):
        checkpoints.append([ONE])
    checkpoints.append([ONE])
    checkpoints.append([TWO])

    assert ClickHouseCheckpoints(clickhouse).load() == [ONE, TWO]


def test_a_database_that_workers_fill_is_refused(clickhouse: ClickHouse) -> None:
    clickhouse.command("INSERT INTO cell_accounts (account_id) VALUES ('a')")
    with pytest.raises(ForeignData, match="filled by workers"):
        ClickHouseCheckpoints(clickhouse).load()
