"""ClickHouse, over HTTP or embedded as chDB: one client, one behaviour."""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar, cast

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from schemas.rows import Table
from sinks.address import LOOPBACK, Address, parse
from sinks.base import SinkRefused, SinkUnavailable
from sinks.errorcodes import TRY_AGAIN
from sinks.folder import check_free

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
INSERT_SETTINGS: dict[str, str | int] = {
    # Acknowledged must mean stored: neither buffered in the server nor on its way to another shard.
    "async_insert": 0,
    "distributed_foreground_insert": 1,
    # Sorting duplicates out at insert costs a quarter of the CPU; FINAL and the merges do it anyway.
    "optimize_on_insert": 0,
    # Replays are harmless by key and version. Hashes of blocks would only cost, and could drop a block that is wanted.
    "insert_deduplicate": 0,
    # A backfill of many months arrives in one block.
    "max_partitions_per_insert_block": 0,
    # NULL in a column that has none is a bug to be seen, not a zero to be stored.
    "input_format_null_as_default": 0,
}
_TEXT = {"output_format_arrow_string_as_string": 1}
_BYTES = {"output_format_arrow_string_as_string": 0}
_READ_ONLY = {"readonly": 2}
"""Settings may be set, such as those of formats; nothing else."""
# Whatever the client warns about is raised as an error with more context, or tried again and reported there.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_T = TypeVar("_T")


def quoted(name: str) -> str:
    """The identifier in backquotes; raises ``SinkRefused`` where it is not letters, digits and underscores."""
    if not _IDENTIFIER.fullmatch(name):
        raise SinkRefused(f"{name!r} is not a name that a database or a table can have; use letters, digits and underscores")
    return f"`{name}`"


