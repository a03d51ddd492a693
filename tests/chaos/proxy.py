"""An HTTP proxy in front of ClickHouse that behaves as badly as networks and servers do."""

import asyncio
import io
import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

_HOP = {"transfer-encoding", "content-length", "connection", "keep-alive", "host", "content-encoding"}


class Fault(StrEnum):
    """What can happen to a request."""

    REFUSED = "answers 503 without passing it on"
    SILENT = "passes it on, then never answers and cuts the connection"
    CUT_REQUEST = "reads half of the request and cuts the connection"
    CUT_RESPONSE = "passes it on and cuts the connection half-way through the answer"
    CUT_UPSTREAM = "passes on half of the request and cuts that connection"


@dataclass(slots=True)
class FaultProxy:
    """Listens on loopback; passes everything on to ``upstream`` unless a fault is due."""

    upstream: str
    seed: int
    patience_seconds: float = 1.0
    """How long it stays silent before it cuts the connection."""
    rate: float = 0.0
    """Share of requests that meet a fault."""
    faults: tuple[Fault, ...] = tuple(Fault)
    met: Counter[Fault] = field(default_factory=Counter)
    port: int = 0
    _random: random.Random = field(init=False)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def __aenter__(self) -> Self:
        """Listen."""
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=120))
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop listening."""
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        fault = self._random.choice(self.faults) if self._random.random() < self.rate else None
        if fault is not None:
            self.met[fault] += 1
        if fault is Fault.REFUSED:
            return web.Response(status=503, text="Service Unavailable")
        if fault is Fault.CUT_REQUEST:
            await request.content.read(max(1, (request.content_length or 2) // 2))
            return self._cut(request)
        body = await request.read()
        if fault is Fault.CUT_UPSTREAM:
            await self._send_half(request, body)
            return self._cut(request)
        return await self._after_passing_on(request, body, fault)

    async def _after_passing_on(self, request: web.Request, body: bytes, fault: Fault | None) -> web.StreamResponse:
        try:
            status, headers, answer = await self._pass_on(request, body)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return web.Response(status=502, text="Bad Gateway")
        if fault is Fault.SILENT:
            await asyncio.sleep(self.patience_seconds)
            return self._cut(request)
        if fault is Fault.CUT_RESPONSE:
            return await self._answer_half(request, status, headers, answer)
        return web.Response(status=status, headers=headers, body=answer)

    async def _pass_on(self, request: web.Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP - {"content-encoding"}}
        async with self._session.request(request.method, self.upstream + request.raw_path, data=io.BytesIO(body), headers=headers) as response:
            answer = await response.read()
            kept = {name: value for name, value in response.headers.items() if name.lower() not in _HOP - {"content-encoding"}}
            return response.status, kept, answer

    async def _send_half(self, request: web.Request, body: bytes) -> None:
        """A server that sees only the first half of a body that was announced whole."""
        parts = urlsplit(self.upstream)
        try:
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            return
        lines = [f"{request.method} {request.raw_path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in _HOP - {"content-encoding"}]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body[: len(body) // 2])
        try:
            await writer.drain()
        finally:
            writer.close()

    async def _answer_half(self, request: web.Request, status: int, headers: dict[str, str], answer: bytes) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(answer) + 10)})
        await response.prepare(request)
        await response.write(answer[: len(answer) // 2])
        return self._cut(request, response)

    @staticmethod
    def _cut(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return response or web.Response()
