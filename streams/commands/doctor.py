"""``candor doctor``."""

import sys
from collections.abc import Iterator
from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape

from streams.commands.output import print_json, working
from streams.doctor import Finding, State, examine
from streams.errors import ExitCode
from streams.settings import Settings, describe, load_settings

_MARKS = {State.OK: "[green]ok[/]", State.WARNING: "[yellow]warning[/]", State.PROBLEM: "[red]problem[/]", State.AWAY: "[red]away[/]"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print settings and findings as JSON.")
@click.option("--quiet", is_flag=True, help="Print only what is not ok.")
def command(as_json: bool, quiet: bool) -> None:
    """Check settings, catalog, Kafka, topics, ClickHouse, tables and versions, and say what to do about each problem. No secret is printed.

    Exits with 1 where there is a problem, with 3 where Kafka or ClickHouse is away.
    """
    settings = load_settings()
    console = Console(soft_wrap=True, highlight=False)
    findings: list[Finding] = []
    for finding in _examined(settings):
        findings.append(finding)
        if not as_json and not (quiet and finding.state is State.OK):
            advice = f"\n        {escape(finding.advice)}" if finding.advice else ""
            console.print(f"{_MARKS[finding.state]:<20} {finding.area}: {escape(finding.what)}: {escape(finding.found)}{advice}")
    if as_json:
        print_json({"settings": describe(settings), "findings": [asdict(finding) for finding in findings]})
    states = {finding.state for finding in findings}
    if State.AWAY in states:
        sys.exit(ExitCode.AWAY)
    if State.PROBLEM in states:
        sys.exit(ExitCode.PROBLEM)


def _examined(settings: Settings) -> Iterator[Finding]:
    """What is found, one by one; a broker that takes connections and does not answer is waited for."""
    findings = examine(settings)
    while True:
        with working("looking"):
            finding = next(findings, None)
        if finding is None:
            return
        yield finding
