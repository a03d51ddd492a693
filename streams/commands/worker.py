"""``candor worker``."""

import signal
import sys

import click
import structlog

from schemas.catalog import Catalog
from schemas.enums import Stage
from schemas.rows import Table
from schemas.topics import CHECKPOINTS, READ
from sinks.catalog import check_catalog, write_catalog
from sinks.checkpoints import holds_replays
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator, database_identity
from streams.commands.patience import patiently
from streams.connections import admin
from streams.errors import ExitCode, ProblemFound
from streams.kafka.identity import Identity
from streams.kafka.worker import Stages, Surroundings, run_worker
from streams.logs import configure_logs
from streams.metrics.monitor import Monitor
from streams.settings import Settings, load_settings
from streams.stages import accounts_stages, catalog_of, units_stages
from streams.topics_admin import topic_ids

_log = structlog.get_logger(__name__)


@click.command("worker")
def command() -> None:
    """Read the topics and keep the tables of ClickHouse exact, until told to stop (SIGTERM or Ctrl-C).

    Start as many as there are partitions; they share the work. A worker that is told to stop writes and commits what it has applied; one that is
    killed loses nothing. While ClickHouse is away it waits. When most records are refused it pauses; SIGHUP lets it go on.
    """
    # Until the worker listens itself: nothing was applied yet, so being told to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.DONE))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings = load_settings()
    configure_logs(settings)
    # Before anything is waited for, so that a worker that waits is seen to wait.
    monitor = Monitor.start(settings)
    catalog = catalog_of(settings)
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    patiently(lambda: _prepare(clickhouse, catalog))
    surroundings = Surroundings(
        lambda partitions: _identities(settings, clickhouse, partitions),
        lambda stage, partition: patiently(lambda: _holds_rows(clickhouse, stage, partition)),
    )
    stages: Stages = {
        Stage.ACCOUNTS: lambda _: accounts_stages(settings, catalog),
        Stage.UNITS: lambda partitions: units_stages(catalog, partitions),
    }
    run_worker(settings, stages, clickhouse, surroundings=surroundings, monitor=monitor)


def _identities(settings: Settings, clickhouse: ClickHouse, partitions: int) -> dict[Stage, Identity]:
    """What checkpoints of this worker belong to; raises ``KafkaUnavailable``."""
    names = {stage: [settings.topic_prefix + topic for topic in READ[stage]] for stage in Stage}
    # What the units stage knows follows from what the accounts stage told it, once.
    names[Stage.UNITS].append(settings.topic_prefix + CHECKPOINTS[Stage.ACCOUNTS].name)
    with admin(settings) as client:
        topics = topic_ids(client, [name for of_stage in names.values() for name in of_stage])
    database = patiently(lambda: database_identity(clickhouse))
    return {stage: Identity(settings.group, partitions, {name: topics[name] for name in names[stage] if name in topics}, database) for stage in Stage}


def _holds_rows(clickhouse: ClickHouse, stage: Stage, partition: int) -> bool:
    table = {Stage.ACCOUNTS: Table.ACCOUNTS, Stage.UNITS: Table.UNITS}[stage]
    found = clickhouse.query(f"SELECT 1 FROM {table} WHERE partition = {{partition:UInt32}} LIMIT 1", {"partition": partition})  # noqa: S608
    return bool(found.num_rows)


def _prepare(clickhouse: ClickHouse, catalog: Catalog) -> None:
    Migrator(clickhouse).status().check()
    if holds_replays(clickhouse):
        raise ProblemFound(
            f"the database {clickhouse.address.database} is filled by candor replay, which keeps its state there; workers would not know of it, and "
            "their numbers would stand beside its facts. Give workers a database of their own: CANDOR_CLICKHOUSE_URL"
        )
    check_catalog(clickhouse, catalog)
    changed = write_catalog(clickhouse, catalog)
    if changed:
        _log.info("catalog_written", tables=changed)
