"""Treatments of units in a stream, and what became of each: found or not, when, which answers were flagged, what the score was worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from benchmarks.integrity.events import Event, decode, is_submission, merge, split
from benchmarks.integrity.injectors import Injector, Kind
from benchmarks.integrity.judging import Verdict, first_raised, judge, units_apart
from benchmarks.integrity.scores import Bias, answers_of, bias_of
from schemas.catalog import Catalog
from schemas.enums import UnitState
from streams.files import FileRecord

HORIZONS = (30, 60, 120)
"""Days after the beginning within which gaming is looked for."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to which units, from when on, how strongly."""

    injector: Injector
    strength: float
    units: tuple[str, ...]
    from_day: date


@dataclass(frozen=True, slots=True)
class Raised:
    """Findings about the treated units, raised after the beginning."""

    day: int
    """Days after the beginning."""
    answers: int
    """Answers of the treated units until the end of that day."""
    detector: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a treatment."""

    treatment: Treatment
    raised: tuple[Raised, ...]
    """In order of time."""
    states: Mapping[UnitState, int]
    """Days until any treated unit was first in the state, at the end of a week."""
    changed: int
    """Answers that were made or changed."""
    flagged: int
    """Answers of the units that were flagged, of the time from the beginning on."""
    flagged_rightly: int
    """Those of them that had been made or changed."""
    flagged_by: Mapping[str, tuple[int, int]]
    """The same two, by the detector that they are flagged for."""
    bias: Bias | None
    """None where there are no scores."""

    @property
    def is_gaming(self) -> bool:
        """Whether it should be found."""
        return self.treatment.injector.kind is Kind.ATTACK

    def found_within(self, days: int) -> bool:
        """Whether a finding was raised in so many days."""
        return bool(self.raised) and self.raised[0].day <= days

    def was(self, state: UnitState, days: int) -> bool:
        """Whether a unit was in the state within so many days, or in a worse one."""
        worse = {UnitState.INVESTIGATE: (UnitState.INVESTIGATE, UnitState.SUSPECT)}.get(state, (state,))
        return any(self.states.get(one, days + 1) <= days for one in worse)


@dataclass
class Trial:
    """One stream with treatments, judged."""

    outcomes: list[Outcome]
    honest: tuple[str, ...]
    """Units to which nothing was done."""
    honest_findings: list[str]
    """Detectors of the findings about them."""
    honest_named: int
    honest_suspected: int
    honest_answers: int
    honest_flagged: int
    fleet_findings: list[str]
    """Detectors of findings about the whole fleet."""
    days: int
    answers: int
    e_values: Mapping[str, float]
    records: list[FileRecord] = field(repr=False)
    """The stream, for rivals; emptied when nobody needs it any more."""


def try_out(
    records: Sequence[FileRecord],
    catalog: Catalog,
    units: Sequence[str],
    treatments: Sequence[Treatment],
    seed: int,
    known: frozenset[str] | None = None,
) -> Trial:
    """Treats the units and judges all; ``units`` are those that anything is said about, ``known`` the only fields that an injector may set."""
    treated = {unit: treatment for treatment in treatments for unit in treatment.units}
    before, others = split(records, treated)
    after = {}
    for place, (unit, treatment) in enumerate(treated.items()):
        random = np.random.default_rng([seed, place])
        after[unit] = _only(known, treatment.injector.inject(before[unit], unit, treatment.from_day, treatment.strength, random))
    stream = merge(after.values(), others)
    verdict = judge(stream, catalog)
    outcomes = [_outcome(treatment, before, after, verdict) for treatment in treatments]
    honest = tuple(unit for unit in units if unit not in treated)
    all_answers = answers_of(event for event in map(decode, stream) if event is not None)
    mine = {name: answer for name, answer in all_answers.items() if answer.unit in set(honest)}
    about = [
        finding for finding in verdict.findings if finding.units and not units_apart(finding.units, honest) and units_apart(finding.units, treated)
    ]
    days = [answer.day for answer in all_answers.values()]
    return Trial(
        outcomes=outcomes,
        honest=honest,
        honest_findings=[finding.detector for finding in about],
        honest_named=sum(any(unit in finding.units for finding in about) for unit in honest),
        honest_suspected=sum(any(state is UnitState.SUSPECT for _, state in verdict.states.get(unit, ())) for unit in honest),
        honest_answers=len(mine),
        honest_flagged=sum(name in verdict.flags for name in mine),
        fleet_findings=[finding.detector for finding in verdict.findings if not finding.units],
        days=(max(days) - min(days)).days + 1,
        answers=len(all_answers),
        e_values=dict(verdict.e_values),
        records=stream,
    )


def _only(known: frozenset[str] | None, events: list[Event]) -> list[Event]:
    if known is None:
        return events
    return [event if event.record else event.changed(**{name: None for name in event.fields if name not in known}) for event in events]


def _outcome(treatment: Treatment, before: Mapping[str, Sequence[Event]], after: Mapping[str, Sequence[Event]], verdict: Verdict) -> Outcome:
    injector, since = treatment.injector, treatment.from_day
    was = answers_of(event for unit in treatment.units for event in before[unit])
    now = {name: answer for name, answer in answers_of(event for unit in treatment.units for event in after[unit]).items() if answer.day >= since}
    changed = changed_answers_of(treatment, before, after) if injector.kind is Kind.ATTACK else frozenset[str]()
    findings = first_raised(verdict.findings, treatment.units, since, fleet=injector.over_units)
    raised = tuple(
        Raised((finding.raised_on - since).days, sum(answer.day <= finding.raised_on for answer in now.values()), finding.detector)
        for finding in findings
    )
    states: dict[UnitState, int] = {}
    for unit in treatment.units:
        for day, state in verdict.states.get(unit, ()):
            if day >= since:
                states[state] = min(states.get(state, 10**6), (day - since).days)
    flagged = [name for name in now if name in verdict.flags]
    flagged_by: dict[str, tuple[int, int]] = {}
    for name in flagged:
        for detector in verdict.flags[name]:
            count, rightly = flagged_by.get(detector, (0, 0))
            flagged_by[detector] = (count + 1, rightly + (name in changed))
    truth = {name: answer for name, answer in was.items() if answer.day >= since} if injector.kind is Kind.ATTACK else now
    return Outcome(
        treatment, raised, states, len(changed & now.keys()), len(flagged), len(changed.intersection(flagged)), flagged_by,
        bias_of(truth, now, set(flagged)),
    )  # fmt: skip


def changed_answers_of(treatment: Treatment, before: Mapping[str, Sequence[Event]], after: Mapping[str, Sequence[Event]]) -> frozenset[str]:
    """Ids of the answers that were made or changed in anything."""
    same = {id(event) for unit in treatment.units for event in before[unit]}
    return frozenset(
        event.fields["response_id"] for unit in treatment.units for event in after[unit] if is_submission(event) and id(event) not in same
    )


__all__ = ["HORIZONS", "Outcome", "Raised", "Treatment", "Trial", "changed_answers_of", "try_out"]
