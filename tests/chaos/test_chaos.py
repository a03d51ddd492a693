"""Trials on every change, and the proof that they would notice."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.bites import BITES, SMALL, TRIAL_SECONDS, TRIES, all_are_noticed, outcomes, report
from tests.chaos.trial import Plan, plan

SEEDS = (101, 102, 103, 104)


@pytest.mark.timeout(len(SEEDS) * TRIAL_SECONDS)
def test_every_row_is_right_whatever_happens(tmp_path: Path) -> None:
    for outcome in outcomes(tmp_path, [plan(seed, events=1_000) for seed in SEEDS]):
        assert not outcome.problems, report(outcome)


MOMENTS = ("facts", "letters", "commit", "cells")


@pytest.mark.timeout(4 * TRIAL_SECONDS)
def test_no_moment_is_the_wrong_one_to_die_or_to_be_a_zombie(tmp_path: Path) -> None:
    """The controls of the tests below: the same blows, with nothing taken out of the workers."""
    killed = Plan(1, SMALL, (), workers=1, slices=6, flush_max_records=30, session_seconds=3, moments=tuple(f"{moment}:1:KILL" for moment in MOMENTS))
    stopped = Plan(
        2, SMALL, (), workers=4, slices=6, flush_max_records=30, session_seconds=3, moments=tuple(f"{moment}:1:STOP" for moment in MOMENTS[1:])
    )
    outage = Plan(3, SMALL, (), slices=6, flush_max_records=30, moments=("letters:2:STOP",), outage=True)

    # Of units, with something to be found.
    judged = Plan(
        4,
        replace(SMALL, stuffed=60),
        (),
        workers=2,
        slices=6,
        flush_max_records=30,
        session_seconds=3,
        moments=("findings:2:KILL", "findings:1:KILL"),
    )

    for outcome, hits in zip(outcomes(tmp_path, [killed, stopped, outage, judged]), [4, 3, 1, 2], strict=True):
        assert not outcome.problems, report(outcome)
        assert outcome.hits == hits


@pytest.mark.timeout(TRIES * len(BITES) * TRIAL_SECONDS)
def test_each_fault_is_noticed_when_what_guards_against_it_is_taken_out(tmp_path: Path) -> None:
    all_are_noticed(BITES, tmp_path)
