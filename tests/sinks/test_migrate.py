"""Migrations: applied once, in order, never changed afterwards, and right for every layout of ClickHouse."""

import re
from collections import Counter
from importlib.resources import files

import pytest

from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse, connect
from sinks.ddl import INSERTED_AT, Shape, declared
from sinks.migrate import RECORD, SINGLE_NODE, Migration, MigrationError, Migrator, Topology, load
from tests.sinks.rows import column

SECOND = Migration(
    2, "second", "-- Why.\nCREATE TABLE IF NOT EXISTS b (x String DEFAULT 'one;two$$') ENGINE = Memory;\n\nINSERT INTO b VALUES ('x');\n"
)
PLAIN = Migration(1, "first", "CREATE TABLE IF NOT EXISTS a (x Int64, version UInt64) ENGINE = ${replacing}(version) ORDER BY x;\n")
TOPOLOGIES = [
    SINGLE_NODE,
    Topology(replicated=True),
    Topology("main", replicated=True),
    Topology("main", sharded=True),
    Topology("main", replicated=True, sharded=True),
]


@pytest.fixture
def empty(clickhouse_url: str) -> ClickHouse:
    """A database that is not there yet."""
    return connect(clickhouse_url)


def test_what_is_pending_is_applied_in_order_and_recorded(empty: ClickHouse) -> None:
    reported = list[int]()

    applied = Migrator(empty, migrations=[PLAIN, SECOND]).apply(lambda migration: reported.append(migration.number))

    assert [migration.number for migration in applied] == reported == [1, 2]
    recorded = empty.query("SELECT number, name, checksum FROM schema_migrations FINAL ORDER BY number")
    assert column(recorded, "number", "name", "checksum") == [(1, "first", PLAIN.checksum), (2, "second", SECOND.checksum)]
    empty.close()


def test_applying_again_does_nothing(empty: ClickHouse) -> None:
    Migrator(empty, migrations=[PLAIN, SECOND]).apply()

    assert Migrator(empty, migrations=[PLAIN, SECOND]).apply() == []
    assert empty.command("SELECT count() FROM b") == "1"
    empty.close()


def test_a_newer_release_adds_only_what_is_new(empty: ClickHouse) -> None:
    Migrator(empty, migrations=[PLAIN]).apply()
    status = Migrator(empty, migrations=[PLAIN, SECOND]).status()
    assert [migration.number for migration in status.pending] == [2]
    with pytest.raises(MigrationError, match="candor migrate"):
        status.check()

    Migrator(empty, migrations=[PLAIN, SECOND]).apply()

    Migrator(empty, migrations=[PLAIN, SECOND]).status().check()
    empty.close()


def test_an_older_release_lives_with_a_newer_database(empty: ClickHouse) -> None:
    Migrator(empty, migrations=[PLAIN, SECOND]).apply()

    status = Migrator(empty, migrations=[PLAIN]).status()

    status.check()
    assert status.unknown == ["0002_second"]
    empty.close()


def test_a_changed_file_is_refused_before_anything_happens(empty: ClickHouse) -> None:
    Migrator(empty, migrations=[PLAIN]).apply()
    changed = Migration(1, "first", PLAIN.text + "DROP TABLE a;\n")
    migrator = Migrator(empty, migrations=[changed, SECOND])

    for attempt in (migrator.apply, migrator.plan, migrator.status().check):
        with pytest.raises(MigrationError, match="0001_first"):
            attempt()

    assert empty.command("EXISTS TABLE b") == "0"
    empty.close()


def test_a_plan_prints_the_sql_and_changes_nothing(empty: ClickHouse) -> None:
    plan = Migrator(empty, migrations=[PLAIN, SECOND]).plan()

    assert "-- 0001_first\nCREATE TABLE IF NOT EXISTS a (x Int64, version UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY x;\n" in plan
    assert "DEFAULT 'one;two$'" in plan
    with pytest.raises(SinkRefused) as refused:
        empty.command("SELECT 1")
    assert refused.value.code == 81
    empty.close()


