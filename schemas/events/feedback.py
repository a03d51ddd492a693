"""Events of the topic feedback: survey responses, reviews, ratings."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.enums import ContactClass, FeedbackType, Metric
from schemas.events.base import Event
from schemas.events.fields import Answers, Comment, Flag, Id, Instant, Milliseconds, Number, Revision, Scores, Text

SCALES: dict[str, tuple[float, float]] = {Metric.NPS: (0.0, 10.0), Metric.CSAT: (1.0, 5.0), Metric.CES: (1.0, 7.0), Metric.RATING: (1.0, 5.0)}
"""Default scale of each metric; scores are mapped to it."""
TOP_TWO: dict[str, float] = {Metric.NPS: 9.0, Metric.CSAT: 4.0, Metric.CES: 6.0, Metric.RATING: 4.0}
"""Least score of the two best steps of that scale, which the top two boxes are (reading R15 of the contract)."""


class ResponseSubmitted(Event):
    """A customer answered a survey, or changed an answer."""

    event_type: Literal[FeedbackType.SUBMITTED]
    unit_id: Id
    """The location, team or seller that is being rated."""
    response_id: Id
    """Identity of the response within its account."""
    revision: Revision = 1
    """The highest revision counts, whatever the order of arrival."""
    survey_id: Id
    """The survey that was answered."""
    invitation_id: Id | None = None
    """The invitation that it answers."""
    transaction_id: Id | None = None
    """The transaction that it is about."""
    metric: Metric
    """What the score measures."""
    score: Number
    """Within scale_min..scale_max."""
    scale_min: Number | None = None
    """Lowest possible score; default by metric: nps 0, csat 1, ces 1, rating 1."""
    scale_max: Number | None = None
    """Highest possible score; default by metric: nps 10, csat 5, ces 7, rating 5."""
    answers: Answers = Field(default_factory=dict)
    """Driver questions, name to number."""
    expected_score: Number | None = None
    """What the customer expected, on the same scale."""
    competitor_scores: Scores = ()
    """Scores of competitors, on the same scale."""
    asked_for_score: Flag | None = None
    """Answer to: did anyone ask you for a particular score?"""
    told_about_action: Flag | None = None
    """Answer to: were you told what was done about earlier feedback?"""
    comment: Comment | None = None
    """The customer's words."""
    language: Text | None = None
    """Language of the comment."""
    landed_at: Instant | None = None
    """When the form was opened."""
    duration_ms: Milliseconds | None = None
    """Milliseconds spent answering."""
    device_hash: Text | None = None
    """Keyed hash of the device, made by the producer."""
    ip_prefix_hash: Text | None = None
    """Keyed hash of the network prefix, made by the producer."""
    contact_hash: Text | None = None
    """Keyed hash of the contact address, made by the producer."""
    contact_class: ContactClass = ContactClass.UNKNOWN
    """Kind of contact address."""

    @model_validator(mode="after")
    def _scores_are_on_the_scale(self) -> Self:
        lowest, highest = SCALES[self.metric]
        lowest = lowest if self.scale_min is None else self.scale_min
        highest = highest if self.scale_max is None else self.scale_max
        if lowest >= highest:
            raise ValueError("scale_min must be below scale_max")
        expected = () if self.expected_score is None else (self.expected_score,)
        if not all(lowest <= score <= highest for score in (self.score, *expected, *self.competitor_scores)):
            raise ValueError("scores must lie within the scale")
        return self


class ResponseWithdrawn(Event):
    """A customer took a response back; it leaves every number for good."""

    event_type: Literal[FeedbackType.WITHDRAWN]
    unit_id: Id
    """The location, team or seller that was rated."""
    response_id: Id
    """The response that is taken back."""
    survey_id: Id
    """Its survey."""
