"""What people decide about findings, through the units stage."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from schemas.catalog import Catalog
from schemas.enums import RejectReason
from schemas.rows import Table
from schemas.topics import ADJUDICATIONS
from streams.core.batch import Numbered
from tests.streams.core.units.answering import Answers
from tests.streams.core.units.fleet import Fleet

BEGIN = 20_454  # 2026-01-01
ATTACK = BEGIN + 60
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
DECISION = {
    "event_id": "d1", "event_type": "finding.adjudicated", "occurred_at": NOON.isoformat(), "finding_id": "u0/shared_devices/2026-03-10",
    "unit_id": "u0", "decision": "dismissed", "reason": "a tablet", "decided_by": "me",
}  # fmt: skip


class Gamed:
    """Three units; from a day on, four of nine answers a day at u0, of as many accounts, come from one device. Scores are as they were."""

    def __init__(self) -> None:
        self.answers = Answers(Catalog(), 1)
        self._chance = np.random.default_rng(3)
        self._offset = 0

    def live(self, first: int, last: int) -> Fleet:
        for day in range(first, last + 1):
            for unit in ("u0", "u1", "u2"):
                for number in range(9 if unit == "u0" else 5):
                    device = "tablet" if unit == "u0" and number < 4 and day >= ATTACK else f"{unit} {day} {number}"
                    self.answers.add(unit, day, 10 if self._chance.random() < 0.4 else 7, device_hash=device)
            if day % 5 == 0:
                self.answers.tell()
        return self.answers.tell()

    def decide(self, fleet: Fleet, **values: Any) -> None:
        event = {**DECISION, **values}
        record = Numbered(self._offset, int(NOON.timestamp() * 1000), (event["unit_id"] or "").encode(), json.dumps(event).encode())
        self._offset += 1
        fleet.units[0].apply(ADJUDICATIONS.name, [record])
        fleet.hear(0)


def _verdict(fleet: Fleet) -> tuple[str, list[str]]:
    (found,) = (row for row in fleet.verdicts().values() if row["unit_id"] == "u0")
    return found["state"], sorted(found["families"])


def _findings(fleet: Fleet) -> list[str]:
    return sorted(row["finding_id"] for row in fleet.findings().values())


def test_a_dismissed_finding_counts_no_more_and_its_detector_learns_anew() -> None:
    gamed = Gamed()
    fleet = gamed.live(BEGIN, ATTACK + 20)
    (finding_id,) = _findings(fleet)
    assert finding_id.startswith("u0/shared_devices/")
    assert _verdict(fleet) == ("investigate", ["identity"])

    gamed.decide(fleet, finding_id=finding_id, judged_until=str(date(1970, 1, 1) + timedelta(ATTACK + 19)))
    assert _verdict(fleet) == ("clear", [])
    # The tablet goes on to be used, and is what is usual now.
    fleet = gamed.live(ATTACK + 21, ATTACK + 160)
    assert _findings(fleet) == [finding_id]
    assert _verdict(fleet) == ("clear", [])


def test_without_a_decision_it_goes_on_to_sound() -> None:
    fleet = Gamed().live(BEGIN, ATTACK + 160)
    assert len(_findings(fleet)) == 1
    assert _verdict(fleet) == ("investigate", ["identity"])


def test_a_confirmed_finding_makes_a_suspect_and_flags_the_answers_that_carry_its_sign() -> None:
    gamed = Gamed()
    fleet = gamed.live(BEGIN, ATTACK + 20)
    assert not any(row["flags"] for row in fleet.flags().values())
    gamed.decide(fleet, finding_id=_findings(fleet)[0], decision="confirmed")
    assert _verdict(fleet) == ("suspect", ["identity"])
    flagged = [row for row in fleet.flags().values() if row["flags"]]
    assert len(flagged) > 40
    assert all(row["flags"] == ["shared_devices"] and row["unit_id"] == "u0" for row in flagged)


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_newest_decision_counts_in_whatever_order_they_come(newest_first: bool) -> None:
    gamed = Gamed()
    fleet = gamed.live(BEGIN, ATTACK + 20)
    finding_id = _findings(fleet)[0]
    decisions = [("d1", NOON, "dismissed"), ("d2", NOON + timedelta(seconds=1), "confirmed"), ("d0", NOON + timedelta(seconds=1), "dismissed")]
    for event_id, occurred_at, decision in reversed(decisions) if newest_first else decisions:
        gamed.decide(fleet, finding_id=finding_id, event_id=event_id, occurred_at=occurred_at.isoformat(), decision=decision)
    assert _verdict(fleet) == ("suspect", ["identity"])


def test_a_decision_may_come_before_its_finding() -> None:
    before = Gamed()
    fleet = before.live(BEGIN, ATTACK + 20)
    finding_id = _findings(fleet)[0]
    early = Gamed()
    fleet = early.live(BEGIN, BEGIN + 10)
    early.decide(fleet, finding_id=finding_id, judged_until=str(date(1970, 1, 1) + timedelta(ATTACK + 30)))
    fleet = early.live(BEGIN + 11, ATTACK + 20)
    assert _findings(fleet) == [finding_id]
    assert _verdict(fleet) == ("clear", [])


def test_a_decision_outlives_a_crash() -> None:
    gamed = Gamed()
    fleet = gamed.live(BEGIN, ATTACK + 20)
    gamed.decide(fleet, finding_id=_findings(fleet)[0])
    fleet.crash(0)
    assert fleet.units[0].position(ADJUDICATIONS.name) == 1
    assert _verdict(fleet) == ("clear", [])
    fleet = gamed.live(ATTACK + 21, ATTACK + 30)
    assert _verdict(fleet) == ("clear", [])


def test_every_decision_is_a_fact() -> None:
    fleet = Fleet(Catalog(), 1)
    stage = fleet.units[0]
    value = json.dumps({**DECISION, "judged_until": "2026-03-19"}).encode()
    applied = stage.apply(ADJUDICATIONS.name, [Numbered(4, int(NOON.timestamp() * 1000), b"u0", value)])
    assert (applied.accepted, applied.rejected) == (1, {})
    flush = stage.flush()
    assert flush is not None
    assert flush.offsets == {"adjudications": 5}
    (row,) = flush.facts[Table.ADJUDICATIONS].to_pylist()
    told = {"event_id": "d1", "finding_id": DECISION["finding_id"], "unit_id": "u0", "plan_id": None, "reason": "a tablet", "decided_by": "me"}
    assert row.items() >= {**told, "decision": "dismissed", "occurred_at": NOON, "judged_until": date(2026, 3, 19), "source_offset": 4}.items()
    assert stage.apply(ADJUDICATIONS.name, [Numbered(4, 0, b"u0", value)]).replayed == 1


@pytest.mark.parametrize(
    ("fault", "reason", "field"),
    [
        ({"decision": "perhaps"}, RejectReason.INVALID_FIELD, "decision"),
        ({"reason": None}, RejectReason.MISSING_FIELD, "reason"),
        ({"reason": ""}, RejectReason.INVALID_FIELD, "reason"),
        ({"reason": "x" * 10_001}, RejectReason.OVERSIZE, "reason"),
        ({"unit_id": None}, RejectReason.INVALID_FIELD, None),
        ({"plan_id": "bonus"}, RejectReason.INVALID_FIELD, None),
        ({"unit_id": "u1"}, RejectReason.INVALID_FIELD, None),
        ({"unit_id": "u1", "finding_id": "u1/shared_devices/2026-03-10"}, RejectReason.KEY_MISMATCH, "unit_id"),
        ({"finding_id": "nonsense"}, RejectReason.INVALID_FIELD, None),
        ({"finding_id": "u0/shared_devices/someday"}, RejectReason.INVALID_FIELD, None),
        ({"finding_id": "u0/nothing/2026-03-10"}, RejectReason.INVALID_FIELD, None),
        ({"finding_id": "plan:u0/period_end_push/2026-03-10", "unit_id": None, "plan_id": "b"}, RejectReason.INVALID_FIELD, None),
        ({"finding_id": "fleet:/regretted_praise/2026-03-10"}, RejectReason.INVALID_FIELD, None),
        ({"schema_version": 2}, RejectReason.UNKNOWN_VERSION, "schema_version"),
        ({"event_type": "finding.lost"}, RejectReason.UNKNOWN_TYPE, "event_type"),
        ({"occurred_at": (NOON + timedelta(hours=25)).isoformat()}, RejectReason.IN_FUTURE, "occurred_at"),
    ],
)
def test_what_is_no_decision_is_a_dead_letter(fault: dict[str, object], reason: RejectReason, field: str | None) -> None:
    _refused(json.dumps({**DECISION, **fault}).encode(), reason, field)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"{", "malformed"), (b"[]", "malformed"), (None, "malformed"), (b"\xff", "malformed"), (b" " * 1_048_577, "oversize")],
    ids=["cut", "list", "null", "bytes", "large"],
)
def test_what_is_no_object_is_a_dead_letter(value: bytes | None, reason: str) -> None:
    _refused(value, RejectReason(reason), None)


def _refused(value: bytes | None, reason: RejectReason, field: str | None) -> None:
    stage = Fleet(Catalog(), 1).units[0]
    applied = stage.apply(ADJUDICATIONS.name, [Numbered(0, int(NOON.timestamp() * 1000), b"u0", value, [("h", b"v")])])
    assert (applied.accepted, applied.rejected) == (0, {reason: 1})
    flush = stage.flush()
    assert flush is not None
    (letter,) = flush.dead_letters
    assert (letter.topic, letter.stage, letter.reason, letter.field, letter.value) == ("adjudications", "units", reason, field, value)
    assert flush.facts[Table.DEAD_LETTERS].num_rows == 1
    assert Table.ADJUDICATIONS not in flush.facts
