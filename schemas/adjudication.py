"""Decisions of people about findings: events of the topic ``adjudications``, kept for ever."""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from schemas.enums import Decision, Detector
from schemas.events.base import Record
from schemas.events.fields import Id, Instant, Version

EVENT_TYPE = "finding.adjudicated"
FLEET_SUBJECT, PLAN_SUBJECT = "fleet:", "plan:"
"""How findings about the whole fleet, and about a plan, begin."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
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

    @property
    def detector(self) -> Detector:
        """The detector that the finding names."""
        return Detector(self._named()[1])

    def _named(self) -> tuple[str, str, str]:
        """Returns the unit, plan or fleet, which may hold slashes, the detector and the day that the finding names."""
        subject_and_detector, _, day = self.finding_id.rpartition("/")
        subject, _, detector = subject_and_detector.rpartition("/")
        return subject, detector, day

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        subject, detector, day = self._named()
        if detector not in set(Detector) or not _DAY.fullmatch(day):
            raise ValueError("finding_id must be a unit, plan or fleet, a detector and a day, as the view findings names it")
        named = [name for name in (self.unit_id, f"{PLAN_SUBJECT}{self.plan_id}" if self.plan_id is not None else None) if name is not None]
        if named != ([] if subject == FLEET_SUBJECT and not named else [subject]):
            raise ValueError("unit_id or plan_id must be that of the finding, and only one; neither where it is about the fleet")
        return self
