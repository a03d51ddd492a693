"""Customers who had trouble and are not asked, where many others are not asked either, since they were asked a short while before."""

from datetime import date
from typing import NamedTuple

import numpy as np
import pytest

from schemas.catalog import Catalog
from tests.streams.core.units.answering import Answers

UNITS = tuple(f"u{number}" for number in range(4))
BEGIN, CHANGE, END = 20_454, 20_454 + 60, 20_454 + 110
PICKED = 0.4
"""So little that it does not show among all who are not asked."""


class Found(NamedTuple):
    """A finding."""

    unit: str
    days: int
    """From the change until it was raised."""


def _found(reason: str, *, draws_are_told: bool = True) -> list[Found]:
    """Six purchases a day, of which one in five goes wrong; who was asked lately, half of all, is in quarantine.

    From a day on u0 leaves out those with whom something went wrong, for a reason that it gives.
    """
    chance, told = np.random.default_rng(5), Answers(Catalog(), 1)
    for day in range(BEGIN, END):
        for unit in UNITS:
            for place in range(6):
                account, went_wrong = f"{unit}-{day}-{place}", chance.random() < 0.2
                told.sell(unit, day, account, ["complaint"] if went_wrong else [])
                about = {"account_id": account, "transaction_id": "t", "invitation_id": "i"}
                if draws_are_told:
                    told.invite(unit, day, "sampled", **about)
                picked = unit == "u0" and day >= CHANGE and went_wrong and chance.random() < PICKED
                if chance.random() < 0.5:
                    told.invite(unit, day, "suppressed", suppression_reason="quarantine", **about)
                elif picked:
                    told.invite(unit, day, "suppressed", suppression_reason=reason, **about)
                else:
                    told.invite(unit, day, **about)
            told.add(unit, day, 9)
        if day % 10 == 0:
            told.tell()
    findings = told.end().findings().values()
    return [Found(row["unit_id"], (row["raised_on"] - date(1970, 1, 1)).days - CHANGE) for row in findings if row["detector"] == "cherry_picking"]


def test_they_are_found_among_those_who_should_have_been_asked() -> None:
    [found] = _found("manual")

    assert found.unit == "u0"
    # Six in ten days should have been asked and had trouble. The last week of them may still be asked.
    assert found.days <= 25


@pytest.mark.parametrize(("reason", "draws_are_told"), [("quarantine", True), ("manual", False)])
def test_nothing_shows_where_it_is_called_quarantine_or_nobody_tells_who_was_drawn(reason: str, draws_are_told: bool) -> None:
    assert not _found(reason, draws_are_told=draws_are_told)


def test_who_is_asked_on_the_same_day_of_the_next_week_is_asked_in_time() -> None:
    """Invitations are sent on Mondays, an hour later in the day than people buy, and most goes wrong on Mondays."""
    chance, told = np.random.default_rng(6), Answers(Catalog(), 1)
    for day in range(BEGIN, END):
        for unit in UNITS:
            on_monday = (day + 3) % 7 == 0
            for place in range(3):
                account = f"{unit}-{day}-{place}"
                told.sell(unit, day, account, ["long_wait"] if chance.random() < (0.5 if on_monday else 0.05) else [])
                told.invite(unit, day + 7 - (day + 3) % 7, account_id=account, transaction_id="t", invitation_id="i")
            told.add(unit, day, 9)
        if day % 10 == 0:
            told.tell()
    assert not told.end().findings()
