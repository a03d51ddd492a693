"""What making a report goes through, for those who wait for it."""

from collections.abc import Callable
from enum import StrEnum


class Reading(StrEnum):
    """What is read, in order, as people are told of it while it goes on."""

    SCORES = "reading scores"
    UNITS = "reading units"
    FINDINGS = "reading findings"
    ACCOUNTS = "reading accounts"
    CHANCES = "reading who was asked"
    FOLLOW_UP = "reading follow-up"
    MESSAGES = "reading messages"
    GROWTH = "reading revenue"
    MODELS = "reading models"


Begun = Callable[[str], None]
"""Is told of each step as it begins."""


def quietly(step: str) -> None:
    """Tell nobody."""
    del step
