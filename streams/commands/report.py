"""``candor report``."""

import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from sinks.clickhouse import connect
from streams.commands.output import say
from streams.reporting import Asked, find_browser, print_pdf, write_report
from streams.settings import load_settings

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("report")
@click.option("--from", "start", type=_DAY, help="First day; default: 90 days up to --to.")
@click.option("--to", "end", type=_DAY, help="Last day; default: that of the newest answer.")
@click.option("--unit", "units", multiple=True, help="Only this unit; may be given several times.")
@click.option("--peer-group", "peer_groups", multiple=True, help="Only the units of this peer group; may be given several times.")
@click.option("--survey", help="Only answers to this survey.")
@click.option("--format", "form", type=click.Choice(["html", "pdf"]), default="html", show_default=True, help="pdf needs Chromium on this machine.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file; default: candor-report.html or .pdf here.")
def command(
    *,
    start: datetime | None,
    end: datetime | None,
    units: tuple[str, ...],
    peer_groups: tuple[str, ...],
    survey: str | None,
    form: str,
    out: Path | None,
) -> None:
    """Write a report: loyalty raw and cleaned, suspect units with their evidence, value, drivers, follow-up, growth.

    It is one file without script that asks nobody for anything, and every sentence in it is as sure as its interval. Units and peer groups add up.

    Example: candor report --from 2026-04-01 --to 2026-06-30 --peer-group city --out city.html
    """
    browser = find_browser() if form == "pdf" else None
    to = out or Path(f"candor-report.{form}")
    asked = Asked(None if start is None else start.date(), None if end is None else end.date(), units, peer_groups, survey)
    with closing(connect(load_settings().clickhouse_url.get_secret_value())) as clickhouse:
        if browser is None:
            scope = write_report(clickhouse, asked, to)
        else:
            with tempfile.TemporaryDirectory(prefix="candor-report-") as folder:
                page = Path(folder) / "report.html"
                scope = write_report(clickhouse, asked, page)
                print_pdf(browser, page, to)
    say(f"{scope.start} to {scope.end}" + ("" if scope.newest_answer else "; no answer has been received"))
    click.echo(to)
