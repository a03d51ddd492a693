"""Writing tables to the sink from the event loop: in threads, side by side, again and again until acknowledged."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pyarrow as pa
import structlog

from schemas.enums import SinkFailure
from schemas.rows import Table
from sinks.base import Sink, SinkRefused, SinkUnavailable
from sinks.retry import RetryingSink, Waiting
from streams.metrics.worker import TableMetrics, WorkerMetrics

_log = structlog.get_logger(__name__)
_REPORT_SECONDS = 10.0


class _MeasuredSink:
    """Counts each attempt; see ``Sink``."""

    def __init__(self, sink: Sink, tables: Mapping[Table, TableMetrics]) -> None:
        self._sink = sink
        self._tables = tables

    def insert(self, table: Table, rows: pa.Table) -> None:
        metrics, begun = self._tables[table], time.monotonic()
        try:
            self._sink.insert(table, rows)
        except SinkUnavailable:
            metrics.failures[SinkFailure.UNAVAILABLE].add()
            raise
        except SinkRefused:
            metrics.failures[SinkFailure.REFUSED].add()
            raise
        metrics.seconds.observe(time.monotonic() - begun)
        metrics.inserts.add()
        metrics.rows.add(rows.num_rows)
        metrics.away.set(0)

    def close(self) -> None:
        self._sink.close()


class SinkWriter:
    """Inserts that only return once they are acknowledged. ``tables`` counts them; None: nobody looks."""

    def __init__(self, sink: Sink, tables: Mapping[Table, TableMetrics] | None = None, threads: int = 4) -> None:
        self._stopping = Event()
        self._tables = WorkerMetrics().tables if tables is None else tables
        self._sink = RetryingSink(_MeasuredSink(sink, self._tables), self._on_wait, self._stopping)
        self._threads = ThreadPoolExecutor(threads, "sink")
        self._away_since: float | None = None
        self._reported = 0.0

    @property
    def away(self) -> bool:
        """Whether an insert is waiting for the sink to come back."""
        return self._away_since is not None

    async def insert(self, tables: Mapping[Table, pa.Table]) -> None:
        """Store all tables; waits without limit while the sink is away. Raises ``SinkRefused``."""
        loop = asyncio.get_running_loop()
        inserts = [loop.run_in_executor(self._threads, self._sink.insert, table, rows) for table, rows in tables.items() if rows.num_rows]
        if not inserts:
            return
        await asyncio.gather(*inserts)
        if self._away_since is not None:
            _log.info("sink_back", away_seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None

    def _on_wait(self, waiting: Waiting) -> None:
        """Called in the threads."""
        now = time.monotonic()
        metrics = self._tables[waiting.table]
        metrics.away.set(1)
        metrics.retries.add()
        if self._away_since is None:
            self._away_since, self._reported = now, 0.0
        if now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            _log.warning("sink_away", attempt=waiting.attempt, away_seconds=round(waiting.waited_seconds, 1), error=str(waiting.error))

    def close(self) -> None:
        """End all waits, and let go of the threads; the sink may serve others."""
        self._stopping.set()
        self._threads.shutdown(wait=False, cancel_futures=True)


def concatenated(parts: Iterable[Mapping[Table, pa.Table]]) -> dict[Table, pa.Table]:
    """Per table the rows of all parts, so that each table takes one insert."""
    tables: dict[Table, list[pa.Table]] = {}
    for part in parts:
        for table, rows in part.items():
            tables.setdefault(table, []).append(rows)
    return {table: rows[0] if len(rows) == 1 else pa.concat_tables(rows) for table, rows in tables.items()}
