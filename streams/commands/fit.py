"""``candor fit``."""

from contextlib import closing
from datetime import UTC, date, datetime

import click

from sinks.catalog import check_catalog
from sinks.migrate import Migrator
from sinks.retry import RetryingSink
from streams.commands.migrate import topology
from streams.commands.output import print_json, print_table, say, working
from streams.commands.reading import connect_to_read
from streams.errors import ConfigurationError, ProblemFound
from streams.fitting.reading import Source
from streams.fitting.recording import forget_old, next_version, record
from streams.fitting.run import fit
from streams.settings import load_settings
from streams.stages import catalog_of

_TOLD = ("model", "state", "as_of", "n", "data", "explanation")


@click.command("fit")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Fit on what happened up to the end of this local day; default: the newest of the data."
)
@click.option("--keep", type=click.IntRange(min=1), default=10, show_default=True, help="Runs whose predictions for accounts are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_of: datetime | None, keep: int, as_json: bool) -> None:
    """Fit the models on what ClickHouse holds, and write what they say for the views to show.

    Purchases and spend (account_predictions, newcomers), drivers, linkage, what predicts buying again (prediction), and what follows messages and
    measurements within accounts (message_effects, elasticities, hub_links). Views show the run before until all of this one is written; model_runs
    lists all runs. The same data and settings give the same run again. Run it as often as predictions should be fresh, for example each night.
    """
    settings = load_settings()
    catalog = catalog_of(settings)
    with closing(connect_to_read(settings)) as clickhouse:
        Migrator(clickhouse, topology(settings)).status().check()
        check_catalog(clickhouse, catalog)
        source = Source(clickhouse)
        _check_day(source, as_of.replace(tzinfo=UTC).date() if as_of else None)
        with working("reading and fitting"):
            run = fit(source, catalog, as_of.date() if as_of else None)
        if run is None:
            raise ProblemFound("there are neither transactions nor responses to fit anything on")
        version = next_version(clickhouse)
        record(RetryingSink(clickhouse, lambda waiting: say(f"{waiting.error}; trying again in {waiting.wait_seconds:.1f} s")), run, version)
        forgotten = forget_old(clickhouse, topology(settings), keep, version)
    rows = [report.row() for report in run.reports]
    if as_json:
        print_json(
            {"run_id": run.run_id, "models": [{**row, "parameters": dict(report.parameters)} for row, report in zip(rows, run.reports, strict=True)]}
        )
    else:
        print_table(_TOLD, ([row[name] for name in _TOLD] for row in rows))
    say(f"run {run.run_id}" + (f"; {len(forgotten)} old runs forgotten" if forgotten else ""))


def _check_day(source: Source, as_of: date | None) -> None:
    newest = max((day for day in source.newest_days() if day is not None), default=None)
    if as_of is not None and newest is not None and as_of > newest:
        raise ConfigurationError(f"--as-of {as_of}: the data end on {newest}; as of a later day all customers would look as if they had left")
