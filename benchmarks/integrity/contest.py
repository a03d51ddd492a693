"""Candor beside its rivals: the same streams, rivals tuned to the same false alarms on clean streams drawn apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from benchmarks.integrity.daily import Daily, watch
from benchmarks.integrity.rivals import Rival
from benchmarks.integrity.rivals.protocol import new_findings, tune
from benchmarks.integrity.trials import Treatment, Trial
from schemas.enums import FalseAlarms
from streams.core.batch import Bools

CANDOR = "Candor"
PROMISED_DAYS = FalseAlarms.ONE_A_MONTH.days
"""Days of a clean fleet to one false alarm, as the default catalog allows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A rival with a threshold."""

    rival: Rival
    threshold: float


@dataclass
class Standing:
    """What one of the contestants found."""

    delays: dict[tuple[str, float], list[int | None]] = field(default_factory=dict)
    """By injector and strength: days to the first finding of each treatment, None where there was none."""
    false_findings: int = 0
    """At units to which nothing was done."""
    unit_days: int = 0


@dataclass
class Contest:
    """The entries at one rate of false alarms, and how they did."""

    name: str
    allowed: int
    """Findings on the clean streams that the thresholds were set by."""
    entries: Sequence[Entry]
    standings: dict[str, Standing] = field(default_factory=dict)

    def add(self, trial: Trial, stream: Daily) -> None:
        """Takes in a stream with treatments."""
        honest = set(trial.honest)
        for entry in self.entries:
            found = new_findings(entry.rival.sounds(entry.rival.statistic(stream), entry.threshold))
            standing = self.standings.setdefault(entry.rival.name, Standing())
            rows = [place for place, unit in enumerate(stream.units) if unit in honest]
            standing.false_findings += int(found[rows].sum())
            standing.unit_days += len(rows) * stream.days
            for outcome in trial.outcomes:
                key = (outcome.treatment.injector.name, outcome.treatment.strength)
                standing.delays.setdefault(key, []).append(_delay(found, stream, outcome.treatment))
        candor = self.standings.setdefault(CANDOR, Standing())
        candor.false_findings += len(trial.honest_findings)
        candor.unit_days += len(honest) * stream.days
        for outcome in trial.outcomes:
            key = (outcome.treatment.injector.name, outcome.treatment.strength)
            candor.delays.setdefault(key, []).append(outcome.raised[0].day if outcome.raised else None)


def _delay(found: Bools, stream: Daily, treatment: Treatment) -> int | None:
    rows = [stream.units.index(unit) for unit in treatment.units]
    since = (treatment.from_day - stream.start) // timedelta(days=1)
    days = np.flatnonzero(found[rows].any(axis=0))
    later = days[days >= since]
    return int(later[0]) - since if len(later) else None


def hold(rivals: Sequence[Rival], clean: Sequence[Trial], streams: Sequence[Daily]) -> list[Contest]:
    """Contests at two rates: what the catalog allows, and what Candor needed of it on the same clean streams, if only one finding.

    Rivals learn, and get their thresholds, from ``streams``, those of ``clean``, alone.
    """
    fleet_days = sum(stream.days for stream in streams)
    allowed = {
        "as many false alarms as the catalog allows": int(fleet_days / PROMISED_DAYS),
        "as few false alarms as Candor": max(sum(len(trial.honest_findings) for trial in clean), 1),
    }
    for rival in rivals:
        rival.learn(streams)
    return [Contest(name, number, [Entry(rival, tune(rival, streams, number)) for rival in rivals]) for name, number in allowed.items()]


def watched(trial: Trial) -> Daily:
    """The stream of a simulated company as rivals see it; the records are given up."""
    stream = watch(trial.records, sorted({*trial.honest, *(unit for outcome in trial.outcomes for unit in outcome.treatment.units)}))
    trial.records.clear()
    return stream


def recall(delays: Sequence[int | None], days: int) -> float:
    """Share of the treatments that were found within so many days."""
    return sum(delay is not None and delay <= days for delay in delays) / len(delays)


def pooled(standing: Standing, name: str, strengths: Sequence[float]) -> list[int | None]:
    """Delays of an injector at these strengths."""
    return [delay for strength in strengths for delay in standing.delays.get((name, strength), [])]