class ClickHouse:
    """A ``Sink`` and a ``Reader``. It connects at the first use, so it can be made while the server is away, and may be shared by threads."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Client | None = None
        self._lock = Lock()
        self._closed = False
        quoted(address.database)
        # On one machine compressing costs more than it saves.
        self._compress = address.options.get("compress", "false" if address.embedded or address.host in LOOPBACK else "lz4")
        self._compression = self._compress if self._compress in ("lz4", "zstd") else None

    def __repr__(self) -> str:
        return f"ClickHouse({str(self.address)!r})"

    def insert(self, table: Table, rows: pa.Table) -> None:
        """Store the rows; see ``Sink.insert``."""
        self.insert_into(table.value, rows)

    def insert_into(self, table: str, rows: pa.Table) -> None:
        """The same for a table by its name."""
        if rows.num_rows == 0:
            return
        # Any buffer will do for both transports; the declared types know of bytes alone, which would be a copy more.
        body = cast("bytes", _arrow_stream(rows, self._compression))
        self._call(lambda client: client.raw_insert(quoted(table), rows.column_names, body, INSERT_SETTINGS, "ArrowStream"))

    def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False, read_only: bool = False) -> pa.Table:
        """The result of one SELECT; see ``Reader.query``. With ``read_only`` the server refuses anything that would change it."""
        settings = (_BYTES if binary else _TEXT) | (_READ_ONLY if read_only else {})
        data = self._call(lambda client: client.raw_query(sql, dict(parameters or {}), dict(settings), "Arrow"))
        if not data:
            return pa.table({})
        try:
            return pa.ipc.open_file(pa.py_buffer(data)).read_all()
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(data, error) from error

    def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> str:
        """The first value that a statement returns, as text; empty where it returns nothing."""
        result = self._call(lambda client: client.command(sql, parameters=dict(parameters or {})))
        return str(result) if isinstance(result, str | int) else ""

    def ping(self) -> str:
        """The version of the server; raises ``SinkUnavailable`` where it does not answer."""
        return str(self._call(lambda client: client.command("SELECT version()")))

    def create_database(self, on_cluster: str = "") -> None:
        """Create the database of the address where it is missing."""
        with self._lock:
            self._drop_client()
        client = self._guarded(lambda: self._open(database=None))
        try:
            self._guarded(lambda: client.command(f"CREATE DATABASE IF NOT EXISTS {quoted(self.address.database)}{on_cluster}"))
        finally:
            client.close()

    def close(self) -> None:
        """Close the connections; doing it twice is fine."""
        with self._lock:
            self._closed = True
            self._drop_client()

    def _drop_client(self) -> None:
        if self._client is not None:
            with suppress(ClickHouseError, HTTPError, OSError):
                self._client.close()
            self._client = None

    def _call(self, use: Callable[[Client], _T]) -> _T:
        return self._guarded(lambda: use(self._connected()))

    def _connected(self) -> Client:
        with self._lock:
            if self._closed:
                raise SinkRefused(f"The connection to {self.address} is closed")
            if self._client is None:
                self._client = self._open(self.address.database)
            return self._client

    def _open(self, database: str | None) -> Client:
        address = self.address
        if address.embedded:
            check_free(Path(address.path), may_be_ours=True)
            return clickhouse_connect.get_client(interface="chdb", path=address.path, database=database, show_clickhouse_errors="scrub")
        options = address.options
        return clickhouse_connect.get_client(
            interface=address.scheme,
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            database=database,
            # A session allows one query at a time; inserts of several partitions run side by side.
            autogenerate_session_id=False,
            query_retries=0,
            dedicated_pool=True,
            show_clickhouse_errors="scrub",
            client_name="candor",
            connect_timeout=options.get("connect_timeout", CONNECT_TIMEOUT_SECONDS),
            send_receive_timeout=options.get("send_receive_timeout", READ_TIMEOUT_SECONDS),
            compress=self._compress,
            verify=options.get("verify", "true"),
            ca_cert=options.get("ca_cert"),
            client_cert=options.get("client_cert"),
            client_cert_key=options.get("client_cert_key"),
        )

    def _guarded(self, use: Callable[[], _T]) -> _T:
        try:
            return use()
        except (ClickHouseError, HTTPError, OSError, RuntimeError) as error:
            raise self._classified(error) from error

    def _classified(self, error: Exception) -> SinkUnavailable | SinkRefused:
        code = getattr(error, "code", None)
        text = str(error) if code is not None else f"{error} ({_root(error)})"
        if self.address.password:
            text = text.replace(self.address.password, "***")
        if code is None and _is_away(error):
            return SinkUnavailable(f"ClickHouse at {self.address} does not answer: {text}")
        if code in TRY_AGAIN:
            return SinkUnavailable(f"ClickHouse at {self.address} cannot do it now ({TRY_AGAIN[code]}): {text}")
        return SinkRefused(f"ClickHouse at {self.address} refuses: {text}", code)

    def _damaged(self, data: bytes, error: Exception) -> SinkUnavailable | SinkRefused:
        """What an answer means that is not whole: the server wrote why at its end, or the connection was cut."""
        said = _LATE_ERROR.search(data[-_TAIL_BYTES:])
        if said is not None and int(said["code"]) not in TRY_AGAIN:
            return SinkRefused(f"ClickHouse at {self.address} refuses: {said[0].decode(errors='replace')}", int(said["code"]))
        text = str(error) if said is None else said[0].decode(errors="replace")
        return SinkUnavailable(f"ClickHouse at {self.address} sent an answer that cannot be read, perhaps half of it; try again: {text}")


_TAIL_BYTES = 16 << 10
_LATE_ERROR = re.compile(rb"Code: (?P<code>\d+)\. DB::Exception: [^\n]*")
"""An error that came up once the answer had begun stands at its end."""
_HTTP_STATUS = re.compile(r"HTTP status (\d{3})")


def _is_away(error: Exception) -> bool:
    """Whether an error without ClickHouse's code says that nobody is there: the network, or a proxy that answers for the server."""
    if isinstance(error, HTTPError | OSError) or isinstance(error.__cause__, HTTPError | OSError):
        return True
    status = _HTTP_STATUS.search(str(error))
    return status is not None and (status[1].startswith("5") or status[1] in ("408", "429"))


def _root(error: BaseException) -> str:
    """What first went wrong, for example that a connection was refused; clients wrap it several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"


def _arrow_stream(rows: pa.Table, compression: str | None) -> memoryview:
    """The rows as one Arrow stream; a view, since the buffer is sent as it is."""
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, rows.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(rows)
    return memoryview(stream.getvalue())


def connect(url: str) -> ClickHouse:
    """A client for ``http(s)://user:password@host:port/database`` or ``chdb:///folder?database=name``.

    Raises ``SinkRefused`` where the URL cannot be used.
    Options of an http URL: ``compress`` (lz4, zstd, false), ``verify``, ``ca_cert``, ``client_cert``, ``client_cert_key``, ``connect_timeout`` and
    ``send_receive_timeout`` (seconds). Of chDB a process can hold one folder at a time.
    """
    return ClickHouse(parse(url))
