"""What statements can do over HTTP: everything in the databases of the folder, nothing outside of them."""

from pathlib import Path

import pytest

from tests.sinks.chdb_server.serving import Running, count, post

REACHING = [
    "SELECT * FROM file('{secret}', 'LineAsString')",
    "SELECT * FROM `file`('{secret}', 'LineAsString')",
    "SELECT * FROM `fi\\x6Ce`('{secret}', 'LineAsString')",
    "SELECT * FROM filesystem('{folder}')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://bucket.s3.amazonaws.com/x', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM sqlite('{target}', 't')",
    "SELECT * FROM python(started)",
    "SELECT * FROM eval('SELECT 1') SETTINGS allow_experimental_eval_table_function = 1",
    "SELECT * FROM `{secret}`",
    "SELECT * FROM default.`{secret}`",
    "SELECT file('{secret}')",
    "SELECT * FROM format('JSONEachRow', concat('a Int8, b String DEFAULT fi', 'le(''{secret}'')'), '{{\"a\": 1}}')",
    "SELECT 1 SETTINGS additional_result_filter = 'throwIf(length(file(''{secret}'')) = 6)'",
    "SELECT 1 AS a FORMAT Template SETTINGS format_template_row = '{secret}'",
    "SELECT 1 AS a FORMAT Protobuf SETTINGS output_format_schema = '{target}.proto'",
    "SELECT 1 SETTINGS dialect = 'kusto'",
    "SELECT 1 INTO OUTFILE '{target}'",
    "SELECT 1 # '\n INTO OUTFILE '{target}' -- '",
    "SELECT 1; SELECT 1 INTO OUTFILE '{target}'",
    "INSERT INTO FUNCTION file('{target}', 'CSV', 'a Int8') VALUES (1)",
    "INSERT INTO d.t (b) VALUES (file('{secret}'))",
    "INSERT INTO d.t (b) FORMAT Values (file('{secret}'))",
    "INSERT INTO d.t (b) FROM INFILE '{secret}' FORMAT CSV",
    "CREATE VIEW d.v AS SELECT * FROM file('{secret}', 'LineAsString')",
    "CREATE TABLE d.x (a String) ENGINE = File('CSV', '{secret}')",
    "CREATE TEMPORARY TABLE x (a String) ENGINE = File('CSV', '{secret}')",
    "CREATE TABLE d.x (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
    "CREATE TABLE d.x (a String) ENGINE = EmbeddedRocksDB(0, '{target}') PRIMARY KEY a",
    "CREATE DATABASE x ENGINE = Filesystem('{folder}')",
    "CREATE DATABASE x ENGINE = SQLite('{target}')",
    "CREATE DICTIONARY d.x (a String) PRIMARY KEY a SOURCE(FILE(path '{secret}' format 'CSV')) LAYOUT(COMPLEX_KEY_DIRECT())",
    "CREATE DICTIONARY d.x (a String) PRIMARY KEY a SOURCE(EXECUTABLE(command 'touch {target}' format 'CSV')) LAYOUT(COMPLEX_KEY_DIRECT())",
    "ATTACH TABLE d.x FROM '{target}' (a String) ENGINE = MergeTree ORDER BY a",
    "BACKUP TABLE d.t TO File('{target}')",
    "GRANT ALL ON *.* TO default",
    "CREATE USER u",
    "SYSTEM SHUTDOWN",
]


@pytest.mark.parametrize("sql", REACHING)
@pytest.mark.parametrize("user", ["default", "reader"])
def test_nothing_outside_of_the_folder_is_within_reach(table: Running, tmp_path: Path, sql: str, user: str) -> None:
    secret, target = tmp_path / "secret", tmp_path / "out"
    secret.write_text("hidden")

    answer = post(table, sql.format(secret=secret, target=target, folder=tmp_path), user=user)

    assert answer.status >= 400, answer.body
    assert b"hidden" not in answer.body
    assert list(tmp_path.iterdir()) == [secret]
    assert count(table) == 0
    assert post(table, "SELECT count() FROM system.tables WHERE database = 'd' OR is_temporary").body == b"1\n"


def test_a_setting_of_the_request_opens_no_way_out(server: Running) -> None:
    for name, value in {"allow_python_table_function": "1", "dialect": "prql", "additional_result_filter": "file('x') = ''"}.items():
        assert post(server, "SELECT 1", None, **{name: value}).headers["X-ClickHouse-Exception-Code"] in ("392", "452")


