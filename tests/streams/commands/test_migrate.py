"""``candor migrate`` against a real engine."""

import pytest

from sinks.migrate import load
from streams.commands.migrate import topology
from streams.settings import load_settings
from tests.streams.commands.conftest import Run

pytestmark = pytest.mark.usefixtures("settings")


def test_migrations_are_applied_once(candor: Run) -> None:
    first = candor("migrate")

    assert first.exit_code == 0
    assert f"{len(load())} migrations applied" in first.stderr
    assert "is up to date" in candor("migrate").stderr


def test_a_dry_run_prints_sql_and_changes_nothing(candor: Run) -> None:
    assert "CREATE TABLE" in candor("migrate", "--dry-run").stdout

    assert f"{len(load())} migrations applied" in candor("migrate").stderr
    assert candor("migrate", "--dry-run").stdout == ""


def test_the_layout_comes_from_the_settings() -> None:
    chosen = topology(load_settings(clickhouse_cluster="big", clickhouse_replicated=True, clickhouse_sharded=True))

    assert (chosen.cluster, chosen.replicated, chosen.sharded) == ("big", True, True)


def test_a_clickhouse_that_is_away_ends_with_3(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", "http://127.0.0.1:1/candor")

    assert candor("migrate").exit_code == 3
