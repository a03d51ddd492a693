"""Faults that are built into workers, and the trials that must notice them: a suite that cannot fail shows nothing."""

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
from tests.chaos.trial import Action, Outcome, Plan, Surroundings, Trial
from tests.conftest import PATIENCE

SMALL = StreamOptions(events=400, accounts=40, bad=0.2)
TRIAL_SECONDS = 240 * PATIENCE
Bite = tuple[Sabotage, dict[str, Any], str]
"""What is taken out, what is done to the workers, and how what goes wrong then is told."""
BITES: list[Bite] = [
    # Half of a flush is there: dead letters are missing, or no owner can begin with such a checkpoint.
    (Sabotage.NO_TRANSACTION, {"moments": ("letters:2:KILL",)}, "missing|not everything is consumed"),
    (Sabotage.CONSTANT_VERSION, {"moments": ("cells:2:STOP",)}, "accounts "),
    (Sabotage.FACTS_LAST, {"moments": ("facts:2:KILL",)}, "missing"),
    (Sabotage.CELLS_ONCE, {"moments": ("cells:2:KILL",)}, "loyalty_daily "),
    (Sabotage.NO_DEDUPE, {"actions": (Action.SEND_AGAIN,)}, "messages is"),
    (Sabotage.NO_RETRY, {"fault_rate": 0.3, "faults": (Fault.REFUSED,)}, "missing"),
    (Sabotage.OTHER_RETRY, {"fault_rate": 0.3, "faults": (Fault.SILENT,)}, "loyalty_daily "),
    (Sabotage.NO_CHECKPOINT, {"actions": (Action.ADD_WORKER,)}, "more than once"),
    (Sabotage.UNREAD_ANSWERS, {"moments": ("letters:2:STOP",), "outage": True}, "missing"),
]
FURTHER: list[Bite] = [
    (Sabotage.NO_TRANSACTION, {"moments": ("begin:2:STOP",)}, "more than once"),
    (Sabotage.NO_RETRY, {"fault_rate": 0.3, "faults": (Fault.CUT_REQUEST,)}, "missing"),
    (Sabotage.NO_RETRY, {"fault_rate": 0.3, "faults": (Fault.CUT_UPSTREAM,)}, "missing"),
    (Sabotage.NO_RETRY, {"actions": (Action.RESTART_CLICKHOUSE,)}, "missing"),
    (Sabotage.OTHER_RETRY, {"fault_rate": 0.3, "faults": (Fault.CUT_RESPONSE,)}, "loyalty_daily "),
    (Sabotage.NO_CHECKPOINT, {"actions": (Action.REMOVE_WORKER,)}, "more than once"),
    (Sabotage.NO_CHECKPOINT, {"moments": ("cells:2:KILL",)}, "more than once"),
]
"""The same safeguards, missed by other blows."""
TRIES = 4
"""A fault at a counted moment may hit a flush whose loss the next one makes good; then another seed is tried."""


def outcomes(folder: Path, plans: Sequence[Plan]) -> list[Outcome]:
    """Each plan in turn, on one broker and one ClickHouse."""

    async def run() -> list[Outcome]:
        async with Surroundings(folder) as surroundings:
            return [await asyncio.wait_for(Trial(one, surroundings).run(), TRIAL_SECONDS) for one in plans]

    return asyncio.run(run())


def report(outcome: Outcome) -> str:
    return "\n".join([f"seed {outcome.seed}", *outcome.happened, *outcome.problems])


def all_are_noticed(bites: Sequence[Bite], folder: Path) -> None:
    """Fails with what happened in the last trial of each bite that no trial noticed."""
    hit = Plan(0, SMALL, (), slices=6, flush_max_records=30, session_seconds=3, right_seconds=4, commit_seconds=30)
    unnoticed = list(range(len(bites)))
    last: dict[int, str] = {}
    for turn in range(TRIES):
        plans = [replace(hit, seed=100 * turn + bite, sabotage=bites[bite][0].name, **bites[bite][1]) for bite in unnoticed]
        place = folder / str(turn)
        place.mkdir()
        still = []
        for bite, outcome in zip(unnoticed, outcomes(place, plans), strict=True):
            _, settings, words = bites[bite]
            noticed = any(re.search(words, problem) for problem in outcome.problems)
            if not noticed or outcome.hits < len(settings.get("moments", ())):
                still.append(bite)
                last[bite] = report(outcome)
        unnoticed = still
        if not unnoticed:
            return
    pytest.fail("\n\n".join(f"{bites[bite][0]} with {bites[bite][1]} was not noticed\n{last[bite]}" for bite in unnoticed))
