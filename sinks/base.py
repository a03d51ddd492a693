"""What a sink promises, and how it fails.

    SinkError
    |-- SinkUnavailable      the sink is away or overloaded; the same insert, sent again later, may pass
    |   `-- FolderInUse      another process has the folder of an embedded ClickHouse open
    |-- SinkRefused          the sink says that the statement is wrong: a bug, a missing migration or a missing right
    `-- MigrationError       a migration is missing or has been changed after it was applied (see ``sinks.migrate``)

Inserts are idempotent by construction: of all rows with one key, whichever way and however often they were sent, the highest
``version`` counts. So an insert whose answer was lost is simply sent again.
"""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from schemas.rows import Table


class SinkError(Exception):
    """An insert or a query did not happen, or its answer was lost; the message holds no secret."""


class SinkUnavailable(SinkError):
    """The sink is away or overloaded. Whether the insert was stored is not known; sending it again is right in both cases.

    ``retry_after_seconds`` is the least time to wait, 0 where the sink did not say.
    """

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class FolderInUse(SinkUnavailable):
    """Another process has the folder of an embedded ClickHouse open; the message says which, and what to do."""


class SinkRefused(SinkError):
    """The sink says that the statement is wrong; sending it again cannot help. ``code`` is ClickHouse's, where it gave one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Sink(Protocol):
    """Where rows land. Methods may be called from several threads at once."""

    def insert(self, table: Table, rows: pa.Table) -> None:
        """Store the rows; return only once they are acknowledged. No rows: nothing happens.

        Columns are matched by name; those that ``rows`` lacks take their default.
        Raises ``SinkUnavailable`` or ``SinkRefused``; it never tries again by itself.
        """

    def close(self) -> None:
        """Let go of connections; doing it twice is fine."""


class Reader(Protocol):
    """Where rows can be read back."""

    def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False) -> pa.Table:
        """The result of one SELECT; ``{name:Type}`` in it is filled from ``parameters`` by the server.

        ``binary`` gives text columns as bytes, for columns that hold bytes of any kind. Raises ``SinkUnavailable`` or ``SinkRefused``.
        """
