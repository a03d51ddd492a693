"""Events of the topic actions: follow-up cases."""

from typing import Literal

from schemas.enums import CaseTrigger, CaseType
from schemas.events.base import Event
from schemas.events.fields import Id, Instant, Text


class Case(Event):
    """A step in the life of a follow-up case."""

    case_id: Id
    """The case."""
    response_id: Id | None = None
    """The response that it follows up."""
    trigger: CaseTrigger | None = None
    """What started it."""
    owner_id: Id | None = None
    """Who owns it."""
    due_at: Instant | None = None
    """When contact is due."""
    cause_code: Text | None = None
    """What went wrong."""
    resolution_code: Text | None = None
    """How it was solved."""


class CaseOpened(Case):
    """The case was opened."""

    event_type: Literal[CaseType.OPENED]


class CaseAssigned(Case):
    """Somebody owns the case."""

    event_type: Literal[CaseType.ASSIGNED]


class CaseContacted(Case):
    """The customer was contacted."""

    event_type: Literal[CaseType.CONTACTED]


class CaseEscalated(Case):
    """The case went up."""

    event_type: Literal[CaseType.ESCALATED]


class CaseResolved(Case):
    """The case was solved, as we see it."""

    event_type: Literal[CaseType.RESOLVED]


class CaseConfirmed(Case):
    """The case was solved, as the customer sees it."""

    event_type: Literal[CaseType.CONFIRMED]


class CaseReopened(Case):
    """The case is open again."""

    event_type: Literal[CaseType.REOPENED]
