"""``candor query`` on a real engine."""

import json

import pytest
from click.testing import CliRunner

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from streams.commands import cli
from tests.streams.commands.conftest import Run


@pytest.fixture(autouse=True)
def _asking_the_served(served: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    address = served.address
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", f"http://default@{address.host}:{address.port}/{address.database}")


def test_rows_are_printed_by_their_columns(candor: Run) -> None:
    done = candor("query", "SELECT number AS n, toString(n) AS word, NULL AS nothing FROM numbers(2);")

    assert done.exit_code == 0
    assert [line.split() for line in done.stdout.splitlines()] == [["n", "word", "nothing"], ["0", "0"], ["1", "1"]]


def test_a_script_gets_json_and_may_send_the_query_on_standard_input() -> None:
    done = CliRunner().invoke(cli, ["query", "--json"], input="SELECT 1 AS one, toDate('2026-01-02') AS day\n")

    assert json.loads(done.stdout) == [{"one": 1, "day": "2026-01-02"}]


@pytest.mark.parametrize(
    "sql", ["DROP VIEW accounts", f"TRUNCATE TABLE {Table.RESPONSES}", "CREATE TABLE t (n UInt8) ENGINE = Memory", "SELECT 1 SETTINGS readonly = 0"]
)
def test_nothing_can_be_changed(candor: Run, sql: str) -> None:
    done = candor("query", sql)

    assert done.exit_code == 1, done.stdout
    assert "readonly" in done.stderr


def test_no_rows_and_no_query_are_said(candor: Run) -> None:
    assert candor("query", "SELECT * FROM accounts").stderr == "no rows\n"
    assert candor("query", " ").exit_code == 2
