"""``candor demo``."""

import sys
from pathlib import Path

import click
from rich.console import Console

from streams.demo import Demo, run_demo
from streams.simulate import Plan

_WIDTH_OF_A_PIPE = 500


@click.command("demo")
@click.option("--events", type=click.IntRange(100, 100_000_000), default=Plan.events, show_default=True, help="Events of six months.")
@click.option("--accounts", type=click.IntRange(10, 10_000_000), default=Plan.accounts, show_default=True, help="Customers of the company.")
@click.option("--units", type=click.IntRange(2, 100_000), default=Plan.units, show_default=True, help="Locations and teams that are rated.")
@click.option("--workers", type=click.IntRange(1, 4), default=2, show_default=True, help="Worker processes.")
@click.option("--seed", type=click.IntRange(0), default=Plan.seed, show_default=True, help="Of the company; the same seed gives the same numbers.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".candor/demo"),
    show_default=True,
    help="Where everything is kept; that of an earlier demo is emptied at the start.",
)
@click.option("--stay/--exit", default=None, help="Stay up until Ctrl-C, or end after the numbers; by default it stays where a person looks.")
def command(*, events: int, accounts: int, units: int, workers: int, seed: int, folder: Path, stay: bool | None) -> None:
    """Show the whole path at work: a company is simulated, streamed through Kafka and two workers into ClickHouse, and its numbers are shown.

    The broker is the one of CANDOR_KAFKA_BOOTSTRAP_SERVERS; else one in Docker; else one from Maven Central, as a process; else there is none, and
    the same stages run in process.
    """
    plan = Plan(seed=seed, accounts=accounts, units=units, events=events)
    stays = sys.stdout.isatty() if stay is None else stay
    # A pipe has no width: a row stays on its line.
    run_demo(Demo(plan, workers, folder, stays), Console() if sys.stdout.isatty() else Console(width=_WIDTH_OF_A_PIPE))
