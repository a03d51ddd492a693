"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How well it is, worse from one to the next; the worst decides the exit code."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing: ``found`` says how it is, ``advice`` what to do where it is not ok."""

    area: str
    what: str
    state: State
    found: str
    advice: str = ""
