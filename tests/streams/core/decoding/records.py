"""Records and plain events to decode."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.catalog import Catalog
from schemas.enums import Topic
from streams.core.batch import Decoded
from streams.core.decoding import decode

NOW_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
CATALOG = Catalog.model_validate(
    {"timezone": "Europe/Berlin", "fx_rates": {"USD": 0.91, "JPY": "0.0061"}, "products": [{"product_id": "p-c", "consumable": True}]}
)
ENVELOPE = (("Content-Type", b"application/cloudevents+json; charset=utf-8"),)
_COMMON = {"event_id": "e-1", "occurred_at": "2025-12-31T10:00:00Z", "account_id": "a-1"}
_OWN: dict[Topic, dict[str, object]] = {
    Topic.FEEDBACK: {"event_type": "response.submitted", "unit_id": "u", "response_id": "r", "survey_id": "s", "metric": "nps", "score": 9},
    Topic.TRANSACTIONS: {"event_type": "transaction.completed", "transaction_id": "t", "amount": 12.5, "currency": "EUR"},
    Topic.INVITATIONS: {"event_type": "invitation.sent", "unit_id": "u", "invitation_id": "i"},
    Topic.COMMUNICATIONS: {"event_type": "communication.sent", "message_id": "m", "purpose": "sell"},
    Topic.ACTIONS: {"event_type": "case.opened", "case_id": "c"},
    Topic.OUTCOMES: {
        "event_type": "outcome.recorded",
        "outcome_id": "o",
        "objective_id": "b",
        "baseline": 0,
        "target": 10,
        "current": 5,
        "attested_by": "joint",
    },
    Topic.OPERATIONS: {"event_type": "operation.observed", "observation_id": "x", "measure": "wait", "value": 1.5},
}


class Record(NamedTuple):
    """A record as Kafka clients give it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def plain(topic: Topic, **fields: object) -> dict[str, object]:
    """A usable event of the topic, with these fields; a field of None is null."""
    return {**_COMMON, **_OWN[topic], **fields}


def text_of(event: Mapping[str, object]) -> bytes:
    """The event as JSON; an infinity is written as a number too large for a double."""
    text = json.dumps(event, ensure_ascii=False)
    return re.sub(r'(?<![\w"])Infinity(?![\w"])', "1e400", text).encode("utf-8", "surrogatepass")


def record_of(event: Mapping[str, object], offset: int = 0, **changes: object) -> Record:
    """A record of the event, keyed by its account."""
    account = event.get("account_id")
    key = account.encode("utf-8", "surrogatepass") if isinstance(account, str) else b"a-1"
    return Record(offset, NOW_MS, key, text_of(event))._replace(**changes)  # type: ignore[arg-type]  # names of the record's own fields


def decoded(topic: Topic, *events: Mapping[str, object] | Record, catalog: Catalog = CATALOG) -> Decoded:
    """The result of decoding these events or records as one batch."""
    return decode(topic, [event if isinstance(event, Record) else record_of(event, offset) for offset, event in enumerate(events)], catalog)


def verdict(topic: Topic, event: Mapping[str, object] | Record, catalog: Catalog = CATALOG) -> tuple[str, str | None] | None:
    """Reason and field of a refusal, or None where the event is usable."""
    result = decoded(topic, event, catalog=catalog)
    return (result.rejected[0].reason.value, result.rejected[0].field) if result.rejected else None
