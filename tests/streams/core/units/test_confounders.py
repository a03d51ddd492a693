"""Honest change that looks like gaming must not be called gaming: at most a reason to look, and nothing is flagged."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from schemas.catalog import Catalog
from tests.streams.core.units.answering import Answers
from tests.streams.core.units.fleet import Fleet

UNITS = tuple(f"u{number}" for number in range(8))
BEGIN, CHANGE, END = 20_454, 20_454 + 80, 20_454 + 180
Change = Callable[[np.random.Generator, dict[str, Any]], dict[str, Any]]


def _fleet(change: Change, *, more: int = 0, closed: range = range(0), everywhere: bool = False, until: int = END, asked: bool = True) -> Fleet:
    """Eight units of five answers a day, each invited twice as often as it is answered; ``change`` is made at u0, or at all, from a day on.

    ``asked``: where ``more`` answer, as many more are invited.
    """
    chance, answers = np.random.default_rng(12), Answers(Catalog(), 1)
    for day in range(BEGIN, END):
        for unit in UNITS:
            changed = CHANGE <= day < until and (everywhere or unit == "u0")
            number = 0 if unit == "u0" and day in closed else int(chance.poisson(5 + (more if changed else 0)))
            for place in range(number):
                fields: dict[str, Any] = {
                    "score": int(chance.choice([10, 9, 8, 6], p=[0.4, 0.2, 0.2, 0.2])), "device_hash": f"{unit}-{day}-{place}",
                    "channel": "web", "duration_ms": int(60_000 * chance.lognormal(0, 0.5)), "ip_prefix_hash": f"{day}-{place}",
                    "comment": _comment(chance) if place % 2 else None, "language": "en",
                }  # fmt: skip
                answers.add(unit, day, **(change(chance, fields) if changed else fields))
            for _ in range(2 * (5 + (more if changed and asked else 0))):
                answers.invite(unit, day)
        if day % 10 == 0:
            answers.tell()
    return answers.end()


def _comment(chance: np.random.Generator) -> str:
    """Ten words that hardly ever stand together twice."""
    return " ".join(f"word{number}" for number in chance.integers(0, 5_000, 10))


def _better(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "score": int(chance.choice([10, 9, 8, 6], p=[0.8, 0.1, 0.05, 0.05]))}


def _at_a_kiosk(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "channel": "kiosk", "device_hash": "kiosk"} if chance.random() < 0.6 else fields


def _in_one_office(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "ip_prefix_hash": "office"} if chance.random() < 0.8 else fields


def _as_ever(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    del chance
    return fields


def _with_a_shorter_form(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    """Another survey, which takes a third of the time and is scored otherwise."""
    return {**fields, "survey_id": "new", "duration_ms": fields["duration_ms"] // 3, "score": int(chance.choice([10, 8], p=[0.7, 0.3]))}


def _all_alike(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    """A survey with more questions, to all of which every third customer gives the same answer."""
    answers = {f"q{number}": 9 if number else 8 for number in range(5)}
    return {**fields, "survey_id": "new", "answers": dict.fromkeys(answers, 9) if chance.random() < 1 / 3 else answers}


def _on_the_phone(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "channel": "phone", "device_hash": "interviewer"} if chance.random() < 0.6 else fields


def _in_less_time(chance: np.random.Generator, fields: dict[str, Any]) -> dict[str, Any]:
    del chance
    return {**fields, "duration_ms": fields["duration_ms"] * 2 // 5}


CHANGES: dict[str, Callable[[], Fleet]] = {
    "a unit became better": lambda: _fleet(_better),
    "a kiosk was put up": lambda: _fleet(_at_a_kiosk),
    "customers answer from one office": lambda: _fleet(_in_one_office),
    "a campaign invites twice as many": lambda: _fleet(_as_ever, more=5),
    "the unit was closed for two weeks": lambda: _fleet(_as_ever, closed=range(CHANGE, CHANGE + 14)),
    "the survey was made anew": lambda: _fleet(_with_a_shorter_form, everywhere=True),
    "many give the same answer throughout": lambda: _fleet(_all_alike, everywhere=True),
    "the survey was made shorter": lambda: _fleet(_in_less_time, everywhere=True),
    "customers are called": lambda: _fleet(_on_the_phone),
    "old answers are imported with the date of the import": lambda: _fleet(_as_ever, more=60, everywhere=True, until=CHANGE + 1, asked=False),
    "everybody answers three times as often": lambda: _fleet(_as_ever, more=10, everywhere=True, asked=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_honest_change_is_not_called_gaming(change: str) -> None:
    fleet = CHANGES[change]()
    assert {row["state"] for row in fleet.verdicts().values()} <= {"clear", "investigate"}
    assert not any(row["flags"] for row in fleet.flags().values())
    if change != "a unit became better":
        assert not fleet.findings()


def test_a_unit_that_became_better_is_a_reason_to_look() -> None:
    verdicts = {row["unit_id"]: (row["state"], row["families"]) for row in _fleet(_better).verdicts().values()}
    assert verdicts.pop("u0") == ("investigate", ["score"])
    assert set(map(str, verdicts.values())) == {str(("clear", []))}
