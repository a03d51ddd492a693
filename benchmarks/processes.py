"""Processes under measurement: what they cost in processor time and memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from streams.broker.ready import free_port
from streams.demo.processes import clickhouse_answers


class Measured:
    """A process that is started, watched and stopped."""

    def __init__(self, arguments: list[str], log: Path, environment: Mapping[str, str]) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen([sys.executable, *arguments], stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        self._log = log
        self.process = psutil.Process(self._process.pid)

    @property
    def log(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])

    def check(self) -> None:
        """Raises ``RuntimeError`` with the end of its log where the process has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"ended with {self._process.returncode}:\n{self.log}")

    def stop(self) -> int:
        """Ends it as an operator would; returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)


def cpu_seconds(*processes: psutil.Process) -> float:
    """Returns user and system seconds of the processes and all that they started."""
    total = 0.0
    for process in processes:
        for each in (process, *process.children(recursive=True)):
            times = each.cpu_times()
            total += times.user + times.system
    return total


def peak_megabytes(process: psutil.Process) -> float:
    """Returns the most memory that the process ever held, in MiB."""
    for line in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float(process.memory_info().rss / 2**20)


def clickhouse(folder: Path) -> tuple[Measured, str]:
    """Starts an embedded ClickHouse; returns it and its address, host:port."""
    port = free_port()
    server = Measured(
        ["-m", "streams.commands", "clickhouse", "--path", str(folder / "clickhouse"), "--port", str(port)], folder / "clickhouse.log", {}
    )
    wait_for(lambda: clickhouse_answers(port), 60, server)
    return server, f"127.0.0.1:{port}"


def wait_for(condition: Callable[[], bool], seconds: float, *alive: Measured) -> None:
    """Returns once the condition holds; raises where a process ends meanwhile, or ``TimeoutError``."""
    deadline = time.monotonic() + seconds
    while not condition():
        for measured in alive:
            measured.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} seconds:\n" + "\n".join(measured.log for measured in alive))
        time.sleep(0.05)
