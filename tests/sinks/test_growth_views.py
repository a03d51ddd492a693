"""Growth per month, against published examples and small ones that are worked out by hand."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import month, moved, refund, sale
from tests.sinks.loyalty import one, response, withdrawal
from tests.sinks.rows import column, rows


def growth(clickhouse: ClickHouse, number: int, *names: str) -> dict[str, object]:
    """Columns of a month of 2026."""
    return one(clickhouse, f"SELECT {', '.join(names)} FROM growth_monthly WHERE month = '{month(number)}'")


def test_earned_growth_is_that_of_winning_on_purpose(clickhouse: ClickHouse) -> None:
    """Appendix B: 100 become 130; 85 of them are kept, 25 earned and 20 bought: 10 % were earned, a third of the growth."""
    moved(
        clickhouse,
        sale("kept", "1", 1, 100),
        sale("kept", "2", 2, 85),
        sale("earned", "3", 2, 25, acquisition_reason="referral"),
        sale("bought", "4", 2, 20, acquisition_reason="advertising"),
    )

    row = growth(clickhouse, 2, "revenue", "base", "nrr", "grr", "earned_new", "bought_new", "earned_growth_rate", "earned_growth_ratio")

    assert row == {
        "revenue": 130, "base": 100, "nrr": 0.85, "grr": 0.85, "earned_new": 0.25, "bought_new": 0.2, "earned_growth_rate": 0.1,
        "earned_growth_ratio": pytest.approx(1 / 3),
    }  # fmt: skip


def test_retention_is_that_of_churnzero(clickhouse: ClickHouse) -> None:
    """27,000 from two customers; the one that stays goes from 22,000 to 30,000: 111 % net, and gross nothing above what it brought."""
    moved(clickhouse, sale("stays", "1", 1, 22_000), sale("leaves", "2", 1, 5_000), sale("stays", "3", 2, 30_000))

    row = growth(clickhouse, 2, "nrr", "grr", "logo_retention", "customers", "customers_before", "customers_kept")

    assert row == {
        "nrr": pytest.approx(30 / 27), "grr": pytest.approx(22 / 27), "logo_retention": 0.5, "customers": 1, "customers_before": 2,
        "customers_kept": 1,
    }  # fmt: skip


def test_the_first_month_has_no_base(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1))

    row = growth(clickhouse, 1, "revenue", "base", "nrr", "grr", "earned_new", "earned_growth_rate", "earned_growth_ratio", "logo_retention")

    assert row == {
        "revenue": 10,
        **dict.fromkeys(("base", "nrr", "grr", "earned_new", "earned_growth_rate", "earned_growth_ratio", "logo_retention")),
    }


def test_every_month_between_has_a_row_and_after_an_empty_one_there_are_no_rates(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 11), sale("a", "2", 15))

    found = clickhouse.query("SELECT month, revenue, base, nrr, logo_retention FROM growth_monthly ORDER BY month")

    assert column(found, "month", "revenue", "base", "nrr", "logo_retention") == [
        (month(11), 10, None, None, None),
        (month(12), 0, 10, 0.0, 0.0),
        (month(13), 0, 0, None, None),
        (month(14), 0, 0, None, None),
        (month(15), 10, 0, None, None),
    ]


def test_no_rates_where_more_was_given_back_than_paid(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 10), refund("b", "2", 1, 15), sale("a", "3", 2, 20))

    row = growth(clickhouse, 2, "base", "nrr", "grr", "earned_new", "bought_new", "earned_growth_rate", "earned_growth_ratio", "logo_retention")

    assert row == {
        "base": -5, "nrr": None, "grr": None, "earned_new": None, "bought_new": None, "earned_growth_rate": None, "earned_growth_ratio": None,
        "logo_retention": 1.0,
    }  # fmt: skip


def test_no_ratio_where_revenue_did_not_change(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 10), sale("b", "2", 2, 10, acquisition_reason="referral"))

    assert growth(clickhouse, 2, "earned_growth_rate", "earned_growth_ratio") == {"earned_growth_rate": 0.0, "earned_growth_ratio": None}


def test_a_refund_counts_in_its_own_month_also_where_its_purchase_is_unknown(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 100), sale("b", "2", 1, 100), refund("a", "3", 2, 30, original_transaction_id="never seen"))

    row = growth(clickhouse, 2, "revenue", "refunds", "gross_revenue", "nrr", "grr", "customers", "logo_retention", "induced_share")

    assert row == {
        "revenue": -30, "refunds": 30, "gross_revenue": 0, "nrr": -0.15, "grr": 0.0, "customers": 0, "logo_retention": 0.0, "induced_share": None
    }  # fmt: skip


def test_who_got_back_more_than_it_paid_lowers_gross_retention(clickhouse: ClickHouse) -> None:
    """min(last, max(this, 0)) of an account that brought -20 is -20."""
    moved(clickhouse, sale("a", "1", 1, 100), sale("b", "2", 1, 10), refund("b", "3", 1, 30), sale("a", "4", 2, 100), sale("b", "5", 2, 10))

    assert growth(clickhouse, 2, "base", "nrr", "grr") == {"base": 80, "nrr": 110 / 80, "grr": 80 / 80}


def test_who_comes_back_after_a_pause_is_in_no_rate(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("back", "1", 1), sale("other", "2", 2), sale("other", "3", 3), sale("back", "4", 3, 7, acquisition_reason="referral"))

    row = growth(clickhouse, 3, "nrr", "earned_new", "bought_new", "other_revenue", "customers_new", "customers_returned")

    assert row == {"nrr": 1.0, "earned_new": 0.0, "bought_new": 0.0, "other_revenue": 7, "customers_new": 0, "customers_returned": 1}


NEWCOMERS: Mapping[str, tuple[list[Mapping[str, object]], str, str | None]] = {
    "the first purchase of all": ([sale("a", "1", 3, acquisition_reason="referral")], "earned_new", "referral"),
    "said to be none": ([sale("a", "1", 3, is_new_customer=False, acquisition_reason="referral")], "returned", None),
    "said to be new after a pause": (
        [sale("a", "1", 1), sale("a", "2", 3, is_new_customer=True, acquisition_reason="sales")], "bought_new", "sales",
    ),
    "said to be new, but a customer of the month before": (
        [sale("a", "1", 2), sale("a", "2", 3, is_new_customer=True, acquisition_reason="sales")], "kept", None,
    ),
    "the first purchase that is new gives the reason": (
        [
            sale("a", "1", 3, is_new_customer=False, acquisition_reason="sales"),
            sale("a", "2", 3, is_new_customer=True, acquisition_reason="merger"),
            sale("a", "3", 3, is_new_customer=True, acquisition_reason="referral"),
        ],
        "other_new", "merger",
    ),
    "of two at one time the lower transaction id is the first": (
        [sale("a", "2", 3, acquisition_reason="sales"), sale("a", "10", 3, acquisition_reason="recommendation")], "earned_new", "recommendation",
    ),
    "the second at one time is not new by default": (
        [sale("a", "1", 3, is_new_customer=False), sale("a", "2", 3, acquisition_reason="referral")], "returned", None,
    ),
    "a refund before is no purchase": ([refund("a", "1", 1), sale("a", "2", 3, acquisition_reason="promotion")], "bought_new", "promotion"),
    "test traffic before is no purchase": (
        [sale("a", "1", 1, synthetic=True), sale("a", "2", 3, acquisition_reason="promotion")], "bought_new", "promotion",
    ),
    "new by default comes before what is said": (
        [sale("a", "1", 3, acquisition_reason="referral"), sale("a", "2", 3, is_new_customer=True, acquisition_reason="sales")],
        "earned_new", "referral",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NEWCOMERS)
def test_who_is_new(clickhouse: ClickHouse, case: str) -> None:
    transactions, standing, reason = NEWCOMERS[case]
    moved(clickhouse, *transactions)

    row = one(clickhouse, "SELECT standing, acquisition_reason FROM account_months WHERE month = '2026-03-01'")

    assert row == {"standing": standing, "acquisition_reason": reason}


def test_all_revenue_of_a_newcomer_in_the_month_is_new_and_net(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("b", "0", 1, 100), sale("a", "1", 2, 30, acquisition_reason="referral"), sale("a", "2", 2, 20), refund("a", "3", 2, 5))

    assert growth(clickhouse, 2, "earned_new_revenue", "earned_new") == {"earned_new_revenue": 45, "earned_new": 0.45}


@pytest.mark.parametrize(
    ("amount", "discount", "induced"),
    [("8", "2", 0), ("8", "2.0001", 8), ("0.56", "0.14", 0), ("0.5599", "0.1401", Decimal("0.5599")), ("10", "0", 0), ("0", "5", 0)],
)
def test_a_discount_above_a_fifth_induces(clickhouse: ClickHouse, amount: str, discount: str, induced: object) -> None:
    moved(clickhouse, sale("a", "1", 1, amount, discount=Decimal(discount), is_new_customer=False))

    assert growth(clickhouse, 1, "induced_revenue") == {"induced_revenue": induced}


def test_each_purchase_is_induced_once(clickhouse: ClickHouse) -> None:
    moved(
        clickhouse,
        sale("bought", "1", 1, 10, acquisition_reason="sales", discount=Decimal(9)),
        sale("bought", "2", 1, 20),
        sale("merged", "3", 1, 40, acquisition_reason="merger"),
        sale("plain", "4", 1, 80, acquisition_reason="referral"),
        sale("plain", "5", 1, 160, discount=Decimal(100)),
        refund("plain", "6", 1, 30, discount=Decimal(100)),
    )

    row = growth(clickhouse, 1, "induced_revenue", "gross_revenue", "induced_share")

    assert row == {"induced_revenue": 230, "gross_revenue": 310, "induced_share": pytest.approx(230 / 310)}


def test_the_catalog_says_which_discount_induces(with_catalog: ClickHouse) -> None:
    moved(with_catalog, sale("a", "1", 1, 7, discount=Decimal(3), is_new_customer=False))
    for limit, induced in ((0.29, 7), (0.3, 0)):
        write_catalog(with_catalog, Catalog(induced_discount=limit))

        assert growth(with_catalog, 1, "induced_revenue") == {"induced_revenue": induced}


def test_months_are_those_of_local_days(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, occurred_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC), day=date(2026, 2, 1)))

    assert column(clickhouse.query("SELECT month FROM growth_monthly"), "month") == [month(2)]


@pytest.mark.parametrize("year", [1900, 1969, 2299])
def test_months_of_all_years_that_events_may_have(clickhouse: ClickHouse, year: int) -> None:
    instant = datetime(year, 12, 31, 12, tzinfo=UTC)
    moved(clickhouse, sale("a", "1", 1, occurred_at=instant, day=instant.date()))

    assert column(clickhouse.query("SELECT month, revenue FROM growth_monthly"), "month", "revenue") == [(date(year, 12, 1), 10)]


def test_only_the_newest_version_counts_and_test_traffic_does_not(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 10), sale("b", "2", 1, 99, synthetic=True), sale("c", "3", 9, 99, synthetic=True))
    moved(clickhouse, sale("a", "1", 1, 11, version=2))

    assert column(clickhouse.query("SELECT month, revenue, customers FROM growth_monthly"), "month", "revenue", "customers") == [(month(1), 11, 1)]


def test_without_movements_there_are_no_months(clickhouse: ClickHouse) -> None:
    for view in ("growth_monthly", "account_months", "referrals_monthly", "messages_monthly", "value_delivered", "accounts"):
        assert clickhouse.query(f"SELECT * FROM {view}").num_rows == 0


def test_sums_of_accounts_are_the_sums_of_the_month(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 10), sale("b", "2", 1, 20), sale("a", "3", 2, 30), refund("b", "4", 2, 5), sale("c", "5", 2, 40))

    found = clickhouse.query(
        "SELECT account_id, standing, revenue, revenue_before FROM account_months WHERE month = '2026-02-01' ORDER BY account_id"
    )

    assert column(found, "account_id", "standing", "revenue", "revenue_before") == [
        ("a", "kept", 30, 10),
        ("b", "lost", -5, 20),
        ("c", "other_new", 40, 0),
    ]


def test_the_month_after_the_last_movement_is_not_told(clickhouse: ClickHouse) -> None:
    """Who bought in it may buy again in the month that has not begun."""
    moved(clickhouse, sale("a", "1", 1))

    assert column(clickhouse.query("SELECT month, standing FROM account_months"), "month", "standing") == [(month(1), "other_new")]


def promoted(clickhouse: ClickHouse, *answers: Mapping[str, object]) -> None:
    """Insert answers of promoters in January."""
    plain: dict[str, object] = {"class": "promoter", "occurred_at": datetime(2026, 1, 10, 12, tzinfo=UTC), "day": date(2026, 1, 10)}
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *(response(**{**plain, **answer}) for answer in answers)))


def test_promoters_are_held_against_what_they_did(clickhouse: ClickHouse) -> None:
    promoted(
        clickhouse, *({"account_id": name} for name in ("did", "did too late", "only says", "was never named", "withdrew")), {"account_id": "did"}
    )
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(account_id="withdrew")))
    moved(
        clickhouse,
        sale("x", "1", 1, 10, is_new_customer=False),
        sale("y", "2", 2, 30, referrer_account_id="did"),
        sale("z", "3", 2, 60, acquisition_reason="referral", referrer_account_id="withdrew"),
        sale("v", "4", 2, 10, is_new_customer=False, referrer_account_id="only says"),
        sale("w", "5", 9, 10, referrer_account_id="did too late"),
    )

    found = clickhouse.query(
        "SELECT month, customers, customers_referred, referral_rate, referral_revenue_share, promoters, promoters_who_referred,"
        " actual_promoter_rate FROM referrals_monthly ORDER BY month"
    )

    assert [tuple(row.values()) for row in found.to_pylist()][:2] == [
        (month(1), 1, 0, 0.0, 0.0, 4, 1, 0.25),
        (month(2), 3, 2, pytest.approx(2 / 3), 0.9, 0, 0, None),
    ]


def test_whoever_was_never_named_referred_nobody_in_1969_either(clickhouse: ClickHouse) -> None:
    """1970 begins within 180 days of the answer, and no time at all is read as its beginning."""
    promoted(clickhouse, {"account_id": "a", "occurred_at": datetime(1969, 12, 8, 12, tzinfo=UTC), "day": date(1969, 12, 8)})

    assert one(clickhouse, "SELECT promoters, promoters_who_referred FROM referrals_monthly") == {"promoters": 1, "promoters_who_referred": 0}
