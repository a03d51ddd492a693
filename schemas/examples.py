"""An example of every event, as a producer would send it; part of the contract that is generated."""

from schemas.adjudication import EVENT_TYPE
from schemas.enums import CaseType, FeedbackType, InvitationType, Topic, TransactionType
from schemas.events import EVENTS

Example = dict[str, object]

_COMMON: Example = {"event_id": "e-1", "schema_version": 1, "account_id": "a-1", "channel": "web", "synthetic": False}
_RESPONSE: Example = {
    "unit_id": "store-12",
    "response_id": "r-1",
    "survey_id": "relationship",
}
_SUBMITTED: Example = {
    **_RESPONSE,
    "customer_id": "c-1",
    "agent_id": "agent-7",
    "revision": 1,
    "invitation_id": "i-1",
    "transaction_id": "t-1",
    "metric": "nps",
    "score": 9,
    "scale_min": 0,
    "scale_max": 10,
    "answers": {"speed": 8, "price": 6.5},
    "expected_score": 8,
    "competitor_scores": [6, 7],
    "asked_for_score": False,
    "told_about_action": True,
    "comment": "Quick and friendly.",
    "language": "en",
    "landed_at": "2026-01-31T09:28:30Z",
    "duration_ms": 45000,
    "device_hash": "6b1f0c9d",
    "ip_prefix_hash": "90aa41c2",
    "contact_hash": "d2c1e7f5",
    "contact_class": "customer",
}
_TRANSACTION: Example = {
    "transaction_id": "t-1",
    "amount": "59.90",
    "currency": "EUR",
    "discount": 5,
    "cost": 31.5,
    "products": [
        {"product_id": "p-1", "quantity": 1, "amount": "49.90", "consumable": False},
        {"product_id": "p-2", "quantity": 2.5, "amount": "10.00", "consumable": True},
    ],
    "is_new_customer": True,
    "acquisition_reason": "recommendation",
    "referrer_account_id": "a-2",
    "recurring": False,
    "risk_flags": ["long_wait"],
}
_INVITATION: Example = {
    "unit_id": "store-12",
    "invitation_id": "i-1",
    "transaction_id": "t-1",
    "survey_id": "relationship",
    "inclusion_probability": 0.25,
    "contact_hash": "d2c1e7f5",
    "contact_class": "customer",
}
_CASE: Example = {"case_id": "k-1", "response_id": "r-1", "trigger": "detractor", "owner_id": "agent-7", "due_at": "2026-02-02T09:30:00Z"}
_OWN: dict[Topic, Example] = {
    Topic.FEEDBACK: _SUBMITTED,
    Topic.TRANSACTIONS: _TRANSACTION,
    Topic.INVITATIONS: _INVITATION,
    Topic.COMMUNICATIONS: {
        "message_id": "m-1",
        "campaign_id": "spring",
        "purpose": "loop_closure",
        "offer_product_ids": ["p-3"],
        "response_ids": ["r-1"],
    },
    Topic.ACTIONS: _CASE,
    Topic.OUTCOMES: {
        "outcome_id": "o-1",
        "objective_id": "faster-invoicing",
        "baseline": 12,
        "target": 5,
        "current": 7.5,
        "weight": 2,
        "value_amount": "12000.00",
        "claimed_amount": 15000,
        "currency": "EUR",
        "attested_by": "joint",
        "evidence_uri": "https://evidence.example/o-1",
    },
    Topic.OPERATIONS: {"observation_id": "x-1", "measure": "wait_minutes", "value": 12.5, "transaction_id": "t-1", "unit_id": "store-12"},
}
_SPECIAL: dict[str, Example] = {
    TransactionType.REFUNDED: {
        "transaction_id": "t-2",
        "original_transaction_id": "t-1",
        "amount": "49.90",
        "currency": "EUR",
        "products": [{"product_id": "p-1"}],
    },
    FeedbackType.WITHDRAWN: _RESPONSE,
    InvitationType.SUPPRESSED: {**_INVITATION, "suppression_reason": "quarantine", "suppressed_by": "contact-policy"},
    CaseType.RESOLVED: {**_CASE, "cause_code": "late_delivery", "resolution_code": "refunded"},
}

ADJUDICATION: Example = {
    "event_id": "7f1f6c0e",
    "event_type": EVENT_TYPE,
    "schema_version": 1,
    "occurred_at": "2026-02-20T09:30:00Z",
    "finding_id": "store-12/shared_devices/2026-02-17",
    "unit_id": "store-12",
    "decision": "dismissed",
    "reason": "The tablet at the counter is new; it is to be reported as a kiosk.",
    "decided_by": "m.rossi",
    "judged_until": "2026-02-19",
}
"""Of the topic ``adjudications``."""


def examples() -> dict[str, Example]:
    """An example of every event, by event type; usable with an empty catalog."""
    found = {}
    for topic, models in EVENTS.items():
        for minute, event_type in enumerate(models):
            times: Example = {"occurred_at": f"2026-01-31T09:{30 + minute}:00Z", "received_at": f"2026-01-31T10:{30 + minute}:02.250+01:00"}
            event = {"event_type": event_type, **_COMMON, **times, **_SPECIAL.get(event_type, _OWN[topic])}
            # In the order of the model, which is that of the documentation.
            found[event_type] = {name: event[name] for name in models[event_type].model_fields if name in event}
    return found
