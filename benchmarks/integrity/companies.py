"""Simulated companies whose units are honest until an injector gets at them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import yaml

from benchmarks.integrity.events import is_read
from benchmarks.integrity.injectors import INJECTORS, STRENGTHS, Injector
from benchmarks.integrity.trials import Treatment, Trial, try_out
from schemas.catalog import Catalog
from streams.files import FileRecord
from streams.simulate import Mix, Plan, simulate

MIX = Mix(accounts=4_800, eligible=0.7, sampled=0.8, spontaneous=0.1, messages=0.0, case_share=0.0, observations=0.0, outcomes=0.0001)
"""What detectors look at, alone: purchases, invitations, answers."""
EVENTS_A_UNIT_AND_MONTH = 1_380
"""About 2.3 answers a unit and day."""
PLAN_UNITS = 5
"""Units that an incentive plan pays together."""
SINGLES = 12
"""Treatments of one unit in a company."""
LARGER = 0.7
"""Share of the units that are large enough to be treated, as in ``candor simulate``."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large companies are, and for how long they are watched."""

    units: int = 60
    months: int = 9
    first_day: int = 90
    last_day: int = 150
    """Treatments begin between these days."""


@dataclass(frozen=True, slots=True)
class Company:
    """A clean stream."""

    records: list[FileRecord]
    catalog: Catalog
    units: list[str]
    larger: list[str]
    start: date


def draw(seed: int, size: Size) -> Company:
    """A company without gaming; incentive plans pay units in fives, by month."""
    plan = Plan(
        seed=seed, units=size.units, months=size.months, accounts=80 * size.units, events=EVENTS_A_UNIT_AND_MONTH * size.units * size.months,
        mix=MIX, gamed_share=0.0,
    )  # fmt: skip
    simulation = simulate(plan)
    units = simulation.company.unit_ids
    groups = [units[place : place + PLAN_UNITS] for place in range(0, len(units), PLAN_UNITS)]
    plans = [{"plan_id": f"plan-{number:02d}", "units": group, "period": "month"} for number, group in enumerate(groups)]
    catalog = Catalog.model_validate(yaml.safe_load(simulation.catalog()) | {"incentive_plans": plans})
    order = np.argsort(-simulation.company.unit_weight, kind="stable")[: int(size.units * LARGER)]
    records = [record for record in simulation.records() if is_read(record)]
    return Company(records, catalog, units, [units[place] for place in order.tolist()], plan.start)


def deal(companies: int, seed: int, injectors: Sequence[Injector] = INJECTORS, at_once: int = SINGLES) -> Iterator[list[tuple[Injector, float]]]:
    """What is done in each company: ``at_once`` treatments of single units, and one of several.

    Both come from decks, each of which is shuffled anew when it is used up, so that everything is done about as often.
    """
    random = np.random.default_rng([seed, 7])
    singles = [(injector, strength) for injector in injectors if injector.units == 1 for strength in STRENGTHS]
    groups = [(injector, strength) for injector in injectors if injector.units > 1 for strength in STRENGTHS]
    deck: list[tuple[Injector, float]] = []
    group_deck: list[tuple[Injector, float]] = []
    for _ in range(companies):
        dealt = []
        for _ in range(at_once if singles else 0):
            deck = deck or [singles[place] for place in random.permutation(len(singles))]
            dealt.append(deck.pop())
        if groups:
            group_deck = group_deck or [groups[place] for place in random.permutation(len(groups))]
            dealt.append(group_deck.pop())
        yield dealt


def assign(company: Company, dealt: Sequence[tuple[Injector, float]], seed: int, size: Size) -> list[Treatment]:
    """Which units it is done to, and from when on; a company too small for all of it goes without the rest."""
    random = np.random.default_rng([seed, 11])
    free = [company.larger[place] for place in random.permutation(len(company.larger))]
    treatments = []
    for injector, strength in sorted(dealt, key=lambda one: -one[0].units):
        if injector.in_plan:
            plans = [plan.units for plan in company.catalog.incentive_plans if len(plan.units) == injector.units]
            chosen = tuple(plans[int(random.integers(0, len(plans)))])
        else:
            chosen = tuple(free[: injector.units])
        if len(chosen) < injector.units:
            continue
        free = [unit for unit in free if unit not in chosen]
        began = 0 if injector.from_first_day else int(random.integers(size.first_day, size.last_day + 1))
        treatments.append(Treatment(injector, strength, chosen, company.start + timedelta(days=began)))
    return treatments


def run(seeds: Sequence[int], size: Size, injectors: Sequence[Injector] = INJECTORS) -> Iterator[Trial]:
    """One trial for each seed."""
    for seed, dealt in zip(seeds, deal(len(seeds), seeds[0], injectors), strict=True):
        company = draw(seed, size)
        yield try_out(company.records, company.catalog, company.units, assign(company, dealt, seed, size), seed)


def clean(seeds: Sequence[int], size: Size) -> Iterator[Trial]:
    """Companies that nothing is done to."""
    for seed in seeds:
        company = draw(seed, size)
        yield try_out(company.records, company.catalog, company.units, (), seed)
