"""The command line as a whole: every command has help, is documented, and ends with the right code."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from sinks.base import SinkRefused, SinkUnavailable
from streams import errors
from streams.commands import COMMANDS, cli
from streams.commands import migrate as migrate_command
from streams.commands import topics as topics_command
from streams.errors import CandorError, ConfigurationError, KafkaUnavailable, ProblemFound
from tests.streams.commands.conftest import Run

ROOT = Path(__file__).parents[3]
EXPECTED = {
    "demo",
    "query",
    "worker",
    "replay",
    "produce",
    "import",
    "simulate",
    "clickhouse",
    "topics",
    "migrate",
    "dlq",
    "doctor",
    "findings",
    "report",
    "serve",
    "lag",
    "fit",
    "materialize",
    "contracts",
}


def _commands(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += _commands(inner, (*path, name))
    return found


def test_the_commands_are_those_of_the_documentation() -> None:
    assert set(COMMANDS) == EXPECTED


def test_the_table_of_commands_needs_none_of_them() -> None:
    """So that help is fast; importing Faust, Arrow and ClickHouse takes a second."""
    code = "import sys; from streams.commands import cli; cli(['-h'], standalone_mode=False); print({'faust', 'pyarrow', 'kafka'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_command_and_option_has_help(candor: Run, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None

    for path, inner in _commands(command, (name,)):
        assert inner.help, path
        assert all(option.help for option in inner.params if isinstance(option, click.Option) and option.name != "help"), path
        assert candor(*path, "--help").exit_code == 0


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"`candor {name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (ProblemFound("found"), 1),
        (ConfigurationError("wrong"), 2),
        (SinkRefused("refused"), 1),
    ],
)
def test_errors_become_one_line_and_an_exit_code(candor: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, exit_code: int) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(topics_command, "load_settings", fail)

    result = candor("topics", "check")

    assert result.exit_code == exit_code
    assert result.stderr == f"Error: {error}\n"
    assert result.stdout == ""


@pytest.mark.parametrize(("error", "variable"), [(KafkaUnavailable("away"), "KAFKA_BOOTSTRAP_SERVERS"), (SinkUnavailable("away"), "CLICKHOUSE_URL")])
def test_what_is_away_is_told_with_what_to_do(candor: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, variable: str) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(topics_command, "load_settings", fail)

    result = candor("topics", "check")

    assert result.exit_code == 3
    first, second = result.stderr.splitlines()
    assert first == "Error: away"
    assert second.startswith("  start ")
    assert f"CANDOR_{variable}" in second


@pytest.mark.parametrize(("code", "advice"), [(81, "candor migrate"), (60, "candor migrate"), (516, "CANDOR_CLICKHOUSE_PASSWORD")])
def test_what_is_missing_in_clickhouse_is_told_with_what_to_do(candor: Run, monkeypatch: pytest.MonkeyPatch, code: int, advice: str) -> None:
    def fail() -> None:
        raise SinkRefused("refused", code)

    monkeypatch.setattr(topics_command, "load_settings", fail)

    result = candor("topics", "check")

    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first == "Error: refused"
    assert advice in second


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(("finding",), "findings"), (("dlq", "lst"), "list"), (("topics", "chek"), "check"), (("findings", "ajudicate"), "adjudicate")],
)
def test_a_mistyped_command_is_told_what_may_be_meant(candor: Run, typed: tuple[str, ...], meant: str) -> None:
    result = candor(*typed)

    assert result.exit_code == 2
    assert f"Did you mean {meant}?" in result.stderr


def _ask_again() -> None:
    raise click.Abort


def _press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def _press_ctrl_c_in_the_loop() -> None:
    async def wait() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    asyncio.run(wait())


@pytest.fixture
def _heeding_ctrl_c() -> Iterator[None]:
    """As at a terminal: whoever starts the tests in the background may have them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeding_ctrl_c")
@pytest.mark.parametrize("interrupt", [_ask_again, _press_ctrl_c, _press_ctrl_c_in_the_loop])
@pytest.mark.parametrize("arguments", [("topics", "check"), ("migrate",)])
def test_a_command_that_is_interrupted_ends_with_130(
    candor: Run, monkeypatch: pytest.MonkeyPatch, interrupt: Callable[[], None], arguments: tuple[str, ...]
) -> None:
    for command in (topics_command, migrate_command):
        monkeypatch.setattr(command, "load_settings", interrupt)

    result = candor(*arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Interrupted\n")


def test_a_bug_is_not_dressed_up(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(topics_command, "load_settings", fail)

    with pytest.raises(ZeroDivisionError):
        candor("topics", "check")


def test_wrong_usage_ends_with_2(candor: Run) -> None:
    assert candor("nothing").exit_code == 2
    assert candor("topics", "check", "--nothing").exit_code == 2


def test_a_wrong_setting_ends_with_2(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_PARTITIONS", "none")

    result = candor("topics", "check")

    assert result.exit_code == 2
    assert "CANDOR_PARTITIONS" in result.stderr


def test_every_error_is_in_the_tree_that_its_module_draws() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, CandorError)}
    assert all(name in (errors.__doc__ or "") for name in classes)
