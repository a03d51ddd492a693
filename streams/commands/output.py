"""What commands print: results to standard output, words and progress to standard error; no colour where NO_COLOR is set or nobody looks."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import click
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


def say(message: str) -> None:
    """Tell the user something."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """Print a result for a script; what JSON does not know is printed as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a result for a person, each row on a line where the terminal is wide enough.

    Where it is not, columns of words fold between words; where even that does not fit, each row stands upright, a line for each name and value.
    Nothing without a space in it is ever broken, so that numbers can be read and identifiers copied. Times are cut to seconds.
    """
    cells = [[_plain(cell) for cell in row] for row in rows]
    console = Console()
    # Not what rich takes for a terminal: FORCE_COLOR makes it take a pipe for one.
    if not sys.stdout.isatty():
        # A pipe has no width: a row stays on its line.
        console.width = 10_000
        console.print(_table(columns, cells, [None] * len(columns)), soft_wrap=True)
        return
    widths = _widths(columns, cells, console.width)
    if widths is None:
        _print_upright(console, columns, cells)
    else:
        console.print(_table(columns, cells, widths))


_GAP = 2
"""Between two columns."""
_LEAST_OF_TEXT = 24
"""Narrower than this, or its longest word, text is not read but spelled."""


def _plain(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    return "" if cell is None else " ".join(str(cell).splitlines())


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """The widths under which all columns fit into the room, the widest text folded first; None where there are none."""
    wanted = [max(map(cell_len, (name, *(row[i] for row in rows)))) for i, name in enumerate(columns)]
    needed = [
        min(wanted[i], max(_LEAST_OF_TEXT, cell_len(name), *(cell_len(word) for row in rows for word in row[i].split()), 0))
        for i, name in enumerate(columns)
    ]
    widths = list(wanted)
    excess = sum(widths) + _GAP * (len(columns) - 1) - room
    for i in sorted(range(len(columns)), key=lambda i: wanted[i], reverse=True):
        taken = min(max(excess, 0), wanted[i] - needed[i])
        widths[i] -= taken
        excess -= taken
    return widths if excess <= 0 else None


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int | None]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, width in zip(columns, widths, strict=True):
        table.add_column(Text(name), width=width, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _print_upright(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A line for each name and value, longer values folded between words beneath each other, and a rule between rows."""
    indent = max(map(cell_len, columns)) + _GAP
    room = max(console.width - indent, _LEAST_OF_TEXT)
    for number, row in enumerate(rows):
        if number:
            console.rule(style="dim")
        for name, value in zip(columns, row, strict=True):
            head = Text(name + " " * (indent - cell_len(name)), style="bold")
            for line in Text(value).wrap(console, room, overflow="ignore") or [Text()]:
                line.rstrip()
                # Whatever is longer than a line is left to the terminal, out of which it is copied whole.
                console.print(head + line, soft_wrap=True)
                head = Text(" " * indent)


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