def test_what_one_does_in_the_databases_of_the_folder_is_allowed(server: Running) -> None:
    for sql in (
        "CREATE DATABASE IF NOT EXISTS e",
        "CREATE TABLE e.t (a Int64, b String DEFAULT upper('x')) ENGINE = ReplacingMergeTree ORDER BY a",
        "CREATE VIEW e.v AS SELECT a, b FROM e.t FINAL",
        "CREATE TABLE e.sums (s Int64) ENGINE = SummingMergeTree ORDER BY ()",
        "CREATE MATERIALIZED VIEW e.m TO e.sums AS SELECT a AS s FROM e.t",
        "INSERT INTO e.t (a) VALUES (1), (1 + 1), (length('abc'))",
        "INSERT INTO e.t (a) FORMAT Values (4)",
        "ALTER TABLE e.t ADD COLUMN c Nullable(Int64)",
        "ALTER TABLE e.t UPDATE b = 'y' WHERE a = 1 SETTINGS mutations_sync = 1",
        "DELETE FROM e.t WHERE a = 4",
        "OPTIMIZE TABLE e.t FINAL",
        "CREATE TABLE default.t (a Int64) ENGINE = Memory",
        "DROP TABLE default.t",
        "CREATE FUNCTION twice AS (x) -> x * 2",
        "DROP FUNCTION twice",
        "RENAME TABLE e.sums TO e.totals",
        "SYSTEM STOP MERGES e.t",
        "SYSTEM START MERGES e.t",
        "SHOW GRANTS",
        "DESCRIBE TABLE e.v",
        "EXPLAIN SELECT * FROM e.v",
    ):
        assert post(server, sql).status == 200, post(server, sql).body
    assert post(server, "SELECT groupArray((a, b)) FROM (SELECT a, b FROM e.v ORDER BY a)").body == b"[(1,'y'),(2,'X'),(3,'X')]\n"
    assert (
        post(
            server, "SELECT * FROM numbers(1), merge('e', '^v$') AS m, view(SELECT 1 AS one) AS w SETTINGS joined_subquery_requires_alias = 0"
        ).status
        == 200
    )
    assert post(server, "DROP DATABASE e").status == 200


HARMLESS = """
SQLStandardValues dictionary fuzzQuery generateSeries generate_series merge mergeTreeAnalyzeIndexes mergeTreeAnalyzeIndexesUUID
mergeTreeCodecBlockCounts mergeTreeIndex mergeTreeProjection mergeTreeTextIndex numbers numbers_mt primes prometheusQuery
prometheusQueryRange timeSeriesData timeSeriesMetricFamilies timeSeriesMetrics timeSeriesSamples timeSeriesSelector timeSeriesTags view
viewExplain viewIfPermitted zeros zeros_mt
"""
HELD_BY_THE_GUARD = """
arrowstream eval executable format fuzzJSON generateRandom input loop null python sqlite values
"""
HELD_BY_GRANTS = """
azureBlobStorage azureBlobStorageCluster bigquery cluster clusterAllReplicas cosn deltaLake deltaLakeAzure deltaLakeAzureCluster
deltaLakeCluster deltaLakeLocal deltaLakeS3 deltaLakeS3Cluster file fileCluster filesystem gcs hdfs hdfsCluster hudi hudiCluster iceberg
icebergAzure icebergAzureCluster icebergCluster icebergHDFS icebergHDFSCluster icebergLocal icebergLocalCluster icebergS3 icebergS3Cluster
jdbc mongodb mysql odbc oss paimon paimonAzure paimonAzureCluster paimonCluster paimonHDFS paimonHDFSCluster paimonLocal paimonS3
paimonS3Cluster postgresql redis remote remoteSecure s3 s3Cluster url urlCluster ytsaurus
"""


def test_every_table_function_of_the_engine_is_known(server: Running) -> None:
    """A new release of the engine may bring one that reaches outside: look at it, then put it where it belongs."""
    found = set(post(server, "SELECT name FROM system.table_functions").body.decode().split())

    assert found == {*HARMLESS.split(), *HELD_BY_THE_GUARD.split(), *HELD_BY_GRANTS.split()}
