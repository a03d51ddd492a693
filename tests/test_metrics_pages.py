"""The examples in the pages on metrics are executed: the events of a page, under its catalog, give what its tables say."""

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from yaml import safe_load

from schemas.catalog import Catalog
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from streams.core.accounts import AccountsStages
from streams.replay import Replay

METRICS = Path(__file__).parents[1] / "docs" / "metrics"
PAGES = (
    "engagement",
    "follow-up",
    "grades",
    "growth",
    "hassles",
    "loyalty",
    "messages",
    "mutual-value",
    "representation",
    "rituals",
    "scorecards",
    "value",
)
QUERY = re.compile(r"^```sql\n(.*?)^```\n\n((?:^\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def shown(value: object, cell: str) -> str:
    """A value as the page writes it: numbers with as many decimals as the cell has, at least enough to be exact where that is few."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        decimals = len(cell.partition(".")[2])
        return f"{value:.{decimals}f}" if decimals == 4 else f"{value:.9f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def replayed(clickhouse: ClickHouse, page: str, folder: Path) -> ClickHouse:
    """The database, filled with the events of a page."""
    catalog = Catalog.model_validate(next((safe_load(text) for text in blocks(page, "yaml")), {}))
    write_catalog(clickhouse, catalog)
    events = folder / "events.ndjson"
    events.write_text("".join(blocks(page, "ndjson")), encoding="utf-8")
    summary = Replay(AccountsStages(catalog), clickhouse, ClickHouseCheckpoints(clickhouse)).run([events])
    assert summary.records > 0
    assert not summary.rejected
    return clickhouse


def differing(found: Iterable[dict[str, object]], table: str) -> list[str]:
    """What the page says otherwise."""
    head, _, *lines = table.splitlines()
    rows = list(found)
    if len(rows) != len(lines):
        return [f"{len(lines)} rows in the page, {len(rows)} found"]
    problems = []
    for line, row in zip(lines, rows, strict=True):
        assert cells(head) == list(row)
        problems += [
            f"{name} is {shown(value, cell)}, the page says {cell}: {line}"
            for (name, value), cell in zip(row.items(), cells(line), strict=True)
            if shown(value, cell) != cell
        ]
    return problems


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_its_events_give(name: str, migrated_url: str, tmp_path: Path) -> None:
    page = (METRICS / f"{name}.md").read_text(encoding="utf-8")
    clickhouse = replayed(connect(migrated_url), page, tmp_path)
    examples = QUERY.findall(page)
    assert len(examples) == len(blocks(page, "sql")) >= 2

    problems = [problem for sql, table in examples for problem in differing(clickhouse.query(sql).to_pylist(), table)]

    assert not problems, "\n".join(problems)


def test_a_page_that_says_something_else_is_told() -> None:
    table = "| a | b |\n|---|---|\n| 0.5 | 0.3333 |\n"

    assert differing([{"a": 0.5, "b": 1 / 3}], table) == []
    assert differing([{"a": 0.51, "b": 1 / 3}], table)
    assert differing([{"a": 0.5, "b": 0.3334}], table)
    assert differing([{"a": 0.5, "b": None}], table)
    assert differing([], table)
