"""``candor produce``."""

import asyncio
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import click

from streams.commands.output import print_json, progress, say
from streams.files import FileRecord, read_events
from streams.producing import EventProducer, topic_limits
from streams.settings import Settings, load_settings


@click.command("produce")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Most records a second; default: as fast as the broker takes them.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--json", "as_json", is_flag=True, help="Print how many records were sent, and in how many seconds, as JSON.")
def command(*, files: tuple[Path, ...], rate: float | None, limit: int | None, as_json: bool) -> None:
    """Send event files (NDJSON, plain, .gz or .zst) to Kafka, keeping key, value, headers and timestamp of every record.

    Records go to the partition that Kafka's default partitioner gives their key, in the order of the files; all are acknowledged before it ends.
    """
    settings = load_settings()
    records = islice(read_events(files), limit)
    began = time.monotonic()
    sent = asyncio.run(_produce(settings, records, rate))
    seconds = time.monotonic() - began
    say(f"{sent:,} records in {seconds:.1f} s ({sent / seconds:,.0f} a second)")
    if as_json:
        print_json({"records": sent, "seconds": round(seconds, 3)})


async def _produce(settings: Settings, records: Iterable[FileRecord], rate: float | None) -> int:
    limits = await asyncio.to_thread(topic_limits, settings)
    with progress() as bar:
        task = bar.add_task("sending", total=None, rate="")
        began = time.monotonic()

        def acknowledged(count: int) -> None:
            bar.advance(task, count)
            bar.update(task, rate=f"{bar.tasks[0].completed / (time.monotonic() - began):,.0f}/s")

        async with EventProducer(settings, limits) as producer:
            return await producer.send(records, acknowledged, rate)
