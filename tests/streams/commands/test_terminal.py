"""What a person sees at a terminal, and what a script gets through a pipe: colours, progress, completion, exit codes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import click
import pytest
from click.shell_completion import split_arg_string

from streams.commands import COMMANDS, cli
from streams.errors import MEANINGS, ExitCode
from tests.conftest import wait_for

ROOT = Path(__file__).parents[3]
COLOURS = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)(?:;\d+)*m")
JSON = {
    "dlq export", "dlq list", "dlq replay", "dlq show", "doctor", "findings adjudicate", "findings list", "findings show", "fit", "import", "lag",
    "materialize", "migrate", "produce", "query", "replay", "simulate", "topics check", "topics create",
}  # fmt: skip
"""Commands with a result that a script would want."""


class Terminal:
    """A terminal that somebody could look at; keeps what is written to it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._written = bytearray()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while part := os.read(self._ours, 65_536):
                self._written += part
        except OSError:
            return  # nobody has it open any more

    def text(self) -> str:
        """All that was written, once those who write have ended."""
        os.close(self.theirs)
        self._reader.join(10)
        os.close(self._ours)
        return self._written.decode()


def run(
    *arguments: str, environment: Mapping[str, str] | None = None, out: int = subprocess.PIPE, err: int = subprocess.PIPE
) -> tuple[int, str, str]:
    """``candor`` in a process of its own: exit code, standard output, standard error."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS"}}
    done = subprocess.run(
        [sys.executable, "-m", "streams.commands", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        env={**kept, "TERM": "xterm", **(environment or {})},
        timeout=60,
        check=False,
    )
    return done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode()


AWAY = {"CANDOR_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "CANDOR_CLICKHOUSE_URL": "http://127.0.0.1:1/candor"}


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_shows_colours_unless_they_are_not_wanted(environment: dict[str, str], *, coloured: bool) -> None:
    terminal = Terminal()

    code, _, _ = run("doctor", environment={**AWAY, **environment}, out=terminal.theirs)

    assert code == ExitCode.AWAY
    shown = terminal.text()
    assert "away" in shown
    assert bool(COLOURS.search(shown)) is coloured


def test_a_pipe_gets_neither_colours_nor_anything_else_for_terminals() -> None:
    _, printed, said = run("doctor", environment=AWAY)

    assert "away" in printed
    assert "\x1b" not in printed + said


def test_progress_is_shown_on_a_terminal_alone_and_never_in_the_result() -> None:
    terminal = Terminal()
    options = ("simulate", "--out", "-", "--events-target", "2000", "--accounts", "50", "--units", "3")

    code, printed, _ = run(*options, err=terminal.theirs)
    _, piped, said = run(*options)

    assert code == ExitCode.DONE
    assert "writing" in terminal.text()
    assert printed == piped
    assert all(json.loads(line)["topic"] for line in printed.splitlines())
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "position", "expected"),
    [
        ("candor fin", 1, ["findings"]),
        ("candor findings li", 2, ["list"]),
        ("candor findings list --sta", 3, ["--state"]),
        ("candor findings list --state sus", 4, ["suspect"]),
    ],
)
def test_commands_options_and_values_are_completed(words: str, position: int, expected: list[str]) -> None:
    assert _completed(words, position) == expected


def _completed(words: str, position: int) -> list[str]:
    code = "import sys; sys.argv[0] = 'candor'; from streams.commands import main; main()"
    environment = {**os.environ, "_CANDOR_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False)
    return [line.removeprefix("plain,") for line in done.stdout.splitlines()]


def test_completing_the_name_of_a_command_imports_none_of_them() -> None:
    code = """
import sys
from streams.commands import cli
try:
    cli(prog_name="candor")
except SystemExit:
    print({"faust", "pyarrow", "kafka"} & set(sys.modules))
"""
    environment = {**os.environ, "_CANDOR_COMPLETE": "bash_complete", "COMP_WORDS": "candor ", "COMP_CWORD": "1"}

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True)

    *completed, imported = done.stdout.splitlines()
    assert [line.removeprefix("plain,") for line in completed] == list(COMMANDS)
    assert imported == "set()"


def test_every_exit_code_is_explained() -> None:
    assert set(MEANINGS) == set(ExitCode)
    told = (ROOT / "README.md").read_text(encoding="utf-8").partition("Exit codes: ")[2].partition("\n")[0]
    assert {int(code) for code in re.findall(r"\d+", told)} == set(ExitCode) - {ExitCode.TERMINATED}


def test_a_demo_that_is_told_to_end_ends_everything_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "streams.commands", "demo", "--folder", str(folder), "--events", "1000", "--accounts", "50", "--units", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        wait_for(lambda: (folder / "clickhouse.log").exists() or demo.poll() is not None, 60)
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=60)

    assert demo.returncode == ExitCode.TERMINATED


def _all_commands(command: click.Command, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    found = {" ".join(path): command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found |= _all_commands(inner, (*path, name))
    return found


def test_what_a_script_would_want_is_had_as_json_and_the_page_says_where() -> None:
    has = {path for path, command in _all_commands(cli).items() if any("--json" in option.opts for option in command.params)}
    page = (ROOT / "docs" / "how-to" / "scripts.md").read_text(encoding="utf-8")
    told = page.partition("**`--json`**")[2].partition(".\n")[0]

    assert has == JSON
    assert all(word in told for path in JSON for word in path.split())


def test_no_help_is_cut_short_on_a_usual_terminal() -> None:
    for path, command in _all_commands(cli).items():
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=path, terminal_width=80)
            assert "..." not in command.get_help(context).partition("Commands:")[2], path


def test_the_examples_in_help_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DIR").mkdir()
    (tmp_path / "examples" / "olist").mkdir(parents=True)
    examples = 0
    for command in _all_commands(cli).values():
        for line in re.findall(r"Example: (?:[A-Z_]+=\S+ )?candor (.+)", " ".join((command.help or "").split())):
            examples += 1
            arguments = split_arg_string(line)[len((path_of := _path(command)).split()) :]
            for word in arguments:
                if re.fullmatch(r"[\w/.-]+\.(zst|yaml|json)", word):
                    (tmp_path / word).touch()
            command.make_context(path_of, arguments)
    assert examples >= 5


def _path(command: click.Command) -> str:
    return next(path for path, one in _all_commands(cli).items() if one is command)
