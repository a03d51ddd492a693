"""The benchmark of the views makes what it says, and reads every view."""

import pytest

from benchmarks.views import fill, measure, narrowed, readable, table
from sinks.clickhouse import connect


def test_facts_are_as_many_as_said_and_every_view_is_read(clickhouse_url: str) -> None:
    clickhouse = connect(clickhouse_url)
    fill(clickhouse, 1_000)
    views = readable(clickhouse)

    found = {view: measure(clickhouse, view, 1, "max_threads = 2") for view in views}

    assert [one.problem for one in found.values() if one.problem] == []
    assert (found["responses"].rows, found["transactions"].rows, found["invitations"].rows) == (1_000, 5_000, 4_000)
    (sums,) = clickhouse.query("SELECT sum(n) AS n, sum(promoters + passives + detractors) AS nps FROM loyalty_daily").to_pylist()
    counted = "SELECT countIf(class IS NOT NULL) AS nps FROM fact_responses FINAL"
    assert (sums["n"], sums["nps"]) == (1_000, clickhouse.query(counted).to_pylist()[0]["nps"])
    lived = {"loyalty_daily", "accounts", "growth_monthly", "follow_up", "messages_monthly", "grades", "representation", "retained_revenue"}
    assert all(found[view].rows for view in lived)
    assert len(list(table(list(found.values())))) == len(views) + 2
    # A question about few is asked of every view that tells units, times or accounts.
    assert {"loyalty_daily", "loyalty_by_unit", "accounts", "growth_monthly"} <= {view for view, one in found.items() if one.narrow}
    assert found["mixed_messages"].narrow == ()
    clickhouse.close()


@pytest.mark.parametrize(
    ("columns", "condition"),
    [
        (["unit_id", "account_id", "month", "day"], "unit_id = 'u7' AND day >= '2026-12-01'"),
        (["window_start", "n"], "window_start >= '2026-12-01'"),
        (["account_id", "revenue"], "account_id = 'a77'"), (["scorecard"], ""),
    ],
)  # fmt: skip
def test_a_question_about_few_names_a_unit_and_the_last_month_else_an_account(columns: list[str], condition: str) -> None:
    assert narrowed(columns) == condition
