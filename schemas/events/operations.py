"""Events of the topic operations: operational measurements."""

from typing import Literal

from schemas.enums import OperationType
from schemas.events.base import Event
from schemas.events.fields import Id, Number


class OperationObserved(Event):
    """Something was measured: a wait, a delay, defects."""

    event_type: Literal[OperationType.OBSERVED]
    observation_id: Id
    """Identity of the measurement within its account."""
    measure: Id
    """What was measured."""
    value: Number
    """The measured value, in the measure's own unit."""
    transaction_id: Id | None = None
    """The transaction that it belongs to."""
