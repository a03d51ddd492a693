"""Dead letters, found in the table: by filters, page by page, as records that can be written to a file or sent again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from schemas.enums import RejectReason, Topic
from sinks.base import Reader
from streams.files import FileRecord

REPLAYS = "candor-replays"
"""Header of a record that was sent again: how often."""
REPLAY_OF = "candor-replay-of"
"""Header of a record that was sent again: topic/partition/offset of the dead letter that it was."""
_PAGE = 500
_COLUMNS = "topic, partition, offset, timestamp, stage, reason, field, message, key, value, header_names, header_values"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead letters; what is None or empty does not filter. Times are those of the refused records; ``until`` is not included."""

    reasons: Sequence[RejectReason] = ()
    topics: Sequence[Topic] = ()
    since: datetime | None = None
    until: datetime | None = None
    field: str | None = None
    message: str | None = None
    """A part of the message, in any case of letters."""
    key: str | None = None
    partition: int | None = None
    offset: int | None = None
    not_sent_again: bool = False
    """Leave out those of which a copy that was sent again is a dead letter itself: that one stands for them."""

    def where(self) -> tuple[str, dict[str, object]]:
        """The condition, and the values of its parameters."""
        candidates: list[tuple[str, str, object]] = [
            ("topic IN {topics:Array(String)}", "topics", [topic.value for topic in self.topics]),
            ("reason IN {reasons:Array(String)}", "reasons", [reason.value for reason in self.reasons]),
            ("timestamp >= {since:DateTime64(6, 'UTC')}", "since", self.since),
            ("timestamp < {until:DateTime64(6, 'UTC')}", "until", self.until),
            ("field = {field:String}", "field", self.field),
            ("positionCaseInsensitiveUTF8(message, {message:String}) > 0", "message", self.message),
            ("key = {key:String}", "key", self.key),
            ("partition = {partition:UInt32}", "partition", self.partition),
            ("offset = {offset:Int64}", "offset", self.offset),
        ]
        chosen = [(condition, name, value) for condition, name, value in candidates if value is not None and value != []]
        conditions = [condition for condition, _, _ in chosen]
        if self.not_sent_again:
            conditions.append(
                "concat(topic, '/', toString(partition), '/', toString(offset)) NOT IN "
                "(SELECT assumeNotNull(header_values[indexOf(header_names, {replay_of:String})]) "
                "FROM dead_letters WHERE has(header_names, {replay_of:String}))"
            )
        parameters = {name: value for _, name, value in chosen} | ({"replay_of": REPLAY_OF} if self.not_sent_again else {})
        return " AND ".join(conditions) or "true", parameters


@dataclass(frozen=True, slots=True)
class Refused:
    """A dead letter: why, where it was, and the record byte for byte."""

    partition: int
    offset: int
    stage: str
    reason: str
    field: str | None
    message: str
    record: FileRecord

    @property
    def position(self) -> str:
        """``topic/partition/offset``."""
        return f"{self.record.topic}/{self.partition}/{self.offset}"

    @property
    def replays(self) -> int:
        """How often it was sent again; the last header of that name counts."""
        said = [value or b"" for name, value in self.record.headers if name == REPLAYS]
        return int(said[-1]) if said and said[-1].isdigit() else 0

    def again(self, timestamp: int | None = None) -> FileRecord:
        """The record to send again: key and value as they were, its own headers first, then how often and from where.

        ``timestamp`` (milliseconds since 1970) replaces the record's own where it is given.
        """
        own = [(name, value) for name, value in self.record.headers if name not in {REPLAYS, REPLAY_OF}]
        guard = [(REPLAYS, str(self.replays + 1).encode()), (REPLAY_OF, self.position.encode())]
        record = self.record
        return FileRecord(record.topic, record.timestamp if timestamp is None else timestamp, record.key, record.value, [*own, *guard])


def count_by_reason(reader: Reader, filters: Filters) -> list[tuple[str, str, int]]:
    """Topic, reason and number of dead letters, the most frequent first."""
    condition, parameters = filters.where()
    sql = f"SELECT topic, reason, count() AS n FROM dead_letters WHERE {condition} GROUP BY topic, reason ORDER BY n DESC, topic, reason"  # noqa: S608 (fixed parts)
    return [(row["topic"], row["reason"], row["n"]) for row in reader.query(sql, parameters).to_pylist()]


def find(reader: Reader, filters: Filters, limit: int | None = None) -> Iterator[Refused]:
    """The dead letters in order of topic, partition and offset, at most ``limit``; pages of 500, so values never fill the memory."""
    condition, parameters = filters.where()
    after: dict[str, object] = {"after_topic": "", "after_partition": 0, "after_offset": -1}
    remaining = limit
    while remaining is None or remaining > 0:
        size = _PAGE if remaining is None else min(_PAGE, remaining)
        sql = (
            f"SELECT {_COLUMNS} FROM dead_letters WHERE {condition} "  # noqa: S608 (fixed parts)
            "AND (topic, partition, offset) > ({after_topic:String}, {after_partition:UInt32}, {after_offset:Int64}) "
            f"ORDER BY topic, partition, offset LIMIT {size}"
        )
        page = reader.query(sql, parameters | after, binary=True).to_pylist()
        for row in page:
            yield _refused(row)
        if len(page) < size:
            return
        last = page[-1]
        after = {"after_topic": last["topic"].decode(), "after_partition": last["partition"], "after_offset": last["offset"]}
        remaining = None if remaining is None else remaining - len(page)


class _Row(TypedDict):
    """A row of the query; text comes as bytes."""

    topic: bytes
    partition: int
    offset: int
    timestamp: datetime
    stage: bytes
    reason: bytes
    field: bytes | None
    message: bytes
    key: bytes | None
    value: bytes | None
    header_names: list[bytes]
    header_values: list[bytes | None]


def _refused(row: _Row) -> Refused:
    headers = [(_text(name), content) for name, content in zip(row["header_names"], row["header_values"], strict=True)]
    record = FileRecord(Topic(_text(row["topic"])), _milliseconds(row["timestamp"]), row["key"], row["value"], headers)
    field = None if row["field"] is None else _text(row["field"])
    return Refused(row["partition"], row["offset"], _text(row["stage"]), _text(row["reason"]), field, _text(row["message"]), record)


def _text(content: bytes | str) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
