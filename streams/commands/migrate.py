"""``candor migrate``."""

import click

from sinks.clickhouse import connect
from sinks.migrate import Migrator, Topology
from streams.commands.output import say
from streams.settings import Settings, load_settings


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Print the SQL that would be run, and change nothing.")
def command(dry_run: bool) -> None:
    """Bring the tables and views of ClickHouse up to date: numbered migrations, each applied once, forward only."""
    settings = load_settings()
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    try:
        migrator = Migrator(clickhouse, topology(settings))
        if dry_run:
            click.echo(migrator.plan(), nl=False)
            return
        applied = migrator.apply(lambda migration: say(f"{migration.number:04d} {migration.name}"))
        say(f"{clickhouse.address}: {len(applied)} migrations applied" if applied else f"{clickhouse.address} is up to date")
    finally:
        clickhouse.close()


def topology(settings: Settings) -> Topology:
    """How the settings say that ClickHouse is laid out."""
    return Topology(settings.clickhouse_cluster or "", replicated=settings.clickhouse_replicated, sharded=settings.clickhouse_sharded)
