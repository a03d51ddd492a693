"""``candor import``."""

import asyncio
import os
from dataclasses import asdict
from pathlib import Path

import click

from schemas.catalog import Catalog
from streams.commands.files import FileToWrite
from streams.commands.output import print_json, progress, say
from streams.errors import ProblemFound
from streams.files import EventWriter, FileRecord, line_of
from streams.importing import Import, Mapping, import_events, load_mapping, mapping_schema
from streams.producing import EventProducer, topic_limits
from streams.settings import Settings, load_settings
from streams.stages import catalog_of

STANDARD_OUTPUT = Path("-")
_SHOWN = 20


def _print_schema(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(mapping_schema(), nl=False)
        context.exit()


@click.command("import")
@click.argument("mapping_file", metavar="MAPPING", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=FileToWrite(allow_dash=True), help="Event file (.ndjson, .gz or .zst); - for standard output.")
@click.option("--kafka", is_flag=True, help="Send the events to Kafka instead.")
@click.option("--limit", type=click.IntRange(min=1), help="Look at the first so many rows of each rule only: for trying a mapping.")
@click.option("--problems", "problems_file", type=FileToWrite(), help="Also write every problem to this file, one a line.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of the rows of each rule as JSON; not with --out -.")
@click.option(
    "--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema, help="Print the JSON Schema of mapping files and exit."
)
def command(*, mapping_file: Path, folder: Path, out: Path | None, kafka: bool, limit: int | None, problems_file: Path | None, as_json: bool) -> None:
    """Turn the CSV files in DIR into events, by the mapping in MAPPING.

    Importing the same files again gives the same events; copies that come within the horizons are duplicates (see the README). Every event is checked
    as a worker would check it. Rows that become no event are reported with file and line, and the exit code is 1; all others are written.

    Without --out and --kafka nothing is written: a dry run.

    Example: candor import examples/olist/mapping.yaml DIR --out olist.ndjson.zst
    """
    if out is not None and kafka:
        raise click.UsageError("--out and --kafka exclude each other")
    if out == STANDARD_OUTPUT and as_json:
        raise click.UsageError("--json and --out - both want standard output")
    settings = load_settings()
    mapping = load_mapping(mapping_file)
    catalog = _catalog(mapping, mapping_file, settings)
    with progress() as bar:
        bar.add_task(f"reading {mapping.name}", total=None, rate="")
        done = import_events(mapping, folder, catalog, os.environ.get(mapping.hash_secret), limit)
    if out is not None:
        _write(out, done.records)
    elif kafka:
        asyncio.run(_send(settings, done.records))
    _report(done, problems_file, as_json=as_json)


def _catalog(mapping: Mapping, mapping_file: Path, settings: Settings) -> Catalog:
    """The catalog of the settings, else the one that the mapping names."""
    if settings.catalog is not None or mapping.catalog is None:
        return catalog_of(settings)
    return catalog_of(settings.model_copy(update={"catalog": mapping_file.parent / mapping.catalog}))


def _write(out: Path, records: list[FileRecord]) -> None:
    if out == STANDARD_OUTPUT:
        stream = click.get_binary_stream("stdout")
        for record in records:
            stream.write(line_of(record))
        return
    with EventWriter(out) as writer, progress() as bar:
        task = bar.add_task("writing", total=len(records), rate="")
        for record in records:
            writer.write(record)
            bar.advance(task)


async def _send(settings: Settings, records: list[FileRecord]) -> None:
    oldest = await asyncio.to_thread(topic_limits, settings)
    with progress() as bar:
        task = bar.add_task("sending", total=len(records), rate="")
        async with EventProducer(settings, oldest) as producer:
            await producer.send(records, lambda count: bar.advance(task, count))


def _report(done: Import, problems_file: Path | None, *, as_json: bool) -> None:
    for problem in done.problems[:_SHOWN]:
        say(str(problem))
    if len(done.problems) > _SHOWN:
        say(f"... and {len(done.problems) - _SHOWN:,} more{'' if problems_file else '; --problems FILE writes all of them'}")
    if problems_file is not None:
        problems_file.write_text("".join(f"{problem}\n" for problem in done.problems), encoding="utf-8")
    for name, one in done.counted.items():
        say(f"{name}: {one.rows:,} rows, {one.events:,} events, {one.left_out:,} left out by conditions, {one.problems:,} with problems")
    if as_json:
        print_json({name: asdict(one) for name, one in done.counted.items()})
    if done.problems:
        raise ProblemFound(f"{len(done.problems):,} rows became no event")
