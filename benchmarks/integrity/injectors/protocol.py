"""What an injector is, and what most of them need."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from benchmarks.integrity.events import Event, is_submission, midnight, scale_of

Inject = Callable[[Sequence[Event], str, date, float, np.random.Generator], list[Event]]
"""(events, unit, from_day, strength, rng) to the events as they are with it. Events of other units go through untouched."""


class Kind(StrEnum):
    """What is done: gaming, or what only looks like it."""

    ATTACK = "attack"
    CONFOUNDER = "confounder"


@dataclass(frozen=True, slots=True)
class Injector:
    """Something that can be done to a unit, from a day on."""

    name: str
    kind: Kind
    inject: Inject
    needs: frozenset[str] = frozenset()
    """Fields of events without which it would say nothing, or give itself away by being the only one that has them."""
    units: int = 1
    """How many units do it together: those of an incentive plan, or those that a ring rates."""
    from_first_day: bool = False
    """The unit never was different."""
    in_plan: bool = False
    """The units are those of one incentive plan."""
    over_units: bool = False
    """It is done over units: a finding of the whole fleet is one of it."""


def chance(rate: float, strength: float) -> float:
    """Probability per answer; strength 1 is as published, and never quite everything is touched."""
    return min(rate * strength, 0.95)


def answers(events: Iterable[Event], unit: str, from_day: date) -> list[Event]:
    """Answers of the unit from a day on, each once: the first record of its first revision, synthetic ones left out."""
    since = midnight(from_day)
    found: dict[str, Event] = {}
    for event in events:
        if event.fields.get("unit_id") == unit and is_submission(event) and not event.fields.get("synthetic") and event.at >= since:
            name = event.fields["response_id"]
            if event.fields.get("revision", 1) == 1 and name not in found:
                found[name] = event
    return list(found.values())


def changed_answers(events: Sequence[Event], changes: dict[str, dict[str, object]]) -> list[Event]:
    """The events with these changes (response id to fields), in every copy and revision of the answers."""
    return [
        event.changed(**changes[event.fields["response_id"]]) if is_submission(event) and event.fields["response_id"] in changes else event
        for event in events
    ]


def top(event: Event) -> float:
    """The best score that an answer could give."""
    return scale_of(event.fields)[1]


def hashed(*parts: object) -> str:
    """16 hexadecimal digits, as a producer's keyed hash would look."""
    return f"{random.Random('/'.join(map(str, parts))).getrandbits(64):016x}"


def arriving(events: Iterable[Event]) -> list[Event]:
    """In order of arrival."""
    return sorted(events, key=lambda event: event.arrived_at)
