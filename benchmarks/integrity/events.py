"""Records as events that can be changed: decoded where an injector looks at them, and byte for byte what they were where it does not."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from schemas.enums import FeedbackType, InvitationType, Topic
from schemas.events.feedback import SCALES
from streams.files import FileRecord

Fields = dict[str, Any]
"""JSON, as it came."""
DAY = timedelta(days=1)


class _Place(msgspec.Struct):
    unit_id: str | None = None


_decode_place = msgspec.json.Decoder(_Place).decode
_decode = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode
_UNREAD = frozenset((InvitationType.OPENED, InvitationType.REMINDED, InvitationType.EXPIRED, InvitationType.DELIVERED))
_UNREAD_MARKS = tuple(f'"event_type":"{kind.value}"'.encode() for kind in _UNREAD)


@dataclass(frozen=True, slots=True)
class Event:
    """One event; its fields are never changed in place."""

    topic: Topic
    arrived_at: int
    """Milliseconds since 1970."""
    fields: Fields
    record: FileRecord | None = None
    """What it was decoded from; None once anything is changed."""

    @property
    def type(self) -> str:
        """The ``event_type``."""
        return str(self.fields["event_type"])

    @property
    def at(self) -> datetime:
        """When it happened."""
        return datetime.fromisoformat(self.fields["occurred_at"])

    def changed(self, **fields: object) -> "Event":
        """The same with other fields; those that are None are taken out."""
        merged = {name: value for name, value in {**self.fields, **fields}.items() if value is not None}
        return Event(self.topic, self.arrived_at, merged)

    def moved(self, to: datetime, **fields: object) -> "Event":
        """The same at another time; it arrives as long after it as before."""
        shift = round((to - self.at).total_seconds() * 1000)
        return replace(self.changed(occurred_at=text_of(to), **fields), arrived_at=self.arrived_at + shift)

    def to_record(self) -> FileRecord:
        """The record that says so, keyed by account."""
        if self.record is not None:
            return self.record
        return FileRecord(self.topic, self.arrived_at, str(self.fields["account_id"]).encode(), _encode(self.fields))


def text_of(instant: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def midnight(day: date) -> datetime:
    """The beginning of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def is_submission(event: Event) -> bool:
    """Whether it is an answer, first revision or later."""
    return event.topic is Topic.FEEDBACK and event.type == FeedbackType.SUBMITTED and "score" in event.fields


def scale_of(fields: Fields) -> tuple[float, float]:
    """The lowest and the highest score that an answer could give."""
    lowest, highest = SCALES[fields["metric"]]
    return fields.get("scale_min", lowest), fields.get("scale_max", highest)


def is_read(record: FileRecord) -> bool:
    """Whether any stage looks at it for integrity; steps of invitations that say nothing about who was asked are left out to save time."""
    return record.topic is not Topic.INVITATIONS or record.value is None or not any(mark in record.value for mark in _UNREAD_MARKS)


def unit_of(record: FileRecord) -> str | None:
    """The unit of a record; None where it has none, or cannot be read."""
    if record.value is None:
        return None
    try:
        return _decode_place(record.value).unit_id
    except msgspec.DecodeError:
        return None


def decode(record: FileRecord) -> Event | None:
    """The event of a record; None where it is none that can be used."""
    try:
        fields = _decode(record.value or b"")
    except (msgspec.DecodeError, ValueError):
        return None
    if not {"event_type", "occurred_at", "account_id"} <= fields.keys():
        return None
    return Event(record.topic, record.timestamp, fields, record)


def split(records: Iterable[FileRecord], units: Collection[str]) -> tuple[dict[str, list[Event]], list[FileRecord]]:
    """Returns the events of each of these units in order of arrival, and all other records."""
    of_units: dict[str, list[Event]] = {unit: [] for unit in units}
    others = []
    for record in records:
        unit = unit_of(record)
        event = decode(record) if unit in of_units else None
        if unit is None or event is None:
            others.append(record)
        else:
            of_units[unit].append(event)
    return of_units, others


def merge(of_units: Iterable[Sequence[Event]], others: Sequence[FileRecord]) -> list[FileRecord]:
    """All records in order of arrival."""
    records = [*others, *(event.to_record() for events in of_units for event in events)]
    records.sort(key=lambda record: record.timestamp)
    return records
