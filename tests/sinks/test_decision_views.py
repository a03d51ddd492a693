"""What decisions of people do to findings, flags and scores, and how often detectors were wrong."""

from datetime import UTC, datetime

import pytest

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import cells, finding, flag, one, sign, suspect
from tests.sinks.rows import rows

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DEVICES, TEXT = "u/shared_devices/5", "u/coached_text/5"


def _decide(clickhouse: ClickHouse, finding_id: str, decision: str, hour: int = 12, event_id: str = "d") -> None:
    at = NOON.replace(hour=hour)
    known = {"unit_id": "u", "plan_id": None, "reason": "because", "decided_by": "me", "judged_until": None}
    row = {"finding_id": finding_id, "decision": decision, "occurred_at": at, "event_id": event_id, **known}
    clickhouse.insert(Table.ADJUDICATIONS, rows(Table.ADJUDICATIONS, row))


def _states(clickhouse: ClickHouse) -> dict[object, object]:
    return {row["finding_id"]: row["state"] for row in clickhouse.query("SELECT finding_id, state FROM findings").to_pylist()}


def _flagged(clickhouse: ClickHouse) -> object:
    return one(clickhouse, "SELECT sum(flagged) AS flagged FROM loyalty_daily")["flagged"]


@pytest.fixture(autouse=True)
def _six_flagged_of_ten(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 10, "promoters": 5, "passives": 3, "detractors": 2})
    flag(clickhouse, promoters=3, passives=2, detractors=1)
    assert _flagged(clickhouse) == 6


def test_flags_of_a_dismissed_finding_fall_in_the_whole_history(clickhouse: ClickHouse) -> None:
    before = one(clickhouse, "SELECT nps, nps_excluded, nps_bound_low FROM loyalty_total WHERE period = 'all'")
    assert before == {"nps": 30.0, "nps_excluded": 25.0, "nps_bound_low": -50.0}
    _decide(clickhouse, DEVICES, "dismissed")
    assert _states(clickhouse) == {DEVICES: "clear", TEXT: "investigate"}
    after = one(clickhouse, "SELECT nps, nps_excluded, nps_bound_low FROM loyalty_total WHERE period = 'all'")
    assert after == {"nps": 30.0, "nps_excluded": 30.0, "nps_bound_low": 30.0}
    assert not clickhouse.query("SELECT * FROM flagged_responses").num_rows


def test_flags_fall_also_where_the_other_kind_of_evidence_was_dismissed(clickhouse: ClickHouse) -> None:
    _decide(clickhouse, TEXT, "dismissed")
    assert _states(clickhouse) == {DEVICES: "investigate", TEXT: "clear"}
    assert _flagged(clickhouse) == 0


def test_a_third_kind_of_evidence_keeps_them(clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, finding("fast_forms", "timing", 20, 21)))
    _decide(clickhouse, TEXT, "dismissed")
    assert _flagged(clickhouse) == 6


@pytest.mark.parametrize(("hour", "event_id"), [(13, "a"), (12, "e")], ids=["later", "greater id"])
def test_the_newest_decision_counts(clickhouse: ClickHouse, hour: int, event_id: str) -> None:
    _decide(clickhouse, DEVICES, "confirmed", hour, event_id)
    _decide(clickhouse, DEVICES, "dismissed")
    assert _states(clickhouse)[DEVICES] == "suspect"
    shown = one(clickhouse, f"SELECT decision, decided_by, decision_reason, decided_at FROM findings WHERE finding_id = '{DEVICES}'")
    assert shown == {"decision": "confirmed", "decided_by": "me", "decision_reason": "because", "decided_at": NOON.replace(hour=hour)}
    assert clickhouse.query("SELECT * FROM adjudications").num_rows == 2


def test_nobody_decided_is_told_apart(clickhouse: ClickHouse) -> None:
    shown = one(clickhouse, f"SELECT decision, decided_by, decision_reason, decided_at FROM findings WHERE finding_id = '{DEVICES}'")
    assert set(shown.values()) == {None}


def test_confirmation_flags_what_carries_the_sign_also_where_one_kind_of_evidence_stands_alone(clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, finding("fast_forms", "timing", 90, 91, unit_id="v", finding_id="alone")))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, sign(response_id="signed", unit_id="v", signs=["fast_forms"], flags=[])))
    seen = "SELECT of_response, reasons FROM standing_flags WHERE of_unit = 'v'"
    assert not clickhouse.query(seen).num_rows
    _decide(clickhouse, "alone", "confirmed")
    assert one(clickhouse, seen) == {"of_response": "signed", "reasons": ["fast_forms"]}


def test_a_flag_weighs_as_much_as_its_finding_is_beyond_the_usual(clickhouse: ClickHouse) -> None:
    weights = clickhouse.query("SELECT DISTINCT flag_weight FROM flagged_responses").to_pylist()
    assert weights == [{"flag_weight": pytest.approx(0.6)}]


PLAN = {"unit_id": "", "plan_id": "bonus", "plan_units": ["v", "w"], "finding_id": "plan:bonus/period_end_push/5"}


def test_the_finding_of_a_plan_agrees_with_those_of_its_units(clickhouse: ClickHouse) -> None:
    pushed = finding("period_end_push", "timing", 5, 10, **PLAN)
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, pushed))
    assert _states(clickhouse)[PLAN["finding_id"]] == "investigate"
    subject = one(clickhouse, "SELECT unit_id, plan_id FROM findings WHERE detector = 'period_end_push'")
    assert subject == {"unit_id": None, "plan_id": "bonus"}
    shifted = (
        finding("level_shift", "score", 60, 60, unit_id="w", finding_id="w"), finding("level_shift", "score", 60, 60, unit_id="x", finding_id="x")
    )  # fmt: skip
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, *shifted))
    states = _states(clickhouse)
    assert (states["w"], states["x"], states[PLAN["finding_id"]]) == ("suspect", "investigate", "suspect")


def test_how_often_a_detector_was_wrong_is_what_people_decided(clickhouse: ClickHouse) -> None:
    more = [finding("shared_devices", "identity", 5, 10, unit_id=f"v{number}", finding_id=f"{number}") for number in range(4)]
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, *more))
    for number, decision in enumerate(("confirmed", "confirmed", "confirmed", "dismissed")):
        _decide(clickhouse, f"{number}", decision)
    shown = one(clickhouse, "SELECT * FROM false_discoveries WHERE detector = 'shared_devices'")
    assert shown == pytest.approx(
        {
            "detector": "shared_devices", "findings": 5, "confirmed": 3, "dismissed": 1, "undecided": 1, "false_discovery_rate": 0.25,
            # Wilson's interval of 1 in 4.
            "false_discovery_rate_low": 0.045587, "false_discovery_rate_high": 0.699358,
        }, abs=1e-5,
    )  # fmt: skip
    nothing = one(clickhouse, "SELECT false_discovery_rate, false_discovery_rate_low FROM false_discoveries WHERE detector = 'coached_text'")
    assert set(nothing.values()) == {None}


def test_a_finding_that_later_events_undid_is_gone_whatever_was_decided(clickhouse: ClickHouse) -> None:
    _decide(clickhouse, DEVICES, "confirmed")
    suspect(clickhouse, standing=False, version=2)
    assert not _states(clickhouse)
    assert _flagged(clickhouse) == 0
