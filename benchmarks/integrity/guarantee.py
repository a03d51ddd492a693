"""How long clean units run until a detector sounds, against what is promised.

Each detector is run alone on clean units, and all together, on independent answers and on answers of a day that are alike. What is promised is
the least *expected* run; a run ends with an alarm, and the next begins. The estimate is the number of unit-days over the number of alarms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors import FLEET_DETECTORS, PLAN_DETECTORS, UNIT_DETECTORS, UnitDetector
from streams.core.integrity.evidence import Evidence
from streams.core.units.pools import FleetDays
from streams.simulate.unit_days import Rates, days

UNITS_A_FLEET = 60
RESPONSES_A_DAY = 2.4
DAYS = 720
PROMISED = 1_000.0
"""Days until a false alarm; small enough that there are alarms to count."""
CORRELATIONS = (0.0, 0.02, 0.05, 0.1)
"""Of the answers of a unit and day."""
BETWEEN = (0.0, 0.02)
"""Of the answers of a unit over all days."""
TOGETHER = "all together"
EARLY_DAYS = 180


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of one set of fleets."""

    name: str
    correlation: float
    between: float
    unit_days: int
    alarms: int
    responses: int
    alarmed_early: float
    """Share of the units with an alarm among their first 180 days."""

    @property
    def ratio(self) -> float:
        """Mean run over what is promised; infinite where nothing sounded."""
        return self.unit_days / self.alarms / PROMISED if self.alarms else float("inf")


@dataclass
class _Watch:
    """Detectors that judge together, on the way."""

    name: str
    detectors: Sequence[UnitDetector]
    evidence: Evidence
    kept: float = 1.0
    """Of what was learned, what is left a day later."""
    alarms: int = 0
    early: set[int] = field(default_factory=set)

    def take(self, rows: np.ndarray, day: UnitDays, number: int) -> None:
        self.evidence.fade(self.kept)
        sounding = {alarm.row for alarm in self.evidence.add_day(rows, day, PROMISED, self.detectors)}
        self.alarms += len(sounding)
        if number < EARLY_DAYS:
            self.early |= sounding


def measure(fleets: int, seed: int, count: int = DAYS) -> Iterator[Run]:
    """Yields the runs of every detector alone, and of all of single units together; all judge the same days, which are drawn once.

    A detector of plans is shown units as if each were a plan, one of the fleet is shown fleets: units that have the answers of a fleet.
    """
    for correlation in CORRELATIONS:
        for between in BETWEEN:
            rates, units = Rates(correlation=correlation, between=between), fleets * UNITS_A_FLEET
            singles = [_alone(detector, units) for detector in (*UNIT_DETECTORS, *PLAN_DETECTORS)]
            yield from _runs([*singles, _Watch(TOGETHER, UNIT_DETECTORS, Evidence.nothing(units))], units, RESPONSES_A_DAY, rates, seed, count)
            of_fleets = [_alone(detector, fleets, FleetDays.kept) for detector in FLEET_DETECTORS]
            yield from _runs(of_fleets, fleets, UNITS_A_FLEET * RESPONSES_A_DAY, rates, seed, count)


def _alone(detector: UnitDetector, units: int, kept: float = 1.0) -> _Watch:
    return _Watch(detector.name.value, (detector,), Evidence.nothing(units, (detector,)), kept)


def _runs(watches: Sequence[_Watch], units: int, responses_a_day: float, rates: Rates, seed: int, count: int) -> Iterator[Run]:
    responses, rows = 0, np.arange(units)
    for number, day in enumerate(days(np.random.default_rng(seed), units, count, responses_a_day, rates)):
        responses += len(day.unit)
        for watch in watches:
            watch.take(rows, day, number)
    for watch in watches:
        yield Run(watch.name, rates.correlation, rates.between, units * count, watch.alarms, responses, len(watch.early) / units)


def table(runs: Sequence[Run]) -> Iterator[str]:
    """Yields the lines of a table."""
    yield "| detector | correlation of a day | of a unit | mean run / promised | alarms | per 10,000 responses | units alarmed in 180 days |"
    yield "|---|---|---|---|---|---|---|"
    for run in runs:
        ratio = f"{run.ratio:.2f}" if run.alarms else f"> {run.unit_days / PROMISED:,.0f}"
        each = f"{run.alarms:,} | {run.alarms / run.responses * 10_000:.3f} | {100 * run.alarmed_early:.2f} %"
        yield f"| {run.name} | {run.correlation} | {run.between} | {ratio} | {each} |"
