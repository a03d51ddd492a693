"""From bytes to structs, record by record: the events of a batch while it is being decoded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.topics import MAX_VALUE_BYTES
from streams.core.batch import Rejected, SourceRecord
from streams.core.decoding.envelope import is_envelope, opened
from streams.core.decoding.examine import Issue, examine, unknown_in_lines
from streams.core.decoding.json_object import Malformed
from streams.core.decoding.structs import TopicStructs, structs_of

_ANYTHING = msgspec.json.Decoder()
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)
_UNKNOWN_FIELD = "Object contains unknown field"


_CHUNK = 256
"""Events that are read and whose fields are collected at once: few enough to be still in the processor's cache, and that few go the slow way."""
_VALUE = attrgetter("value")
_HEADERS = attrgetter("headers")


@dataclass(slots=True)
class Batch:
    """Events that are usable as far as is known, in order of arrival, field by field, and the records that are not."""

    topic: Topic
    records: Sequence[SourceRecord]
    catalog: Catalog
    columns: dict[str, list[Any]]
    """Every field of every event; None where it is absent."""
    index: list[int] = field(default_factory=list)
    """Index in ``records`` of each event."""
    rejected: list[Rejected] = field(default_factory=list)
    unknown_fields: dict[int, int] = field(default_factory=dict)
    """Fields that are not of the contract, by index in ``records``; 0 where there are none."""
    examined: set[int] = field(default_factory=set)
    """Indices in ``records`` of the events that were examined singly."""

    def __len__(self) -> int:
        return len(self.index)

    def add(self, events: list[Any]) -> None:
        """Collect the fields of events whose indices are already there."""
        for name, values in self.columns.items():
            values.extend(map(attrgetter(name), events))

    def examine(self, index: int) -> Any:
        """The event of a record that was examined singly, or None where it is refused."""
        found = examine(self.topic, self.records[index], self.catalog)
        if isinstance(found, Issue):
            self.rejected.append(Rejected(index, found.reason, found.field, found.message))
            self.unknown_fields.pop(index, None)
            return None
        self.examined.add(index)
        self.unknown_fields[index] = found.unknown_fields
        return found.event

    def examine_rows(self, rows: Sequence[int]) -> list[int]:
        """Examine these events singly: each is replaced by its plain form, or refused. Returns the refused rows, which are still there."""
        refused = []
        for row in rows:
            index = self.index[row]
            if index in self.examined:
                raise RuntimeError(f"{self.topic}: the columns refuse what the examination lets through, at offset {self.records[index].offset}")
            event = self.examine(index)
            if event is None:
                refused.append(row)
            else:
                for name, values in self.columns.items():
                    values[row] = getattr(event, name)
        return refused

    def take_out(self, rows: Sequence[int]) -> None:
        """Take these rows out, given in ascending order."""
        for row in reversed(rows):
            del self.index[row]
            for values in self.columns.values():
                del values[row]


def read(topic: Topic, records: Sequence[SourceRecord], catalog: Catalog) -> Batch:
    """The events of the records whose values are, one by one, of the right type."""
    structs = structs_of(topic)
    batch = Batch(topic, records, catalog, {name: [] for name in structs.names})
    decode = structs.decoder.decode
    for start in range(0, len(records), _CHUNK):
        chunk = records[start : start + _CHUNK]
        try:
            # One bad record sends its chunk the slow way; where there is none nothing is asked of each.
            if any(map(_HEADERS, chunk)) or max(map(len, map(_VALUE, chunk))) > MAX_VALUE_BYTES:
                raise TypeError
            events = list(map(decode, map(_VALUE, chunk)))
            batch.index.extend(range(start, start + len(chunk)))
        except _REFUSALS:
            events = _read_singly(batch, structs, range(start, start + len(chunk)))
        batch.add(events)
    return batch


def _read_singly(batch: Batch, structs: TopicStructs, indices: range) -> list[Any]:
    """The events of these records, or of those that are usable."""
    decode = structs.decoder.decode
    events: list[Any] = []
    for index in indices:
        record = batch.records[index]
        value = record.value
        if value is None or len(value) > MAX_VALUE_BYTES:
            event = batch.examine(index)
        elif record.headers and is_envelope(record.headers):
            event = _tolerant(batch, structs, index, enveloped=True)
        else:
            try:
                event = decode(value)
            except _REFUSALS as refusal:
                is_tolerable = str(refusal).startswith(_UNKNOWN_FIELD)
                event = _tolerant(batch, structs, index, enveloped=False) if is_tolerable else batch.examine(index)
        if event is not None:
            events.append(event)
            batch.index.append(index)
    return events


def _tolerant(batch: Batch, structs: TopicStructs, index: int, *, enveloped: bool) -> Any:
    """The event of a record in an envelope or with unknown fields, which are counted; None where it is refused."""
    try:
        # Read as anything first: texts of skipped fields would go unchecked.
        content = _ANYTHING.decode(batch.records[index].value or b"")
        if enveloped:
            content = opened(content) if isinstance(content, dict) else None
        event = msgspec.convert(content, structs.tolerant)
    except (*_REFUSALS, Malformed):
        return batch.examine(index)
    batch.unknown_fields[index] = sum(value is not None for name, value in content.items() if name not in structs.names)
    if content.get("products") is not None and "products" in structs.names:
        batch.unknown_fields[index] += unknown_in_lines(content["products"])
    return event
