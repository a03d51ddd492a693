"""Dead letters to put into the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from schemas.enums import RejectReason, Stage, Topic
from schemas.rows import TABLES, Table
from sinks.base import Sink


@dataclass(frozen=True, slots=True)
class Letter:
    """A row of the table of dead letters."""

    offset: int
    topic: Topic = Topic.FEEDBACK
    partition: int = 0
    timestamp: datetime | int = datetime(2026, 1, 1, tzinfo=UTC)
    """An instant, or milliseconds since 1970: records may bring any."""
    reason: RejectReason = RejectReason.MALFORMED
    field: str | None = None
    message: str = "not JSON"
    key: bytes | None = b"a-1"
    value: bytes | None = b"{"
    headers: Sequence[tuple[str, bytes | None]] = ()


def store(sink: Sink, letters: Sequence[Letter]) -> None:
    """Insert the letters."""
    rows = [
        {
            "topic": letter.topic.value,
            "partition": letter.partition,
            "offset": letter.offset,
            "timestamp": letter.timestamp * 1000 if isinstance(letter.timestamp, int) else letter.timestamp,
            "stage": Stage.ACCOUNTS.value,
            "reason": letter.reason.value,
            "field": letter.field,
            "message": letter.message,
            "key": letter.key,
            "value": letter.value,
            "header_names": [name for name, _ in letter.headers],
            "header_values": [value for _, value in letter.headers],
            "version": 1,
        }
        for letter in letters
    ]
    sink.insert(Table.DEAD_LETTERS, pa.Table.from_pylist(rows, TABLES[Table.DEAD_LETTERS].arrow_schema))
