"""``candor worker``."""

import sys
from collections.abc import Callable
from typing import TypeVar

import click
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from schemas.catalog import Catalog
from sinks.base import SinkUnavailable
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.commands.stages import accounts_stages, catalog_of
from streams.kafka.worker import run_worker
from streams.logs import configure_logs
from streams.settings import load_settings

_LONGEST_WAIT_SECONDS = 10
_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


@click.command("worker")
def command() -> None:
    """Read the topics and keep the tables of ClickHouse exact, until told to stop (SIGTERM or Ctrl-C).

    Start as many as there are partitions; they share the work. A worker that is told to stop writes and commits what it has applied; one that is
    killed loses nothing. While ClickHouse is away it waits. When most records are refused it pauses; SIGHUP lets it go on.
    """
    settings = load_settings()
    configure_logs(settings)
    catalog = catalog_of(settings)
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    try:
        _patiently(lambda: _prepare(clickhouse, catalog))
        exit_code = run_worker(settings, accounts_stages(settings, catalog), clickhouse)
    finally:
        clickhouse.close()
    sys.exit(exit_code)


def _prepare(clickhouse: ClickHouse, catalog: Catalog) -> None:
    Migrator(clickhouse).status().check()
    changed = write_catalog(clickhouse, catalog)
    if changed:
        _log.info("catalog_written", tables=changed)


def _patiently(work: Callable[[], _T]) -> _T:
    """What the work returns, tried again for ever while ClickHouse is away."""
    return Retrying(
        retry=retry_if_exception_type(SinkUnavailable),
        wait=wait_random_exponential(0.25, max=_LONGEST_WAIT_SECONDS),
        before_sleep=_report_wait,
        reraise=True,
    )(work)


def _report_wait(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("waiting_for_clickhouse", attempt=state.attempt_number, error=str(error))
