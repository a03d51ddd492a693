"""Decisions of people about findings: events of the topic ``adjudications``, kept for ever."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from schemas.enums import Decision
from schemas.events.base import Record
from schemas.events.fields import Id, Instant, Version

EVENT_TYPE = "finding.adjudicated"
FLEET = "fleet:"
"""How findings about the whole fleet begin."""
LONGEST_REASON = 10_000


class Adjudication(Record):
    """Somebody looked into a finding and decided; of one finding the newest ``occurred_at`` counts (tie: the greater ``event_id``)."""

    event_id: Id
    """Identity of the event."""
    event_type: Literal["finding.adjudicated"]
    """What happened."""
    schema_version: Version = 1
    """Version of this contract; only 1 is supported."""
    occurred_at: Instant
    """When it was decided."""
    finding_id: Annotated[str, Strict(), Field(min_length=1, max_length=512)]
    """The finding, as the view ``findings`` names it."""
    unit_id: Id | None = None
    """Its unit; also the Kafka key."""
    plan_id: Id | None = None
    """Its incentive plan. Where it is about a plan or the whole fleet, and so has no unit, the event must be sent to every partition."""
    decision: Decision
    """What was decided."""
    reason: Annotated[str, Strict(), Field(min_length=1, max_length=LONGEST_REASON)]
    """Why; for those who read it later."""
    decided_by: Id
    """Who decided."""
    judged_until: Annotated[date, Field(strict=False)] | None = None
    """The newest local day that had been judged by then; default: the day before ``occurred_at``.

    A detector whose finding is dismissed learns anew from the next day on.
    """

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        given = [name for name in ("unit_id", "plan_id") if getattr(self, name) is not None]
        if len(given) != (0 if self.finding_id.startswith(FLEET) else 1):
            raise ValueError("name the finding's unit_id or its plan_id, and not both; neither where it is about the fleet")
        return self
