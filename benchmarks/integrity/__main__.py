"""``python -m benchmarks.integrity``: whether the detectors keep their promise, what they see, and what others would."""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import machine
from benchmarks.integrity import companies, contest, engine, first_day, guarantee, pages, real
from benchmarks.integrity.companies import Size
from benchmarks.integrity.contest import Contest
from benchmarks.integrity.daily import Daily
from benchmarks.integrity.pages import Measured
from benchmarks.integrity.rivals import rivals
from benchmarks.integrity.trials import Trial

TEST_SEED = 1_001
"""Nothing was chosen, in Candor or here, by what came of seeds from here on."""
TUNING_SEED = 9_001
"""Seeds from here on draw the clean streams that rivals are tuned on."""
REV2 = {"OTC": "otc", "Alpha": "alpha"}
PARTS = ("power", "rivals", "real", "guarantee", "first-day", "engine")
SECONDS = 60


def main() -> None:
    """Runs the parts, and writes their pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.integrity", description=__doc__)
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="part", help=f"{', '.join(PARTS)}; power and rivals share their companies")
    parser.add_argument("--fleets", type=int, default=200, help="guarantee and first-day: clean fleets of each kind")
    parser.add_argument("--companies", type=int, default=44, help=f"power and rivals: simulated companies of {Size().units} units")
    parser.add_argument("--clean", type=int, default=8, help="rivals: clean companies to tune them on")
    parser.add_argument("--trials", type=int, default=60, help="real: trials with each set of ratings")
    parser.add_argument("--seed", type=int, default=TEST_SEED, help=f"the first seed, below {TUNING_SEED}")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RATINGS_FOLDER", "../shared/data")), help="real: folder of olist and rev2")
    parser.add_argument("--out", type=Path, default=pages.PAGES, help="folder of the pages")
    arguments = parser.parse_args()
    print(machine.describe(), flush=True)
    if {"power", "rivals"} & set(arguments.parts):
        _companies(arguments)
    if "real" in arguments.parts:
        _real(arguments)
    if "guarantee" in arguments.parts:
        _guarantee(arguments)
    if "first-day" in arguments.parts:
        _first_day(arguments)
    if "engine" in arguments.parts:
        _engine(arguments)


def _companies(arguments: argparse.Namespace) -> None:
    began, size = time.monotonic(), Size()
    seeds = range(arguments.seed, arguments.seed + arguments.companies)
    against = "rivals" in arguments.parts
    tuning = range(TUNING_SEED, TUNING_SEED + arguments.clean)
    contests = _tuned(tuning, size) if against else []
    trials = list(_followed(companies.run(seeds, size), contests, f"of {len(seeds)} companies"))
    minutes = (time.monotonic() - began) / SECONDS
    mine = " ".join(part for part in ("power", "rivals") if part in arguments.parts)
    if "power" in arguments.parts:
        pages.write_power(arguments.out, trials, Measured(_command(arguments, mine, "companies"), setting(size, trials, seeds), minutes))
    if against:
        told = (
            f"{setting(size, trials, seeds)} Rivals were tuned on {len(tuning)} clean companies of the same size, seeds {_span(tuning)}; "
            f"the forest is that of scikit-learn {version('scikit-learn')}."
        )
        pages.write_contest(arguments.out, contests, Measured(_command(arguments, mine, "companies", "clean"), told, minutes))


def _tuned(seeds: Sequence[int], size: Size) -> list[Contest]:
    clean: list[Trial] = []
    streams: list[Daily] = []
    for trial in companies.clean(seeds, size):
        streams.append(contest.watched(trial))
        clean.append(trial)
    return contest.hold(rivals(), clean, streams)


def _followed(trials: Iterator[Trial], contests: Sequence[Contest], what: str) -> Iterator[Trial]:
    """The trials, shown to the rivals on the way; the records are given up."""
    for number, trial in enumerate(trials, 1):
        if contests:
            stream = contest.watched(trial)
            for held in contests:
                held.add(trial, stream)
        trial.records.clear()
        print(f"{number} {what}", flush=True)
        yield trial


def setting(size: Size, trials: Sequence[Trial], seeds: Sequence[int]) -> str:
    """Sizes and seeds of simulated companies."""
    rate = sum(trial.answers for trial in trials) / sum(trial.days for trial in trials) / size.units
    return (
        f"{len(trials)} simulated companies of {size.units} units over {size.months} months, {rate:.1f} answers a unit and day, "
        f"seeds {_span(seeds)}; in each something is done to {companies.SINGLES} units and to one plan or ring, from a day between "
        f"the {size.first_day}th and the {size.last_day}th on, or always."
    )


def _real(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    seeds = range(arguments.seed, arguments.seed + arguments.trials)
    rev2 = arguments.data / "rev2"
    ratings = [real.olist(arguments.data / "olist"), real.rev2("OTC", rev2 / "otc_network.csv")]
    trials = {data.name: list(_followed(real.run(data, seeds), (), f"of {len(seeds)} trials with {data.name}")) for data in ratings}
    rankings = [
        ranking for name, file in REV2.items() for ranking in real.rank_raters(real.rev2(name, rev2 / f"{file}_network.csv"), rev2 / f"{file}_gt.csv")
    ]
    told = f"{len(seeds)} trials with each set of ratings, pooled into {real.POOLS} units anew in each, seeds {_span(seeds)}."
    minutes = (time.monotonic() - began) / SECONDS
    pages.write_real(arguments.out, trials, ratings, rankings, Measured(_command(arguments, "real", "trials"), told, minutes))


def _guarantee(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    runs = []
    for run in guarantee.measure(arguments.fleets, arguments.seed):
        runs.append(run)
        if run.name == guarantee.TOGETHER:
            print(f"correlation {run.correlation} of a day, {run.between} of a unit", flush=True)
    told = (
        f"{arguments.fleets} clean fleets of {guarantee.UNITS_A_FLEET} units over {guarantee.DAYS} days, {guarantee.RESPONSES_A_DAY} answers a unit "
        f"and day, for each pair of correlations, seed {arguments.seed}; promised are {guarantee.PROMISED:,.0f} days to a false alarm of a unit."
    )
    minutes = (time.monotonic() - began) / SECONDS
    pages.write_guarantee(arguments.out, runs, Measured(_command(arguments, "guarantee", "fleets"), told, minutes))


def _first_day(arguments: argparse.Namespace) -> None:
    began, used = time.monotonic(), time.process_time()
    honest = []
    for came in first_day.honest(arguments.fleets, arguments.seed):
        honest.append(came)
        print(f"honest fleets of {came.fleet.units} units, correlation {came.fleet.correlation} of a day", flush=True)
    gamed = list(first_day.power(first_day.GAMED_FLEETS, arguments.seed))
    fleet, cpu = gamed[0].fleet, (time.process_time() - used) / SECONDS
    told = (
        f"{arguments.fleets} clean fleets of each kind over {first_day.HONEST[0].days} days; {first_day.GAMED_FLEETS} fleets of {fleet.units} units "
        f"for each attack and strength, {fleet.gamed} of which gamed from their first day; seed {arguments.seed}, {cpu:.0f} minutes of CPU."
    )
    minutes = (time.monotonic() - began) / SECONDS
    pages.write_first_day(arguments.out, honest, gamed, Measured(_command(arguments, "first-day", "fleets"), told, minutes))


def _engine(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    compared = list(engine.compare(engine.UNITS, arguments.seed))
    told = (
        f"{engine.UNITS:,} units, {engine.ANSWERS_A_DAY} answers a unit and day, a rate of {engine.RATE}, {engine.CLEAN_DAYS:,} days without a rise; "
        f"rises after {engine.BEFORE} days; seed {arguments.seed}."
    )
    minutes = (time.monotonic() - began) / SECONDS
    pages.write_engine(arguments.out, compared, Measured(_command(arguments, "engine"), told, minutes))


def _command(arguments: argparse.Namespace, parts: str, *names: str) -> str:
    options = " ".join(f"--{name} {getattr(arguments, name)}" for name in (*names, "seed"))
    return f"python -m benchmarks.integrity {parts} {options}"


def _span(seeds: Sequence[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if seeds else "none"


if __name__ == "__main__":
    main()
