"""Gaming of what real customers answer.

Rates at strength 1 are those of ``candor simulate``; but customers admit being asked for a score only where their form has the question.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from benchmarks.integrity.events import Event
from benchmarks.integrity.injectors.protocol import answers, chance, changed_answers, hashed, top
from benchmarks.integrity.injectors.words import BEGGED, BRIBED, COACHED_WORDS
from streams.simulate.gaming import PUSH_DAYS

Changes = dict[str, dict[str, object]]


def beg(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Half of the customers are asked for a top score, half of those comply; one in eight writes about it, half admit it where the form asks."""
    changes: Changes = {}
    for answer in answers(events, unit, from_day):
        if rng.random() < chance(0.5, strength):
            change: dict[str, object] = {"score": top(answer)} if rng.random() < 0.5 else {}
            if rng.random() < 0.12:
                change |= _words(answer, BEGGED, rng)
            if "asked_for_score" in answer.fields and rng.random() < 0.5:
                change["asked_for_score"] = True
            if change:
                changes[answer.fields["response_id"]] = change
    return changed_answers(events, changes)


def bribe(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Half of those who would not have given the top score do so for a favour; one in seven writes about it."""
    changes: Changes = {}
    for answer in answers(events, unit, from_day):
        if answer.fields["score"] < top(answer) and rng.random() < chance(0.5, strength):
            told = _words(answer, BRIBED, rng) if rng.random() < 0.15 else {}
            changes[answer.fields["response_id"]] = {"score": top(answer)} | told
    return changed_answers(events, changes)


def coach(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Two in five give the top score and write what they were told to."""
    changes: Changes = {}
    for answer in answers(events, unit, from_day):
        if rng.random() < chance(0.4, strength):
            changes[answer.fields["response_id"]] = {"score": top(answer)} | _words(answer, COACHED_WORDS, rng)
    return changed_answers(events, changes)


def fill_in(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Staff fill in two of five forms themselves: top score, the same answer throughout, in seconds, at one device of the unit."""
    changes: Changes = {}
    for answer in answers(events, unit, from_day):
        if rng.random() < chance(0.4, strength):
            drivers = answer.fields.get("answers")
            changes[answer.fields["response_id"]] = {
                "score": top(answer),
                "answers": dict.fromkeys(drivers, 10) if drivers else None,
                "duration_ms": int(rng.integers(1_800, 6_000)),
                "device_hash": hashed("staff", unit),
                "ip_prefix_hash": hashed("network", unit),
            }
    return changed_answers(events, changes)


def push(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """On the last days of each month three in five are brought to the top score; a third of them admit it where the form asks."""
    changes: Changes = {}
    for answer in answers(events, unit, from_day):
        day = answer.at.date()
        if (day + timedelta(days=PUSH_DAYS)).month != day.month and rng.random() < chance(0.6, strength):
            change: dict[str, object] = {"score": top(answer)}
            if "asked_for_score" in answer.fields and rng.random() < 0.3:
                change["asked_for_score"] = True
            changes[answer.fields["response_id"]] = change
    return changed_answers(events, changes)


def _words(answer: Event, words: Mapping[str, Sequence[str]], rng: np.random.Generator) -> dict[str, object]:
    language = answer.fields.get("language", "en")
    return {"comment": str(rng.choice(np.array(words.get(language, words["en"]), dtype=object)))}
