"""From a question to a file."""

from pathlib import Path

from sinks.clickhouse import ClickHouse
from streams.reporting.page import render
from streams.reporting.reading import Asked, ReportSource
from streams.reporting.rows import Scope


def write_report(clickhouse: ClickHouse, asked: Asked, to: Path) -> Scope:
    """Write the page to a file, whose folder is made where it is missing. Returns what it is about."""
    source = ReportSource(clickhouse)
    scope = source.scope(asked)
    text = render(source.numbers(scope))
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")
    return scope
