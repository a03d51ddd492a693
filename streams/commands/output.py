"""What commands print: results to standard output, words and progress to standard error; no colour where NO_COLOR is set or nobody looks."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table


def say(message: str) -> None:
    """Tell the user something."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """Print a result for a script; what JSON does not know is printed as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a result for a person; columns fold where the terminal is narrow."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    console = Console()
    # Not what rich takes for a terminal: FORCE_COLOR makes it take a pipe for one.
    is_piped = not sys.stdout.isatty()
    if is_piped:
        # A pipe has no width: a row stays on its line.
        console.width = 10_000
    console.print(table, soft_wrap=is_piped)


def _plain(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return text.replace("[", "\\[").replace("\n", " ")


def progress() -> Progress:
    """A progress bar on standard error with elapsed and remaining time and the task field ``rate``; silent where nobody looks."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        # What is printed meanwhile is a result, and may be piped.
        redirect_stdout=False,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Tell on standard error that something goes on whose end cannot be foreseen, such as ``fitting``; silent where nobody looks."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, disable=not sys.stderr.isatty()) as bar:
        bar.add_task(doing, total=None)
        yield