def test_an_interrupted_migration_is_applied_again(empty: ClickHouse) -> None:
    broken = Migration(2, "second", SECOND.text + "SELECT nothing;\n")
    with pytest.raises(SinkRefused):
        Migrator(empty, migrations=[PLAIN, broken]).apply()

    Migrator(empty, migrations=[PLAIN, SECOND]).apply()

    Migrator(empty, migrations=[PLAIN, SECOND]).status().check()
    empty.close()


def test_the_files_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in load()] == list(range(1, len(load()) + 1))


def test_every_statement_can_be_run_again(embedded: ClickHouse) -> None:
    for migration in load():
        for statement in migration.statements(SINGLE_NODE, "candor"):
            assert re.match(r"CREATE (TABLE IF NOT EXISTS|OR REPLACE VIEW) ", statement), statement[:80]
            embedded.command(statement)


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=repr)
def test_the_engine_can_parse_every_statement_of_every_layout(embedded: ClickHouse, topology: Topology) -> None:
    statements = [statement for migration in load() for statement in migration.statements(topology, "candor")]
    statements.append(topology.render(RECORD, "candor"))

    for statement in statements:
        formatted = embedded.query("SELECT formatQuery({sql:String}) AS sql", {"sql": statement}).to_pylist()[0]["sql"]
        assert ("ON CLUSTER main" in formatted) == bool(topology.cluster)
        assert ("ReplicatedReplacingMergeTree(" in formatted) == (topology.replicated and "ReplacingMergeTree" in formatted)
    distributed = {m[1] for statement in statements if (m := re.search(r"EXISTS (\w+).*ENGINE = Distributed", statement, re.DOTALL))}
    local = {shape.name for shape in declared() if shape.shard_by}
    assert distributed == (local if topology.sharded else set())


def test_replicas_of_a_shard_share_a_path_and_a_sharded_table_reads_local_ones() -> None:
    topology = Topology("main", replicated=True, sharded=True)
    text = "\n".join(statement for migration in load() for statement in migration.statements(topology, "candor"))

    assert "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', version)" in text
    assert "ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', version)" in text
    assert "CREATE TABLE IF NOT EXISTS cell_loyalty_local ON CLUSTER 'main'" in text
    assert "Distributed('main', 'candor', 'cell_loyalty_local', cityHash64(day, unit_id, channel, metric, partition, generation))" in text


def test_shards_need_a_cluster_with_a_plain_name() -> None:
    with pytest.raises(SinkRefused, match="cluster"):
        Topology(sharded=True)
    with pytest.raises(SinkRefused, match="not a name"):
        Topology("main'; DROP")


@pytest.mark.parametrize("shape", list(declared()), ids=lambda shape: shape.name)
def test_the_migrations_make_every_table_as_declared(embedded: ClickHouse, shape: Shape) -> None:
    found = embedded.query(
        "SELECT name, type, comment FROM system.columns WHERE database = 'candor' AND table = {t:String} ORDER BY position", {"t": shape.name}
    )
    table = embedded.query(
        "SELECT engine_full, sorting_key, partition_key, comment FROM system.tables WHERE database = 'candor' AND name = {t:String}",
        {"t": shape.name},
    ).to_pylist()[0]

    assert column(found, "name", "type", "comment") == [(c.name, c.clickhouse, c.meaning) for c in (*shape.columns, INSERTED_AT)]
    assert table["engine_full"].startswith("ReplacingMergeTree(version) ")
    assert ("merge_selector_base = 15" in table["engine_full"]) == bool(shape.shard_by)
    assert (table["sorting_key"], table["partition_key"], table["comment"]) == (", ".join(shape.key), shape.partition_by, shape.meaning)


def test_a_text_holds_its_parts_and_each_part_serves_more_than_one_place() -> None:
    folder = files("sinks.migrations")
    written = [entry.read_text(encoding="utf-8") for entry in (*folder.iterdir(), *folder.joinpath("parts").iterdir()) if entry.name.endswith(".sql")]
    named = Counter(name for text in written for name in re.findall(r"-- include: (\w+)", text))

    assert named.keys() == {entry.name.removesuffix(".sql") for entry in folder.joinpath("parts").iterdir()}
    assert min(named.values()) > 1
    assert not any("-- include:" in migration.text for migration in load())
