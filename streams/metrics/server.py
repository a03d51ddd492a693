"""Serving metrics and health over HTTP, in threads of their own: a scrape never waits for the event loop, and the loop never for a scrape."""

import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.errors import ConfigurationError
from streams.metrics.health import Health

_log = structlog.get_logger(__name__)
_PATIENCE_SECONDS = 10.0
"""A client that says nothing for so long is cut off."""
_TEXT = "text/plain; charset=utf-8"
Answer = tuple[HTTPStatus, str, bytes]
"""Status, content type and body."""


class MetricsServer:
    """``/metrics``, ``/live`` and ``/ready`` at an address; port 0 takes a free one. Raises ``ConfigurationError`` where it cannot be had.

    Its threads are daemons: whoever ends the process need not wait for them.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, host: str, port: int) -> None:
        self._registry = registry
        self._health = health
        handler = _handler(self._answer)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = type("_Server", (_Server,), {"address_family": family})
        try:
            self._server: ThreadingHTTPServer = server((host, port), handler)
        except OSError as error:
            raise ConfigurationError(f"CANDOR_METRICS_HOST, CANDOR_METRICS_PORT: cannot serve metrics at {host}:{port}: {error}") from None
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, accept: str) -> Answer:
        if path == "/metrics":
            encode, content_type = choose_encoder(accept)
            return HTTPStatus.OK, content_type, encode(self._registry)
        asked = {"/live": self._health.live, "/ready": self._health.ready}.get(path)
        if asked is None:
            return HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics, /live and /ready\n"
        well, word = asked()
        return HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, f"{word}\n".encode()


class _Server(ThreadingHTTPServer):
    """Threads end with the process."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Said, unless it is a client that went away in the middle."""
        del request
        error = sys.exception()
        if not isinstance(error, OSError):
            _log.warning("metrics_not_served", client=str(client_address), error=f"{type(error).__name__}: {error}")


def _handler(answer: Callable[[str, str], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_SECONDS
        server_version = "candor"
        sys_version = ""

        def do_GET(self) -> None:
            status, content_type, body = answer(urlsplit(self.path).path, self.headers.get("Accept", ""))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
            del format, arguments

    return Handler
