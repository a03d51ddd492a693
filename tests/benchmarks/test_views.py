"""The benchmark of the views makes what it says, and reads every view."""

from benchmarks.views import fill, measure, table
from sinks.clickhouse import connect


def test_facts_are_as_many_as_said_and_every_view_is_read(clickhouse_url: str) -> None:
    clickhouse = connect(clickhouse_url)
    views = fill(clickhouse, 1_000)

    found = {view: measure(clickhouse, view, 1, "max_threads = 2") for view in views}

    assert [one.problem for one in found.values() if one.problem] == []
    assert (found["responses"].rows, found["transactions"].rows, found["invitations"].rows) == (1_000, 5_000, 4_000)
    (sums,) = clickhouse.query("SELECT sum(n) AS n, sum(promoters + passives + detractors) AS nps FROM loyalty_daily").to_pylist()
    counted = "SELECT countIf(class IS NOT NULL) AS nps FROM fact_responses FINAL"
    assert (sums["n"], sums["nps"]) == (1_000, clickhouse.query(counted).to_pylist()[0]["nps"])
    lived = {"loyalty_daily", "accounts", "growth_monthly", "follow_up", "messages_monthly", "grades", "representation", "retained_revenue"}
    assert all(found[view].rows for view in lived)
    assert len(list(table(list(found.values())))) == len(views) + 2
    clickhouse.close()
