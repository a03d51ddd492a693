"""What models are fitted on, and what BI reads of them: histories, wallets, the last run, segments and what to do next."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalog import Catalog, LoyaltyMatrix
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import one, response, withdrawal
from tests.sinks.rows import column, rows

FIRST = date(2026, 1, 5)


pytestmark = pytest.mark.usefixtures("with_catalog")


def movement(name: str, day: int, amount: str, **values: object) -> Mapping[str, object]:
    """A purchase of account ``a`` so many days after the first Monday of 2026, without known cost."""
    known = {
        "account_id": "a", "transaction_id": name, "event_type": "transaction.completed", "original_transaction_id": None, "synthetic": False,
        "day": FIRST + timedelta(day), "amount_base": Decimal(amount), "cost_base": None,
    }  # fmt: skip
    return {**known, **values}


def refund(name: str, day: int, amount: str, original: str | None, **values: object) -> Mapping[str, object]:
    return movement(name, day, amount, event_type="transaction.refunded", original_transaction_id=original, **values)


def moved(clickhouse: ClickHouse, *movements: Mapping[str, object]) -> None:
    clickhouse.insert(Table.TRANSACTIONS, rows(Table.TRANSACTIONS, *movements))


HISTORY = "SELECT frequency, recency_weeks * 7 AS recency, age_weeks * 7 AS age, mean_value, margin"


def history(clickhouse: ClickHouse, account: str = "a") -> list[object]:
    row = one(clickhouse, f"{HISTORY} FROM purchase_history WHERE account_id = '{account}'")
    return [value if value is None else pytest.approx(value) for value in row.values()]


def test_purchases_of_a_day_are_one_and_the_first_day_is_no_repeat(clickhouse: ClickHouse) -> None:
    """Days 0, 3 and 10; as of day 14, the newest of the table. The mean is of days 3 (20 + 5) and 10 (35)."""
    moved(
        clickhouse, movement("1", 0, "100"), movement("2", 3, "20"), movement("3", 3, "5"), movement("4", 10, "35"),
        movement("5", 14, "1", account_id="b"),
    )  # fmt: skip

    assert history(clickhouse) == [2, 10, 14, 30, None]
    assert history(clickhouse, "b") == [0, 0, 0, None, None]
    assert one(clickhouse, "SELECT first_purchase, last_purchase, as_of FROM purchase_history WHERE account_id = 'a'") == {
        "first_purchase": FIRST, "last_purchase": FIRST + timedelta(10), "as_of": FIRST + timedelta(14),
    }  # fmt: skip


def test_what_was_given_back_lowers_the_value_and_a_purchase_given_back_in_full_is_none(clickhouse: ClickHouse) -> None:
    moved(
        clickhouse, movement("1", 0, "100"), movement("2", 7, "50"), movement("3", 14, "40"), movement("free", 18, "0"),
        refund("r1", 20, "10", "2"), refund("r2", 21, "40", "3"), refund("r3", 21, "99", None), refund("r4", 21, "5", "unknown"),
        refund("r5", 21, "100", "1", account_id="b"),
    )  # fmt: skip

    assert history(clickhouse) == [1, 7, 21, 40, None]
    assert clickhouse.query("SELECT * FROM purchase_history WHERE account_id = 'b'").num_rows == 0


def test_as_of_another_day_only_what_happened_by_then_is_known(clickhouse: ClickHouse) -> None:
    moved(clickhouse, movement("1", 0, "100"), movement("2", 7, "50"), movement("3", 14, "40"), refund("r", 15, "50", "2"))

    for day, expected in ((6, [0, 0, 6, None]), (7, [1, 7, 7, 50]), (14, [2, 14, 14, 45]), (15, [1, 14, 15, 40])):
        found = one(clickhouse, f"{HISTORY} FROM purchase_history_as_of(as_of = '{FIRST + timedelta(day)}')")
        assert list(found.values())[:4] == expected


def test_tests_and_old_copies_do_not_count(clickhouse: ClickHouse) -> None:
    moved(clickhouse, movement("1", 0, "100"), movement("2", 7, "50"), movement("test", 30, "70", synthetic=True))
    moved(clickhouse, movement("2", 9, "60", version=2))

    assert history(clickhouse) == [1, 9, 9, 60, None]


def test_margin_is_of_the_purchases_whose_cost_is_known(clickhouse: ClickHouse) -> None:
    moved(
        clickhouse, movement("1", 0, "100", cost_base=Decimal(70)), movement("2", 1, "100", cost_base=Decimal(40)), movement("3", 2, "500"),
        movement("4", 2, "10", account_id="loss", cost_base=Decimal(12)), movement("5", 2, "10", account_id="gift", cost_base=Decimal(0)),
    )  # fmt: skip

    assert history(clickhouse)[-1] == (200 - 110) / 200
    assert history(clickhouse, "loss")[-1] == pytest.approx(-0.2)
    assert history(clickhouse, "gift")[-1] == 1


movements = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12), st.integers(0, 30), st.integers(0, 40)), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(movements)
def test_histories_are_those_of_a_count_by_hand(clickhouse: ClickHouse, drawn: list[tuple[str, int, int, int]]) -> None:
    """Purchases, and for some a refund of so much; counted once more in plain Python."""
    clickhouse.command(f"TRUNCATE TABLE {Table.TRANSACTIONS}")
    kept: dict[str, dict[int, int]] = {}
    newest = 0
    for number, (account, day, amount, back) in enumerate(drawn):
        moved(clickhouse, movement(f"t{number}", day, str(amount), account_id=account))
        newest = max(newest, day)
        if back:
            moved(clickhouse, refund(f"r{number}", day + 1, str(min(back, amount)), f"t{number}", account_id=account))
            newest = max(newest, day + 1)
        if amount - min(back, amount) > 0:
            of_account = kept.setdefault(account, {})
            of_account[day] = of_account.get(day, 0) + amount - min(back, amount)

    found = clickhouse.query(f"{HISTORY}, account_id FROM purchase_history ORDER BY account_id").to_pylist()

    assert [row["account_id"] for row in found] == sorted(kept)
    for row in found:
        days = kept[row["account_id"]]
        first, *later = sorted(days)
        assert (row["frequency"], row["age"]) == (len(later), pytest.approx(newest - first))
        assert row["recency"] == pytest.approx(max(days) - first)
        assert row["mean_value"] == (pytest.approx(sum(days[day] for day in later) / len(later)) if later else None)


WALLETS = {
    (): None, (5.0,): 2 / 3, (9.0,): 1 / 3, (5.0, 4.0): 0.5, (9.0, 4.0): 1 / 3, (9.0, 10.0): 1 / 6, (8.0, 3.0): 5 / 12, (9.0, 5.0, 4.0): 0.3,
    (5.0, 4.0, 3.0): 0.4, (9.0, 10.0, 8.5): 0.1, (8.0,): 0.5,
}  # fmt: skip


@pytest.mark.parametrize(("others", "share"), WALLETS.items(), ids=repr)
def test_wallets_are_shared_out_by_rank(clickhouse: ClickHouse, others: tuple[float, ...], share: float | None) -> None:
    """Known answers: .6667/.3333 of two brands, .5/.3333/.1667 of three, .4/.3/.2/.1 of four, .41667 each for ranks 1 and 2 of three."""
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(score=8.0, competitor_scores=list(others))))

    found = clickhouse.query("SELECT wallet_share FROM share_of_wallet").to_pylist()

    assert [row["wallet_share"] for row in found] == ([] if share is None else [pytest.approx(share)])


def test_the_newest_counted_response_that_names_competitors_tells_the_wallet(clickhouse: ClickHouse) -> None:
    def at(name: str, hour: int, score: float, **values: object) -> Mapping[str, object]:
        told = {"response_id": name, "occurred_at": datetime(2026, 1, 5, hour, tzinfo=UTC), "score": score, "competitor_scores": [6.0]}
        return response(**{**told, **values})

    facts = [
        at("old", 1, 9.0), at("new", 2, 5.0), at("alone", 3, 9.0, competitor_scores=[]), at("test", 4, 9.0, synthetic=True),
        at("gone", 5, 9.0), at("taken", 6, 9.0, withdrawn=True),
    ]  # fmt: skip
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *facts))
    clickhouse.insert(Table.WITHDRAWALS, rows(Table.WITHDRAWALS, withdrawal(response_id="gone")))

    assert one(clickhouse, "SELECT response_id, brands, rank FROM share_of_wallet") == {"response_id": "new", "brands": 2, "rank": 2.0}


RESULTS = (Table.FIT_ACCOUNTS, Table.FIT_NEWCOMERS, Table.FIT_DRIVERS, Table.FIT_LINKAGE, Table.FIT_PREDICTION, Table.FIT_EFFECTS)


def test_views_show_the_run_that_was_recorded_last_and_nothing_of_one_that_is_being_written(clickhouse: ClickHouse) -> None:
    views = ("account_predictions", "newcomers", "drivers", "linkage", "prediction", "message_effects", "elasticities")

    def shown() -> set[object]:
        return {run for view in views for run in column(clickhouse.query(f"SELECT run_id FROM {view}"), "run_id")}

    for run, version in (("second", 2000), ("third", 3000)):
        for table in RESULTS:
            clickhouse.insert(table, rows(table, {"run_id": run, "version": version}))
        for known in ({"origin": "messages"}, {"origin": "operations", "effect": "spend"}):
            clickhouse.insert(Table.FIT_EFFECTS, rows(Table.FIT_EFFECTS, {"run_id": run, "version": version, **known}))
        assert shown() == (set() if run == "second" else {"second"})
        clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": run, "version": version}))
        assert shown() == {run}
    clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": "second", "version": 4000}))
    assert shown() == {"second"}
    assert clickhouse.query("SELECT run_id, fitted_at, last FROM model_runs ORDER BY fitted_at").to_pylist() == [
        {"run_id": "third", "fitted_at": datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC), "last": False},
        {"run_id": "second", "fitted_at": datetime(1970, 1, 1, 0, 0, 4, tzinfo=UTC), "last": True},
    ]


def known(clickhouse: ClickHouse, feeling: float | None, alive: float | None, open_cases: int = 0, **values: object) -> dict[str, object]:
    """What becomes of account ``a``: its feeling as a score of 0 to 1, and what was fitted."""
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"account_id": "a", "open_cases": open_cases}))
    if feeling is not None:
        told = {"score": feeling, "scale_min": 0.0, "scale_max": 1.0, "survey_id": "s", "answers": [], **values}
        clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, response(**told)))
    clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": "r"}))
    if alive is not None:
        clickhouse.insert(Table.FIT_ACCOUNTS, rows(Table.FIT_ACCOUNTS, {"run_id": "r", "account_id": "a", "probability_alive": alive}))
    return one(clickhouse, "SELECT feeling, probability_alive, loyalty_segment, next_action, suppress_selling FROM account_segments")


@pytest.mark.parametrize(
    ("feeling", "alive", "segment", "action"),
    [
        (0.7, 0.5, "truly_loyal", "ask_referral"), (0.7, 0.49, "accessible", "show_value"), (0.69, 0.5, "trapped", "fix_cause"),
        (0.69, 0.49, "high_risk", "recover"), (0.0, 0.0, "high_risk", "recover"), (None, 0.9, None, None), (0.9, None, None, None),
        # What 8.2 of 4 to 10 comes to in binary fractions.
        ((8.2 - 4) / 6, 0.5, "truly_loyal", "ask_referral"),
    ],
)  # fmt: skip
def test_segments_and_what_to_do(clickhouse: ClickHouse, feeling: float | None, alive: float | None, segment: str, action: str) -> None:
    assert known(clickhouse, feeling, alive) == {
        "feeling": feeling, "probability_alive": alive, "loyalty_segment": segment, "next_action": action, "suppress_selling": False,
    }  # fmt: skip
    assert one(clickhouse, "SELECT loyalty_segment FROM account_profiles") == {"loyalty_segment": segment}


@pytest.mark.parametrize("feeling", [None, 0.9])
def test_an_open_case_comes_first_and_nothing_is_sold_meanwhile(clickhouse: ClickHouse, feeling: float | None) -> None:
    found = known(clickhouse, feeling, 0.9, open_cases=1)

    assert (found["next_action"], found["suppress_selling"]) == ("close_case", True)
    for view in ("account_profiles", "accounts"):
        assert one(clickhouse, f"SELECT next_action, suppress_selling FROM {view}") == {"next_action": "close_case", "suppress_selling": True}


def test_the_catalog_moves_the_cuts(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, Catalog(loyalty_matrix=LoyaltyMatrix(attitude=0.9, behaviour=0.2)))

    assert known(clickhouse, 0.89, 0.2)["loyalty_segment"] == "trapped"


def driver(name: str, lmg: float | None, johnson: float, target: float, cost: float, **values: object) -> Mapping[str, object]:
    known = {"run_id": "r", "survey_id": "s", "driver": name, "lmg": lmg, "johnson": johnson, "target": target, "cost": cost, "priority": 1.0}
    return {**known, **values}


def test_the_worst_driver_is_where_the_account_itself_falls_short(clickhouse: ClickHouse) -> None:
    """Speed: .2 x (5 - 2) / 1 = .6; staff: .4 x (5 - 4) / .5 = .8; price has no answer; queue is above its target; parking is of another survey."""
    found = [
        driver("speed", 0.2, 0.9, 5, 1), driver("staff", 0.4, 0.1, 5, 0.5), driver("price", 0.9, 0.9, 5, 1), driver("queue", 0.9, 0.9, 3, 1),
        driver("parking", 0.9, 0.9, 5, 1, survey_id="other"), driver("untold", None, 0.9, 5, 1, priority=None),
    ]  # fmt: skip
    clickhouse.insert(Table.FIT_DRIVERS, rows(Table.FIT_DRIVERS, *found))
    answers = [("speed", 2.0), ("staff", 4.0), ("queue", 4.0), ("parking", 1.0), ("untold", 1.0)]

    known(clickhouse, 0.3, 0.9, answers=answers)

    assert one(clickhouse, "SELECT worst_driver, next_action FROM account_segments") == {"worst_driver": "staff", "next_action": "fix_cause"}


@pytest.mark.parametrize("answers", [[], [("speed", 5.0)], [("unknown", 1.0)]], ids=repr)
def test_where_nothing_falls_short_there_is_no_worst_driver(clickhouse: ClickHouse, answers: list[tuple[str, float]]) -> None:
    clickhouse.insert(Table.FIT_DRIVERS, rows(Table.FIT_DRIVERS, driver("speed", 0.2, 0.2, 5, 1)))

    known(clickhouse, 0.3, 0.9, answers=answers)

    assert one(clickhouse, "SELECT worst_driver FROM account_segments") == {"worst_driver": None}
