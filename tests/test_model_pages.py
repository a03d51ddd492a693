"""The examples in the pages on models are executed: the events of a page, under its catalog, fitted by ``candor fit``, give what its tables say."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from sinks.clickhouse import connect
from streams.commands import cli

METRICS = Path(__file__).parents[1] / "docs" / "metrics"
PAGES = ("customers", "drivers", "effects", "evidence")
TYPES = {
    "transactions": "transaction.completed",
    "feedback": "response.submitted",
    "operations": "operation.observed",
    "outcomes": "outcome.recorded",
    "communications": "communication.sent",
    "actions": "case.opened",
}
EVENTS = re.compile(r"^```csv (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CATALOG = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUERY = re.compile(r"^```sql\n(.*?)^```\n\n((?:^\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
IDENTITIES = {"transactions": "transaction_id", "feedback": "response_id", "operations": "observation_id", "communications": "message_id"}
PURPOSES = {"v": "value_education", "s": "sell"}
FIRST_WINDOW = date(2025, 12, 22)


def events(page: str) -> Iterator[str]:
    """The lines of an event file: columns are fields, ``answers.x`` goes into ``answers``, and days are at noon unless an hour is told."""
    number = 0
    for block, text in EVENTS.findall(page):
        told = list(csv.DictReader(io.StringIO(text)))
        for topic, row in windows(told) if block == "windows" else [(block, row) for row in told]:
            number += 1
            at = datetime.fromisoformat(row["day"] if "T" in row["day"] else f"{row['day']}T12:00").replace(tzinfo=UTC)
            value: dict[str, object] = {"event_id": f"e-{number}", "event_type": TYPES[topic], "occurred_at": at.isoformat()}
            if topic in IDENTITIES:
                value[IDENTITIES[topic]] = f"{topic}-{number}"
            for name, cell in row.items():
                if name != "day" and cell:
                    _put(value, name, cell)
            timestamp_ms = int(at.timestamp() * 1000)
            yield json.dumps({"topic": topic, "key": row["account_id"], "timestamp_ms": timestamp_ms, "value": value})


def windows(told: list[dict[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    """A line per account, and in each cell something for each 28-day window: messages, scores, and what operations measured."""
    for row in told:
        account = {"account_id": row["account_id"]}
        for column, cell in row.items():
            for number, part in enumerate(cell.split() if column != "account_id" else ()):
                first = FIRST_WINDOW + timedelta(28 * number)
                second, last = str(first + timedelta(1)), str(first + timedelta(27))
                if column == "messages":
                    yield "communications", {**account, "day": str(first), "purpose": PURPOSES[part]}
                elif column in ("nps", "ces"):
                    yield "feedback", {**account, "day": last, "metric": column, "score": part, "survey_id": column, "unit_id": "u"}
                else:
                    yield "operations", {**account, "day": second, "measure": column, "value": part}


def _put(value: dict[str, object], name: str, cell: str) -> None:
    number = float(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else None
    outer, _, inner = name.partition(".")
    if inner:
        held = value.setdefault(outer, {})
        assert isinstance(held, dict)
        held[inner] = number
    elif name.endswith("_scores"):
        value[name] = [float(part) for part in cell.split()]
    else:
        value[name] = cell if number is None else number


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def shown(value: object) -> str:
    """A value as the pages write it."""
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return "NULL" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_its_events_give(name: str, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (METRICS / f"{name}.md").read_text(encoding="utf-8")
    (tmp_path / "events.ndjson").write_text("".join(f"{line}\n" for line in events(page)), encoding="utf-8")
    (tmp_path / "catalog.yaml").write_text("".join(CATALOG.findall(page)), encoding="utf-8")
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    monkeypatch.setenv("CANDOR_CATALOG", str(tmp_path / "catalog.yaml"))
    for arguments in (["replay", str(tmp_path / "events.ndjson"), "--json"], ["fit"]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.stderr
        assert arguments[0] == "fit" or json.loads(result.stdout)["rejected"] == {}
    clickhouse = connect(migrated_url)
    examples = QUERY.findall(page)
    assert len(examples) == page.count("```sql") >= 2

    for sql, table in examples:
        head, _, *lines = table.splitlines()
        found = clickhouse.query(sql)
        assert found.column_names == cells(head)
        assert [[shown(value) for value in row.values()] for row in found.to_pylist()] == [cells(line) for line in lines], sql
    clickhouse.close()
