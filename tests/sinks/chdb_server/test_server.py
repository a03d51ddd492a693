"""The HTTP server, as clients of ClickHouse use it."""

import gzip
import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.sinks.chdb_server.serving import Answer, Running, count, post, running

SECRET, READERS = "owner's pass:word", "reader's"


def client(server: Running, **options: object) -> Client:
    """A client as anybody would make it."""
    return clickhouse_connect.get_client(host="127.0.0.1", port=server.port, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("compress", [True, False, "lz4", "zstd", "gzip"])
def test_an_unmodified_client_inserts_and_reads_in_every_encoding(table: Running, compress: bool | str) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    rows = [[number, None if number % 2 else "ü" * number, "x", at] for number in range(3000)]
    with client(table, database="d", compress=compress) as connected:
        native = connected.insert("t", rows, column_names=["a", "b", "c", "at"])
        arrow = connected.insert_arrow("t", pa.table({"a": [5000, 5001], "c": ["y", "z"]}))

        assert (native.written_rows, arrow.written_rows) == (3000, 2)
        found = connected.query("SELECT * FROM t WHERE a < 5000 ORDER BY a").result_rows
        assert [list(row[:3]) for row in found] == [row[:3] for row in rows]
        assert connected.query_arrow("SELECT a FROM t ORDER BY a").column("a").to_pylist()[-2:] == [5000, 5001]


def test_parameters_go_through_url_and_form(server: Running) -> None:
    values = {"text": "it's \\ \t\nü", "list": ["a'b", "c"], "none": None}
    sql = "SELECT {text:String}, {list:Array(String)}, {none:Nullable(Int64)}"
    for in_form in (False, True):
        with client(server, form_encode_query_params=in_form) as connected:
            assert connected.query(sql, parameters=values).result_rows == [(values["text"], values["list"], None)]


def test_settings_hold_for_one_request(server: Running) -> None:
    sql = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    before = post(server, sql).body

    assert post(server, sql, max_block_size="77").body == b"77\n"
    assert post(server, sql).body == before


def test_a_session_remembers_and_settings_of_a_request_do_not_stay_in_it(server: Running) -> None:
    sql = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    post(server, "SET max_block_size = 55", session_id="s1")
    post(server, "CREATE TEMPORARY TABLE mine (a Int64)", session_id="s1")
    post(server, "INSERT INTO mine VALUES (4)", session_id="s1")

    assert post(server, sql, session_id="s1", max_block_size="66").body == b"66\n"
    assert post(server, sql, session_id="s1").body == b"55\n"
    assert post(server, "SELECT a FROM mine", session_id="s1").body == b"4\n"
    assert post(server, "SELECT a FROM mine", session_id="s2").status == 404


def test_the_database_is_that_of_the_request(table: Running) -> None:
    for answer in (
        post(table, "SELECT count() FROM t", database="d"),
        post(table, "SELECT count() FROM t", {"X-ClickHouse-Database": "d"}),
    ):
        assert answer.body == b"0\n"
    assert post(table, "SELECT count() FROM t").headers["X-ClickHouse-Exception-Code"] == "60"
    assert post(table, "SELECT 1", database="nowhere").headers["X-ClickHouse-Exception-Code"] == "81"


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [("SELEC 1", 400, 62), ("SELECT nothing", 404, 47), ("SELECT * FROM nowhere", 404, 60), ("SELECT throwIf(1)", 500, 395), ("", 400, 62)],
)
def test_errors_have_clickhouses_codes(server: Running, sql: str, status: int, code: int) -> None:
    answer = post(server, sql.encode() or b" ")

    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert f"Code: {code}" in answer.body.decode()


def test_a_client_sees_errors_as_those_of_a_server(server: Running) -> None:
    with client(server) as connected, pytest.raises(DatabaseError) as raised:
        connected.command("DROP TABLE nowhere")

    assert (raised.value.code, raised.value.name) == (60, "UNKNOWN_TABLE")


def test_an_insert_reports_what_it_wrote(table: Running) -> None:
    answer = post(table, b'{"a": 1}\n{"a": 2}\n', query="INSERT INTO d.t FORMAT JSONEachRow", query_id="mine")

    assert (answer.status, answer.headers["X-ClickHouse-Query-Id"]) == (200, "mine")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"


