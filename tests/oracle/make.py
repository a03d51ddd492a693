"""Short ways to write records for the examples."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.oracle.records import Record

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TYPES = {
    "feedback": "response.submitted",
    "transactions": "transaction.completed",
    "invitations": "invitation.sent",
    "communications": "communication.sent",
    "actions": "case.opened",
    "outcomes": "outcome.recorded",
    "operations": "operation.observed",
}
DEFAULTS: dict[str, dict[str, object]] = {
    "feedback": {"unit_id": "u", "response_id": "r", "survey_id": "s", "metric": "nps", "score": 10},
    "transactions": {"transaction_id": "t", "amount": "10.00", "currency": "EUR"},
    "invitations": {"unit_id": "u", "invitation_id": "i"},
    "communications": {"message_id": "m", "purpose": "sell"},
    "actions": {"case_id": "c"},
    "outcomes": {"outcome_id": "o", "objective_id": "b", "baseline": 0, "target": 10, "current": 5, "attested_by": "joint"},
    "operations": {"observation_id": "x", "measure": "wait", "value": 1.5},
}
WITHDRAWN: dict[str, object] = {"event_type": "response.withdrawn", "metric": None, "score": None}
REFUNDED: dict[str, object] = {"event_type": "transaction.refunded"}


class Writer:
    """Writes records one after another: offsets and event ids count up, everything else is as given or plain."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def add(self, topic: str, day: float = 0, /, **fields: object) -> Record:
        """An event ``day`` days after Monday noon; a field of None is null."""
        occurred_at = _given_time(fields) or MONDAY + timedelta(days=day)
        whole: dict[str, object] = {
            "event_id": f"e-{len(self.records)}",
            "event_type": TYPES[topic],
            "occurred_at": occurred_at.isoformat(),
            "account_id": "a",
        }
        whole |= DEFAULTS[topic] | fields
        return self.raw(topic, json.dumps(whole).encode(), key=str(whole["account_id"]).encode(), at=occurred_at)

    def raw(
        self, topic: str, value: bytes | None, key: bytes | None = b"a", at: datetime = MONDAY, headers: Mapping[str, bytes] | None = None
    ) -> Record:
        """A record of any bytes."""
        timestamp_ms = round(at.timestamp() * 1000)
        record = Record(topic, 0, len(self.records), timestamp_ms, key, value, tuple((headers or {}).items()))
        self.records.append(record)
        return record


def _given_time(fields: Mapping[str, object]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(fields.get("occurred_at"))).astimezone(UTC)
    except ValueError:
        return None
