"""What BI reads of gaming: flags laid over responses, findings with their responses, and what units' scores are worth."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import MONDAY, cells, finding, flag, one, response, sign, suspect, withdrawal
from tests.sinks.rows import column, rows

FLAGGED = {"flagged": True, "flag_reasons": ["shared_devices"]}
UNFLAGGED = {"flagged": False, "flag_reasons": []}


def test_a_response_is_flagged_as_long_as_a_flag_stands(clickhouse: ClickHouse) -> None:
    suspect(clickhouse)
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(unit_id="u")))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, sign(flags=[])))
    assert one(clickhouse, "SELECT flagged, flag_reasons FROM responses") == UNFLAGGED
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, sign(version=2)))
    assert one(clickhouse, "SELECT flagged, flag_reasons FROM responses") == FLAGGED
    assert column(clickhouse.query("SELECT flag_reasons FROM flagged_responses"), "flag_reasons") == [["shared_devices"]]
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, sign(version=3, flags=[])))
    assert one(clickhouse, "SELECT flagged, flag_reasons FROM responses") == UNFLAGGED
    assert not clickhouse.query("SELECT * FROM flagged_responses").num_rows


def test_a_later_revision_inherits_flags_that_still_stand(clickhouse: ClickHouse) -> None:
    suspect(clickhouse)
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(unit_id="u", revision=9)))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, sign(), sign(revision=8, flags=[]), sign(revision=9, flags=["coached_text"])))

    flagged = one(clickhouse, "SELECT flagged, flag_reasons FROM responses")
    assert flagged == {"flagged": True, "flag_reasons": ["coached_text", "shared_devices"]}
    assert clickhouse.query("SELECT * FROM flagged_responses").num_rows == 1


@pytest.mark.parametrize("other", [{"account_id": "b"}, {"response_id": "s"}, {"unit_id": "v"}], ids=repr)
def test_a_flag_is_of_one_response_at_one_unit(clickhouse: ClickHouse, other: Mapping[str, object]) -> None:
    suspect(clickhouse)
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(unit_id="u")))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, sign(**other)))

    assert one(clickhouse, "SELECT flagged, flag_reasons FROM responses") == UNFLAGGED
    assert not clickhouse.query("SELECT * FROM flagged_responses").num_rows


def test_what_does_not_count_is_not_counted_as_flagged(clickhouse: ClickHouse) -> None:
    suspect(clickhouse)
    kept = {"unit_id": "u", "day": MONDAY, "channel": "web", "metric": "nps", "class": "promoter"}
    facts = [response(response_id="tested", synthetic=True, **kept), response(response_id="gone", withdrawn=True, **kept)]
    clickhouse.insert(
        Table.RESPONSES, rows(Table.RESPONSES, *facts, response(response_id="taken back", **kept), response(response_id="good", **kept))
    )
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(response_id="taken back")))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *(sign(response_id=name) for name in ("tested", "gone", "taken back", "good"))))
    cells(clickhouse, {"n": 4, "promoters": 4})

    assert one(clickhouse, "SELECT n, flagged, flagged_promoters FROM loyalty_daily") == {"n": 4, "flagged": 1, "flagged_promoters": 1}


def test_a_finding_is_suspect_where_another_family_was_active_at_the_same_time(clickhouse: ClickHouse) -> None:
    found = [
        finding("shared_devices", "identity", 5, 10),
        finding("shared_contacts", "identity", 5, 10),
        finding("level_shift", "score", 70, 71),
        finding("coached_text", "text", 130, 131),
        finding("fast_forms", "timing", 200, 200, standing=False),
        finding("response_volume", "volume", 200, 200),
    ]
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, *found))
    assert _states(clickhouse) == {
        "shared_devices": "investigate", "shared_contacts": "investigate", "level_shift": "suspect", "coached_text": "suspect",
        "response_volume": "investigate",
    }  # fmt: skip
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, finding("shared_devices", "identity", 5, 11, version=2)))
    assert _states(clickhouse)["shared_devices"] == "suspect"
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, finding("level_shift", "score", 5, 11, unit_id="other", finding_id="other")))
    assert _states(clickhouse)["shared_contacts"] == "investigate"


def _states(clickhouse: ClickHouse) -> dict[str, str]:
    return {row["detector"]: row["state"] for row in clickhouse.query("SELECT detector, state FROM findings WHERE unit_id = 'u'").to_pylist()}


def test_a_finding_names_the_responses_that_carry_its_sign(clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, finding("shared_devices", "identity", 5, 10), finding("level_shift", "score", 5, 10)))
    signs = [
        sign(response_id="b", day=MONDAY), sign(response_id="a", day=MONDAY + timedelta(10), signs=["fast_forms", "shared_devices"], flags=[]),
        sign(response_id="a", day=MONDAY + timedelta(10), revision=8), sign(response_id="early", day=MONDAY - timedelta(1)),
        sign(response_id="late", day=MONDAY + timedelta(11)), sign(response_id="fast", signs=["fast_forms"]), sign(response_id="there", unit_id="v"),
    ]  # fmt: skip
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *signs))

    found = clickhouse.query("SELECT detector, response_ids FROM findings ORDER BY detector").to_pylist()
    assert found == [{"detector": "level_shift", "response_ids": []}, {"detector": "shared_devices", "response_ids": ["a", "b"]}]


def test_units_stand_beside_what_their_scores_are_worth(clickhouse: ClickHouse) -> None:
    suspect: Mapping[str, object] = {"unit_id": "u", "state": "suspect", "since": MONDAY, "families": ["score", "identity"]}
    clear: Mapping[str, object] = {"unit_id": "v", "state": "clear", "since": None, "families": []}
    clickhouse.insert(Table.UNITS, rows(Table.UNITS, suspect, clear))
    cells(clickhouse, {"n": 10, "promoters": 5, "passives": 3, "detractors": 2}, {"metric": "csat", "n": 10})
    flag(clickhouse, promoters=3, passives=2, detractors=1)

    columns = "n, flagged, validity_rate, n_nps, nps_raw, nps_excluded, nps_bound_low"
    row = one(clickhouse, f"SELECT {columns} FROM integrity_units WHERE unit_id = 'u'")
    assert list(row.values()) == pytest.approx([20, 6, 0.7, 10, 30.0, 25.0, -50.0])
    row = one(clickhouse, f"SELECT {columns}, since, state FROM integrity_units WHERE unit_id = 'v'")
    assert list(row.values()) == [0, 0, None, 0, None, None, None, None, "clear"]

    # The intervals are those of the same answers in the view of scores.
    ends = "nps_excluded_low, nps_excluded_high"
    of_scores = one(clickhouse, f"SELECT nps_low, nps_high, {ends} FROM loyalty_by_unit WHERE unit_id = 'u' AND period = 'all' AND metric = 'nps'")
    row = one(clickhouse, f"SELECT nps_raw_low, nps_raw_high, {ends} FROM integrity_units WHERE unit_id = 'u'")
    assert list(row.values()) == pytest.approx(list(of_scores.values()))
    nothing = one(clickhouse, f"SELECT nps_raw_low, nps_raw_high, {ends} FROM integrity_units WHERE unit_id = 'v'")
    assert set(nothing.values()) == {None}
