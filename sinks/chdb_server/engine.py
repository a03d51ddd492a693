"""chDB, used by many requests at once: a session of the engine for each, so that nothing of one request is seen by another.

Sessions are cheap (a tenth of a millisecond) and safe to use side by side; one session used by two threads at once is not.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Protocol, cast

from chdb.session import Session as ChdbSession

from sinks.chdb_server.guard import SEVERAL, refusal
from sinks.chdb_server.statement import Statement
from sinks.errorcodes import SYNTAX_ERROR
from sinks.folder import check_free

USERS = Path(__file__).with_name("users.xml")
SESSION_SECONDS = 60.0
_CODE = re.compile(r"Code: (\d+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
BAD_ARGUMENTS = 36
ACCESS_DENIED = 497
SESSION_IS_LOCKED = 373


class _Output(Protocol):
    def bytes(self) -> bytes: ...
    def data(self) -> str: ...
    def elapsed(self) -> float: ...
    def rows_written(self) -> int: ...
    def bytes_written(self) -> int: ...
    def storage_rows_read(self) -> int: ...
    def storage_bytes_read(self) -> int: ...


class _Session(Protocol):
    def query(self, sql: str, fmt: str = ..., *, params: dict[str, str] | None = ...) -> _Output: ...
    def close(self) -> None: ...


_open = cast("Callable[[str], _Session]", ChdbSession)


class EngineError(Exception):
    """What the engine says is wrong, with ClickHouse's code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Job:
    """One statement and all that it runs under; ``data`` are the bytes of an insert, in pieces."""

    text: bytes
    statement: Statement
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    default_format: str
    read_only: bool = False
    session_id: str = ""
    data: Iterable[bytes] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The bytes of the answer and what it took."""

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_seconds: float = 0.0


@dataclass(slots=True)
class _Kept:
    session: _Session
    lock: Lock = field(default_factory=Lock)
    used_at: float = 0.0


class Engine:
    """The one engine of the process, on one folder. ``run`` may be called from any thread."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._options = f"{path.resolve()}?config-file={USERS}&users_config={USERS}"
        check_free(path)
        # Keeps the engine up between requests; closing the last session closes the engine.
        self._root = _open(self._options)
        self._hide_files()
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def _hide_files(self) -> None:
        """Make ``default`` a database like all others: chDB lays the files of the machine over it, which nobody here may read."""
        if str(self._root.query("CHECK GRANT READ ON FILE", "TabSeparatedRaw").data()).strip() != "0":
            raise RuntimeError(f"chDB does not keep to {USERS}: its statements could read and write any file")
        uuid = str(self._root.query("SELECT uuid FROM system.databases WHERE name = 'default'", "TabSeparatedRaw").data()).strip()
        self._root.query("DETACH DATABASE default")
        self._root.query(f"ATTACH DATABASE default UUID '{uuid}' ENGINE = Atomic")

    def version(self) -> str:
        """The version of the engine."""
        return str(self._root.query("SELECT version()", "TabSeparatedRaw").data()).strip()

    def close(self) -> None:
        """Close every session and, with it, the engine; to be called once nothing runs any more."""
        with self._lock:
            for kept in self._kept.values():
                kept.session.close()
            self._kept.clear()
        self._root.close()

    def run(self, job: Job) -> Result:
        """Run one statement; raises ``EngineError``."""
        if said := refusal(job.text, job.parameters):
            number, name = (SYNTAX_ERROR, "SYNTAX_ERROR") if said == SEVERAL else (ACCESS_DENIED, "ACCESS_DENIED")
            raise EngineError(f"Code: {number}. DB::Exception: {said}. ({name})", number)
        try:
            with self._session(job) as (session, kept), _under(session, job, kept=kept):
                return _insert(session, job) if job.statement.insert_format else _query(session, job)
        except (RuntimeError, ValueError) as error:
            text = str(error)
            code = _CODE.search(text)
            raise EngineError(text, int(code[1]) if code else 1001) from error

    @contextmanager
    def _session(self, job: Job) -> Iterator[tuple[_Session, bool]]:
        kept = self._find(job)
        if kept is None:
            session = _open(self._options)
            try:
                yield session, False
            finally:
                session.close()
            return
        if not kept.lock.acquire(blocking=False):
            raise EngineError(
                f"Code: 373. DB::Exception: Session {job.session_id} is locked by a concurrent client. (SESSION_IS_LOCKED)", SESSION_IS_LOCKED
            )
        try:
            yield kept.session, True
        finally:
            kept.used_at = time.monotonic()
            kept.lock.release()

    def _find(self, job: Job) -> _Kept | None:
        """The session that a client named, made at the first statement that leaves something behind; most clients name one and never need it."""
        now = time.monotonic()
        with self._lock:
            for name, kept in list(self._kept.items()):
                if now - kept.used_at > SESSION_SECONDS and not kept.lock.locked():
                    self._kept.pop(name).session.close()
            if not job.session_id or job.read_only:
                return None
            if job.session_id not in self._kept and job.statement.is_stateful:
                kept = _Kept(_open(self._options), used_at=now)
                kept.session.query(f"USE {_quoted(job.database)}")
                self._kept[job.session_id] = kept
            return self._kept.get(job.session_id)


