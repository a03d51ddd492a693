"""Which events count once: dedupe, horizons and what is too late (contracts 4; R1, R9, R10, R12)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.oracle.records import Catalog, Horizons, Record
from tests.oracle.validate import Event, RefusedError, validate

Identity = tuple[object, ...]
IDENTITIES = {
    "feedback": ("response_id", "revision"),
    "transactions": ("transaction_id",),
    "invitations": ("invitation_id", "event_type", "occurred_at"),
    "communications": ("message_id",),
    "actions": ("case_id", "event_type", "occurred_at"),
    "outcomes": ("outcome_id", "occurred_at"),
    "operations": ("observation_id",),
}
"""What tells the things of a topic apart within an account."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used, and why."""

    record: Record
    reason: str
    field: str | None


@dataclass(slots=True)
class Accepted:
    """Events that count, in order of arrival within a topic and partition, and the records that do not."""

    events: list[Event] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    duplicates: int = 0


def own_identity(event: Event) -> Identity:
    """What the event is, whatever its ``event_id``; to be read within its topic and account (R9)."""
    if event.event_type == "response.withdrawn":
        return (event.fields["response_id"], "withdrawn")
    return tuple(event.fields[name] for name in IDENTITIES[event.record.topic])


def accept(records: Iterable[Record], catalog: Catalog, horizons: Horizons) -> Accepted:
    """Every record in offset order of its topic and partition: an event that counts, a duplicate or a dead letter."""
    accepted = Accepted()
    streams: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        streams[record.topic, record.partition].append(record)
    for _, stream in sorted(streams.items()):
        _accept_stream(sorted(stream, key=lambda record: record.offset), catalog, horizons, accepted)
    return accepted


def _accept_stream(records: list[Record], catalog: Catalog, horizons: Horizons, accepted: Accepted) -> None:
    newest = datetime.min.replace(tzinfo=UTC)
    seen: set[Identity] = set()
    responses: dict[Identity, datetime] = {}
    for record in records:
        try:
            event = validate(record, catalog)
        except RefusedError as refused:
            accepted.dead_letters.append(DeadLetter(record, refused.reason, refused.field))
            continue
        age = newest - event.occurred_at if newest > event.occurred_at else timedelta(0)
        lasting = horizons.revision if record.topic in ("feedback", "transactions") else horizons.dedupe
        by_event_id = ("event", event.account_id, event.event_id)
        by_thing = ("thing", event.account_id, *own_identity(event))
        known = by_event_id in seen and age <= horizons.dedupe
        duplicate = known or (by_thing in seen and age <= lasting)
        newest = max(newest, event.occurred_at)
        if not duplicate and record.topic == "feedback":
            response = (event.account_id, event.fields["response_id"])
            if newest - responses.get(response, newest) > horizons.revision:
                accepted.dead_letters.append(DeadLetter(record, "too_late", "occurred_at"))
                continue
            responses.setdefault(response, event.occurred_at)
        # A known event_id claims nothing more: the thing that it is about may still come.
        seen |= {by_event_id} if known else {by_event_id, by_thing}
        if duplicate:
            accepted.duplicates += 1
        else:
            accepted.events.append(event)
