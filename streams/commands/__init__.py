"""The command line: ``candor``. Each command is a module of this package with the object ``command``, imported when it is used.

Exit codes are those of ``streams.errors.ExitCode``. Results go to standard output, everything said about them to standard error.
"""

import gc
import importlib
import sys
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem

from streams.commands.groups import Group
from streams.errors import CHECK_LOGIN, MAKE_TABLES, START_CLICKHOUSE, CandorError, ExitCode

_ADVICE: dict[int | None, str] = {60: MAKE_TABLES, 81: MAKE_TABLES, 192: CHECK_LOGIN, 193: CHECK_LOGIN, 516: CHECK_LOGIN}
"""By ClickHouse's code: unknown table, unknown database, unknown user, wrong password, failed authentication."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and what it does in one line."""

    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "demo": Entry("demo", "Show the whole path at work, with a simulated company."),
    "worker": Entry("worker", "Read the topics and keep the tables exact, until told to stop."),
    "replay": Entry("replay", "Feed event files through the same stages in process, without Kafka."),
    "produce": Entry("produce", "Send event files to Kafka."),
    "import": Entry("import_", "Turn tables of your history into events, by a mapping."),
    "simulate": Entry("simulate", "Write the events of a made-up company."),
    "clickhouse": Entry("clickhouse", "Serve an embedded ClickHouse over HTTP."),
    "topics": Entry("topics", "Create the topics, or report how they differ."),
    "migrate": Entry("migrate", "Bring the tables and views of ClickHouse up to date."),
    "findings": Entry("findings", "Find and show which units look gamed, with the evidence."),
    "report": Entry("report", "Write a report for people: one HTML file, or PDF."),
    "query": Entry("query", "Ask the tables and views of ClickHouse, and change nothing."),
    "serve": Entry("serve", "Serve a live page: the stream, the newest findings and the pictures of the report."),
    "materialize": Entry("materialize", "Copy what the views say into tables, for dashboards that must not wait."),
    "fit": Entry("fit", "Fit the models: who still buys, what drives scores, what predicts buying again."),
    "dlq": Entry("dlq", "Find, show, export and replay dead letters."),
    "lag": Entry("lag", "Show how far workers are behind, or serve it to Prometheus."),
    "doctor": Entry("doctor", "Check everything that Candor needs, and say what to do."),
    "contracts": Entry("contracts", "Write or check the generated contracts and documentation."),
}


class Failure(click.ClickException):
    """An error told in one line, and what to do about it in another where that is known; with the exit code of its kind."""

    def __init__(self, message: str, exit_code: ExitCode, advice: str = "") -> None:
        super().__init__(f"{message}\n  {advice}" if advice else message)
        self.exit_code = exit_code


class CandorGroup(Group):
    """Commands by name; errors that are meant for the user become messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(f"streams.commands.{entry.module}").command
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may stand where the word begins so, without importing the commands."""
        commands = [CompletionItem(name, help=entry.summary) for name, entry in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns; raises ``Failure`` for errors that are no bugs, and click's ``Exit`` where the user interrupts it."""
        try:
            return super().invoke(ctx)
        except (click.Abort, KeyboardInterrupt):
            click.echo("Interrupted", err=True)
            ctx.exit(ExitCode.INTERRUPTED)
        except CandorError as error:
            raise Failure(str(error), error.exit_code, error.advice) from error
        except (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError) as error:
            # Some path that was given cannot be used.
            raise Failure(f"{error.filename}: {error.strerror}", ExitCode.USAGE) from error
        except Exception as error:
            failure = _failure_of_sink(error)
            if failure is None:
                raise
            raise failure from error


def _failure_of_sink(error: Exception) -> Failure | None:
    """What is told of an error of a sink, None for any other. Where no command has imported the sinks, it is none of theirs."""
    base = sys.modules.get("sinks.base")
    if base is None or not isinstance(error, base.SinkError):
        return None
    if isinstance(error, base.SinkUnavailable):
        return Failure(str(error), ExitCode.AWAY, "" if isinstance(error, base.FolderInUse) else START_CLICKHOUSE)
    return Failure(str(error), ExitCode.PROBLEM, _ADVICE.get(getattr(error, "code", None), ""))


@click.group(cls=CandorGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="candor", prog_name="candor")
def cli() -> None:
    """Turn customer feedback and transactions into loyalty numbers that can be trusted.

    Settings are CANDOR_ variables, lines of a file .env, or files in a folder of secrets; see .env.example.
    """


def main() -> None:
    """Run ``candor`` with the arguments of the process."""
    # Until the command is imported: next to nothing of what is made by then is garbage, and to look for it is a tenth of the start.
    gc.disable()
    cli(prog_name="candor")
