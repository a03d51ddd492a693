"""``candor report``."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

import click

from schemas.enums import Metric
from streams.commands.files import FileToWrite
from streams.commands.narrowing import telling_of_commas
from streams.commands.output import progress, say
from streams.commands.reading import connect_to_copies, connect_to_read
from streams.reporting import STEPS, Asked, find_browser, print_pdf, write_report
from streams.settings import load_settings

_LONG_SECONDS = 20.0
"""Whoever waited longer is told how not to."""
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("report")
@click.option("--from", "start", type=_DAY, help="First day; default: 90 days up to --to.")
@click.option("--to", "end", type=_DAY, help="Last day; default: that of the newest answer.")
@click.option("--unit", "units", multiple=True, help="Only this unit; may be given several times.")
@click.option("--peer-group", "peer_groups", multiple=True, help="Only the units of this peer group; may be given several times.")
@click.option("--survey", help="Only answers to this survey.")
@click.option("--metric", type=click.Choice([one.value for one in Metric]), help="Show scores of it; default: the one with most answers.")
@click.option("--format", "form", type=click.Choice(["html", "pdf"]), default="html", show_default=True, help="pdf needs Chromium on this machine.")
@click.option("--copies", is_flag=True, help="Read the copies of the views that candor materialize made, not the views.")
@click.option("--out", type=FileToWrite(), help="The file; default: candor-report.html or .pdf here.")
def command(
    *,
    start: datetime | None,
    end: datetime | None,
    units: tuple[str, ...],
    peer_groups: tuple[str, ...],
    survey: str | None,
    metric: str | None,
    form: str,
    copies: bool,
    out: Path | None,
) -> None:
    """Write a report: loyalty raw and cleaned, suspect units with their evidence, value, drivers, follow-up, growth.

    It is one file without script that asks nobody for anything, and every sentence in it is as sure as its interval. Units and peer groups add up.

    Example: candor report --from 2026-04-01 --to 2026-06-30 --peer-group city --out city.html
    """
    settings = load_settings()
    browser = find_browser() if form == "pdf" else None
    to = out or Path(f"candor-report.{form}")
    asked = Asked(
        start=None if start is None else start.date(),
        end=None if end is None else end.date(),
        units=units,
        peer_groups=peer_groups,
        survey=survey,
        metric=None if metric is None else Metric(metric),
    )
    begun_at = time.monotonic()
    with (
        closing(connect_to_copies(settings) if copies else connect_to_read(settings)) as clickhouse,
        _telling(STEPS if browser is None else STEPS + 1) as begun,
        telling_of_commas(asked),
    ):
        if browser is None:
            numbers = write_report(clickhouse, asked, to, begun)
            seconds = time.monotonic() - begun_at
        else:
            with tempfile.TemporaryDirectory(prefix="candor-report-") as folder:
                page = Path(folder) / "report.html"
                numbers = write_report(clickhouse, asked, page, begun)
                seconds = time.monotonic() - begun_at
                begun("printing")
                print_pdf(browser, page, to)
    scope = numbers.scope
    said = f", scores of {numbers.metric}" if numbers.metrics else "; no answer lies in this period and scope"
    say(f"{scope.start} to {scope.end}{said if scope.newest_answer else '; no answer has been received'}")
    if not (copies or settings.clickhouse_cluster) and seconds > _LONG_SECONDS:
        say("Views were computed for this. Copies of them answer sooner: candor materialize makes them, candor report --copies reads them.")
    click.echo(to)


@contextmanager
def _telling(steps: int) -> Iterator[Callable[[str], None]]:
    """A bar of so many steps, to be told of each as it begins."""
    with progress() as bar:
        task, done = bar.add_task("looking for the newest answer", total=steps, rate=""), count()

        def begun(step: str) -> None:
            bar.update(task, description=step, completed=next(done))

        yield begun
        bar.update(task, description="written", completed=steps)
