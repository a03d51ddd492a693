"""Events of the topic communications: messages sent to customers."""

from typing import Literal

from schemas.enums import CommunicationType, Purpose
from schemas.events.base import Event
from schemas.events.fields import Id, Ids


class CommunicationSent(Event):
    """A message was sent to a customer."""

    event_type: Literal[CommunicationType.SENT]
    message_id: Id
    """Identity of the message within its account."""
    campaign_id: Id | None = None
    """The campaign."""
    purpose: Purpose
    """What the message was for."""
    offer_product_ids: Ids = ()
    """Products offered."""
    response_ids: Ids = ()
    """The feedback that it answers."""
