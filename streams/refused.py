"""Dead letters, found in the table: by filters, page by page, as records that can be written to a file or sent again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypedDict, cast

from schemas.enums import RejectReason, Topic
from sinks.base import Reader
from streams.files import FileRecord

REPLAYS = "candor-replays"
"""Header of a record that was sent again: how often."""
REPLAY_OF = "candor-replay-of"
"""Header of a record that was sent again: topic/partition/offset of the dead letter that it was."""
_PAGE = 500
_PAGED_VALUE = 256 * 1024
"""Largest value that is read with others; larger ones are read one by one."""
_LARGEST_VALUE = 2**63 - 1
_COLUMNS = (
    # As a number: a record may bring a time that no calendar has.
    "topic, partition, offset, toUnixTimestamp64Milli(timestamp) AS milliseconds, stage, reason, field, message, key, header_names, header_values, "
    "if(length(value) > {largest:Int64}, NULL, value) AS content, if(length(value) > {largest:Int64}, length(value), 0) AS unread"
)


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
    unread: int = 0
    """Bytes of a value that was larger than asked for: the record is without it."""

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


def find(reader: Reader, filters: Filters, limit: int | None = None, largest_value: int = _LARGEST_VALUE) -> Iterator[Refused]:
    """The dead letters of events that are there at the first step, in order of topic, partition and offset, at most ``limit``; none that come later.

    They are read in pages of 500, values above 256 KiB one by one, so that values never fill the memory, and values of more than ``largest_value``
    bytes not at all: see ``Refused.unread``.
    """
    return islice(_find(reader, filters, _PAGE if limit is None else min(_PAGE, limit), largest_value), limit)


def _find(reader: Reader, filters: Filters, size: int, largest_value: int) -> Iterator[Refused]:
    condition, parameters = filters.where()
    # Offsets only grow: what is refused from now on is beyond the last one of its partition.
    sql = f"SELECT topic, partition, max(offset) AS last FROM dead_letters WHERE {condition} GROUP BY topic, partition ORDER BY topic, partition"  # noqa: S608 (fixed parts)
    for bound in reader.query(sql, parameters).to_pylist():
        if bound["topic"] not in set(Topic):
            # A decision that could not be used is decided anew, not sent again; its letter is read in the table.
            continue
        within = parameters | {"in_topic": bound["topic"], "in_partition": bound["partition"], "last": bound["last"]}
        after = -1
        while after < bound["last"]:
            page = _rows(reader, condition, within | {"after": after}, min(largest_value, _PAGED_VALUE), size)
            for row in page:
                if 0 < row["unread"] <= largest_value:
                    alone = within | {"after": row["offset"] - 1, "last": row["offset"]}
                    yield from map(_refused, _rows(reader, "true", alone, largest_value, 1))
                else:
                    yield _refused(row)
            after = page[-1]["offset"] if len(page) == size else bound["last"]


class _Row(TypedDict):
    """A row of the query; text comes as bytes."""

    topic: bytes
    partition: int
    offset: int
    milliseconds: int
    stage: bytes
    reason: bytes
    field: bytes | None
    message: bytes
    key: bytes | None
    header_names: list[bytes]
    header_values: list[bytes | None]
    content: bytes | None
    unread: int


def _rows(reader: Reader, condition: str, parameters: dict[str, object], largest: int, limit: int) -> list[_Row]:
    sql = (
        f"SELECT {_COLUMNS} FROM dead_letters WHERE {condition} "  # noqa: S608 (fixed parts)
        "AND topic = {in_topic:String} AND partition = {in_partition:UInt32} AND offset > {after:Int64} AND offset <= {last:Int64} "
        f"ORDER BY offset LIMIT {limit}"
    )
    return cast("list[_Row]", reader.query(sql, parameters | {"largest": largest}, binary=True).to_pylist())


def _refused(row: _Row) -> Refused:
    headers = [(_text(name), content) for name, content in zip(row["header_names"], row["header_values"], strict=True)]
    record = FileRecord(Topic(_text(row["topic"])), row["milliseconds"], row["key"], row["content"], headers)
    field = None if row["field"] is None else _text(row["field"])
    return Refused(row["partition"], row["offset"], _text(row["stage"]), _text(row["reason"]), field, _text(row["message"]), record, row["unread"])


def _text(content: bytes | str) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content
