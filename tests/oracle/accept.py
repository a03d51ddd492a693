"""Which events count once: dedupe, horizons and what is too late (contracts 4; R1, R9, R10, R12)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.oracle.records import Catalog, Horizons, Record
from tests.oracle.validate import Event, RefusedError, int_of, validate

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
    newest: datetime | None = None
    seen: dict[Identity, datetime] = {}
    responses: dict[Identity, _Given] = {}
    lasting = {"transactions": horizons.join, "feedback": timedelta.max}.get(records[0].topic, horizons.dedupe)
    for record in records:
        try:
            event = validate(record, catalog)
        except RefusedError as refused:
            accepted.dead_letters.append(DeadLetter(record, refused.reason, refused.field))
            continue
        before, newest = newest or event.occurred_at, max(newest or event.occurred_at, event.occurred_at)
        by_event_id = ("event", event.account_id, event.event_id)
        by_thing = ("thing", event.account_id, *own_identity(event))

        def known(identity: Identity, horizon: timedelta, before: datetime = before) -> bool:
            return identity in seen and before - seen[identity] <= horizon

        if known(by_event_id, horizons.dedupe):
            # A known event_id claims nothing more: the thing that it is about may still come.
            accepted.duplicates += 1
            continue
        if record.topic == "feedback" and _is_too_late(event, responses, newest, horizons):
            accepted.dead_letters.append(DeadLetter(record, "too_late", "occurred_at"))
            continue
        duplicate = known(by_thing, lasting)
        for identity in (by_event_id,) if duplicate else (by_event_id, by_thing):
            seen[identity] = max(seen.get(identity, event.occurred_at), event.occurred_at)
        if duplicate:
            accepted.duplicates += 1
        else:
            accepted.events.append(event)


@dataclass(frozen=True, slots=True)
class _Given:
    """The highest revision of a response, 0 for a withdrawal alone, and when it was given."""

    revision: int
    occurred_at: datetime


def _is_too_late(event: Event, responses: dict[Identity, _Given], newest: datetime, horizons: Horizons) -> bool:
    """Whether the response, as its highest revision has it, is too old to be changed; if it is not, the event is taken into account (R12)."""
    response = (event.account_id, event.fields["response_id"])
    held = responses.get(response)
    if held is not None and newest - held.occurred_at > horizons.revision:
        return True
    revision = 0 if event.event_type == "response.withdrawn" else int_of(event.fields["revision"])
    if held is None or revision > held.revision:
        responses[response] = _Given(revision, event.occurred_at)
    return False
