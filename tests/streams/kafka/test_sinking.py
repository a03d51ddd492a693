"""Inserts from the event loop."""

import asyncio
import threading

import pyarrow as pa
import pytest

from schemas.rows import Table
from sinks.base import SinkRefused, SinkUnavailable
from streams.kafka.sinking import SinkWriter, concatenated
from tests.conftest import wait_for

ROWS = pa.table({"a": [1, 2]})


class Sink:
    """Raises what it is told to, then stores."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.stored: list[tuple[Table, int]] = []
        self.closed = False
        self._lock = threading.Lock()

    def insert(self, table: Table, rows: pa.Table) -> None:
        with self._lock:
            if self.errors:
                raise self.errors.pop(0)
            self.stored.append((table, rows.num_rows))

    def close(self) -> None:
        self.closed = True


def insert(sink: Sink, tables: dict[Table, pa.Table]) -> SinkWriter:
    async def run() -> SinkWriter:
        writer = SinkWriter(sink)
        try:
            await writer.insert(tables)
        finally:
            writer.close()
        return writer

    return asyncio.run(run())


def test_all_tables_are_stored_and_empty_ones_are_not_sent() -> None:
    sink = Sink()
    insert(sink, {Table.RESPONSES: ROWS, Table.CASES: ROWS, Table.OUTCOMES: ROWS.slice(0, 0)})
    assert sorted(sink.stored) == [(Table.CASES, 2), (Table.RESPONSES, 2)]
    assert not sink.closed  # others may use it


def test_a_sink_that_is_away_is_tried_again_until_it_is_back() -> None:
    sink = Sink(SinkUnavailable("away"), SinkUnavailable("away"))
    writer = insert(sink, {Table.RESPONSES: ROWS})
    assert sink.stored == [(Table.RESPONSES, 2)]
    assert not writer.away


def test_a_sink_that_refuses_is_an_error() -> None:
    with pytest.raises(SinkRefused):
        insert(Sink(SinkRefused("no such table")), {Table.RESPONSES: ROWS})


def test_closing_ends_the_wait_for_a_sink_that_is_away() -> None:
    async def run() -> None:
        sink = Sink(*(SinkUnavailable("away", 60.0) for _ in range(3)))
        writer = SinkWriter(sink)
        inserting = asyncio.ensure_future(writer.insert({Table.RESPONSES: ROWS}))
        await asyncio.to_thread(wait_for, lambda: writer.away, 10)
        writer.close()
        with pytest.raises(SinkUnavailable):
            await asyncio.wait_for(inserting, 10)

    asyncio.run(run())


def test_rows_of_all_parts_are_joined_per_table() -> None:
    joined = concatenated([{Table.RESPONSES: ROWS}, {}, {Table.RESPONSES: ROWS, Table.CASES: ROWS}])
    assert {table: rows.num_rows for table, rows in joined.items()} == {Table.RESPONSES: 4, Table.CASES: 2}
