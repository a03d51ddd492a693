"""Records that could not be used, as they are kept."""

from collections.abc import Sequence

import pyarrow as pa

from schemas.enums import Stage
from schemas.events.values import EARLIEST_MICROSECONDS, LATEST_MICROSECONDS
from schemas.rows import TABLES, Table
from streams.core.batch import Rejected, SourceRecord
from streams.core.stage import DeadLetter

LARGEST_LETTER = 60 * 1_048_576
"""Bytes of a value that a dead letter holds whole; its topic takes 64 MiB with key and headers."""
KEPT_OF_LARGER = 1_048_576


def dead_letter(stage: Stage, topic: str, partition: int, record: SourceRecord, refused: Rejected) -> DeadLetter:
    """Returns the dead letter of a record; of a value above 60 MiB only the first MiB is kept, which its message says."""
    value, message = record.value, refused.message
    if value is not None and len(value) > LARGEST_LETTER:
        # A record that was small only as long as it was compressed; Kafka would not take it whole.
        message = f"{message}; of {len(value):,} bytes the first {KEPT_OF_LARGER:,} are kept"
        value = value[:KEPT_OF_LARGER]
    return DeadLetter(
        topic, partition, record.offset, record.timestamp, record.key, value, tuple(record.headers), stage, refused.reason, refused.field, message,
    )  # fmt: skip


def dead_letter_rows(letters: Sequence[DeadLetter], version: int) -> pa.Table:
    """Returns dead letters as rows of their table."""
    return pa.Table.from_pydict(
        {
            "topic": [str(letter.topic) for letter in letters],
            "partition": [letter.partition for letter in letters],
            "offset": [letter.offset for letter in letters],
            # A clock that is wrong by more than ClickHouse can show; on the topic the letter has the timestamp as it was.
            "timestamp": [min(max(letter.timestamp * 1000, EARLIEST_MICROSECONDS), LATEST_MICROSECONDS) for letter in letters],
            "stage": [letter.stage.value for letter in letters],
            "reason": [letter.reason.value for letter in letters],
            "field": [letter.field for letter in letters],
            "message": [letter.message for letter in letters],
            "key": [letter.key for letter in letters],
            "value": [letter.value for letter in letters],
            "header_names": [[name for name, _ in letter.headers] for letter in letters],
            "header_values": [[value for _, value in letter.headers] for letter in letters],
            "version": [version] * len(letters),
        },
        schema=TABLES[Table.DEAD_LETTERS].arrow_schema,
    )
