"""``candor worker``."""

import signal
import sys

import click
import structlog

from schemas.catalog import Catalog
from sinks.catalog import write_catalog
from sinks.checkpoints import holds_replays
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.commands.patience import patiently
from streams.errors import ProblemFound
from streams.kafka.worker import run_worker
from streams.logs import configure_logs
from streams.settings import load_settings
from streams.stages import accounts_stages, catalog_of

_log = structlog.get_logger(__name__)


@click.command("worker")
def command() -> None:
    """Read the topics and keep the tables of ClickHouse exact, until told to stop (SIGTERM or Ctrl-C).

    Start as many as there are partitions; they share the work. A worker that is told to stop writes and commits what it has applied; one that is
    killed loses nothing. While ClickHouse is away it waits. When most records are refused it pauses; SIGHUP lets it go on.
    """
    # Until the worker listens itself: nothing was applied yet, so being told to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = load_settings()
    configure_logs(settings)
    catalog = catalog_of(settings)
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    try:
        patiently(lambda: _prepare(clickhouse, catalog))
        exit_code = run_worker(settings, accounts_stages(settings, catalog), clickhouse)
    finally:
        clickhouse.close()
    sys.exit(exit_code)


def _prepare(clickhouse: ClickHouse, catalog: Catalog) -> None:
    Migrator(clickhouse).status().check()
    if holds_replays(clickhouse):
        raise ProblemFound(
            f"the database {clickhouse.address.database} is filled by candor replay, which keeps its state there; workers would not know of it, and "
            "their numbers would stand beside its facts. Give workers a database of their own: CANDOR_CLICKHOUSE_URL"
        )
    changed = write_catalog(clickhouse, catalog)
    if changed:
        _log.info("catalog_written", tables=changed)
