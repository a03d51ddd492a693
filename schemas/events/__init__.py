"""Every event of the contract as a frozen pydantic model; JSON Schema, documentation and the decoder are made from them."""

from schemas.enums import Topic
from schemas.events.actions import CaseAssigned, CaseConfirmed, CaseContacted, CaseEscalated, CaseOpened, CaseReopened, CaseResolved
from schemas.events.base import Event, Record, Rule, rules_of
from schemas.events.communications import CommunicationSent
from schemas.events.feedback import SCALES, TOP_TWO, ResponseSubmitted, ResponseWithdrawn
from schemas.events.invitations import (
    InvitationBounced,
    InvitationDelivered,
    InvitationEligible,
    InvitationExpired,
    InvitationOpened,
    InvitationReminded,
    InvitationSampled,
    InvitationSent,
    InvitationSuppressed,
)
from schemas.events.operations import OperationObserved
from schemas.events.outcomes import OutcomeRecorded
from schemas.events.transactions import ProductLine, TransactionCompleted, TransactionRefunded

_MODELS: dict[Topic, tuple[type[Event], ...]] = {
    Topic.FEEDBACK: (ResponseSubmitted, ResponseWithdrawn),
    Topic.TRANSACTIONS: (TransactionCompleted, TransactionRefunded),
    Topic.INVITATIONS: (
        InvitationEligible,
        InvitationSampled,
        InvitationSuppressed,
        InvitationSent,
        InvitationDelivered,
        InvitationBounced,
        InvitationOpened,
        InvitationReminded,
        InvitationExpired,
    ),
    Topic.COMMUNICATIONS: (CommunicationSent,),
    Topic.ACTIONS: (CaseOpened, CaseAssigned, CaseContacted, CaseEscalated, CaseResolved, CaseConfirmed, CaseReopened),
    Topic.OUTCOMES: (OutcomeRecorded,),
    Topic.OPERATIONS: (OperationObserved,),
}


def _event_type(model: type[Event]) -> str:
    annotation = model.model_fields["event_type"].annotation
    (member,) = annotation.__args__  # type: ignore[union-attr]  # every model's event_type is a Literal of one member
    return str(member.value)


EVENTS: dict[Topic, dict[str, type[Event]]] = {topic: {_event_type(model): model for model in models} for topic, models in _MODELS.items()}
"""The model of every event type, by topic, in the order of the topic's event type enum."""
IDENTITIES: dict[Topic, str] = {
    Topic.FEEDBACK: "response_id",
    Topic.TRANSACTIONS: "transaction_id",
    Topic.INVITATIONS: "invitation_id",
    Topic.COMMUNICATIONS: "message_id",
    Topic.ACTIONS: "case_id",
    Topic.OUTCOMES: "outcome_id",
    Topic.OPERATIONS: "observation_id",
}
"""The field that names the thing that an event is about, by topic."""

__all__ = ["EVENTS", "IDENTITIES", "SCALES", "TOP_TWO", "Event", "ProductLine", "Record", "Rule", "rules_of"]
