"""A page, followed from top to bottom as a reader would: files are written, commands typed, queries asked, answers compared."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pytest

from sinks.clickhouse import connect
from tests.conftest import wait_for
from tests.docs.blocks import Block
from tests.docs.site import ROOT
from tests.test_metrics_pages import differing

_DONE, _ENDED = "--- done", "--- ended"
_TABLE = re.compile(r"\A\s*\n((?:\|[^\n]*\n?)+)")
_ARRIVES_SECONDS = 120
"""What is asked right after something was sent may need until it is in the tables."""
_OF_THE_PROJECT = ("deploy", "docs", "examples", "schemas")


class Shell:
    """A shell in a folder that looks like the project after ``make setup``; leaves nothing running."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._errors = folder / "stderr"
        _furnish(folder)
        ours = {"PATH": f"{folder}/.venv/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                env={**{name: value for name, value in os.environ.items() if not name.startswith("CANDOR_")}, **ours, **environment},
            )
        # What runs in the background holds standard output open, so the end of the shell must be told.
        self.type(f"trap 'echo; echo \"{_ENDED} $?\"' EXIT; set -euo pipefail")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        self._process.communicate(timeout=60)

    def type(self, commands: str) -> str:
        """What the commands print; fails the test where one of them fails."""
        script = self.folder / "typed.sh"
        script.write_text(commands, encoding="utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # What is typed must not read what comes next.
        self._process.stdin.write(f"source {script} </dev/null\necho; echo '{_DONE}'\n")
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            if line.startswith(_DONE):
                return printed.removesuffix("\n")
            if line.startswith(_ENDED):
                break
            printed += line
        pytest.fail(f"{commands}\nfails:\n{printed}\n{self.errors()}")

    def errors(self) -> str:
        """What was said on standard error, the end of it."""
        return self._errors.read_text(encoding="utf-8", errors="replace")[-4_000:]


def follow(shell: Shell, blocks: Sequence[Block], done: Mapping[str, Callable[[], str]] = MappingProxyType({})) -> None:
    """Do what the blocks of a page say, in their order; fails where what is shown is not what comes, and at a block that nobody knows how to run.

    ``done`` are commands that were typed before, and what they printed.
    """
    printed = ""
    for block in blocks:
        if block.reason:
            continue
        if block.text in done:
            printed = done[block.text]()
        elif block.title:
            path = shell.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            printed = shell.type(block.text)
        elif block.language == "text":
            assert re.fullmatch(_pattern(block.text), _trimmed(printed)), f"{block}: what comes is\n{printed}"
        elif block.language == "sql":
            _ask(shell, block)
        else:
            pytest.fail(f"{block}: nobody knows how to run it")


def _ask(shell: Shell, block: Block) -> None:
    """Ask a query and compare its answer with the table beneath it."""
    table = _TABLE.match(block.after)
    assert table, f"{block}: there is no table beneath the query"
    problems: list[str] = []
    url = shell.type('echo "${CANDOR_CLICKHOUSE_URL}"').strip()
    if url.startswith("chdb:"):
        # A folder is open in one process alone, and everything in it was there when that process ended.
        problems = differing(json.loads(shell.type(f"candor query --json <<'END_OF_QUERY'\n{block.text}END_OF_QUERY\n")), table[1])
        assert not problems, f"{block}: {problems}"
        return

    def is_as_shown() -> bool:
        with closing(connect(url)) as clickhouse:
            problems[:] = differing(clickhouse.query(block.text.strip().removesuffix(";")).to_pylist(), table[1])
        return not problems

    wait_for(is_as_shown, _ARRIVES_SECONDS, lambda: f"{block}: {problems}\n{shell.errors()}")


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())


def _pattern(expected: str) -> str:
    """A regular expression for what is shown: a line ``...`` stands for any lines, and ``...`` within a line for anything."""
    return "".join(
        r"(?:[^\n]*\n)*?" if line == "..." else r"[^\n]*?".join(map(re.escape, line.split("..."))) + r"\n" for line in _trimmed(expected).splitlines()
    )


def _furnish(folder: Path) -> None:
    """Put there what a clone has, with a ``candor`` that runs the code under test."""
    for name in _OF_THE_PROJECT:
        (folder / name).symlink_to(ROOT / name)
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name, arguments in (("candor", "-m streams.commands "), ("python", "")):
        tool = tools / name
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n', encoding="utf-8")
        tool.chmod(0o755)
    (tools / "activate").write_text(f"export PATH={tools}:$PATH\n", encoding="utf-8")
