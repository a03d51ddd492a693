"""Processes of the demo: started, watched, and stopped when it ends."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.errors import DependencyUnavailable, ProblemFound

_STOP_SECONDS = 45
_LOG_LINES = 15


class CandorProcess:
    """A ``candor`` command in a process of its own, in a ``with``; what it prints goes to ``log``."""

    def __init__(self, arguments: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it. It gets no Ctrl-C of its own: it is ended in order, by us."""
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams.commands", *self._arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """End it as an operator would, and kill it only where it does not listen."""
        self._end()

    def stop(self) -> None:
        """End it in order; raises ``ProblemFound`` with the end of its log where it says that something is left undone."""
        assert self._process is not None
        self.check()
        if self._end():
            self.check()

    def _end(self) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def check(self) -> None:
        """Raises ``ProblemFound`` with the end of its log where it has ended."""
        assert self._process is not None
        if self._process.poll() is not None:
            lines = "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
            raise ProblemFound(f"candor {self._arguments[0]} ended with {self._process.returncode}; {self._log} says:\n{lines}")


def wait_until(condition: Callable[[], bool], seconds: float, what: str, *alive: CandorProcess) -> None:
    """Returns once the condition holds; raises where a process ends meanwhile, or ``DependencyUnavailable`` naming ``what`` after the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        for process in alive:
            process.check()
        if time.monotonic() > deadline:
            raise DependencyUnavailable(f"{what} did not happen within {seconds:.0f} seconds")
        time.sleep(0.1)


def clickhouse_answers(port: int) -> bool:
    """Returns whether a ClickHouse answers at this port of this machine."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
