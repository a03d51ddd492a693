"""What goes wrong between a client and ClickHouse, and what is said about it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest

from schemas.rows import Table
from sinks.base import SinkError, SinkRefused, SinkUnavailable
from sinks.clickhouse import ClickHouse, connect
from sinks.errorcodes import TRY_AGAIN
from tests.sinks.rows import column, rows

Answer = tuple[int, dict[str, str], bytes]
ASKED = b"FROM asked"
UP = (200, {"X-ClickHouse-Format": "TabSeparated"}, b"26.1\tUTC\n")


@contextmanager
def server(answer: Callable[[bytes], Answer | None]) -> Iterator[str]:
    """An HTTP server that answers as it is told, None: by cutting the connection; clients that only introduce themselves are served."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            said = answer(body) if "INSERT" in self.path or ASKED in body else (UP if b"version" in body else (200, {}, b""))
            if said is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, headers, text = said
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)
            self.close_connection = "Content-Length" in headers

        def do_GET(self) -> None:
            self.do_POST()

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://user:hush@127.0.0.1:{httpd.server_address[1]}/db"
        finally:
            httpd.shutdown()
            thread.join()


def failure(answer: Answer | None, options: str = "") -> SinkError:
    """What an insert raises when the server answers so."""
    with server(lambda _: answer) as url:
        clickhouse = connect(url + options)
        with pytest.raises(SinkError) as raised:
            clickhouse.insert(Table.CASES, rows(Table.CASES, {}))
        clickhouse.close()
    assert "hush" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_answer_of_a_proxy_means_away(status: int) -> None:
    assert isinstance(failure((status, {}, b"upstream is gone, password=hush")), SinkUnavailable)


@pytest.mark.parametrize("code", sorted(TRY_AGAIN))
def test_codes_that_pass_mean_try_again(code: int) -> None:
    assert isinstance(failure((500, {"X-ClickHouse-Exception-Code": str(code)}, f"Code: {code}. DB::Exception: x".encode())), SinkUnavailable)


@pytest.mark.parametrize("code", [95, 201, 202, 241, 252, 254, 319, 416, 700, 762])
def test_what_passes_by_itself_is_among_them(code: int) -> None:
    """Sockets, quotas, loads and limits, parts, replicas, inserts of which nothing is known, connections."""
    assert code in TRY_AGAIN


def test_codes_have_the_names_that_the_engine_gives_them(embedded: ClickHouse) -> None:
    found = embedded.query(
        "SELECT code, errorCodeToName(toUInt32(code)) AS name FROM (SELECT arrayJoin({codes:Array(Int32)}) AS code)", {"codes": [*TRY_AGAIN]}
    )

    assert {row["code"]: row["name"] for row in found.to_pylist()} == TRY_AGAIN


@pytest.mark.parametrize("code", [16, 27, 53, 60, 62, 81, 164, 497, 516])
def test_other_codes_mean_refused(code: int) -> None:
    error = failure((500, {"X-ClickHouse-Exception-Code": str(code)}, f"Code: {code}. DB::Exception: x".encode()))

    assert isinstance(error, SinkRefused)
    assert error.code == code


def test_a_connection_that_is_cut_means_away() -> None:
    assert isinstance(failure(None), SinkUnavailable)


def test_an_answer_that_is_cut_means_away() -> None:
    assert isinstance(failure((200, {"X-ClickHouse-Summary": "{}", "Content-Length": "99"}, b"ab")), SinkUnavailable)


def _answered(body: bytes) -> list[dict[str, object]]:
    """What a query gives, or raises, when the server answers so."""
    with server(lambda _: (200, {}, body)) as url:
        clickhouse = connect(url)
        try:
            found: list[dict[str, object]] = clickhouse.query("SELECT n FROM asked").to_pylist()
            return found
        finally:
            clickhouse.close()


def _arrow_file(numbers: int) -> bytes:
    stream = pa.BufferOutputStream()
    table = pa.table({"n": range(numbers)})
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
    return bytes(stream.getvalue())


@pytest.mark.parametrize("kept", [1, 7, 100, -1])
def test_half_an_answer_to_a_query_means_try_again(kept: int) -> None:
    whole = _arrow_file(1000)
    assert _answered(whole)[-1] == {"n": 999}

    with pytest.raises(SinkUnavailable, match="cannot be read"):
        _answered(whole[:kept])


@pytest.mark.parametrize(("code", "raised"), [(395, SinkRefused), (241, SinkUnavailable)])
def test_an_error_in_the_middle_of_an_answer_counts_as_what_it_says(code: int, raised: type[SinkError]) -> None:
    with pytest.raises(raised, match=f"Code: {code}"):
        _answered(_arrow_file(1000)[:2000] + f"\r\n__exception__\r\nCode: {code}. DB::Exception: so it is.\n".encode())


