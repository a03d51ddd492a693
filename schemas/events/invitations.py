"""Events of the topic invitations: what happened to each chance to ask."""

from typing import Literal

from schemas.enums import ContactClass, InvitationType, SuppressionReason
from schemas.events.base import Event
from schemas.events.fields import Id, Probability, Text


class Invitation(Event):
    """A step in the life of a chance to ask."""

    unit_id: Id
    """The location, team or seller that would be rated."""
    invitation_id: Id
    """The chance to ask."""
    transaction_id: Id | None = None
    """The transaction that it is about."""
    survey_id: Id | None = None
    """The survey."""
    inclusion_probability: Probability | None = None
    """Probability of being sampled, above 0 and at most 1."""
    suppression_reason: SuppressionReason | None = None
    """Why it was not used."""
    suppressed_by: Id | None = None
    """Who suppressed it."""
    contact_hash: Text | None = None
    """Keyed hash of the contact address, made by the producer."""
    contact_class: ContactClass = ContactClass.UNKNOWN
    """Kind of contact address."""


class InvitationEligible(Invitation):
    """A customer could be asked; comes from the transaction system, never from the unit."""

    event_type: Literal[InvitationType.ELIGIBLE]


class InvitationSampled(Invitation):
    """The chance was drawn."""

    event_type: Literal[InvitationType.SAMPLED]


class InvitationSuppressed(Invitation):
    """The chance was not used."""

    event_type: Literal[InvitationType.SUPPRESSED]


class InvitationSent(Invitation):
    """The invitation left."""

    event_type: Literal[InvitationType.SENT]


class InvitationDelivered(Invitation):
    """The invitation arrived."""

    event_type: Literal[InvitationType.DELIVERED]


class InvitationBounced(Invitation):
    """The invitation could not be delivered."""

    event_type: Literal[InvitationType.BOUNCED]


class InvitationOpened(Invitation):
    """The customer opened the invitation."""

    event_type: Literal[InvitationType.OPENED]


class InvitationReminded(Invitation):
    """A reminder left."""

    event_type: Literal[InvitationType.REMINDED]


class InvitationExpired(Invitation):
    """The chance ended without an answer."""

    event_type: Literal[InvitationType.EXPIRED]
