"""``candor fit`` as a user runs it: published customers, and a simulated company whose numbers are computed once more in plain Python."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import hyp2f1
from scipy.stats import spearmanr

from schemas.rows import Table
from sinks.clickhouse import ClickHouse, connect
from tests.sinks.rows import rows
from tests.streams.commands.conftest import Run
from tests.streams.fitting.conftest import FOLDER, read_columns

Row = Mapping[str, Any]
START = date(2026, 1, 5)
AT_NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def clickhouse(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClickHouse]:
    """A database without rows, which commands use too."""
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    found = connect(migrated_url)
    yield found
    found.close()


def fitted(candor: Run, *arguments: str) -> Row:
    result = candor("fit", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    found: Row = json.loads(result.stdout)
    return found


def purchases(*bought: tuple[str, int, float]) -> Any:
    """Purchases of accounts, so many days after the start, at such an amount."""
    return rows(
        Table.TRANSACTIONS,
        *(
            {
                "account_id": account, "transaction_id": f"{account}/{number}", "event_type": "transaction.completed", "synthetic": False,
                "day": START + timedelta(day), "occurred_at": AT_NOON + timedelta(day), "original_transaction_id": None,
                "amount_base": Decimal(f"{amount:.4f}"), "cost_base": None,
            }
            for number, (account, day, amount) in enumerate(bought)
        ),
    )  # fmt: skip


def test_the_published_customers_give_the_published_models(candor: Run, clickhouse: ClickHouse) -> None:
    """The CDNOW sample as purchases: its weeks are rounded to two decimals, and become whole days again."""
    sample = read_columns(FOLDER / "cdnow" / "cdnow_customers_summary_with_transactions.csv", "x", "t_x", "T", "zbar")
    bought = []
    end = round(max(sample[:, 2]) * 7)
    for number, (x, recency, age, mean) in enumerate(sample):
        first = end - round(age * 7)
        days = [first, *(first + round(recency * 7 * place / x) for place in range(1, int(x) + 1))]
        assert len(set(days)) == len(days)
        bought += [(f"c{number}", day, mean or 1.0) for day in days]
    clickhouse.insert(Table.TRANSACTIONS, purchases(*bought))

    run = fitted(candor)

    # Nobody of the sample bought on its very last days.
    assert 0 <= end - (date.fromisoformat(run["models"][0]["as_of"]) - START).days <= 3
    told = {model["model"]: model["parameters"] for model in run["models"]}
    assert [told["purchases"][name] for name in ("r", "alpha", "a", "b")] == pytest.approx([0.243, 4.414, 0.793, 2.426], rel=0.03)
    assert [told["spend"][name] for name in ("p", "q", "gamma")] == pytest.approx([6.25, 3.74, 15.44], rel=0.01)
    first = clickhouse.query("SELECT * FROM account_predictions WHERE account_id = 'c0'").to_pylist()[0]
    assert (first["frequency"], first["margin"], first["run_id"]) == (2, 1.0, run["run_id"])
    assert (first["probability_alive"], first["expected_value"]) == (pytest.approx(0.7266, abs=5e-3), pytest.approx(24.65, abs=0.1))


@pytest.fixture
def company(candor: Run, clickhouse: ClickHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClickHouse:
    """A simulated company of two years."""
    events, catalog = tmp_path / "events.ndjson", tmp_path / "catalog.yaml"
    simulated = ["--events-target", "40000", "--accounts", "1500", "--units", "12", "--months", "24", "--seed", "5"]
    assert candor("simulate", "--out", str(events), "--catalog-out", str(catalog), *simulated).exit_code == 0
    text = catalog.read_text(encoding="utf-8") + "margin: 0.25\ngrades: {repurchase_days: 60}\n"
    catalog.write_text(text, encoding="utf-8")
    monkeypatch.setenv("CANDOR_CATALOG", str(catalog))
    assert candor("replay", str(events)).exit_code == 0
    return clickhouse


def test_a_company_is_told_what_plain_python_finds(candor: Run, company: ClickHouse) -> None:
    run = fitted(candor)

    assert {model["model"]: model["state"] for model in run["models"]} == dict.fromkeys(
        ("purchases", "spend", "drivers", "linkage", "prediction", "effects"), "fitted"
    )
    told = {model["model"]: model["parameters"] for model in run["models"]}
    _check_accounts(company, told["purchases"], told["spend"])
    counted = company.query("SELECT * FROM responses WHERE NOT withdrawn AND NOT synthetic").to_pylist(maps_as_pydicts="strict")
    _check_drivers(company, counted)
    _check_linkage(company, counted)
    _check_prediction(company, counted)


def _completed(clickhouse: ClickHouse) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    sql = "SELECT * FROM transactions WHERE NOT synthetic AND event_type = 'transaction.completed' ORDER BY occurred_at"
    for row in clickhouse.query(sql).to_pylist():
        found[row["account_id"]].append(row)
    return found


def _check_accounts(clickhouse: ClickHouse, purchases: Mapping[str, float], spend: Mapping[str, float]) -> None:
    refunded: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in clickhouse.query("SELECT * FROM transactions WHERE NOT synthetic AND event_type = 'transaction.refunded'").to_pylist():
        refunded[row["account_id"], row["original_transaction_id"]] += row["amount_base"]
    newest = clickhouse.query("SELECT max(day) AS day FROM transactions WHERE NOT synthetic").to_pylist()[0]["day"]
    told = {row["account_id"]: row for row in clickhouse.query("SELECT * FROM account_predictions").to_pylist()}
    seen = 0
    for account, bought in _completed(clickhouse).items():
        days: dict[date, float] = defaultdict(float)
        kept = [row for row in bought if row["amount_base"] > refunded[account, row["transaction_id"]]]
        for row in kept:
            days[row["day"]] += float(row["amount_base"] - refunded[account, row["transaction_id"]])
        if not days:
            assert account not in told
            continue
        seen += 1
        _check_account(told[account], days, kept, newest, purchases, spend)
    assert seen == len(told) > 1000


def _check_account(
    row: Row, days: Mapping[date, float], kept: list[Row], newest: date, purchases: Mapping[str, float], spend: Mapping[str, float]
) -> None:
    """The published closed forms, a hypergeometric function and all, from the history counted by hand."""
    first, *later = sorted(days)
    x, recency, age = len(later), (max(days) - first).days / 7, (newest - first).days / 7
    r, alpha, a, b = (purchases[name] for name in ("r", "alpha", "a", "b"))
    odds = a / (b + x - 1) * ((alpha + age) / (alpha + recency)) ** (r + x) if x else 0.0
    assert row["probability_alive"] == pytest.approx(1 / (1 + odds), rel=1e-9)

    def until(weeks: float) -> float:
        ratio = (alpha + age) / (alpha + age + weeks)
        series = float(hyp2f1(r + x, b + x, a + b + x - 1, 1 - ratio))
        return float((a + b + x - 1) / (a - 1) * (1 - ratio ** (r + x) * series) / (1 + odds))

    expected = [until(week) for week in range(53)]
    assert row["expected_purchases"] == pytest.approx(expected[52], rel=1e-5)
    mean = sum(days[day] for day in later) / x if x else 0.0
    value = spend["p"] * (spend["gamma"] + x * mean) / (spend["p"] * x + spend["q"] - 1)
    costed = [one for one in kept if one["cost_base"] is not None]
    amount = float(sum(one["amount_base"] for one in costed))
    margin = 1 - float(sum(one["cost_base"] for one in costed)) / amount if amount else 0.25
    assert row["margin"] == pytest.approx(margin)
    worth = sum((expected[week] - expected[week - 1]) / 1.1 ** (week / 52) for week in range(1, 53))
    assert row["lifetime_value"] == pytest.approx(margin * value * worth, rel=1e-5)


def _check_drivers(clickhouse: ClickHouse, counted: list[Row]) -> None:
    told = {(row["survey_id"], row["driver"]): row for row in clickhouse.query("SELECT * FROM drivers").to_pylist()}
    surveys = {survey for survey, _ in told}
    assert len(surveys) > 1
    for survey in surveys:
        names = [name for of, name in told if of == survey]
        values = np.array([[*(one["answers"][name] for name in names), one["score_mapped"]] for one in counted if _answers(one, survey, names)])
        gained = dict.fromkeys(names, 0.0)
        orders = list(permutations(range(len(names))))
        for order in orders:
            for place, driver in enumerate(order):
                gained[names[driver]] += (_explained(values, order[: place + 1]) - _explained(values, order[:place])) / len(orders)
        for number, name in enumerate(names):
            row = told[survey, name]
            assert (row["n"], row["performance"]) == (len(values), pytest.approx(values[:, number].mean()))
            if row["n"] < 30:
                assert row["lmg"] is None
                continue
            assert row["lmg"] == pytest.approx(gained[name], abs=1e-7)
            assert row["lmg_low"] < row["lmg"] < row["lmg_high"]
            assert row["priority"] == pytest.approx(gained[name] / sum(gained.values()) * (10 - values[:, number].mean()), abs=1e-6)


def _answers(response: Row, survey: str, names: list[str]) -> bool:
    return response["survey_id"] == survey and all(name in response["answers"] for name in names)


def _explained(values: Any, chosen: tuple[int, ...]) -> float:
    score = values[:, -1]
    design = np.column_stack([np.ones(len(values)), values[:, list(chosen)]])
    left = score - design @ np.linalg.lstsq(design, score, rcond=None)[0]
    return float(1 - left @ left / np.sum((score - score.mean()) ** 2))


def _feeling(response: Row) -> float:
    return float((response["score"] - response["scale_min"]) / (response["scale_max"] - response["scale_min"]))


def _check_linkage(clickhouse: ClickHouse, counted: list[Row]) -> None:
    said: dict[tuple[str, date], list[float]] = defaultdict(list)
    for one in counted:
        said[one["account_id"], one["day"]].append(_feeling(one))
    measured: dict[str, dict[tuple[str, date], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in clickhouse.query("SELECT * FROM operations WHERE NOT synthetic").to_pylist():
        measured[row["measure"]][row["account_id"], row["day"]].append(row["value"])
    told = {(row["measure"], row["lag"]): row for row in clickhouse.query("SELECT * FROM linkage").to_pylist()}
    assert set(told) == {(measure, lag) for measure in measured for lag in (0, 1, 7, 14, 28)}
    for (measure, lag), row in told.items():
        pairs = [
            (np.mean(values), np.mean(said[account, day + timedelta(lag)]))
            for (account, day), values in measured[measure].items()
            if (account, day + timedelta(lag)) in said
        ]
        assert row["n"] == len(pairs)
        if len({first for first, _ in pairs}) > 1 and len({second for _, second in pairs}) > 1:
            assert row["correlation"] == pytest.approx(spearmanr(*zip(*pairs, strict=True)).statistic, abs=1e-9)
        else:
            assert row["correlation"] is None
    assert max(row["n"] for row in told.values()) > 20


def _check_prediction(clickhouse: ClickHouse, counted: list[Row]) -> None:
    bought = {account: [row["occurred_at"] for row in found] for account, found in _completed(clickhouse).items()}
    newest = clickhouse.query("SELECT max(occurred_at) AS at FROM transactions WHERE NOT synthetic").to_pylist()[0]["at"]
    outcomes: dict[str, list[Row]] = defaultdict(list)
    for row in clickhouse.query("SELECT * FROM outcomes WHERE NOT synthetic").to_pylist():
        outcomes[row["account_id"]].append(row)
    scored: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for one in counted:
        if one["occurred_at"] + timedelta(60) > newest:
            continue
        account = one["account_id"]
        place = bisect_right(bought.get(account, []), one["occurred_at"])
        again = place < len(bought.get(account, [])) and bought[account][place] <= one["occurred_at"] + timedelta(60)
        for name, value in _predictors(one, outcomes[account]).items():
            scored[name].append((value, again))
    told = {row["predictor"]: row for row in clickhouse.query("SELECT * FROM prediction").to_pylist()}
    assert set(scored) <= set(told)
    for name, row in told.items():
        buyers, others = ([value for value, again in scored[name] if again == wanted] for wanted in (True, False))
        assert (row["n"], row["bought"]) == (len(buyers) + len(others), len(buyers)), name
        if buyers and others:
            area = np.mean([(a > b) + (a == b) / 2 for a in buyers for b in others])
            assert row["auc"] == pytest.approx(area), name
    assert told["nps"]["n"] > 200
    # The view grades judges the same responses.
    graded = clickhouse.query("SELECT sum(judged) AS n, sum(repurchased) AS bought FROM grades").to_pylist()[0]
    assert (told["grade"]["n"], told["grade"]["bought"]) == (graded["n"], graded["bought"])
    assert told["value_and_feeling"]["gain"] == pytest.approx(told["value_and_feeling"]["auc"] - told["feeling"]["auc"])


def _predictors(response: Row, outcomes: list[Row]) -> dict[str, float]:
    feeling, found = _feeling(response), dict[str, float]()
    if response["metric"] == "csat":
        found |= {"satisfaction": feeling, "satisfaction_top_box": float(response["top_box"])}
    if response["metric"] == "nps":
        found["nps"] = feeling
    others = sum(response["competitor_scores"])
    relative = response["score"] * len(response["competitor_scores"]) / others if others else None
    if relative is not None:
        found["relative_value"] = float(relative)
    if response["expected_score"] is not None:
        found["grade"] = _grade(response, 1.0 if relative is None else float(relative))
    newest: dict[str, Row] = {}
    for row in sorted(outcomes, key=lambda one: (one["occurred_at"], one["event_id"])):
        if row["occurred_at"] <= response["occurred_at"]:
            newest[row["outcome_id"]] = row
    if newest:
        progress = [
            (row["weight"], min(1.0, max(0.0, (row["current"] - row["baseline"]) / (row["target"] - row["baseline"])))) for row in newest.values()
        ]
        value = sum(weight * part for weight, part in progress) / sum(weight for weight, _ in progress)
        found |= {"value": value, "feeling": feeling, "value_and_feeling": sqrt(value * feeling)}
    return found


def _grade(response: Row, relative: float) -> float:
    above = round(10 * (response["score"] - response["expected_score"]) / (response["scale_max"] - response["scale_min"]), 6)
    if above >= 1 or relative > 1.05:
        return 4.0 if above >= 1 and relative > 1.05 else 3.0
    if above > -1:
        return 2.0
    return 0.0 if above <= -2 or relative < 0.95 else 1.0


CONTENT = {
    Table.FIT_ACCOUNTS: "account_predictions", Table.FIT_DRIVERS: "drivers", Table.FIT_LINKAGE: "linkage", Table.FIT_PREDICTION: "prediction",
    Table.FIT_EFFECTS: "elasticities", Table.FIT_NEWCOMERS: "newcomers",
}  # fmt: skip


def test_the_same_data_give_the_same_run_and_an_earlier_day_is_what_it_was_then(candor: Run, company: ClickHouse) -> None:
    """Fitted twice; then as of an earlier day, and in a database that holds nothing later."""

    def content(clickhouse: ClickHouse) -> list[list[Row]]:
        return [clickhouse.query(f"SELECT * FROM {view} ORDER BY ALL").to_pylist() for view in (*CONTENT.values(), "message_effects")]

    first = fitted(candor)
    before = content(company)
    assert fitted(candor) == first
    assert content(company) == before
    assert company.command("SELECT count() FROM fit_accounts FINAL") == str(len(before[0]))

    earlier = fitted(candor, "--as-of", "2027-06-30")

    assert earlier["run_id"] != first["run_id"]
    assert {model["as_of"] for model in earlier["models"]} == {"2027-06-30"}
    for table in ("fact_responses", "fact_withdrawals", "fact_transactions", "fact_operations", "fact_outcomes", "fact_communications", "fact_cases"):
        company.command(f"DELETE FROM {table} WHERE day > '2027-06-30'")
    assert company.command("SELECT count() FROM transactions WHERE day = '2027-06-30' AND NOT synthetic") != "0"
    assert company.command("SELECT count() FROM responses WHERE day = '2027-06-30' AND NOT synthetic AND NOT withdrawn") != "0"
    was = content(company)
    assert fitted(candor) == earlier
    assert content(company) == was


def test_only_the_newest_runs_keep_their_predictions(candor: Run, clickhouse: ClickHouse) -> None:
    clickhouse.insert(
        Table.TRANSACTIONS, purchases(*((f"a{account}", 3 * day * (account % 3 + 1), 10 + account) for account in range(30) for day in range(4)))
    )
    clickhouse.insert(Table.FIT_ACCOUNTS, rows(Table.FIT_ACCOUNTS, {"run_id": "broken off", "version": 1}))
    runs = [fitted(candor, "--keep", "2", "--as-of", str(START + timedelta(day)))["run_id"] for day in (20, 21, 22)]

    assert clickhouse.query("SELECT DISTINCT run_id FROM fit_accounts ORDER BY run_id").column("run_id").to_pylist() == sorted(runs[1:])
    assert clickhouse.query("SELECT DISTINCT run_id FROM account_predictions").column("run_id").to_pylist() == [runs[2]]
    assert set(clickhouse.query("SELECT run_id FROM model_runs").column("run_id").to_pylist()) == set(runs)


def test_too_little_is_said_to_be_too_little(candor: Run, clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.TRANSACTIONS, purchases(("a", 0, 10), ("a", 9, 10), ("b", 3, 5)))

    run = fitted(candor)

    assert {model["state"] for model in run["models"]} == {"insufficient"}
    assert run["models"][0]["explanation"] == "1 accounts have bought on several days; 10 are needed"
    assert clickhouse.query("SELECT * FROM account_predictions").num_rows == 0
    states = clickhouse.query("SELECT model, state, n FROM model_runs WHERE last ORDER BY model").to_pylist()
    assert [row["n"] for row in states if row["model"] == "purchases"] == [2]


def test_a_company_that_has_ratings_alone_is_told_what_predictors_need(candor: Run, clickhouse: ClickHouse) -> None:
    accounts = [f"a{number}" for number in range(40)]
    clickhouse.insert(Table.TRANSACTIONS, purchases(*((account, day, 10.0) for account in accounts for day in (0, 30, 400))))
    rating = {"metric": "rating", "score": 4.0, "scale_min": 1.0, "scale_max": 5.0, "withdrawn": False, "synthetic": False, "day": START}
    clickhouse.insert(
        Table.RESPONSES,
        rows(Table.RESPONSES, *({**rating, "account_id": account, "response_id": account, "occurred_at": AT_NOON} for account in accounts)),
    )

    told = next(model for model in fitted(candor)["models"] if model["model"] == "prediction")

    assert told["n"] == len(accounts)
    assert "predictors are scores of csat and nps, scores beside the expected or the competitors' ones, and outcomes; ratings" in told["explanation"]


def test_spend_without_a_mean_leaves_values_untold(candor: Run, clickhouse: ClickHouse) -> None:
    random = np.random.default_rng(3)
    amounts = np.exp(random.standard_cauchy(200).clip(-5, 12)) + 0.01
    clickhouse.insert(
        Table.TRANSACTIONS, purchases(*((f"a{n}", day, float(amount)) for n, amount in enumerate(amounts) for day in (0, 5, 9 + n % 7)))
    )

    run = fitted(candor)

    assert {model["model"]: model["state"] for model in run["models"]}["spend"] == "insufficient"
    assert clickhouse.command("SELECT count() FROM account_predictions WHERE lifetime_value IS NULL AND expected_purchases > 0") == "200"


def test_nothing_at_all_is_a_problem(candor: Run, clickhouse: ClickHouse) -> None:
    result = candor("fit")

    assert result.exit_code == 1
    assert "neither transactions nor responses" in result.stderr
    assert clickhouse.command("SELECT count() FROM fit_runs") == "0"


def test_a_day_that_is_still_to_come_is_refused(candor: Run, clickhouse: ClickHouse) -> None:
    clickhouse.insert(Table.TRANSACTIONS, purchases(("a", 0, 10)))

    result = candor("fit", "--as-of", "2026-01-06")

    assert result.exit_code == 2
    assert "the data end on 2026-01-05" in result.stderr


def test_a_database_without_these_tables_is_told_to_migrate(candor: Run, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", clickhouse_url)

    result = candor("fit")

    assert result.exit_code == 1
    assert "candor migrate" in result.stderr
