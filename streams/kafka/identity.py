"""What a checkpoint belongs to. Its offsets mean nothing for other topics, and its state is not that of another database or number of partitions."""

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from streams.core.stage import CheckpointRecord
from streams.errors import ProblemFound

_log = structlog.get_logger(__name__)
KEY = b"shell/identity"
"""Of the record in the checkpoint; stages do not see it."""
_ANEW = (
    "To count everything anew: stop all workers, delete the topics {prefix}signals and {prefix}checkpoint.*, run `candor topics create`, and give "
    "workers an empty database (`candor migrate` makes its tables); they then read all that the topics hold"
)


class Identity(msgspec.Struct, frozen=True):
    """Who reads what into where. Ids are empty where they are not known."""

    group: str
    partitions: int
    topics: Mapping[str, str]
    """Kafka's id of each topic that its offsets or its state follow from, by full name; a topic that is made anew gets another one."""
    database: str
    """Tells the database from one that was made anew under the same name."""

    def record(self) -> CheckpointRecord:
        """The record that keeps it."""
        return CheckpointRecord(KEY, msgspec.json.encode(self))


def _anew(checkpoint: str) -> str:
    return _ANEW.format(prefix=checkpoint.rsplit("checkpoint.", 1)[0])


def split(checkpoint: Sequence[CheckpointRecord]) -> tuple[Identity | None, list[CheckpointRecord]]:
    """The identity that a checkpoint tells of, None where it is empty, and the records of the stage."""
    held = [record.value for record in checkpoint if record.key == KEY and record.value is not None]
    return msgspec.json.decode(held[-1], type=Identity) if held else None, [record for record in checkpoint if record.key != KEY]


def check(held: Identity, present: Identity, checkpoint: str) -> None:
    """Raises ``ProblemFound`` where the checkpoint of ``held`` must not be used by ``present``; ``checkpoint`` is the name of its topic."""
    anew = _anew(checkpoint)
    if held.group != present.group:
        raise ProblemFound(
            f"{checkpoint} belongs to the group {held.group!r}, and this worker is of {present.group!r}: two groups would write over each other. "
            f"Set CANDOR_GROUP={held.group}, or give this group a CANDOR_TOPIC_PREFIX of its own"
        )
    if held.partitions != present.partitions:
        raise ProblemFound(
            f"the topics have {present.partitions} partitions now, and {checkpoint} was made with {held.partitions}: accounts have moved to other "
            f"partitions, away from their state. {anew}"
        )
    renewed = sorted(name for name, topic in held.topics.items() if topic and (now := present.topics.get(name)) and now != topic)
    if renewed:
        raise ProblemFound(f"{', '.join(renewed)} was made anew since {checkpoint} was written, so its offsets stand for other records. {anew}")
    if held.database and present.database and held.database != present.database:
        raise ProblemFound(
            f"the database was made anew, or is another one, since {checkpoint} was written: what was counted before is not in it. "
            f"Restore it, or set CANDOR_CLICKHOUSE_URL to the one that was used. {anew}"
        )


def rows_without_checkpoint(partition: int, checkpoint: str) -> ProblemFound:
    """The error of a database that holds rows of a partition whose checkpoint is empty."""
    return ProblemFound(
        f"the database holds rows of partition {partition}, but {checkpoint} is empty there: new numbers would stand beside old ones. "
        f"Restore the topic, or give workers an empty database. {_anew(checkpoint)}"
    )


def unreadable(partition: int, checkpoint: str, error: Exception) -> ProblemFound:
    """The error of a checkpoint that another release wrote, or of which records were deleted."""
    return ProblemFound(f"{checkpoint}, partition {partition}: {error}. {_anew(checkpoint)}")


def check_positions(
    positions: Mapping[str, int], first: Mapping[str, int], following: Mapping[str, int], checkpoint: str, told: Mapping[str, int]
) -> int:
    """Says what retention took of the topics, and how many offsets in all; what lies below the offsets in ``told`` was said before.

    Raises ``ProblemFound`` where a topic ends before the position, since it cannot be the one that was read.
    """
    deleted = 0
    for topic, position in positions.items():
        if position > following[topic]:
            raise ProblemFound(
                f"the checkpoint stands at offset {position} of {topic}, which ends at {following[topic]}: the topic was made anew or lost its end. "
                f"Restore it. {_anew(checkpoint)}"
            )
        missing = first[topic] - max(position, told.get(topic, 0))
        # At position 0 nothing was read yet: what was deleted before may be older than the workers. One offset is most likely the mark at the end of
        # the last transaction, behind the last record: it goes when a topic was idle for as long as it keeps records.
        if position > 0 and missing > 1:
            _log.error("records_deleted_before_they_were_read", topic=topic, records_at_most=missing)
            deleted += missing
    return deleted
