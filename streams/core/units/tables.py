"""What the units stage remembers of one partition of the signals, table by table. Days are local dates in days since 1970-01-01."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from streams.core.batch import Bools, Floats, Int64s
from streams.core.hashing import UInt64s
from streams.core.integrity.detectors import PLAN_DETECTORS, UNIT_DETECTORS, UnitDetector
from streams.core.integrity.detectors.protocol import COMPONENTS
from streams.core.integrity.evidence import processes
from streams.core.signals import Flows
from streams.core.state_table import Columns, StateTable, Strings

FLEET = 1
"""Key of the fleet among the pools."""
HISTORY = -(2**31) + 1
"""The day under which closed days are added up."""


def _evidence(detectors: Sequence[UnitDetector]) -> Columns:
    """Columns that hold the evidence of these detectors, named as in ``Evidence``."""
    numbers, days = (np.float64, (len(detectors),)), (np.int64, (len(detectors),))
    return {
        "log_evidence": (np.float64, (processes(detectors), COMPONENTS)),
        **dict.fromkeys(("hits", "answers", "expected", "days", "alike", "run"), numbers),
        **dict.fromkeys(("since", "raised_on", "sounded_on", "quiet_until"), days),
        **dict.fromkeys(("found", "looked_at", "at_most"), numbers),
    }


class UnitTable(StateTable):
    """One row per unit, never forgotten; a row's number is the unit's number. The evidence is that of the closed days."""

    NAME = "units"
    DENSE = True
    COLUMNS: ClassVar[Columns] = {
        "unit_id": np.object_,
        "hash": np.uint64,
        "group": np.uint64,
        "first_day": np.int64,
        "invitations": np.int64,
        "transactions": np.int64,
        **_evidence(UNIT_DETECTORS),
        "state": np.int64,
        "families": np.int64,
        "suspected_since": np.int64,
        "log_e": np.float64,
        "judged": np.int64,
        "sequence": np.int64,
    }
    unit_id: Strings
    hash: UInt64s
    group: UInt64s
    """Hash of the peer group's name."""
    first_day: Int64s
    """The first day with an answer or a flow."""
    invitations: Int64s
    """On days whose flows have been forgotten."""
    transactions: Int64s
    """On days whose flows have been forgotten."""
    log_evidence: Floats
    hits: Floats
    answers: Floats
    expected: Floats
    days: Floats
    alike: Floats
    run: Floats
    since: Int64s
    raised_on: Int64s
    sounded_on: Int64s
    quiet_until: Int64s
    found: Floats
    looked_at: Floats
    at_most: Floats
    state: Int64s
    """Index in ``UnitState``, as of the newest day that was judged, open ones included; so are those below."""
    families: Int64s
    """Bits of the families of active findings: 1 << index in ``Family``."""
    suspected_since: Int64s
    """The first day of the active findings; ``HISTORY`` where there are none."""
    log_e: Floats
    """Logarithm of the e-value of all detectors together."""
    judged: Int64s
    """The day on which one of these changed last."""
    sequence: Int64s
    """The flush that wrote their newest values."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}

    def _load(self, picked: object) -> None:
        del picked
        self.numbers = {unit_id: row for row, unit_id in enumerate(self.unit_id[: self.count].tolist())}


class AnswerTable(StateTable):
    """Answers of open days and of the look-back before them, by unit and response."""

    NAME = "answers"
    COLUMNS: ClassVar[Columns] = {
        "unit": np.int64,
        "signs": np.int64,
        "occurred_at": np.int64,
        "day": np.int64,
        "metric": np.int64,
        "channel": np.int64,
        "account": np.uint64,
        "device": np.uint64,
        "contact": np.uint64,
        "comment": np.uint64,
        "form": np.uint64,
        "duration": np.int64,
        "revision": np.int64,
        "marks": np.int64,
        "flagged": np.int64,
        "flagged_for_good": np.int64,
        "sequence": np.int64,
        "account_id": np.object_,
        "response_id": np.object_,
    }
    unit: Int64s
    signs: Int64s
    occurred_at: Int64s
    day: Int64s
    metric: Int64s
    channel: Int64s
    account: UInt64s
    device: UInt64s
    contact: UInt64s
    comment: UInt64s
    form: UInt64s
    duration: Int64s
    revision: Int64s
    marks: Int64s
    """Bits of the detectors whose sign the answer carries; see ``verdict.BITS``."""
    flagged: Int64s
    """Bits of the detectors for whose findings it is flagged."""
    flagged_for_good: Int64s
    """Those of them that rest on closed days."""
    sequence: Int64s
    """The flush that wrote its newest marks and flags."""
    account_id: Strings
    response_id: Strings


FLOWS = tuple(name for name in Flows.names() if name != "day")
"""Numbers of a flow; see ``Flows``."""


class FlowTable(StateTable):
    """Chances to be answered, per unit and open day."""

    NAME = "flows"
    COLUMNS: ClassVar[Columns] = dict.fromkeys(("unit", "day", *FLOWS), np.int64)
    unit: Int64s
    day: Int64s
    invitations: Int64s
    transactions: Int64s
    asked: Int64s
    risky: Int64s
    risky_unasked: Int64s
    drawn_transactions: Int64s
    drawn_asked: Int64s
    drawn_risky: Int64s
    drawn_risky_unasked: Int64s
    quarantined: Int64s
    risky_quarantined: Int64s


class StratumTable(StateTable):
    """Answers and top scores of the fleet, per peer group, metric and channel: of each day of late, and of all before under ``HISTORY``."""

    NAME = "strata"
    COLUMNS: ClassVar[Columns] = {
        "day": np.int64, "first": np.int64, "group": np.uint64, "metric": np.int64, "channel": np.int64, "n": np.int64, "top_box": np.int64,
    }  # fmt: skip
    day: Int64s
    first: Int64s
    """The first day of those under ``HISTORY``."""
    group: UInt64s
    metric: Int64s
    channel: Int64s
    n: Int64s
    top_box: Int64s


class PaceTable(StateTable):
    """How long forms took in the fleet: of each open day, and of all closed ones under ``HISTORY``."""

    NAME = "paces"
    COLUMNS: ClassVar[Columns] = {"day": np.int64, "form": np.uint64, "bin": np.int64, "n": np.int64}
    day: Int64s
    form: UInt64s
    bin: Int64s
    n: Int64s


class PoolTable(StateTable):
    """What is looked at as if it were one unit: incentive plans, by the hash of their ids, and the fleet; the evidence is that of the closed days."""

    NAME = "pools"
    COLUMNS: ClassVar[Columns] = {"plan_id": np.object_, **_evidence(PLAN_DETECTORS)}
    plan_id: Strings
    """Empty for the fleet."""


class PlanDayTable(StateTable):
    """Answers of all units of each plan, per open day."""

    NAME = "plan_days"
    COLUMNS: ClassVar[Columns] = {"plan": np.uint64, "day": np.int64, "n": np.int64, "top_box": np.int64, "newest": np.int64}
    plan: UInt64s
    day: Int64s
    n: Int64s
    top_box: Int64s
    newest: Int64s
    """Greatest ``occurred_at``, in microseconds, of the submissions of the day; 0 where none is known."""


class PraiseDayTable(StateTable):
    """Answers of the fleet that name a purchase, and whether it was given back, per day that is not judged for good; the key is the day."""

    NAME = "praise_days"
    COLUMNS: ClassVar[Columns] = dict.fromkeys(("day", "praised", "regretted", "others", "others_regretted"), np.int64)
    day: Int64s
    praised: Int64s
    regretted: Int64s
    others: Int64s
    others_regretted: Int64s


class FleetUnitTable(StateTable):
    """Every unit of the fleet, by the hash of its id, and the first day on which it was met."""

    NAME = "fleet_units"
    COLUMNS: ClassVar[Columns] = {"first_day": np.int64}
    first_day: Int64s


class ClockTable(StateTable):
    """How far each source partition has come; the key is its number."""

    NAME = "clocks"
    COLUMNS: ClassVar[Columns] = {"day": np.int64, "caught_up": np.bool_, "leader": np.int64, "vouched": np.int64}
    day: Int64s
    caught_up: Bools
    """It told last that it had nothing more to read."""
    leader: Int64s
    """How far the foremost had come when it told last."""
    vouched: Int64s
    """Where it is caught up, and was the time before: how far the foremost had come then, of which it has nothing any more. Else ``NOT_YET``."""


class FindingTable(StateTable):
    """Findings, by unit or pool, detector and the day on which they were raised."""

    NAME = "findings"
    COLUMNS: ClassVar[Columns] = {
        "unit": np.int64,
        "pool": np.uint64,
        "pool_units": np.object_,
        "detector": np.int64,
        "raised_on": np.int64,
        "raised_at": np.int64,
        "since": np.int64,
        "sounded_on": np.int64,
        "log_e": np.float64,
        "found": np.float64,
        "looked_at": np.float64,
        "at_most": np.float64,
        "together": np.bool_,
        "closed": np.bool_,
        "closed_on": np.int64,
        "standing": np.bool_,
        "sequence": np.int64,
    }
    unit: Int64s
    """-1 where the finding is one of a pool."""
    pool: UInt64s
    """Hash of a plan's id, or ``FLEET``; 0 where the finding is one of a unit."""
    pool_units: Strings
    """Units of the plan when it was raised, as a list in JSON."""
    detector: Int64s
    """Index in ``Detector``."""
    raised_on: Int64s
    raised_at: Int64s
    """Newest ``occurred_at``, in microseconds, of the answers of that day."""
    since: Int64s
    sounded_on: Int64s
    log_e: Floats
    """Of the alarm that raised it; so are those below."""
    found: Floats
    looked_at: Floats
    at_most: Floats
    together: Bools
    """Raised by all detectors together."""
    closed: Bools
    """The day of its first alarm is closed: it stays."""
    closed_on: Int64s
    """The newest closed day on which it sounded."""
    standing: Bools
    """False: it rested on an open day that looks different by now."""
    sequence: Int64s
    """The flush that wrote the row's newest values."""


class DecisionTable(StateTable):
    """What people decided about findings: of each the newest decision; the key is the hash of the finding's id."""

    NAME = "decisions"
    COLUMNS: ClassVar[Columns] = {
        "event_id": np.object_,
        "unit_id": np.object_,
        "pool": np.uint64,
        "detector": np.int64,
        "decision": np.int64,
        "occurred_at": np.int64,
        "effect_day": np.int64,
    }
    event_id: Strings
    unit_id: Strings
    """Empty where it is about a pool."""
    pool: UInt64s
    """Hash of a plan's id, or ``FLEET``; 0 where it is about a unit."""
    detector: Int64s
    """Index in ``Detector``."""
    decision: Int64s
    """Index in ``Decision``."""
    occurred_at: Int64s
    """Microseconds since 1970."""
    effect_day: Int64s
    """The first day on which the detector of a dismissed finding learns anew."""
