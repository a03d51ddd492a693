"""Trials on every change, and the proof that they would notice."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.proxy import Fault
from tests.chaos.sabotage import Sabotage
from tests.chaos.stream import StreamOptions
from tests.chaos.trial import Action, Outcome, Plan, Surroundings, Trial, plan
from tests.conftest import PATIENCE

SMALL = StreamOptions(events=400, accounts=40, bad=0.2)
SEEDS = (101, 102, 103, 104)
TRIAL_SECONDS = 240 * PATIENCE


def outcomes(folder: Path, plans: Sequence[Plan]) -> list[Outcome]:
    """Each plan in turn, on one broker and one ClickHouse."""

    async def run() -> list[Outcome]:
        async with Surroundings(folder) as surroundings:
            return [await asyncio.wait_for(Trial(one, surroundings).run(), TRIAL_SECONDS) for one in plans]

    return asyncio.run(run())


def report(outcome: Outcome) -> str:
    return "\n".join([f"seed {outcome.seed}", *outcome.happened, *outcome.problems])


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


BITES: list[tuple[Sabotage, dict[str, Any], str]] = [
    # Half of a flush is there: dead letters are missing, or no owner can begin with such a checkpoint.
    (Sabotage.NO_TRANSACTION, {"moments": ("letters:2:KILL",)}, "missing|not everything is consumed"),
    (Sabotage.NO_TRANSACTION, {"moments": ("begin:2:STOP",)}, "more than once"),
    (Sabotage.CONSTANT_VERSION, {"moments": ("cells:2:STOP",)}, "accounts "),
    (Sabotage.FACTS_LAST, {"moments": ("facts:2:KILL",)}, "missing"),
    (Sabotage.CELLS_ONCE, {"moments": ("cells:2:KILL",)}, "loyalty_daily "),
    (Sabotage.NO_DEDUPE, {"actions": (Action.SEND_AGAIN,)}, "messages is"),
    (Sabotage.NO_RETRY, {"fault_rate": 0.3, "faults": (Fault.REFUSED,)}, "missing"),
    (Sabotage.NO_RETRY, {"fault_rate": 0.3, "faults": (Fault.CUT_REQUEST,)}, "missing"),
    (Sabotage.NO_RETRY, {"fault_rate": 0.3, "faults": (Fault.CUT_UPSTREAM,)}, "missing"),
    (Sabotage.NO_RETRY, {"actions": (Action.RESTART_CLICKHOUSE,)}, "missing"),
    (Sabotage.OTHER_RETRY, {"fault_rate": 0.3, "faults": (Fault.SILENT,)}, "loyalty_daily "),
    (Sabotage.OTHER_RETRY, {"fault_rate": 0.3, "faults": (Fault.CUT_RESPONSE,)}, "loyalty_daily "),
    (Sabotage.NO_CHECKPOINT, {"actions": (Action.ADD_WORKER,)}, "more than once"),
    (Sabotage.NO_CHECKPOINT, {"actions": (Action.REMOVE_WORKER,)}, "more than once"),
    (Sabotage.NO_CHECKPOINT, {"moments": ("cells:2:KILL",)}, "more than once"),
    (Sabotage.UNREAD_ANSWERS, {"moments": ("letters:2:STOP",), "outage": True}, "missing"),
]


TRIES = 4
"""A fault at a counted moment may hit a flush whose loss the next one makes good; then another seed is tried."""


@pytest.mark.timeout(TRIES * len(BITES) * TRIAL_SECONDS)
def test_each_fault_is_noticed_when_what_guards_against_it_is_taken_out(tmp_path: Path) -> None:
    hit = Plan(0, SMALL, (), slices=6, flush_max_records=30, session_seconds=3, right_seconds=4, commit_seconds=30)
    unnoticed = list(range(len(BITES)))
    last: dict[int, str] = {}
    for turn in range(TRIES):
        plans = [replace(hit, seed=100 * turn + bite, sabotage=BITES[bite][0].name, **BITES[bite][1]) for bite in unnoticed]
        folder = tmp_path / str(turn)
        folder.mkdir()
        still = []
        for bite, outcome in zip(unnoticed, outcomes(folder, plans), strict=True):
            _, settings, words = BITES[bite]
            noticed = any(re.search(words, problem) for problem in outcome.problems)
            if not noticed or outcome.hits < len(settings.get("moments", ())):
                still.append(bite)
                last[bite] = report(outcome)
        unnoticed = still
        if not unnoticed:
            return
    pytest.fail("\n\n".join(f"{BITES[bite][0]} with {BITES[bite][1]} was not noticed\n{last[bite]}" for bite in unnoticed))
