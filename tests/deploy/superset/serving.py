"""A real Superset: its metadata in SQLite, on the loopback interface, with a secret key and an administrator that nobody else knows."""

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.broker.ready import free_port
from tests.conftest import wait_for
from tests.web import text_of

PYTHON = Path(sys.prefix) / "superset" / "bin" / "python"
_SERVE = Path(__file__).with_name("serve.py")
_SETTINGS = """\
import sqlite3
from sqlalchemy import event
from sqlalchemy.engine import Engine

SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"


@event.listens_for(Engine, "connect")
def in_no_hurry_to_disk(connection, record):
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
"""


@dataclass(slots=True)
class Superset:
    """One that was started; ``ready`` waits until it answers."""

    port: int
    password: str = field(repr=False)
    log: Path
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> None:
        wait_for(lambda: text_of(f"{self.url}/health") is not None, 480, self.log.read_text)
        login = {"username": "admin", "password": self.password, "provider": "db", "refresh": False}
        self.token = self.ask("security/login", login)["access_token"]

    def ask(self, path: str, body: object = None) -> dict[str, Any]:
        """What its API answers with 200; an answer of any other status fails the test."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers), timeout=120) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()[:2000]}") from None

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """All charts, datasets or dashboards."""
        found: list[dict[str, Any]] = self.ask(f"{kind}/?q=(page_size:200)")["result"]
        return found


@contextmanager
def superset(folder: Path) -> Iterator[Superset]:
    """Start it; it makes its metadata first, so it answers only after a while."""
    running = Superset(free_port(), secrets.token_hex(16), folder / "superset.log")
    settings = _SETTINGS.format(key=secrets.token_hex(32), folder=folder)
    (folder / "superset_config.py").write_text(settings, encoding="utf-8")
    environment = {"PYTHONPATH": str(folder), "SUPERSET_HOME": str(folder), "SUPERSET_ADMIN_PASSWORD": running.password}
    command = [str(PYTHON), str(_SERVE), str(running.port)]
    with (
        running.log.open("wb") as log,
        subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield running
        finally:
            process.kill()
