"""Processes that can be killed: workers and ClickHouse, each with a log of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp
import psutil

from streams.broker.ready import free_port


class DeadlineError(Exception):
    """Something did not happen in time; the message says what and why."""


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float, explain: Callable[[], str], pause: float = 0.1) -> None:
    """Returns once the condition holds; raises ``DeadlineError`` after ``seconds``.

    Nobody looks again for ``pause`` seconds, and for twice as long as a look took: it may be dear, and must not hold up what is waited for.
    """
    began = time.monotonic()
    while True:
        looked = time.monotonic()
        if await condition():
            return
        now = time.monotonic()
        if now > began + seconds:
            raise DeadlineError(f"not within {seconds:.0f} s: {explain()}")
        await asyncio.sleep(max(pause, 2 * (now - looked)))


class Process:
    """A child with a log; its group is its own, so that an interrupt from the terminal does not reach it."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.frozen = False
        self.ending = False
        """It was told to end."""

    @property
    def stopped(self) -> bool:
        """Whether a SIGSTOP holds it, whoever sent it."""
        try:
            return bool(psutil.Process(self._child.pid).status() == psutil.STATUS_STOPPED)
        except psutil.NoSuchProcess:
            return False

    def has_said(self, words: str) -> bool:
        """Whether the words are in its log."""
        return words.encode() in self.log.read_bytes()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return self._child.poll()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self.running:
            self._child.send_signal(signal.SIGKILL)
        self._child.wait()

    def freeze(self) -> None:
        """SIGSTOP: it does not notice that time passes."""
        if self.running:
            self._child.send_signal(signal.SIGSTOP)
            self.frozen = True

    def thaw(self) -> None:
        """SIGCONT: it goes on as if nothing had happened; nothing where it is not stopped."""
        if self.running:
            self._child.send_signal(signal.SIGCONT)
        self.frozen = False

    async def end(self, seconds: float) -> int:
        """SIGTERM, and its exit code; raises ``DeadlineError`` where it does not end."""
        self.thaw()
        self.ending = True
        if self.running:
            self._child.send_signal(signal.SIGTERM)

        async def ended() -> bool:
            return not self.running

        await eventually(ended, seconds, lambda: f"{self.name} does not end after SIGTERM\n{self.tail()}")
        return self._child.wait()

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class ClickHouseProcess:
    """The real engine behind HTTP, on a port and folder of its own that survive a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: Process | None = None

    async def start(self) -> None:
        """Start and return once it answers."""
        command = [sys.executable, "-m", "sinks.chdb_server", "--path", str(self._folder / "data"), "--port", str(self.port)]
        process = self._process = Process("clickhouse", command, {}, self._folder / "clickhouse.log")
        await eventually(self._answers, 60, process.tail)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()

    async def _answers(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/?query=SELECT%201", timeout=aiohttp.ClientTimeout(5)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
