"""Value delivered, feeling, focus and what they make of an account; scorecards and the messages that they send."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from math import sqrt
from statistics import mean, variance

import pytest

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import NOON, lines, measured, message, moved, outcome, sale, sent
from tests.sinks.loyalty import MONDAY, one, response, withdrawal
from tests.sinks.rows import column, rows

FOCUS = "SELECT vdi, feeling, customer_focus_index, quadrant FROM accounts"


pytestmark = pytest.mark.usefixtures("with_catalog")


def known(clickhouse: ClickHouse, **values: object) -> None:
    """Insert what is known of account ``a``."""
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"account_id": "a", "revenue": Decimal(50), "open_cases": 0, **values}))


def felt(clickhouse: ClickHouse, score: float, **values: object) -> None:
    """Insert a response of account ``a`` on a scale from 0 to 10."""
    answer = {"metric": "nps", "score": score, "scale_min": 0.0, "scale_max": 10.0, **values}
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(**answer)))


def test_the_index_is_that_of_the_known_answer(clickhouse: ClickHouse) -> None:
    """From 10 to 7 where 4 is aimed at is half of the way; from 100 to 130 where 120 is aimed at counts as all of it."""
    measured(clickhouse, outcome("falls", 10, 7, 4), outcome("rises", 100, 130, 120))

    assert one(clickhouse, "SELECT vdi, outcomes, weight, weighted_progress FROM value_delivered") == {
        "vdi": 0.75, "outcomes": 2, "weight": 2.0, "weighted_progress": 1.5
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "vdi"),
    [
        ([outcome("o", 0, 5, 10, weight=3.0), outcome("p", 0, 10, 10, weight=1.0)], (3 * 0.5 + 1) / 4),
        ([outcome("o", 10, 12, 4)], 0.0),
        ([outcome("o", 0, 1, 10), outcome("o", 0, 9, 10, occurred_at=NOON + timedelta(microseconds=1))], 0.9),
        ([outcome("o", 0, 9, 10), outcome("o", 0, 1, 10, occurred_at=NOON - timedelta(days=40), event_id="z", day=date(2026, 1, 29))], 0.9),
        ([outcome("o", 0, 9, 10), outcome("p", 0, 1, 10, synthetic=True)], 0.9),
        ([outcome("o", 0, 9, 10), outcome("o", 0, 1, 10, version=2)], 0.1),
        ([outcome("o", 0, 2, 10, attested_by="vendor"), outcome("p", 0, 4, 10, attested_by="joint")], 0.3),
    ],
)  # fmt: skip
def test_what_counts_as_value_delivered(clickhouse: ClickHouse, outcomes: list[Mapping[str, object]], vdi: float) -> None:
    for row in outcomes:
        measured(clickhouse, row)

    assert one(clickhouse, "SELECT vdi FROM value_delivered") == {"vdi": pytest.approx(vdi)}


def test_what_the_customer_vouches_for_stands_apart(clickhouse: ClickHouse) -> None:
    known(clickhouse)
    measured(
        clickhouse,
        outcome("c", 0, 8, 10, value_amount_base=Decimal(60), claimed_amount_base=Decimal(100)),
        outcome("j", 0, 6, 10, value_amount_base=Decimal(30), claimed_amount_base=Decimal(20), attested_by="joint"),
        outcome("v", 0, 1, 10, value_amount_base=Decimal(900), attested_by="vendor"),
    )

    row = one(clickhouse, "SELECT * EXCEPT (weight, weighted_progress) FROM value_delivered")

    assert row == {
        "account_id": "a", "outcomes": 3, "outcomes_attested": 1, "vdi": pytest.approx(0.5), "vdi_attested": 0.8, "value_attested": 60,
        "value_joint": 30, "value_vendor": 900, "value_claimed": 120, "proof_ratio": 0.5, "revenue": 50, "customer_roi": 1.2,
    }  # fmt: skip


def test_where_nothing_was_claimed_attested_or_paid_there_are_no_ratios(clickhouse: ClickHouse) -> None:
    known(clickhouse, revenue=Decimal(0))
    measured(clickhouse, outcome("v", 0, 1, 10, attested_by="vendor"))

    row = one(clickhouse, "SELECT vdi_attested, value_attested, proof_ratio, customer_roi FROM value_delivered")

    assert row == {"vdi_attested": None, "value_attested": 0, "proof_ratio": None, "customer_roi": None}


def test_feeling_is_the_newest_counted_response_of_any_metric(clickhouse: ClickHouse) -> None:
    known(clickhouse)
    felt(clickhouse, 2.0, response_id="old", occurred_at=NOON)
    assert one(clickhouse, FOCUS)["feeling"] == 0.2
    felt(clickhouse, 4.0, response_id="new", metric="csat", scale_min=1.0, scale_max=5.0, occurred_at=NOON + timedelta(hours=1))
    assert one(clickhouse, FOCUS)["feeling"] == 0.75
    felt(clickhouse, 10.0, response_id="newest", occurred_at=NOON + timedelta(hours=1))
    assert one(clickhouse, FOCUS)["feeling"] == 1.0, "of two at one time the greater response_id"
    felt(clickhouse, 0.0, response_id="test", occurred_at=NOON + timedelta(hours=2), synthetic=True)
    felt(clickhouse, 0.0, response_id="withdrawn", occurred_at=NOON + timedelta(hours=2), withdrawn=True)
    assert one(clickhouse, FOCUS)["feeling"] == 1.0
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(response_id="newest")))
    assert one(clickhouse, FOCUS)["feeling"] == 0.75


@pytest.mark.parametrize(
    ("vdi", "feeling", "quadrant"),
    [(0.5, 0.5, "thriving"), (0.5, 0.4, "served_not_loved"), (0.4, 0.5, "loved_not_served"), (0.4, 0.4, "at_risk"), (0.0, 1.0, "loved_not_served")],
)
def test_value_and_feeling_make_focus_and_quadrant(clickhouse: ClickHouse, vdi: float, feeling: float, quadrant: str) -> None:
    known(clickhouse)
    measured(clickhouse, outcome("o", 0, vdi * 10, 10))
    felt(clickhouse, feeling * 10)

    assert one(clickhouse, FOCUS) == {
        "vdi": vdi, "feeling": feeling, "customer_focus_index": pytest.approx(sqrt(vdi * feeling)), "quadrant": quadrant
    }  # fmt: skip


def test_the_catalog_says_where_quadrants_are_cut(clickhouse: ClickHouse) -> None:
    known(clickhouse)
    measured(clickhouse, outcome("o", 0, 6, 10))
    felt(clickhouse, 6.0)
    quadrants = []
    for value_cut, feeling_cut in ((0.6, 0.6), (0.6, 0.61), (0.61, 0.6)):
        write_catalog(clickhouse, Catalog.model_validate({"loyalty_matrix": {"value_cut": value_cut, "feeling_cut": feeling_cut}}))
        quadrants.append(one(clickhouse, FOCUS)["quadrant"])

    assert quadrants == ["thriving", "served_not_loved", "loved_not_served"]


def test_of_what_is_not_known_nothing_is_said(clickhouse: ClickHouse) -> None:
    known(clickhouse)
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"account_id": "b"}))
    measured(clickhouse, outcome("o", 0, 5, 10, account_id="b"))

    found = clickhouse.query("SELECT vdi, feeling, customer_focus_index, quadrant, value_share, owned_offer_rate FROM accounts ORDER BY account_id")

    assert [tuple(row.values()) for row in found.to_pylist()] == [(None,) * 6, (0.5, *(None,) * 5)]


def test_an_open_case_is_to_be_closed_first(clickhouse: ClickHouse) -> None:
    known(clickhouse, open_cases=2)
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"account_id": "b", "open_cases": 0}))

    found = clickhouse.query("SELECT next_action, suppress_selling FROM accounts ORDER BY account_id")

    assert column(found, "next_action", "suppress_selling") == [("close_case", True), (None, False)]


def test_the_share_of_value_is_that_of_a_year_and_owned_offers_are_those_of_ever(clickhouse: ClickHouse) -> None:
    known(clickhouse)
    moved(clickhouse, sale("a", "1", 1, occurred_at=NOON - timedelta(days=900), **lines(("p", 1, False))))
    a_year = 365 * 24
    sent(
        clickhouse,
        message("1", ["p"], "sell", hours=-a_year),
        message("2", ["q"], "upsell", hours=-a_year + 0.001),
        message("3", ["p", "q"], "value_education"),
        message("4", [], "service"),
        message("5", [], account_id="b"),
        message("6", [], "sell", hours=9_999, synthetic=True),
    )

    assert one(clickhouse, "SELECT value_share, owned_offer_rate FROM accounts") == {"value_share": 0.5, "owned_offer_rate": 0.5}


def kpi(kpi_id: str, orientation: str = "company", **values: object) -> dict[str, object]:
    """A measure of a scorecard."""
    return {"kpi_id": kpi_id, "orientation": orientation, **values}


def test_the_ratio_weighs_what_serves_the_company(clickhouse: ClickHouse) -> None:
    kpis = [
        kpi("nps", "customer", weight=2, payout_share=0.1),
        kpi("calls", weight=1, payout_share=0.6),
        kpi("cost", weight=1),
        kpi("alone", "customer", scorecard="shop"),
    ]
    write_catalog(clickhouse, Catalog.model_validate({"kpis": kpis}))

    found = clickhouse.query("SELECT * FROM mixed_messages ORDER BY scorecard")

    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("default", 3, 2, 0.5, pytest.approx(0.6 / 0.8), None),
        ("shop", 1, 0, 0.0, None, None),
    ]


def observed(clickhouse: ClickHouse, values: Mapping[tuple[str, str, int], list[float]]) -> None:
    """Insert observations by unit, measure and window."""
    facts = [
        {"observation_id": f"{unit}-{measure}-{window}-{number}", "unit_id": unit, "measure": measure, "value": value, "synthetic": False,
         "day": MONDAY + timedelta(days=28 * window + number % 28)}
        for (unit, measure, window), of_window in values.items()
        for number, value in enumerate(of_window)
    ]  # fmt: skip
    clickhouse.insert(Table.OPERATIONS, rows(Table.OPERATIONS, *facts))


def z(before: list[float], after: list[float]) -> float:
    """How many standard errors a mean has moved."""
    return (mean(after) - mean(before)) / sqrt(variance(before) / len(before) + variance(after) / len(after))


def test_moves_of_measures_are_weighed_together(clickhouse: ClickHouse) -> None:
    kpis = [kpi("wait", "customer", better="lower", weight=3), kpi("joy", "customer"), kpi("calls", measure="calls_an_hour")]
    write_catalog(clickhouse, Catalog.model_validate({"kpis": kpis}))
    wait, joy, calls = ([5.0, 6.0, 7.5], [8.0, 9.0, 9.5, 9.0]), ([3.0, 4.0], [3.0, 5.0]), ([10.0, 12.0], [14.0, 15.0, 14.0])
    observed(
        clickhouse, {("u", name, window): of[window] for name, of in {"wait": wait, "joy": joy, "calls_an_hour": calls}.items() for window in (0, 1)}
    )

    row = one(clickhouse, "SELECT * FROM scorecard_moves")

    assert row == {
        "scorecard": "default", "unit_id": "u", "window_start": MONDAY + timedelta(days=28),
        "customer_move": pytest.approx((-3 * z(*wait) + z(*joy)) / sqrt(10)), "company_move": pytest.approx(z(*calls)),
        "opposite": True, "conflict": False,
    }  # fmt: skip


def test_a_conflict_is_two_opposite_moves_in_a_row(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog.model_validate({"kpis": [kpi("joy", "customer"), kpi("sales")]}))
    courses = {
        "conflict": ([9, 7, 5, 3], [1, 3, 5, 7], (0, 1, 2, 3)),
        "in turn": ([9, 7, 9, 7], [1, 3, 1, 3], (0, 1, 2, 3)),
        "together": ([1, 3, 5, 7], [1, 3, 5, 7], (0, 1, 2, 3)),
        "with a gap": ([9, 7, 5, 3], [1, 3, 5, 7], (0, 1, 3, 4)),
    }
    around = (-0.1, 0.1)
    for unit, (joy, sales, windows) in courses.items():
        for name, levels in (("joy", joy), ("sales", sales)):
            observed(clickhouse, {(unit, name, window): [level + off for off in around] for window, level in zip(windows, levels, strict=True)})

    found = clickhouse.query(
        "SELECT unit_id, countIf(opposite) AS opposite, countIf(conflict) AS conflicts FROM scorecard_moves GROUP BY unit_id ORDER BY 1"
    )

    assert column(found, "unit_id", "opposite", "conflicts") == [
        ("conflict", 3, 2),
        ("in turn", 3, 0),
        ("together", 0, 0),
        ("with a gap", 2, 0),
    ]
    assert one(clickhouse, "SELECT conflicts FROM mixed_messages") == {"conflicts": 2}


def test_scores_of_counted_responses_are_measures_too(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog.model_validate({"kpis": [kpi("recommend", "customer", measure="nps"), kpi("sales")]}))
    observed(clickhouse, {("u", "sales", 0): [1.0, 2.0], ("u", "sales", 1): [4.0, 5.0]})
    scores: list[tuple[int, float]] = [(0, 9.0), (0, 10.0), (1, 3.0), (1, 5.0), (1, 4.0)]
    facts = [
        response(response_id=f"{number}", unit_id="u", metric="nps", score_mapped=score, day=MONDAY + timedelta(days=28 * window))
        for number, (window, score) in enumerate(scores)
    ]
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *facts, response(response_id="gone", unit_id="u", metric="nps", day=MONDAY)))
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(response_id="gone")))

    row = one(clickhouse, "SELECT customer_move, company_move FROM scorecard_moves")

    assert row == {"customer_move": pytest.approx(z([9, 10], [3, 5, 4])), "company_move": pytest.approx(z([1, 2], [4, 5]))}
