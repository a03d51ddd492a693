"""``candor simulate``."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from streams.commands.files import FileToWrite
from streams.commands.output import print_json, progress, say
from streams.files import EventWriter, FileRecord, line_of
from streams.simulate import Plan, Simulation, simulate
from streams.simulate.plan import MIXES, MixName

STANDARD_OUTPUT = Path("-")
_AT_ONCE = 10_000


@click.command("simulate")
@click.option(
    "--out",
    type=FileToWrite(allow_dash=True),
    required=True,
    help="Event file (.ndjson, .gz or .zst); - for standard output.",
)
@click.option("--truth", type=FileToWrite(), help="Also write, as JSON, which units game their scores, how and since when.")
@click.option("--catalog-out", type=FileToWrite(), help="Also write the catalog of the company (YAML).")
@click.option(
    "--events-target",
    type=click.IntRange(100, 100_000_000),
    default=Plan.events,
    show_default=True,
    help="Events wanted, duplicates and bad ones included; met within a few per cent.",
)
@click.option(
    "--mix",
    type=click.Choice([mix.value for mix in MixName]),
    default=MixName.COMPANY.value,
    show_default=True,
    help="Which kinds of event; mission: about 60 % transactions, 15 % invitations, 12 % responses, 8 % messages.",
)
@click.option("--accounts", type=click.IntRange(10, 10_000_000), help="Customers; default: 5,000, with --mix mission 50,000.")
@click.option("--units", type=click.IntRange(2, 100_000), default=Plan.units, show_default=True, help="Locations and teams that are rated.")
@click.option("--months", type=click.IntRange(1, 120), default=Plan.months, show_default=True, help="How long the simulated time is.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default=Plan.start.isoformat(), show_default=True, help="First simulated day.")
@click.option("--seed", type=click.IntRange(0), default=Plan.seed, show_default=True, help="The same seed gives the same bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print how many records were written as JSON; not with --out -.")
def command(
    *,
    out: Path,
    truth: Path | None,
    catalog_out: Path | None,
    events_target: int,
    mix: str,
    accounts: int | None,
    units: int,
    months: int,
    start: datetime,
    seed: int,
    as_json: bool,
) -> None:
    """Write the events of a made-up company.

    Customers buy, are asked, answer, complain and leave; most units are honest, a few game their scores. Some events arrive
    twice, late or broken, as in life. No clock is read: the same options give the same bytes.

    Example: candor simulate --out events.ndjson.zst --catalog-out catalog.yaml --truth truth.json
    """
    if out == STANDARD_OUTPUT and as_json:
        raise click.UsageError("--json and --out - both want standard output")
    kinds = MIXES[MixName(mix)]
    try:
        plan = Plan(seed, start.replace(tzinfo=UTC).date(), months, accounts or kinds.accounts, units, events_target, kinds)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with progress() as bar:
        task = bar.add_task("simulating", total=None, rate="")
        simulation = simulate(plan)
        bar.update(task, description="writing", total=len(simulation))
        for done in _write(simulation, out):
            bar.update(task, completed=done)
    for path, text in ((truth, simulation.truth), (catalog_out, simulation.catalog)):
        if path is not None:
            path.write_text(text(), encoding="utf-8")
    say(f"{len(simulation):,} records over {plan.days} days, {sum(simulation.bad.values()):,} of them meant to be refused: {out}")
    if as_json:
        print_json({"records": len(simulation), "days": plan.days, "meant_to_be_refused": dict(simulation.bad)})


def _write(simulation: Simulation, out: Path) -> Iterator[int]:
    if out == STANDARD_OUTPUT:
        stream = click.get_binary_stream("stdout")
        yield from _counted(simulation, lambda record: stream.write(line_of(record)))
        return
    try:
        with EventWriter(out) as writer:
            yield from _counted(simulation, writer.write)
    except BaseException:
        # Half a file would be taken for a whole one.
        out.unlink(missing_ok=True)
        raise


def _counted(simulation: Simulation, write: Callable[[FileRecord], object]) -> Iterator[int]:
    for number, record in enumerate(simulation.records(), 1):
        write(record)
        if number % _AT_ONCE == 0:
            yield number
    yield len(simulation)
