"""Gaming is found whatever the habits of a company are: when it is open, how long it sold before it asked, and which units joined it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from schemas.catalog import Catalog
from tests.streams.core.units.answering import Answers
from tests.streams.core.units.fleet import Fleet

UNITS = dict.fromkeys((f"u{number}" for number in range(8)), 5)
"""Answers a day of each unit."""
BEGIN = 20_454
"""A Thursday."""


def _always(day: int) -> bool:
    del day
    return True


def _on_weekdays(day: int) -> bool:
    return (day - BEGIN + 3) % 7 < 5


def _on_mondays(day: int) -> bool:
    return (day - BEGIN + 3) % 7 == 0


def _stuffed(
    days: int,
    *,
    number: int,
    first_sale: int = 0,
    is_open: Callable[[int], bool] = _always,
    units: Mapping[str, int] = UNITS,
    joining: Mapping[str, int] | None = None,
    before: int = 80,
) -> Fleet:
    """So many days with the survey, in the last of which u0 gets ``number`` answers a day instead of five, while it invites as ever."""
    chance, answers = np.random.default_rng(3), Answers(Catalog(), 1)
    for day in range(BEGIN + first_sale, BEGIN + days):
        for unit, usual in units.items():
            if not is_open(day) or day < BEGIN + (joining or {}).get(unit, first_sale):
                continue
            for _ in range(usual):
                answers.invite(unit, day)
            for _ in range(int(chance.poisson(number if unit == "u0" and day >= BEGIN + before else usual)) if day >= BEGIN else 0):
                answers.add(unit, day, int(chance.choice([10, 9, 8, 6], p=[0.4, 0.2, 0.2, 0.2])))
        if day % 10 == 0:
            answers.tell()
    return answers.end()


HABITS: dict[str, Callable[[], Fleet]] = {
    "open every day": lambda: _stuffed(95, number=15),
    "it sold for long before it asked": lambda: _stuffed(95, number=15, first_sale=-300),
    "closed at weekends": lambda: _stuffed(130, number=15, is_open=_on_weekdays, before=112),
    "closed at weekends, and little is stuffed": lambda: _stuffed(165, number=9, is_open=_on_weekdays, before=112),
    "on Mondays alone": lambda: _stuffed(300, number=40, is_open=_on_mondays, before=280),
    "two large units have joined it": lambda: _stuffed(
        175, number=15, units={"u0": 5, "u1": 5, "u2": 5, "u3": 40, "u4": 40}, joining={"u3": 130, "u4": 130}, before=160
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_stuffing_is_found(habit: str) -> None:
    assert {(row["unit_id"], row["detector"]) for row in HABITS[habit]().findings().values()} == {("u0", "response_volume")}


def _forms(gamed: Mapping[str, Any], *, units: int, share: float, days: int, survey: str = "s") -> Fleet:
    """So many days after eighty of forms as customers fill them in; u0 fills in a share of its own, in another survey if that begins then."""
    chance, answers = np.random.default_rng(5), Answers(Catalog(), 1)
    plain = {f"q{number}": 9 if number else 8 for number in range(5)}
    for day in range(BEGIN, BEGIN + 80 + days):
        for unit in range(units):
            for _ in range(int(chance.poisson(5))):
                fields: dict[str, Any] = {"duration_ms": int(60_000 * chance.lognormal(0, 0.5)), "answers": plain, "channel": "web"}
                if day >= BEGIN + 80:
                    fields["survey_id"] = survey
                    if unit == 0 and chance.random() < share:
                        fields |= gamed
                answers.add(f"u{unit}", day, int(chance.choice([10, 9, 8, 6], p=[0.4, 0.2, 0.2, 0.2])), **fields)
        if day % 10 == 0:
            answers.tell()
    return answers.end()


FAST: Mapping[str, Any] = {"duration_ms": 9_000}
STRAIGHT: Mapping[str, Any] = {"answers": dict.fromkeys((f"q{number}" for number in range(5)), 9)}
FORMS: dict[str, Callable[[], Fleet]] = {
    "fast ones of few units": lambda: _forms(FAST, units=2, share=0.25, days=14),
    "straight ones": lambda: _forms(STRAIGHT, units=4, share=0.6, days=10),
    "straight ones of a new survey": lambda: _forms(STRAIGHT, units=4, share=0.6, days=30, survey="new"),
}


@pytest.mark.parametrize("forms", FORMS)
def test_a_unit_that_fills_in_forms_is_found_though_they_are_among_those_of_the_fleet(forms: str) -> None:
    assert {(row["unit_id"], row["detector"]) for row in FORMS[forms]().findings().values()} == {("u0", "fast_forms")}
