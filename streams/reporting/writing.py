"""From a question to a file."""

from pathlib import Path

from sinks.clickhouse import ClickHouse
from streams.reporting.page import render
from streams.reporting.reading import Asked, ReportSource
from streams.reporting.rows import Numbers
from streams.reporting.steps import Begun, quietly


def write_report(clickhouse: ClickHouse, asked: Asked, to: Path, begun: Begun = quietly) -> Numbers:
    """Write the page to a file, whose folder is made where it is missing, in ``STEPS`` steps. Returns what it is about."""
    source = ReportSource(clickhouse)
    numbers = source.numbers(source.scope(asked), begun)
    text = render(numbers, begun)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")
    return numbers
