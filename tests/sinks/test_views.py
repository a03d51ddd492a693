"""What BI reads: scores from sums, withdrawals laid over responses, windows and rates."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from schemas.rows import TABLES, Table
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import MONDAY, cells, flag, one, response, sign, suspect, withdrawal
from tests.sinks.rows import INSTANT, column, rows

NPS_COLUMNS = ("nps", "nps_low", "nps_high", "nps_excluded", "nps_excluded_low", "nps_excluded_high", "nps_bound_mid", "nps_bound_low")
VIEWS_OF_LOYALTY = ("loyalty_daily", "loyalty_by_unit", "loyalty_by_channel", "loyalty_total", "loyalty_last_days(days = 1, as_of = '2025-12-22')")


@pytest.mark.parametrize("view", VIEWS_OF_LOYALTY)
def test_the_interval_is_adjusted_wald(clickhouse: ClickHouse, view: str) -> None:
    """70 promoters and 10 detractors of 100: centre 58.25, margin 12.98."""
    cells(clickhouse, {"n": 100, "promoters": 70, "passives": 20, "detractors": 10})

    row = one(clickhouse, f"SELECT DISTINCT {', '.join(NPS_COLUMNS)} FROM {view}")

    assert row["nps"] == pytest.approx(60.0, abs=1e-12)
    assert (row["nps_low"], row["nps_high"]) == (
        pytest.approx(58.25242718446603 - 12.982666930617764, abs=1e-5),
        pytest.approx(58.25242718446603 + 12.982666930617764, abs=1e-5),
    )


@pytest.mark.parametrize("view", VIEWS_OF_LOYALTY)
def test_flagged_responses_give_three_bounds(clickhouse: ClickHouse, view: str) -> None:
    """20 of 70 promoters are flagged: raw 60, excluded 50, as passives 40, as detractors 20."""
    cells(clickhouse, {"n": 100, "promoters": 70, "passives": 20, "detractors": 10})
    flag(clickhouse, promoters=20)

    row = one(clickhouse, f"SELECT DISTINCT nps, nps_excluded, nps_bound_mid, nps_bound_low FROM {view}")

    assert list(row.values()) == pytest.approx([60.0, 50.0, 40.0, 20.0])


def test_flagged_passives_and_detractors_move_the_bounds_too(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 10, "promoters": 5, "passives": 3, "detractors": 2})
    flag(clickhouse, promoters=3, passives=2, detractors=1)

    row = one(clickhouse, "SELECT nps, nps_excluded, nps_bound_mid, nps_bound_low FROM loyalty_daily")

    assert list(row.values()) == pytest.approx([30.0, 100 * (2 - 1) / 4, 100 * (2 - 2) / 10, 100 * (2 - 7) / 10])


@pytest.mark.parametrize("view", VIEWS_OF_LOYALTY)
def test_the_score_without_the_flagged_has_the_interval_of_what_is_left(clickhouse: ClickHouse, view: str) -> None:
    """70 promoters and 10 detractors of 100 are left of 120, so it is that of the test above."""
    cells(clickhouse, {"n": 120, "promoters": 85, "passives": 22, "detractors": 13})
    flag(clickhouse, promoters=15, passives=2, detractors=3)

    row = one(clickhouse, f"SELECT DISTINCT nps_excluded, nps_excluded_low, nps_excluded_high FROM {view}")

    centre, margin = 58.25242718446603, 12.982666930617764
    assert list(row.values()) == [pytest.approx(60.0), pytest.approx(centre - margin, abs=1e-5), pytest.approx(centre + margin, abs=1e-5)]


def test_where_everything_is_flagged_nothing_is_left(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 2, "promoters": 2})
    flag(clickhouse, promoters=2)

    row = one(clickhouse, "SELECT nps, nps_excluded, nps_excluded_low, nps_bound_low, validity_rate FROM loyalty_total WHERE period = 'all'")

    assert row == {"nps": 100.0, "nps_excluded": None, "nps_excluded_low": None, "nps_bound_low": -100.0, "validity_rate": 0.0}


@pytest.mark.parametrize(("promoters", "detractors", "low", "high"), [(30, 0, 78.7, 100.0), (0, 30, -100.0, -78.7), (1, 0, -48.49865, 98.49865)])
def test_intervals_stay_on_the_scale(clickhouse: ClickHouse, promoters: int, detractors: int, low: float, high: float) -> None:
    cells(clickhouse, {"n": promoters + detractors, "promoters": promoters, "detractors": detractors})

    row = one(clickhouse, "SELECT nps_low, nps_high FROM loyalty_daily")

    assert (row["nps_low"], row["nps_high"]) == (pytest.approx(low, abs=0.05), pytest.approx(high, abs=0.05))
    assert isinstance(row["nps_low"], float)
    assert row["nps_low"] >= -100
    assert isinstance(row["nps_high"], float)
    assert row["nps_high"] <= 100


@pytest.mark.parametrize("view", VIEWS_OF_LOYALTY)
def test_other_metrics_have_sums_but_no_nps(clickhouse: ClickHouse, view: str) -> None:
    cells(clickhouse, {"metric": "csat", "n": 2, "top_two_box": 1, "score_sum": Decimal("8.5"), "score_sum_squares": Decimal("36.25")})

    row = one(clickhouse, f"SELECT DISTINCT n, top_two_box, score_sum, score_sum_squares, {', '.join(NPS_COLUMNS)} FROM {view}")

    assert row == {"n": 2, "top_two_box": 1, "score_sum": 8.5, "score_sum_squares": 36.25, **dict.fromkeys(NPS_COLUMNS)}


@pytest.mark.parametrize("view", VIEWS_OF_LOYALTY)
def test_of_the_flagged_the_two_best_steps_are_counted_for_any_metric(clickhouse: ClickHouse, view: str) -> None:
    cells(clickhouse, {"metric": "rating", "n": 5, "top_two_box": 3})
    given = {"unit_id": "u", "day": MONDAY, "channel": "web", "metric": "rating", "class": None}
    answers = [response(response_id=name, top_two_box=name in ("a", "b"), **given) for name in ("a", "b", "c")]
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *answers))
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *(sign(response_id=name) for name in ("a", "c"))))
    suspect(clickhouse)

    row = one(clickhouse, f"SELECT DISTINCT n, top_two_box, flagged, flagged_promoters, flagged_top_two_box FROM {view}")

    assert row == {"n": 5, "top_two_box": 3, "flagged": 2, "flagged_promoters": 0, "flagged_top_two_box": 1}


def test_partial_sums_of_partitions_and_generations_add_up(clickhouse: ClickHouse) -> None:
    cells(
        clickhouse,
        {"n": 3, "promoters": 3, "revenue": Decimal("10.5"), "partition": 0},
        {"n": 2, "promoters": 2, "revenue": Decimal("1.25"), "partition": 1},
        {"n": -1, "promoters": -1, "revenue": Decimal("-0.5"), "partition": 1, "generation": 2},
        {"n": 9, "promoters": 9, "partition": 0, "version": 0},
    )

    assert one(clickhouse, "SELECT n, promoters, revenue FROM loyalty_daily") == {"n": 4, "promoters": 4, "revenue": Decimal("11.2500")}


@pytest.mark.parametrize("view", VIEWS_OF_LOYALTY)
def test_a_cell_from_which_everything_was_taken_has_no_row(clickhouse: ClickHouse, view: str) -> None:
    cells(clickhouse, {"n": 0}, {"n": 2, "partition": 1}, {"n": -2, "partition": 1, "generation": 2})

    assert clickhouse.query(f"SELECT * FROM {view}").num_rows == 0


def test_windows_are_28_days_from_mondays_and_all_days_are_one_more_row(clickhouse: ClickHouse) -> None:
    days = [MONDAY - timedelta(days=1), MONDAY, MONDAY + timedelta(days=27), MONDAY + timedelta(days=28), date(1970, 1, 4), date(1969, 12, 8)]
    cells(clickhouse, *({"day": day, "n": 1 << index} for index, day in enumerate(days)))

    for view in ("loyalty_by_unit", "loyalty_by_channel", "loyalty_total"):
        found = clickhouse.query(f"SELECT period, window_start, n FROM {view} ORDER BY period, window_start")

        windows = [(date(1969, 12, 8), 48), (MONDAY - timedelta(days=28), 1), (MONDAY, 6), (MONDAY + timedelta(days=28), 8)]
        assert column(found, "period", "window_start", "n") == [*(("28 days", first, n) for first, n in windows), ("all", None, 63)]
        assert all(first.weekday() == 0 and (first - date(1970, 1, 5)).days % 28 == 0 for first, _ in windows)


def test_grains_group_what_they_say(clickhouse: ClickHouse) -> None:
    cells(clickhouse, {"n": 1}, {"n": 2, "unit_id": "v"}, {"n": 4, "channel": "app"}, {"n": 8, "metric": "ces"})

    by_unit = clickhouse.query("SELECT unit_id, metric, n FROM loyalty_by_unit WHERE period = 'all' ORDER BY ALL")
    by_channel = clickhouse.query("SELECT channel, metric, n FROM loyalty_by_channel WHERE period = 'all' ORDER BY ALL")
    total = clickhouse.query("SELECT metric, n FROM loyalty_total WHERE period = 'all' ORDER BY ALL")

    assert column(by_unit, "unit_id", "metric", "n") == [("u", "ces", 8), ("u", "nps", 5), ("v", "nps", 2)]
    assert column(by_channel, "channel", "metric", "n") == [("app", "nps", 4), ("web", "ces", 8), ("web", "nps", 3)]
    assert column(total, "metric", "n") == [("ces", 8), ("nps", 7)]


def test_the_last_days_end_with_the_day_asked_for(clickhouse: ClickHouse) -> None:
    cells(clickhouse, *({"day": MONDAY + timedelta(days=offset), "n": 1 << offset} for offset in range(5)))

    found = clickhouse.query(
        "SELECT n FROM loyalty_last_days(days = {days:UInt32}, as_of = {as_of:Date32})", {"days": 2, "as_of": date(2025, 12, 25)}
    )

    assert column(found, "n") == [0b01100]


@pytest.mark.parametrize("withdrawn_first", [True, False])
def test_a_withdrawn_response_keeps_its_row_without_what_the_customer_said(clickhouse: ClickHouse, withdrawn_first: bool) -> None:
    inserts = [(Table.RESPONSES, [response(), response(response_id="other")]), (Table.WITHDRAWALS, [withdrawal()])]
    for table, values in reversed(inserts) if withdrawn_first else inserts:
        clickhouse.insert(table, rows(table, *values))

    gone, other = clickhouse.query("SELECT * FROM responses ORDER BY withdrawn DESC").to_pylist()

    said = ("score", "score_mapped", "class", "top_box", "top_two_box", "expected_score", "comment")
    assert (gone["response_id"], gone["withdrawn"], gone["survey_id"], gone["unit_id"]) == ("r", True, "text", "text")
    assert [gone[name] for name in said] == [None] * len(said)
    assert (gone["answers"], gone["competitor_scores"]) == ([], [])
    assert (other["response_id"], other["withdrawn"], other["score"], other["answers"]) == ("other", False, 2.5, [("question", 4.5)])


def test_a_withdrawal_is_final(clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal()))
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(revision=2, version=9)))

    assert one(clickhouse, "SELECT withdrawn, score FROM responses") == {"withdrawn": True, "score": None}


@pytest.mark.parametrize("other", [{"account_id": "b"}, {"response_id": "s"}, {"synthetic": True}], ids=repr)
def test_a_withdrawal_of_another_account_or_response_or_of_a_test_withdraws_nothing(clickhouse: ClickHouse, other: Mapping[str, object]) -> None:
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response()))
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(**other)))

    assert one(clickhouse, "SELECT withdrawn, score FROM responses") == {"withdrawn": False, "score": 2.5}


@pytest.mark.parametrize("table", [table for table in Table if table.value.startswith("fact_") and table is not Table.WITHDRAWALS])
def test_views_of_facts_hold_one_row_per_key_and_no_version(clickhouse: ClickHouse, table: Table) -> None:
    clickhouse.insert(table, rows(table, {}))
    clickhouse.insert(table, rows(table, {"version": 2}))
    view = table.value.removeprefix("fact_")

    for final in ("", " FINAL"):
        found = clickhouse.query(f"SELECT * FROM {view}{final}", binary=True)
        assert found.num_rows == 1
        assert set(found.column_names) - {"flagged", "flag_reasons"} == {c.name for c in TABLES[table].columns} - {"version"}


def test_accounts_hold_the_newest_state(clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"responses": 1}, {"responses": 2, "version": 2}))

    found = clickhouse.query("SELECT * FROM accounts")

    assert {"first_seen", "last_seen", "revenue", "refunds", "transactions", "products_owned", "last_score", "open_cases"} < set(found.column_names)
    assert not {"version", "partition"} & set(found.column_names)
    assert column(found, "responses") == [2]


def invitation(number: int, event: str = "sent", **values: object) -> Mapping[str, object]:
    """A step of an invitation."""
    kept = {"account_id": "a", "invitation_id": f"i{number}", "event_type": f"invitation.{event}", "synthetic": False}
    return {**kept, "unit_id": "u", "channel": "web", "day": MONDAY, "occurred_at": datetime.combine(MONDAY, INSTANT.timetz()), **values}


def ask(clickhouse: ClickHouse, invitations: list[Mapping[str, object]], responses: list[Mapping[str, object]]) -> None:
    """Insert invitations, and responses that name them; one cell, so that there is a row to look at."""
    clickhouse.insert(Table.INVITATIONS, rows(Table.INVITATIONS, *invitations))
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *(response(**values) for values in responses)))
    cells(clickhouse, {"n": 1})


def rates(clickhouse: ClickHouse) -> list[object]:
    """Response rates over all days: of the unit, of the channel, of all."""
    views = ("loyalty_by_unit", "loyalty_by_channel", "loyalty_total")
    return [one(clickhouse, f"SELECT response_rate FROM {view} WHERE period = 'all'")["response_rate"] for view in views]


def test_the_response_rate_is_answered_over_sent_and_not_bounced(clickhouse: ClickHouse) -> None:
    sent = [invitation(number) for number in range(8)]
    others = [invitation(7, "bounced"), invitation(0, "reminded"), invitation(20, "eligible"), invitation(21, synthetic=True)]
    answers: list[Mapping[str, object]] = [
        {"response_id": "1", "invitation_id": "i0"},
        {"response_id": "2", "invitation_id": "i0", "metric": "ces"},
        {"response_id": "3", "invitation_id": "i1"},
        {"response_id": "4", "invitation_id": "i2", "synthetic": True},
        {"response_id": "5", "invitation_id": "i3", "withdrawn": True},
        {"response_id": "6", "invitation_id": "i4", "account_id": "b"},
        {"response_id": "7", "invitation_id": "i7"},
        {"response_id": "8", "invitation_id": None},
        {"response_id": "9", "invitation_id": "i20"},
    ]

    ask(clickhouse, [*sent, *others], answers)

    assert rates(clickhouse) == [pytest.approx(2 / 7)] * 3


def test_a_withdrawal_takes_the_answer_away(clickhouse: ClickHouse) -> None:
    ask(clickhouse, [invitation(0)], [{"invitation_id": "i0"}])
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal()))

    assert rates(clickhouse) == [0.0] * 3


def test_where_nothing_was_sent_there_is_no_rate(clickhouse: ClickHouse) -> None:
    ask(clickhouse, [invitation(0, "eligible")], [{"invitation_id": "i0"}])

    assert rates(clickhouse) == [None] * 3


def test_rates_are_those_of_the_invitations_own_unit_channel_and_window(clickhouse: ClickHouse) -> None:
    later = MONDAY + timedelta(days=28)
    instant = datetime.combine(later, INSTANT.timetz()).astimezone(UTC)
    elsewhere = [invitation(1, unit_id="v"), invitation(2, channel="sms"), invitation(3, day=later, occurred_at=instant)]
    resent = invitation(0, unit_id="w", channel="sms", occurred_at=instant, day=later)

    ask(clickhouse, [invitation(0), resent, *elsewhere], [{"invitation_id": "i0"}])

    found = clickhouse.query(
        "SELECT (SELECT response_rate FROM loyalty_by_unit WHERE period != 'all') AS unit,"
        " (SELECT response_rate FROM loyalty_by_channel WHERE period != 'all') AS channel,"
        " (SELECT response_rate FROM loyalty_total WHERE period != 'all') AS total"
    )
    assert column(found, "unit", "channel", "total") == [(pytest.approx(1 / 2), pytest.approx(1 / 2), pytest.approx(1 / 3))]
    assert rates(clickhouse) == [pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(1 / 4)]


def test_every_contract_column_is_there(clickhouse: ClickHouse) -> None:
    sums = ("n", "promoters", "passives", "detractors", "top_box", "top_two_box", "score_sum", "score_sum_squares", "flagged", "revenue")
    for view, more in {"loyalty_daily": [], "loyalty_by_unit": ["response_rate", "validity_rate"], "loyalty_total": ["response_rate"]}.items():
        found: pa.Table = clickhouse.query(f"SELECT * FROM {view} LIMIT 0")
        assert {*sums, *NPS_COLUMNS, *more} <= set(found.column_names)
