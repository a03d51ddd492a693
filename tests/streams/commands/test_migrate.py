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


def test_a_reader_is_planned_with_role_limits_and_a_digest(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_READER_PASSWORD", "not to be seen")
    candor("migrate")

    planned = candor("migrate", "--reader", "bi", "--dry-run").stdout

    assert "not to be seen" not in planned
    kinds = ["CREATE ROLE", "GRANT", "GRANT", "REVOKE", "REVOKE", "CREATE SETTINGS PROFILE", "CREATE USER", "ALTER USER", "GRANT", "ALTER USER"]
    assert [next(kind for kind in kinds if sql.strip().startswith(kind)) for sql in planned.split(";\n") if sql.strip()] == kinds


@pytest.mark.parametrize(
    ("reader", "password", "why"), [("bi", "", "CANDOR_CLICKHOUSE_READER_PASSWORD"), ("default", "x", "a reader is another one")]
)
def test_a_reader_needs_a_password_and_is_not_candor_itself(
    candor: Run, monkeypatch: pytest.MonkeyPatch, reader: str, password: str, why: str
) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_READER_PASSWORD", password)

    result = candor("migrate", "--reader", reader)

    assert result.exit_code == 2
    assert why in result.stderr


def test_an_engine_that_tells_of_no_users_says_so_after_the_migrations(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_READER_PASSWORD", "x")

    result = candor("migrate", "--reader", "bi")

    assert result.exit_code != 0
    assert f"{len(load())} migrations applied" in result.stderr
    assert "SHOW USERS" in result.stderr


@pytest.mark.parametrize(("taken", "code", "why"), [("1", 2, "a user bi already, who does not hold the role candor_reader"), ("0", 1, "CREATE ROLE")])
def test_a_user_who_is_no_reader_is_not_taken_over(candor: Run, monkeypatch: pytest.MonkeyPatch, taken: str, code: int, why: str) -> None:
    """The engine here may not tell who its users are, nor make any; how it tells elsewhere is held in tests/sinks/test_access.py."""
    monkeypatch.setenv("CANDOR_CLICKHOUSE_READER_PASSWORD", "x")
    monkeypatch.setattr("streams.commands.migrate.is_somebody_else", lambda *_: f"SELECT {taken} > 0")

    result = candor("migrate", "--reader", "bi")

    assert result.exit_code == code
    assert why in result.stderr
    assert ("CREATE ROLE" in result.stderr) == (taken == "0")
