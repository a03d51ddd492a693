"""``candor migrate``."""

import click

from sinks.access import ROLE, is_somebody_else, role, user
from sinks.address import parse
from sinks.clickhouse import connect
from sinks.migrate import Migrator, Topology
from streams.commands.output import print_json, say
from streams.errors import ConfigurationError
from streams.settings import Settings, load_settings, variable


@click.command("migrate")
@click.option("--reader", metavar="NAME", help="Then make this user, who may only read, with the password CANDOR_CLICKHOUSE_READER_PASSWORD.")
@click.option("--dry-run", is_flag=True, help="Print the SQL that would be run, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was applied, and for whom, as JSON.")
def command(*, reader: str | None, dry_run: bool, as_json: bool) -> None:
    """Bring the tables and views of ClickHouse up to date: numbered migrations, each applied once, forward only.

    The user of --reader is for BI: it reads all but refused records, changes nothing, and is held to limits of time and memory. For that the user in
    CANDOR_CLICKHOUSE_URL must be allowed to manage access. To change the password, run it again with another one. Where another user
    has that name, it is refused.
    """
    settings = load_settings()
    access = _access(settings, reader) if reader else []
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    try:
        layout = topology(settings)
        migrator = Migrator(clickhouse, layout)
        if dry_run:
            click.echo(migrator.plan() + "".join(f"{sql};\n\n" for sql in access), nl=False)
            return
        applied = migrator.apply(lambda migration: say(f"{migration.number:04d} {migration.name}"))
        say(f"{clickhouse.address}: {len(applied)} migrations applied" if applied else f"{clickhouse.address} is up to date")
        if reader and clickhouse.command(is_somebody_else(layout, reader)) == "1":
            raise ConfigurationError(
                f"{clickhouse.address} has a user {reader} already, who does not hold the role {ROLE} and would get another password: "
                f"name another reader, or say that this is one with GRANT {ROLE} TO {reader}"
            )
        for statement in access:
            clickhouse.command(statement)
        if reader:
            say(f"{reader} may read {clickhouse.address}")
        if as_json:
            print_json({"database": clickhouse.address.database, "applied": [[one.number, one.name] for one in applied], "reader": reader})
    finally:
        clickhouse.close()


def _access(settings: Settings, reader: str) -> list[str]:
    password = settings.clickhouse_reader_password
    if password is None:
        raise ConfigurationError(f"{variable('clickhouse_reader_password')}: the user {reader} needs a password")
    layout, address = topology(settings), parse(settings.clickhouse_url.get_secret_value())
    if reader == address.user:
        raise ConfigurationError(f"{reader} is the user of {variable('clickhouse_url')}: a reader is another one")
    return [*role(layout, address.database), *user(layout, reader, password.get_secret_value())]


def topology(settings: Settings) -> Topology:
    """How the settings say that ClickHouse is laid out."""
    return Topology(settings.clickhouse_cluster or "", replicated=settings.clickhouse_replicated, sharded=settings.clickhouse_sharded)