def test_no_answer_in_time_means_away() -> None:
    late = threading.Event()
    with server(lambda _: UP if late.wait(60) else None) as url:
        clickhouse = connect(f"{url}?send_receive_timeout=1")
        with pytest.raises(SinkUnavailable, match="does not answer"):
            clickhouse.insert(Table.CASES, rows(Table.CASES, {}))
        late.set()
        clickhouse.close()


def test_nobody_there_means_away_and_the_next_call_tries_again() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        clickhouse = connect(f"http://127.0.0.1:{reserved.getsockname()[1]}/db")
        for _ in range(2):
            with pytest.raises(SinkUnavailable, match="refused"):
                clickhouse.insert(Table.CASES, rows(Table.CASES, {}))
        clickhouse.close()


def test_an_insert_is_sent_once() -> None:
    """Trying again is decided in one place, not in the client as well."""
    seen = list[int]()

    def busy(body: bytes) -> Answer:
        seen.append(len(body))
        return (503, {}, b"")

    with server(busy) as url:
        clickhouse = connect(url)
        with pytest.raises(SinkUnavailable):
            clickhouse.insert(Table.CASES, rows(Table.CASES, {}))
        clickhouse.close()

    assert len(seen) == 1


@pytest.fixture(params=["embedded", "served"])
def clickhouse(request: pytest.FixtureRequest) -> ClickHouse:
    """A migrated database, embedded or behind HTTP."""
    found: ClickHouse = request.getfixturevalue(request.param)
    return found


def test_parameters_are_filled_by_the_server(clickhouse: ClickHouse) -> None:
    given = {"text": "it's \\ a\ttab\nü", "numbers": [1, 2], "names": ["a'b", "c\\d"], "none": None}

    found = clickhouse.query("SELECT {text:String} AS a, {numbers:Array(Int64)} AS b, {names:Array(String)} AS c, {none:Nullable(Int64)} AS d", given)

    assert found.to_pylist() == [{"a": given["text"], "b": [1, 2], "c": given["names"], "d": None}]


def test_a_query_without_rows_still_has_columns(clickhouse: ClickHouse) -> None:
    found = clickhouse.query("SELECT case_id, day FROM cases WHERE 0")

    assert (found.column_names, found.num_rows) == (["case_id", "day"], 0)


def test_a_wrong_query_is_refused_with_the_code(clickhouse: ClickHouse) -> None:
    with pytest.raises(SinkRefused) as refused:
        clickhouse.query("SELECT nothing FROM nowhere")

    assert refused.value.code == 60


def test_commands_return_text(clickhouse: ClickHouse) -> None:
    assert (clickhouse.command("SELECT {n:Int64} + 1", {"n": 1}), clickhouse.command("DROP TABLE IF EXISTS nothing")) == ("2", "")
    assert clickhouse.ping().count(".") >= 2


def test_rows_carry_the_time_of_their_arrival(clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.CASES, rows(Table.CASES, {"case_id": "timed"}))

    found = clickhouse.query("SELECT now64(3) - inserted_at BETWEEN 0 AND 60 AS recent FROM fact_cases WHERE case_id = 'timed'")
    assert column(found, "recent") == [True]


def test_a_database_that_is_missing_is_refused_and_can_be_created(clickhouse_url: str) -> None:
    clickhouse = connect(clickhouse_url)
    with pytest.raises(SinkRefused) as refused:
        clickhouse.query("SELECT 1")
    assert refused.value.code == 81

    clickhouse.create_database()

    assert clickhouse.command("SELECT currentDatabase()") == clickhouse_url.rsplit("/", 1)[1]
    clickhouse.close()


@pytest.mark.parametrize("compress", ["false", "lz4", "zstd"])
def test_compressed_inserts_and_answers_are_the_same(served: ClickHouse, compress: str) -> None:
    address = served.address
    clickhouse = connect(f"http://{address.host}:{address.port}/{address.database}?compress={compress}")
    sent = rows(Table.CASES, *({"account_id": compress, "case_id": f"{i:05}"} for i in range(5000)))

    clickhouse.insert(Table.CASES, sent)

    found = clickhouse.query("SELECT case_id FROM cases WHERE account_id = {a:String} ORDER BY case_id", {"a": compress})
    assert column(found, "case_id") == column(sent, "case_id")
    clickhouse.close()


def test_embedded_and_served_hand_out_every_type_of_tables_and_views_alike(embedded: ClickHouse, served: ClickHouse) -> None:
    listed = "SELECT DISTINCT type FROM system.columns WHERE database = currentDatabase() ORDER BY type"
    types = [str(name) for name in embedded.query(listed).column("type").to_pylist()]
    values = ", ".join("defaultValueOfTypeName('{}') AS `{}`".format(name.replace("'", "\\'"), number) for number, name in enumerate(types))

    one, other = (clickhouse.query(f"SELECT {values}") for clickhouse in (embedded, served))

    assert len(types) > 20
    assert one.num_rows == 1
    assert one.equals(other)
    assert one.schema == other.schema
