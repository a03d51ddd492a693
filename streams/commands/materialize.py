"""``candor materialize``."""

from contextlib import closing
from dataclasses import asdict, replace

import click

from sinks.clickhouse import ClickHouse
from sinks.copies import Copied, Copies, database_of_copies
from sinks.migrate import Migrator
from streams.commands.migrate import topology
from streams.commands.output import print_json, print_table, progress, say
from streams.commands.reading import address_to_read, refuse_cluster
from streams.errors import ConfigurationError, ProblemFound
from streams.settings import Settings, load_settings

_PATIENCE_SECONDS = 6 * 3600
"""For one view, unless the address says otherwise."""


@click.command("materialize")
@click.option("--view", "views", multiple=True, help="Only this view; may be given several times. Default: all that compute something.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, views: tuple[str, ...], as_json: bool) -> None:
    """Copy what the views say into tables, for dashboards and reports that must not wait for it.

    The database <database>_copies then has everything but refused records under the same name: copies of the views, each replaced at once, and what
    leads back to the rest. Point a dashboard there, or say candor report --copies. Its table copied says when each copy was made; run this as
    often as they should be fresh, for example each night, and after candor migrate. A view that cannot be copied, for want of memory for example,
    keeps the copy it had.
    """
    settings = load_settings()
    refuse_cluster(settings)
    with closing(_patient(settings)) as clickhouse:
        Migrator(clickhouse, topology(settings)).status().check()
        copies = Copies(clickhouse)
        known = copies.views()
        if unknown := sorted(set(views) - set(known)):
            raise ConfigurationError(f"--view: no view that is copied is called {', '.join(unknown)}; there are {', '.join(known)}")
        made = _made(copies, views, len(views or known))
        place = database_of_copies(clickhouse.address)
    if as_json:
        print_json([asdict(one) for one in made])
    else:
        print_table(("view", "rows", "seconds"), ((one.name, one.rows, f"{one.seconds:.1f}") for one in made if not one.problem))
    if failed := [one for one in made if one.problem]:
        raise ProblemFound("not copied:\n" + "\n".join(f"  {one.name}: {one.problem}" for one in failed))
    say(f"copied into {place}")


def _patient(settings: Settings) -> ClickHouse:
    """A client that waits for a view as long as it takes."""
    address = address_to_read(settings)
    waiting = {} if address.embedded else {"send_receive_timeout": str(_PATIENCE_SECONDS)}
    return ClickHouse(replace(address, options={**waiting, **address.options}))


def _made(copies: Copies, views: tuple[str, ...], number: int) -> list[Copied]:
    made = []
    with progress() as bar:
        task = bar.add_task("leading back to tables", total=number, rate="")
        for one in copies.make(views, lambda name: bar.update(task, description=name)):
            made.append(one)
            bar.advance(task)
    return made
