"""``candor materialize`` as a user runs it, and a report of what it made."""

import json
import math
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from sinks.clickhouse import ClickHouse, connect
from sinks.copies import database_of_copies
from tests.sinks.loyalty import cells
from tests.streams.commands.conftest import Run


@pytest.fixture(autouse=True)
def _clickhouse(migrated_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A database with an answer and without copies, which commands use."""
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    monkeypatch.chdir(tmp_path)
    with closing(connect(migrated_url)) as clickhouse:
        clickhouse.command(f"DROP DATABASE IF EXISTS {database_of_copies(clickhouse.address).database}")
        cells(clickhouse, {"n": 3, "day": date(2026, 1, 5)})


def test_views_are_copied_and_a_report_can_be_made_of_them(candor: Run, migrated_url: str, tmp_path: Path) -> None:
    done = candor("report", "--copies")
    assert done.exit_code == 2, done.stderr
    assert "candor materialize" in done.stderr

    done = candor("materialize")
    assert done.exit_code == 0, done.stderr
    made = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[1:]}
    assert made["loyalty_daily"] == "1"
    assert "_copies" in done.stderr

    with closing(connect(migrated_url)) as clickhouse, closing(ClickHouse(database_of_copies(clickhouse.address))) as copies:
        assert set(made) == set(copies.query("SELECT name FROM copied").column("name").to_pylist())
    assert candor("report", "--copies").exit_code == 0
    assert "Read from copies" in (tmp_path / "candor-report.html").read_text()


def test_whoever_waited_long_for_a_report_is_told_of_copies(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.commands.report._LONG_SECONDS", math.inf)
    assert "candor materialize" not in candor("report").stderr
    monkeypatch.setattr("streams.commands.report._LONG_SECONDS", 0.0)
    assert "candor materialize" in candor("report").stderr
    # dbt makes them there.
    monkeypatch.setenv("CANDOR_CLICKHOUSE_CLUSTER", "main")
    assert "candor materialize" not in candor("report").stderr


def test_some_views_are_copied_and_none_is_guessed(candor: Run) -> None:
    told = json.loads(candor("materialize", "--json", "--view", "loyalty_daily", "--view", "loyalty_total").stdout)
    assert sorted(one["name"] for one in told) == ["loyalty_daily", "loyalty_total"]

    done = candor("materialize", "--view", "transactions", "--view", "loyalty_dayly")
    assert done.exit_code == 2
    assert "loyalty_dayly, transactions" in done.stderr


def test_a_view_that_cannot_be_copied_is_told(candor: Run, migrated_url: str) -> None:
    with closing(connect(migrated_url)) as clickhouse:
        clickhouse.command("RENAME TABLE fact_communications TO away")
        done = candor("materialize", "--view", "loyalty_daily", "--view", "messages_monthly")
        clickhouse.command("RENAME TABLE away TO fact_communications")

    assert done.exit_code == 1
    assert "messages_monthly" in done.stderr
    assert done.stdout.splitlines()[1].startswith("loyalty_daily")


def test_a_cluster_is_refused(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_CLUSTER", "main")
    done = candor("materialize")
    assert done.exit_code == 2
    assert "dbt" in done.stderr