@contextmanager
def _under(session: _Session, job: Job, *, kept: bool) -> Iterator[None]:
    """The database and settings of the request; on a session that is kept, the settings are taken back afterwards."""
    settings = {_checked(name): value for name, value in job.settings.items()}
    before = _values(session, settings) if kept and settings else {}
    if not kept:
        session.query(f"USE {_quoted(job.database)}")
    if job.read_only:
        settings["readonly"] = "1"
    if settings:
        session.query("SET " + ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items()))
    try:
        yield
    finally:
        if before:
            session.query("SET " + ", ".join(f"{name} = {value}" for name, value in before.items()))


def _values(session: _Session, names: Iterable[str]) -> dict[str, str]:
    listed = ", ".join(_literal(name) for name in names)
    rows = session.query(f"SELECT name, changed, value FROM system.settings WHERE name IN ({listed})", "JSONCompactEachRow")  # noqa: S608 (quoted)
    return {name: _literal(value) if changed else "DEFAULT" for name, changed, value in map(json.loads, rows.data().splitlines())}


def _query(session: _Session, job: Job) -> Result:
    answer = session.query(job.text.decode(), job.default_format, params=dict(job.parameters))
    body = answer.bytes() or b""
    written = int(answer.rows_written()) if job.statement.first == b"INSERT" else 0
    return Result(
        body if job.statement.has_result or body else b"",
        read_rows=int(answer.storage_rows_read()),
        read_bytes=int(answer.storage_bytes_read()),
        written_rows=written,
        written_bytes=int(answer.bytes_written()) if written else 0,
        elapsed_seconds=float(answer.elapsed()),
    )


def _insert(session: _Session, job: Job) -> Result:
    """As from a file, of which nothing is left: chDB's own way for data in pieces does not tell of what fails when they are written."""
    statement = job.statement
    target, settings = job.text[: statement.target_end].decode(), job.text[statement.target_end : statement.head_end].decode()
    with TemporaryFile() as file:
        for piece in job.data:
            file.write(piece)
        file.flush()
        # Where a file is opened by its number anew that is a file of its own, and elsewhere it goes on from here.
        file.seek(0)
        source = f"FROM INFILE '/dev/fd/{file.fileno()}' COMPRESSION 'none'"
        done = session.query(f"{target}\n{source}\n{settings}\nFORMAT {statement.insert_format}", "Null")
    written, size = int(done.rows_written()), int(done.bytes_written())
    return Result(read_rows=written, read_bytes=size, written_rows=written, written_bytes=size, elapsed_seconds=float(done.elapsed()))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise EngineError(f"Code: 36. DB::Exception: {name!r} is not the name of a setting. (BAD_ARGUMENTS)", BAD_ARGUMENTS)
    return name


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
