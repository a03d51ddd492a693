"""A server in a process of its own, and requests as curl would send them."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode


@dataclass(slots=True)
class Running:
    """A server in a process of its own."""

    port: int
    process: subprocess.Popen[str] = field(repr=False)


@contextmanager
def running(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start a server on a free port, and end it."""
    command = [sys.executable, "-m", "sinks.chdb_server", "--path", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "answers at http://127.0.0.1:" in line
        try:
            yield Running(int(line.rsplit(":", 1)[1]), process)
        finally:
            process.terminate()
            assert process.wait(60) in (0, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(server: Running, body: str | bytes, headers: Mapping[str, str] | None = None, **parameters: str) -> Answer:
    """Send a request as curl would."""
    data = body.encode() if isinstance(body, str) else body
    url = f"http://127.0.0.1:{server.port}/?{urlencode(parameters)}"
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/octet-stream", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())


def count(server: Running) -> int:
    """Rows of the table."""
    return int(post(server, "SELECT count() FROM d.t").body)
