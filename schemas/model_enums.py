"""Closed sets of what ``candor fit`` fits and finds."""

from enum import StrEnum


class Model(StrEnum):
    """What ``candor fit`` fits."""

    PURCHASES = "purchases"
    """BG/NBD: who still buys, and how often."""
    SPEND = "spend"
    """Gamma-Gamma: what a purchase is worth."""
    DRIVERS = "drivers"
    """What drives the score of each survey."""
    LINKAGE = "linkage"
    """What operations measure, against scores."""
    PREDICTION = "prediction"
    """What predicts buying again."""
    EFFECTS = "effects"
    """What changes in an account after something else in it has changed."""


class FitState(StrEnum):
    """How the fit of a model went."""

    FITTED = "fitted"
    INSUFFICIENT = "insufficient"
    """The data do not suffice."""


class Predictor(StrEnum):
    """What may tell, when a response is given, who buys again."""

    SATISFACTION = "satisfaction"
    SATISFACTION_TOP_BOX = "satisfaction_top_box"
    NPS = "nps"
    GRADE = "grade"
    RELATIVE_VALUE = "relative_value"
    VALUE = "value"
    FEELING = "feeling"
    VALUE_AND_FEELING = "value_and_feeling"


class Outcome(StrEnum):
    """What may change in an account, from one 28-day window to another."""

    FEELING = "feeling"
    """Mean score of any metric, as a share of its scale."""
    SPEND = "spend"
    """Completed less refunded, in the base currency."""
    BOUGHT = "bought"
    """1 where it bought, else 0."""
    VALUE = "vdi"
    """Value delivered index."""
    FOCUS = "customer_focus_index"
    """Geometric mean of value delivered index and feeling."""
    EFFORT = "effort"
    """Mean score of customer effort (ces), as a share of its scale; higher is easier."""
    HASSLES = "hassles"
    """Follow-up cases that began."""


class Origin(StrEnum):
    """Where a cause is observed."""

    MESSAGES = "messages"
    OPERATIONS = "operations"