@pytest.mark.parametrize(
    "body", [b"INSERT INTO d.t (a) FORMAT CSV\n1\n2\n", b"INSERT INTO d.t (a) VALUES (1), (2)", b"INSERT INTO d.t (a) SELECT number FROM numbers(2)"]
)
def test_inserts_come_in_several_ways(table: Running, body: bytes) -> None:
    assert post(table, body).status == 200
    assert count(table) == 2


def test_a_statement_may_go_on_in_the_body(table: Running) -> None:
    assert post(table, b"(1), (2)", query="INSERT INTO d.t (a) VALUES").status == 200
    assert post(table, b"SELECT count() FROM d.t", query="").body == b"2\n"


def test_damaged_data_inserts_nothing(table: Running) -> None:
    for body, headers in ((b"garbage", {}), (lz4.frame.compress(b"1\n" * 9)[:-3], {"Content-Encoding": "lz4"}), (b"x", {"Content-Encoding": "zstd"})):
        assert post(table, body, headers, query="INSERT INTO d.t (a) FORMAT CSV").status >= 400
    assert post(table, b"1", {"Content-Encoding": "snappy"}, query="INSERT INTO d.t (a) FORMAT CSV").status == 501
    assert count(table) == 0


@pytest.mark.parametrize(
    ("constraint", "settings", "code"), [(", CONSTRAINT low CHECK a < 2", "", 469), ("", "SETTINGS parts_to_throw_insert = 1", 252)]
)
def test_what_fails_only_when_it_is_written_is_not_acknowledged(server: Running, constraint: str, settings: str, code: int) -> None:
    post(server, "DROP TABLE IF EXISTS d.full")
    post(server, f"CREATE TABLE d.full (a Int64{constraint}) ENGINE = MergeTree ORDER BY a {settings}")
    assert post(server, b"1\n", query="INSERT INTO d.full (a) FORMAT CSV").status == 200

    answer = post(server, b"2\n", query="INSERT INTO d.full (a) FORMAT CSV")

    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (500, str(code))
    assert post(server, "SELECT count() FROM d.full").body == b"1\n"


@pytest.mark.parametrize("head", ["INSERT INTO d.t (a) SETTINGS max_threads = 1 FORMAT CSV", "INSERT INTO d.t (a) -- of today\nFORMAT CSV"])
def test_the_head_of_an_insert_may_say_more(table: Running, head: str) -> None:
    assert post(table, b"1\n", query=head).status == 200
    assert count(table) == 1


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_bodies_of_several_frames_are_read_whole(table: Running, encoding: str) -> None:
    pack = {"gzip": gzip.compress, "lz4": lz4.frame.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]

    post(table, pack(b"1\n2\n") + pack(b"3\n"), {"Content-Encoding": encoding}, query="INSERT INTO d.t (a) FORMAT CSV")

    assert count(table) == 3


def test_a_body_larger_than_memory_is_taken_through_disk(table: Running) -> None:
    rows = b"".join(b'{"a": %d, "b": "%s"}\n' % (number, b"x" * 100) for number in range(700_000))
    assert len(rows) > 64 << 20

    assert post(table, rows, query="INSERT INTO d.t FORMAT JSONEachRow").status == 200

    assert count(table) == 700_000


def test_a_client_that_goes_away_half_way_inserts_nothing(table: Running) -> None:
    head = b"POST /?query=INSERT+INTO+d.t+(a)+FORMAT+CSV HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n1\n2\n"
    with socket.create_connection(("127.0.0.1", table.port)) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
    assert count(table) == 0


def test_many_clients_at_once_do_not_disturb_each_other(table: Running) -> None:
    def work(number: int) -> tuple[bytes, int]:
        post(table, b"\n".join(b"%d" % (number * 100 + i) for i in range(100)), query="INSERT INTO d.t (a) FORMAT CSV")
        return post(table, f"SELECT sum(number) FROM numbers({number})").body, number

    with ThreadPoolExecutor(12) as pool:
        for body, number in pool.map(work, range(60)):
            assert int(body) == number * (number - 1) // 2
    assert count(table) == 6000


def test_a_long_query_holds_nobody_up(server: Running) -> None:
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(post, server, "SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_block_size = 1")
        for _ in range(3):
            assert post(server, "SELECT 1").body == b"1\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/ping") as answer:
            assert answer.read() == b"Ok.\n"
        assert not long.done()
        assert long.result().status == 200


