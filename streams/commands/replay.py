"""``candor replay``."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from schemas.catalog import Catalog
from schemas.enums import RejectReason
from sinks.base import Sink
from sinks.catalog import check_catalog, write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from sinks.memory import MemorySink
from sinks.migrate import Migrator, is_empty
from sinks.retry import RetryingSink, Waiting
from streams.commands.migrate import topology
from streams.commands.output import print_json, progress, say
from streams.commands.patience import patiently
from streams.core.stage import CheckpointRecord
from streams.errors import EventFileError, ProblemFound
from streams.replay import Checkpoints, MemoryCheckpoints, Replay, Summary
from streams.settings import Settings, load_settings, variable
from streams.stages import catalog_of, chained_stages


@click.command("replay")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--clickhouse-url", help="Where to write; default: CANDOR_CLICKHOUSE_URL.")
@click.option("--dry-run", is_flag=True, help="Write nothing, only say what would become of the records of an empty database.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--abandon-interrupted", "abandon", is_flag=True, help="Go on although the replay of another file was interrupted and is not given here."
)
def command(*, files: tuple[Path, ...], clickhouse_url: str | None, dry_run: bool, as_json: bool, abandon: bool) -> None:
    """Feed event files (NDJSON, plain, .gz or .zst) through the same stages as a worker, in process, into ClickHouse.

    Replays add up: other files are added to what is there, files that were replayed before are skipped, and a replay that was
    interrupted goes on where it stopped. A database that is filled by workers is refused. An empty database gets its tables first.

    Records that cannot be used are counted and kept as dead letters (candor dlq), and the exit code is 0; it is 1 where a currency is unknown
    because no catalog is set.

    Example: CANDOR_CLICKHOUSE_URL=chdb:///var/lib/candor candor replay events.ndjson.zst
    """
    settings = load_settings(clickhouse_url=clickhouse_url)
    catalog = catalog_of(settings)
    if dry_run:
        _conclude(settings, _run(settings, catalog, MemorySink(), MemoryCheckpoints(), files, abandon=abandon), as_json=as_json, dry_run=True)
        return
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    try:
        _prepare(clickhouse, Migrator(clickhouse, topology(settings)))
        check_catalog(clickhouse, catalog)
        write_catalog(clickhouse, catalog)
        sink = RetryingSink(clickhouse, _say_waiting)
        _conclude(settings, _run(settings, catalog, sink, _Patient(ClickHouseCheckpoints(clickhouse)), files, abandon=abandon), as_json=as_json)
    finally:
        clickhouse.close()


class _Patient:
    """Checkpoints that wait while ClickHouse is away."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def load(self) -> list[CheckpointRecord]:
        return patiently(self._checkpoints.load)

    def append(self, records: Sequence[CheckpointRecord]) -> None:
        patiently(lambda: self._checkpoints.append(records))


def _prepare(clickhouse: ClickHouse, migrator: Migrator) -> None:
    status = migrator.status()
    # A replay that was interrupted while it made the tables has left some, and nothing in them.
    if status.applied and not (status.pending and is_empty(clickhouse)):
        status.check()
    else:
        migrator.apply(lambda _: None)


def _say_waiting(waiting: Waiting) -> None:
    say(f"{waiting.error}; trying again in {waiting.wait_seconds:.1f} s")


def _run(settings: Settings, catalog: Catalog, sink: Sink, checkpoints: Checkpoints, files: Sequence[Path], *, abandon: bool) -> Summary:
    replay = Replay(chained_stages(settings, catalog), sink, checkpoints)
    began = time.monotonic()
    with progress() as bar:
        task = bar.add_task("replaying", total=None, rate="")

        def show(summary: Summary) -> None:
            bar.update(task, completed=summary.records, rate=f"{(summary.records - summary.skipped) / (time.monotonic() - began):,.0f}/s")

        try:
            summary = replay.run(files, show, abandon=abandon)
        except EventFileError as error:
            if taken := replay.summary.records - replay.summary.skipped:
                said = f"{_many(taken)} before {error.path.name}, line {error.line} were read"
                say(f"{said}: mend the line and replay the file again; what was taken already counts once")
            raise
    seconds = time.monotonic() - began
    say(f"{_many(summary.records)} in {seconds:.1f} s ({(summary.records - summary.skipped) / seconds:,.0f} a second)")
    return summary


def _many(records: int) -> str:
    return "1 record" if records == 1 else f"{records:,} records"


def _tell(summary: Summary, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        rejected = {reason.value: count for reason, count in sorted(summary.rejected.items())}
        numbers = {"accepted": summary.accepted, "duplicates": summary.duplicates, "skipped": summary.skipped}
        print_json({"records": summary.records, **numbers, "rejected": rejected, "unknown_fields": summary.unknown_fields})
        return
    say(f"{summary.accepted:,} accepted, {summary.duplicates:,} duplicates, {summary.skipped:,} replayed before")
    for reason, count in summary.rejected.most_common():
        say(f"{count:,} refused as {reason}: {'would become dead letters' if dry_run else 'dead letters'}")
    if summary.rejected and not dry_run:
        say("look at them with: candor dlq list")
    if summary.unknown_fields:
        say(f"{summary.unknown_fields:,} fields that the contract does not know were ignored")


def _conclude(settings: Settings, summary: Summary, *, as_json: bool, dry_run: bool = False) -> None:
    """Tells what became of the records.

    Raises ``ProblemFound`` where money was refused for want of a catalog, which says what currencies are worth: no other refusal is ours.
    """
    _tell(summary, as_json=as_json, dry_run=dry_run)
    refused = summary.rejected[RejectReason.UNKNOWN_CURRENCY]
    if refused and settings.catalog is None:
        raise ProblemFound(
            f"{refused:,} records are refused as {RejectReason.UNKNOWN_CURRENCY}: "
            f"no catalog is set: {variable('catalog')}; replay into an empty database"
        )
