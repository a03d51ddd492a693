"""The whole path, for tests: events in, through the stage, views out on the engine."""

import json
from pathlib import Path
from typing import Any

from schemas.catalog import Catalog
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from streams.core.accounts import AccountsStages
from streams.replay import Replay
from tests.oracle.make import Writer
from tests.oracle.records import Record
from tests.sinks.rows import emptied


def put_in(url: str, writer: Writer, folder: Path, **catalog: object) -> ClickHouse:
    """The database at a URL, emptied and filled with what the writer wrote, in that order, under a catalog."""
    clickhouse = emptied(connect(url))
    known = Catalog.model_validate(catalog)
    write_catalog(clickhouse, known)
    events = folder / "events.ndjson"
    events.write_text("".join(map(_line, writer.records)), encoding="utf-8")
    summary = Replay(AccountsStages(known), clickhouse, ClickHouseCheckpoints(clickhouse)).run([events])
    assert summary.records == len(writer.records)
    assert not summary.rejected
    return clickhouse


def _line(record: Record) -> str:
    assert record.key is not None
    assert record.value is not None
    whole = {"topic": record.topic, "key": record.key.decode(), "timestamp_ms": record.timestamp_ms, "value": json.loads(record.value)}
    return json.dumps(whole) + "\n"


def shown(clickhouse: ClickHouse, sql: str) -> list[Any]:
    """The rows of a query, each a tuple."""
    return [tuple(row.values()) for row in clickhouse.query(sql).to_pylist()]