def test_a_folder_that_is_open_elsewhere_is_told_in_one_line(folder: Path) -> None:
    with running(folder) as server:
        command = [sys.executable, "-m", "sinks.chdb_server", "--path", str(folder), "--port", "0"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert second.returncode == 3
        assert second.stderr.count("\n") == 1
        assert f"{folder} is open in process {server.process.pid}" in second.stderr


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with passwords."""
    environment = {"CANDOR_CLICKHOUSE_SERVER_PASSWORD": SECRET, "CANDOR_CLICKHOUSE_SERVER_READER_PASSWORD": READERS}
    with running(tmp_path_factory.mktemp("guarded") / "data", environment) as started:
        yield started


def test_only_the_right_password_gets_in(guarded: Running) -> None:
    for user, password in (("default", ""), ("default", READERS), ("reader", SECRET), ("somebody", SECRET), ("", "")):
        answer = post(guarded, "SELECT 1", {"X-ClickHouse-User": user, "X-ClickHouse-Key": password})
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (401, "516")
        assert SECRET.encode() not in answer.body
    assert post(guarded, "SELECT 1").status == 401
    for answer in (
        post(guarded, "SELECT 1", {"X-ClickHouse-User": "default", "X-ClickHouse-Key": SECRET}),
        post(guarded, "SELECT 1", user="default", password=SECRET),
    ):
        assert answer.body == b"1\n"
    with client(guarded, username="default", password=SECRET) as connected:
        assert connected.command("SELECT 1") == 1


def test_a_reader_reads_and_changes_nothing(guarded: Running, tmp_path: Path) -> None:
    with client(guarded, username="default", password=SECRET) as owner:
        owner.command("CREATE TABLE IF NOT EXISTS default.r (a Int64) ENGINE = MergeTree ORDER BY a")
        owner.command("INSERT INTO default.r VALUES (1)")
    with client(guarded, username="reader", password=READERS) as reader:
        assert reader.query("SELECT a FROM default.r").result_rows == [(1,)]
        secret = tmp_path / "secret"
        secret.write_text("hidden")
        for sql in (
            "INSERT INTO default.r VALUES (2)",
            "DROP TABLE default.r",
            "CREATE TABLE default.x (a Int64) ENGINE = Memory",
            "SET readonly = 0",
            f"SELECT * FROM file('{secret}', 'LineAsString')",
            "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        ):
            with pytest.raises(DatabaseError) as raised:
                reader.command(sql)
            assert raised.value.code in (164, 497), sql
        with pytest.raises(DatabaseError):
            reader.insert("r", [[3]], column_names=["a"], database="default")
        assert reader.query("SELECT count() FROM default.r").result_rows == [(1,)]
    sql = "SELECT value FROM system.settings WHERE name IN ('max_threads', 'readonly')"
    assert post(guarded, sql, user="reader", password=READERS, max_threads="1", readonly="0").body == b"1\n1\n"


def test_acknowledged_rows_outlive_a_kill_and_a_restart(folder: Path) -> None:
    with running(folder) as server:
        post(server, "CREATE DATABASE d")
        post(server, "CREATE TABLE d.t (a Int64) ENGINE = MergeTree ORDER BY a")
    for round_number in range(2):
        with running(folder) as server:
            for number in range(10):
                assert post(server, str(round_number * 10 + number), query="INSERT INTO d.t FORMAT CSV").status == 200
            server.process.kill()
            server.process.wait(30)
    with running(folder) as server:
        assert post(server, "SELECT count(), sum(a) FROM d.t").body == b"20\t190\n"


def test_a_stop_lets_what_runs_end(folder: Path) -> None:
    with running(folder) as server:
        began = threading.Event()

        def ask() -> Answer:
            began.set()
            return post(server, "SELECT sleepEachRow(1), number FROM numbers(2) SETTINGS max_block_size = 1 FORMAT TabSeparated")

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask)
            assert began.wait(10)
            while post(server, "SELECT count() FROM system.processes").body < b"2\n":
                pass
            server.process.terminate()
            assert answer.result().body == b"0\t0\n0\t1\n"
        assert server.process.wait(60) == 0


def test_two_servers_cannot_own_one_port(server: Running, folder: Path) -> None:
    command = [sys.executable, "-m", "sinks.chdb_server", "--path", str(folder), "--port", str(server.port)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert second.returncode == 3
    assert "Cannot listen" in second.stderr
