"""``candor query`` on a real engine."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.rows import Table
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import load
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


def test_one_statement_is_answered_at_a_time(candor: Run) -> None:
    done = candor("query", "SELECT 1; SELECT 2")

    assert (done.exit_code, "more than one statement" in done.stderr) == (2, True)
    assert candor("query", "SELECT ';' AS sign; -- the only one").exit_code == 0


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


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT 1 FORMAT JSON", "leave FORMAT out, use --json"),
        ("SELECT 1 format TabSeparated;", "leave FORMAT out, use --json"),
        ("SELEC 1", "failed at position 7 (1) (line 1, col 7): 1."),
        ("SELECT 1 +", "the query ends where something must follow"),
        ("SELECT count(", "at its end something is missing. Unmatched parentheses"),
        ("SELECT * FROM loyalty_totl", "did you mean loyalty_total?"),
        ("SELECT * FROM engagement_last_day(days = 28)", "did you mean engagement_last_days?"),
        ("SELECT * FROM accounts(days = 28)", "accounts takes no arguments: SELECT * FROM accounts"),
        ("SELECT * FROM zzz", "lists tables and views"),
    ],
)
def test_a_query_that_is_refused_is_told_in_what_was_typed(candor: Run, sql: str, told: str) -> None:
    done = candor("query", sql)

    assert (done.exit_code, told in done.stderr) == (1, True), done.stderr
    assert "Arrow" not in done.stderr
    assert "candor migrate" not in done.stderr
    assert len(done.stderr) < 600


def _calls() -> list[str]:
    """The views of this release that take arguments."""
    texts = "\n".join(migration.text for migration in load())
    found = re.findall(r"^CREATE OR REPLACE VIEW `?(?:\$\{database\}`?\.)?`?(\w+)`?(.*?)(?=^CREATE|\Z)", texts, re.MULTILINE | re.DOTALL)
    return sorted(name for name, body in found if re.search(r"\{(?:days|as_of):", body))


@pytest.mark.parametrize("view", _calls())
def test_a_view_that_takes_arguments_says_which_and_its_example_can_be_asked(candor: Run, view: str) -> None:
    done = candor("query", f"SELECT * FROM {view}")
    example = done.stderr.partition("this view takes arguments: ")[2].strip()

    assert (done.exit_code, example.startswith(f"SELECT * FROM {view}(")) == (1, True), done.stderr
    assert candor("query", example).exit_code == 0


def test_an_argument_that_is_lacking_is_told_like_all_of_them(candor: Run) -> None:
    assert len(_calls()) >= 5
    done = candor("query", "SELECT account_id FROM engagement_last_days(days = 28) WHERE engagement > 0.5")
    assert "this view takes arguments: SELECT * FROM engagement_last_days(days = 28, as_of = '2026-06-30')" in done.stderr


def test_a_view_of_this_release_that_is_absent_is_made_by_migrations(candor: Run, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connected = connect(clickhouse_url)
    connected.create_database()
    connected.close()
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", clickhouse_url)
    assert "candor migrate makes" in candor("query", "SELECT * FROM loyalty_total").stderr


@pytest.mark.parametrize("command", [("query", "SELECT 1"), ("report",), ("findings", "list"), ("dlq", "list")])
def test_a_folder_that_is_not_there_is_told_and_not_made(
    candor: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, told in ((tmp_path / "typo", "no such folder: "), (tmp_path, "no ClickHouse is in the folder ")):
        monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", f"chdb://{folder}?database=candor")
        done = candor(*command)
        assert (done.exit_code, f"{told}{folder}\n" in done.stderr, "candor replay" in done.stderr) == (2, True, True), done.stderr
    assert not list(tmp_path.iterdir())
