"""Events of the topic outcomes: value that the customer got."""

from typing import Literal, Self

from pydantic import model_validator

from schemas.enums import Attestation, OutcomeType
from schemas.events.base import Event
from schemas.events.fields import Currency, Id, Money, Number, Text, Weight


class OutcomeRecorded(Event):
    """An outcome was measured; of one outcome the newest occurred_at counts."""

    event_type: Literal[OutcomeType.RECORDED]
    outcome_id: Id
    """The outcome."""
    objective_id: Id
    """The objective that it measures."""
    baseline: Number
    """Value at the start."""
    target: Number
    """Value aimed at; differs from baseline."""
    current: Number
    """Value now."""
    weight: Weight = 1.0
    """Weight among the account's outcomes."""
    value_amount: Money | None = None
    """Money value that the customer got."""
    claimed_amount: Money | None = None
    """Money value that was promised."""
    currency: Currency | None = None
    """ISO 4217; the catalog must have its rate. Without it the amounts have no base amount."""
    attested_by: Attestation
    """Who vouches for it."""
    evidence_uri: Text | None = None
    """Where the evidence is."""

    @model_validator(mode="after")
    def _target_differs_from_baseline(self) -> Self:
        if self.target == self.baseline:
            raise ValueError("target must differ from baseline")
        return self
