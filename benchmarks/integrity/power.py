"""What is seen of gaming in simulated companies: recall, delay, and which honest units are named.

Records of ``candor simulate`` go through the same stages as in production, in one partition. A unit counts as found with its first finding after
the gaming began; units that always gamed are told apart, since a detector of change has nothing to see there.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import yaml

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.rows import Table
from streams.core.accounts.stage import AccountsStages
from streams.core.batch import Numbered
from streams.core.chained import ChainedStages
from streams.simulate.plan import Plan
from streams.simulate.simulation import Simulation, simulate
from streams.stages import signalling_of, units_stages

UNITS = 60
MONTHS = 9
EVENTS = 1_170_000
"""About 2.3 responses a unit and day."""
ACCOUNTS = 4_800
RECORDS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A gamed unit and what was found: days from the beginning to the first finding, None where there was none."""

    attack: str
    strength: float
    always: bool
    delay: int | None


@dataclass(frozen=True, slots=True)
class Company:
    """What one company gave."""

    gamed: list[Unit]
    honest: int
    honest_named: int
    days: int
    flagged: int
    flagged_rightly: int


def back_test(seed: int) -> Company:
    """One company through the stages."""
    simulation = simulate(Plan(seed=seed, units=UNITS, months=MONTHS, accounts=ACCOUNTS, events=EVENTS))
    findings, flagged = _run(simulation, Catalog.model_validate(yaml.safe_load(simulation.catalog())))
    truth = {unit["unit_id"]: unit for unit in json.loads(simulation.truth())["units"]}
    start = simulation.plan.start
    gamed = []
    for name, unit in truth.items():
        since = datetime.fromisoformat(unit["since"]).date()
        delays = [(raised - since).days for raised in findings[name] if raised >= since]
        gamed.append(Unit(unit["attack"], unit["strength"], since <= start, min(delays, default=None)))
    touched = {response for unit in truth.values() for response in unit["response_ids"]}
    honest = [name for name in simulation.company.unit_ids if name not in truth]
    return Company(gamed, len(honest), sum(bool(findings[name]) for name in honest), simulation.plan.days, len(flagged), len(flagged & touched))


def _run(simulation: Simulation, catalog: Catalog) -> tuple[Mapping[str, list[date]], set[str]]:
    """When findings that stand were raised, by unit, and the flagged responses."""
    stages = ChainedStages(AccountsStages(catalog, signalling=signalling_of(catalog)), units_stages(catalog, 1))
    stage = stages.restore(0, ())
    found: dict[Table, dict[str, Mapping[str, Any]]] = {Table.FINDINGS: {}, Table.SIGNS: {}}
    offsets = dict.fromkeys(Topic, 0)
    batches: dict[Topic, list[Numbered]] = {topic: [] for topic in Topic}

    def judge() -> None:
        for topic, batch in batches.items():
            stage.apply(topic, batch)
            batch.clear()
        flush = stage.flush()
        cells = flush.cells if flush is not None else {}
        for table, name in ((Table.FINDINGS, "finding_id"), (Table.SIGNS, "response_id")):
            found[table] |= {row[name]: row for row in cells[table].to_pylist()} if table in cells else {}

    for number, record in enumerate(simulation.records(), start=1):
        batches[record.topic].append(Numbered(offsets[record.topic], record.timestamp, record.key, record.value, record.headers))
        offsets[record.topic] += 1
        if number % RECORDS_AT_ONCE == 0:
            judge()
    stage.rest(Topic)
    judge()
    raised: dict[str, list[date]] = defaultdict(list)
    for row in found[Table.FINDINGS].values():
        if row["standing"]:
            raised[row["unit_id"]].append(row["raised_on"])
    return raised, {response for response, row in found[Table.SIGNS].items() if row["flags"]}


def table(companies: Sequence[Company]) -> Iterator[str]:
    """Yields the lines of the tables."""
    by_attack: dict[str, list[Unit]] = defaultdict(list)
    for company in companies:
        for unit in company.gamed:
            by_attack[unit.attack + (", always" if unit.always else "")].append(unit)
    yield "| attack | units | found in 30 days | in 60 | in 120 | at all | median days |"
    yield "|---|---|---|---|---|---|---|"
    for attack, units in sorted(by_attack.items()):
        delays = [unit.delay for unit in units if unit.delay is not None]
        shares = [f"{_within(units, days):.2f}" for days in (30, 60, 120, 10_000)]
        yield f"| {attack} | {len(units)} | {' | '.join(shares)} | {np.median(delays) if delays else '-'} |"
    honest, named = sum(company.honest for company in companies), sum(company.honest_named for company in companies)
    days = companies[0].days
    yield ""
    yield f"{named} of {honest} honest units were named in {days} days: {100 * named / honest * 180 / days:.1f} % per 180 days."
    flagged, rightly = sum(company.flagged for company in companies), sum(company.flagged_rightly for company in companies)
    yield f"{flagged:,} responses were flagged, {100 * rightly / max(flagged, 1):.0f} % of them made or changed by gaming."


def _within(units: Iterable[Unit], days: int) -> float:
    found = [unit.delay is not None and unit.delay <= days for unit in units]
    return sum(found) / len(found)
