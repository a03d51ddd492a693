"""Copies of views: when they are replaced, what stands beside them, and what is left out."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from schemas.rows import Table
from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse
from sinks.copies import Copies, copied_at, database_of_copies
from sinks.dictionary import TRIED
from tests.sinks.loyalty import cells
from tests.sinks.rows import rows

DAY = date(2026, 1, 5)


@pytest.fixture
def copies(clickhouse: ClickHouse) -> Iterator[ClickHouse]:
    """The database of copies, which is absent before and after."""
    target = database_of_copies(clickhouse.address)
    with closing(ClickHouse(target)) as found:
        yield found
    clickhouse.command(f"DROP DATABASE IF EXISTS {target.database}")


def _n(clickhouse: ClickHouse) -> int:
    return int(clickhouse.command("SELECT sum(n) FROM loyalty_daily"))


def test_a_copy_stays_as_it_is_until_it_is_made_anew(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    cells(clickhouse, {"n": 3})
    [made] = Copies(clickhouse).make(["loyalty_daily"])
    before = copied_at(copies)
    cells(clickhouse, {"n": 5, "unit_id": "v"})
    assert (made.name, made.rows, _n(copies), _n(clickhouse)) == ("loyalty_daily", 1, 3, 8)

    list(Copies(clickhouse).make(["loyalty_daily"]))
    after = copied_at(copies)
    assert _n(copies) == 8
    assert before is not None
    assert after is not None
    assert before < after
    assert copied_at(clickhouse) is None


def test_a_table_that_doctor_made_for_a_moment_is_not_led_back_to(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    """It may be gone before the statement that leads back to it."""
    clickhouse.command(f"CREATE TABLE {TRIED}1 (n Int64) ENGINE = Memory")
    try:
        list(Copies(clickhouse).make(["loyalty_total"]))
        assert copies.command(f"EXISTS TABLE {TRIED}1") == "0"
    finally:
        clickhouse.command(f"DROP TABLE {TRIED}1")


def test_of_what_was_not_copied_yet_the_view_itself_stands_there(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    cells(clickhouse, {"n": 3})
    list(Copies(clickhouse).make(["loyalty_total"]))
    cells(clickhouse, {"n": 5, "unit_id": "v"})
    assert _n(copies) == 8

    list(Copies(clickhouse).make(["loyalty_daily"]))
    cells(clickhouse, {"n": 7, "unit_id": "w"})
    list(Copies(clickhouse).make(["loyalty_total"]))
    assert _n(copies) == 8


def test_a_view_that_cannot_be_copied_keeps_its_copy_and_leaves_the_others_alone(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    cells(clickhouse, {"n": 3})
    list(Copies(clickhouse).make(["loyalty_daily", "messages_monthly"]))
    cells(clickhouse, {"n": 5, "unit_id": "v"})
    # Refuses to be read: nothing in the company's own database can be made to fail from outside.
    clickhouse.command("RENAME TABLE fact_communications TO away")
    try:
        made = {one.name: one.problem for one in Copies(clickhouse).make(["loyalty_daily", "messages_monthly"])}
    finally:
        clickhouse.command("RENAME TABLE away TO fact_communications")

    assert made["loyalty_daily"] == ""
    assert "fact_communications" in made["messages_monthly"]
    assert (_n(copies), copies.command("SELECT count() FROM messages_monthly")) == (8, "0")


def test_tables_and_views_with_parameters_lead_back(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    list(Copies(clickhouse).make(["loyalty_daily"]))
    cells(clickhouse, {"n": 3, "day": DAY, "version": 1}, {"n": 4, "day": DAY, "version": 2})

    assert copies.command("SELECT sum(n) FROM cell_loyalty FINAL") == "4"
    last_days = "SELECT sum(n) FROM loyalty_last_days(days = 7, as_of = '2026-01-06')"
    assert copies.command(last_days) == clickhouse.command(last_days) == "4"
    with pytest.raises(SinkRefused):
        cells(copies, {"n": 1})


def test_refused_records_are_not_there_and_what_is_known_no_more_is_dropped(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    letter = {"topic": "feedback", "partition": 0, "offset": 1, "value": b"{"}
    clickhouse.insert(Table.DEAD_LETTERS, rows(Table.DEAD_LETTERS, letter))
    list(Copies(clickhouse).make(["loyalty_daily"]))
    copies.command("CREATE TABLE former (a Int8) ENGINE = MergeTree ORDER BY a")
    copies.command("INSERT INTO copied (name) VALUES ('former')")
    copies.command("CREATE VIEW former_view AS SELECT 1")
    # Another run is about to put it in the place of a copy; and a table of somebody else.
    for name in ("_tmp_replace_1_2", "mine"):
        copies.command(f"CREATE TABLE {name} (a Int8) ENGINE = MergeTree ORDER BY a")

    list(Copies(clickhouse).make(["loyalty_daily"]))

    there = set(copies.query("SELECT name FROM system.tables WHERE database = currentDatabase()").column("name").to_pylist())
    assert {"fact_transactions", "_tmp_replace_1_2", "mine"} <= there
    assert not there & {"fact_dead_letters", "dead_letters", "former", "former_view"}


def test_a_database_of_somebody_else_is_not_taken_over(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    clickhouse.command(f"CREATE DATABASE {copies.address.database}")
    copies.command("CREATE TABLE fact_responses (a Int8) ENGINE = MergeTree ORDER BY a")
    copies.command("INSERT INTO fact_responses VALUES (1)")

    with pytest.raises(SinkRefused, match="did not make"):
        list(Copies(clickhouse).make())
    assert copies.command("SELECT count() FROM fact_responses") == "1"


def test_a_copy_with_other_columns_than_its_view_leads_back_until_it_is_made_anew(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    cells(clickhouse, {"n": 3})
    list(Copies(clickhouse).make(["loyalty_daily", "loyalty_total"]))
    copies.command("ALTER TABLE loyalty_daily DROP COLUMN n")
    cells(clickhouse, {"n": 5, "unit_id": "v"})

    list(Copies(clickhouse).make(["loyalty_total"]))
    assert _n(copies) == 8


def test_there_are_no_copies_of_copies(clickhouse: ClickHouse, copies: ClickHouse) -> None:
    list(Copies(clickhouse).make(["loyalty_daily"]))

    with pytest.raises(SinkRefused, match="holds copies"):
        Copies(copies)
