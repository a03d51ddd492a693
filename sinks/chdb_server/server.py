"""The HTTP server: requests as ClickHouse's clients send them, answers as they expect them."""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from aiohttp import web

from sinks.base import FolderInUse
from sinks.chdb_server.access import Access
from sinks.chdb_server.compression import UnknownEncoding, compressed, decompressed
from sinks.chdb_server.engine import Engine, EngineError, Job, Result
from sinks.chdb_server.statement import read

HOST = "127.0.0.1"
THREADS = 16
MEMORY_BYTES = 64 << 20
"""Bodies above this size wait on disk until they are complete."""
PIECE_BYTES = 4 << 20
HEAD_BYTES = 1 << 20
"""An insert's statement ends within this many bytes of its body."""
LINE_BYTES = 1 << 20
STOP_SECONDS = 60.0
"""How long running statements may take once the server is told to stop."""
_CONTROL = frozenset(
    {
        *("database", "query", "query_id", "session_id", "session_timeout", "session_check", "user", "password", "quota_key", "role"),
        *("compress", "decompress", "enable_http_compression", "client_protocol_version", "default_format", "wait_end_of_query", "buffer_size"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close"),
    }
)
"""Parameters of a request that are not settings of the engine."""
_STATUS = {60: 404, 81: 404, 47: 404, 62: 400, 36: 400, 43: 400, 386: 400, 164: 403, 497: 403, 516: 401, 48: 501, 373: 429}
_JSON = re.compile(r"JSON", re.IGNORECASE)
ENGINE = web.AppKey("engine", Engine)
ACCESS = web.AppKey("access", Access)
POOL = web.AppKey("pool", ThreadPoolExecutor)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out, still to be put into HTTP."""

    result: Result
    body: bytes
    encoding: str
    output_format: str


def application(path: Path, access: Access) -> web.Application:
    """The server on one folder; it owns the engine from its start to its end."""
    app = web.Application()
    app[ENGINE] = Engine(path)
    app[ACCESS] = access
    app[POOL] = ThreadPoolExecutor(THREADS, "query")
    app.router.add_get("/ping", _ping)
    app.router.add_get("/replicas_status", _ping)
    app.router.add_route("*", "/", _handle)
    app.on_cleanup.append(_close)
    return app


async def _close(app: web.Application) -> None:
    await asyncio.to_thread(app[POOL].shutdown)
    app[ENGINE].close()


async def _ping(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def _handle(request: web.Request) -> web.Response:
    query = dict(request.query)
    query_id = query.get("query_id") or str(uuid.uuid4())
    read_only = request.app[ACCESS].read_only(request.headers, query)
    if read_only is None:
        return _error(
            "Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no such user. (AUTHENTICATION_FAILED)", 516, query_id
        )
    if request.method == "GET" and "query" not in query and not request.can_read_body:
        return await _ping(request)
    try:
        with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as body:
            query = await _receive(request, body, query)
            answer = await asyncio.get_running_loop().run_in_executor(request.app[POOL], _answer, request, query, read_only, body)
    except EngineError as error:
        return _error(str(error), error.code, query_id)
    except UnknownEncoding as error:
        return _error(f"Code: 48. DB::Exception: {error}. (NOT_IMPLEMENTED)", 48, query_id)
    except (ValueError, UnicodeDecodeError) as error:
        return _error(f"Code: 36. DB::Exception: {error}. (BAD_ARGUMENTS)", 36, query_id)
    return _response(answer, query_id)


async def _receive(request: web.Request, body: IO[bytes], query: dict[str, str]) -> dict[str, str]:
    """Take the whole body in; a form's fields join the parameters of the URL. A client that goes away half-way has asked for nothing."""
    if request.content_type == "multipart/form-data":
        fields = await request.post()
        if any(not isinstance(value, str) for value in fields.values()):
            raise UnknownEncoding("External data in a form is not supported")
        return {**query, **{name: value for name, value in fields.items() if isinstance(value, str)}}
    if query.get("decompress") == "1":
        raise UnknownEncoding("decompress=1 (ClickHouse's own block compression) is not supported; use Content-Encoding")
    async for piece in request.content.iter_any():
        body.write(piece)
    body.seek(0)
    return query


def _answer(request: web.Request, query: Mapping[str, str], read_only: bool, body: IO[bytes]) -> Answer:
    """Run the statement; in a thread, since neither the engine nor compression lets the loop go on."""
    job = _job(request, query, read_only, decompressed(_pieces(body), request.headers.get("Content-Encoding", "").lower()))
    result = request.app[ENGINE].run(job)
    accepted = request.headers.get("Accept-Encoding", "") if query.get("enable_http_compression") == "1" else ""
    data, encoding = compressed(result.body, accepted)
    output_format = job.statement.output_format or job.default_format if job.statement.has_result or result.body else ""
    return Answer(result, data, encoding, output_format)


def _job(request: web.Request, query: Mapping[str, str], read_only: bool, pieces: Iterator[bytes]) -> Job:
    text = query.get("query", "").encode()
    statement = read(text)
    if not statement.insert_format:
        # The statement goes on in the body, or is all of it.
        head = bytearray(text)
        if text:
            head += b"\n"
        for piece in pieces:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
        text = bytes(head)
        statement = read(text[:HEAD_BYTES])
        if not statement.insert_format:
            text = b"".join((text, *pieces)).strip().rstrip(b";")
            statement = read(text)
    if not text:
        raise EngineError("Code: 62. DB::Exception: Syntax error: empty query. (SYNTAX_ERROR)", 62)
    return Job(
        text=text[: statement.data_at] if statement.insert_format else text,
        statement=statement,
        database=query.get("database") or request.headers.get("X-ClickHouse-Database", "") or "default",
        settings={name: value for name, value in query.items() if name not in _CONTROL and not name.startswith("param_")},
        parameters={name.removeprefix("param_"): value for name, value in query.items() if name.startswith("param_")},
        default_format=query.get("default_format") or request.headers.get("X-ClickHouse-Format", "") or "TabSeparated",
        read_only=read_only,
        session_id=query.get("session_id", ""),
        data=chain((text[statement.data_at :],), pieces) if statement.insert_format else (),
    )


def _pieces(body: IO[bytes]) -> Iterator[bytes]:
    while piece := body.read(PIECE_BYTES):
        yield piece


def _headers(query_id: str) -> dict[str, str]:
    return {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Server-Display-Name": "candor", "X-ClickHouse-Timezone": "UTC"}


def _response(answer: Answer, query_id: str) -> web.Response:
    result = answer.result
    summary = {
        "read_rows": result.read_rows,
        "read_bytes": result.read_bytes,
        "written_rows": result.written_rows,
        "written_bytes": result.written_bytes,
        "elapsed_ns": int(result.elapsed_seconds * 1e9),
    }
    headers = {**_headers(query_id), "X-ClickHouse-Summary": json.dumps({name: str(value) for name, value in summary.items()})}
    if answer.output_format:
        headers["X-ClickHouse-Format"] = answer.output_format
    if answer.encoding:
        headers["Content-Encoding"] = answer.encoding
    content_type = "application/json" if _JSON.match(answer.output_format) else "text/plain"
    return web.Response(body=answer.body, headers=headers, content_type=content_type)


def _error(message: str, code: int, query_id: str) -> web.Response:
    headers = {**_headers(query_id), "X-ClickHouse-Exception-Code": str(code)}
    return web.Response(status=_STATUS.get(code, 500), text=message.rstrip() + "\n", headers=headers)


async def serve(path: Path, host: str, port: int, access: Access) -> None:
    """Serve until SIGTERM or SIGINT; running statements end first, then the engine closes. Prints one line once requests are answered."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        application(path, access),
        max_line_size=LINE_BYTES,
        max_field_size=LINE_BYTES,
        access_log=None,
        auto_decompress=False,
        shutdown_timeout=STOP_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=512).start()
        bound = runner.addresses[0][1]
        sys.stdout.write(f"ClickHouse {runner.app[ENGINE].version()} answers at http://{host}:{bound}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m sinks.chdb_server``; passwords come from the environment, never from the command line."""
    parser = argparse.ArgumentParser(prog="candor clickhouse", description="Serve a folder over ClickHouse's HTTP interface.")
    parser.add_argument("--path", type=Path, required=True, help="folder that holds the data; made where it is missing")
    parser.add_argument("--port", type=int, default=8123, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default=HOST, help="address to listen on")
    chosen = parser.parse_args(arguments)
    access = Access(os.environ.get("CANDOR_CLICKHOUSE_SERVER_PASSWORD", ""), os.environ.get("CANDOR_CLICKHOUSE_SERVER_READER_PASSWORD", ""))
    try:
        asyncio.run(serve(chosen.path, chosen.host, chosen.port, access))
    except FolderInUse as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {chosen.host}:{chosen.port}: {error}\n")
        return 3
    return 0
