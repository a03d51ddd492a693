"""How long clean units run until a detector sounds, against what is promised.

Each detector is run alone on clean units, and all together, on independent answers and on answers of a day that are alike. What is promised is
the least *expected* run; a run ends with an alarm, and the next begins. The estimate is the number of unit-days over the number of alarms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from streams.core.integrity.detectors import UNIT_DETECTORS, UnitDetector
from streams.core.integrity.evidence import Evidence
from streams.simulate.unit_days import Rates, days

UNITS_A_FLEET = 60
RESPONSES_A_DAY = 2.4
DAYS = 720
PROMISED = 1_000.0
"""Days until a false alarm; small enough that there are alarms to count."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of one set of fleets."""

    name: str
    correlation: float
    between: float
    unit_days: int
    alarms: int
    responses: int
    alarmed_in_180_days: float
    """Share of the units with an alarm among their first 180 days."""

    @property
    def ratio(self) -> float:
        """Mean run over what is promised; infinite where nothing sounded."""
        return self.unit_days / self.alarms / PROMISED if self.alarms else float("inf")


def measure(fleets: int, seed: int) -> Iterator[Run]:
    """Yields the runs of every detector alone and of all together."""
    for correlation in (0.0, 0.05, 0.1):
        for between in (0.0, 0.02):
            for detector in (*UNIT_DETECTORS, None):
                name, detectors = (detector.name.value, (detector,)) if detector is not None else ("all together", UNIT_DETECTORS)
                yield _run(name, detectors, fleets, correlation, between, seed)


def _run(name: str, detectors: Sequence[UnitDetector], fleets: int, correlation: float, between: float, seed: int) -> Run:
    units = fleets * UNITS_A_FLEET
    # One detector alone would be given half of the budget as single and half as the mean of one: it sounds at one threshold, for the whole.
    budget = PROMISED / 2 if len(detectors) == 1 else PROMISED
    evidence = Evidence.nothing(units, len(detectors))
    alarms = responses = unit_days = 0
    early: set[int] = set()
    rates = Rates(correlation=correlation, between=between)
    for number, day in enumerate(days(np.random.default_rng(seed), units, DAYS, RESPONSES_A_DAY, rates)):
        raised = evidence.add_day(np.arange(units), day, budget, detectors)
        alarms += len({alarm.row for alarm in raised})
        responses += len(day.unit)
        unit_days += units
        if number < 180:
            early.update(alarm.row for alarm in raised)
    return Run(name, correlation, between, unit_days, alarms, responses, len(early) / units)


def table(runs: Sequence[Run]) -> Iterator[str]:
    """Yields the lines of a table."""
    yield "| detector | correlation of a day | of a unit | mean run / promised | alarms | per 10,000 responses |"
    yield "|---|---|---|---|---|---|"
    for run in runs:
        ratio = f"{run.ratio:.2f}" if run.alarms else f"> {run.unit_days / PROMISED:,.0f}"
        yield f"| {run.name} | {run.correlation} | {run.between} | {ratio} | {run.alarms:,} | {run.alarms / run.responses * 10_000:.3f} |"
