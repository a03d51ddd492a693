"""``python -m tests.chaos --trials N --seed S``: trials with seeds S, S+1, ...; exit code 1 where a row is wrong."""

import argparse
import asyncio
import logging
import shutil
import sys
from pathlib import Path

import click

from tests.chaos.trial import Outcome, Surroundings, Trial, plan


def main() -> int:
    """Run the trials one after another on one broker and one ClickHouse."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--trials", type=int, default=5, help="how many (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first; the next have the next (default 1)")
    parser.add_argument("--events", type=int, default=1_600, help="about how many good events each (default 1600)")
    parser.add_argument("--folder", type=Path, default=Path("build/chaos"), help="where logs of failed trials are kept (default build/chaos)")
    parser.add_argument("--keep-going", action="store_true", help="go on after a failed trial")
    parser.add_argument("--verbose", action="store_true", help="say what happened in trials that went well, too")
    chosen = parser.parse_args()
    return asyncio.run(_run(chosen.trials, chosen.seed, chosen.events, chosen.folder.resolve(), chosen.keep_going, chosen.verbose))


# What it says while the broker is away is no news.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


async def _run(trials: int, seed: int, events: int, folder: Path, keep_going: bool, verbose: bool) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    failed: list[int] = []
    async with Surroundings(folder, seed) as surroundings:
        for number in range(seed, seed + trials):
            trial = Trial(plan(number, events), surroundings)
            outcome = await trial.run()
            _report(outcome, trial, verbose)
            if outcome.problems:
                failed.append(number)
                if not keep_going:
                    break
            else:
                shutil.rmtree(trial.folder)
    click.echo(f"failed: seeds {failed}" if failed else f"{trials} trials, seeds {seed} to {seed + trials - 1}: every row is right")
    return 1 if failed else 0


def _report(outcome: Outcome, trial: Trial, verbose: bool) -> None:
    actions = ", ".join(action.name.lower() for action in trial.plan.actions)
    verdict = "FAILED" if outcome.problems else "ok"
    click.echo(f"seed {outcome.seed}: {verdict}, {outcome.records} records, {outcome.seconds:.1f} s: {actions}")
    if outcome.problems or verbose:
        for line in [*outcome.happened, *outcome.problems]:
            click.echo(f"  {line}")
        click.echo(f"  logs: {trial.folder}\n  again: python -m tests.chaos --trials 1 --seed {outcome.seed}")


if __name__ == "__main__":
    sys.exit(main())
