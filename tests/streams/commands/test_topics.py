"""``candor topics`` against a real broker."""

import json

import pytest

from schemas.topics import ALL
from streams.settings import Settings
from tests.streams.commands.conftest import Run


def test_create_then_check_ends_with_0(candor: Run, settings: Settings) -> None:
    created = candor("topics", "create")

    assert created.exit_code == 0
    assert created.stderr.count("create ") == len(ALL)
    assert f"create {settings.topic_prefix}feedback: 4 partitions, 1 replicas" in created.stderr
    assert candor("topics", "check").exit_code == 0
    assert candor("topics", "create").stderr == "all topics are as they should be\n"


def test_create_is_what_is_meant_where_nothing_is_said(candor: Run, settings: Settings) -> None:
    assert f"would create {settings.topic_prefix}feedback" in candor("topics", "--dry-run").stderr
    assert f"create {settings.topic_prefix}feedback" in candor("topics").stderr
    assert candor("topics", "check").exit_code == 0
    assert "Commands:" in candor("topics", "--help").stdout
    assert candor("topics", "nothing").exit_code == 2


def test_check_reports_what_is_absent_and_ends_with_1(candor: Run, settings: Settings) -> None:
    result = candor("topics", "check", "--json")

    assert result.exit_code == 1
    assert [difference["topic"] for difference in json.loads(result.stdout)] == [settings.topic_prefix + spec.name for spec in ALL]


def test_a_dry_run_changes_nothing(candor: Run, settings: Settings) -> None:
    assert f"would create {settings.topic_prefix}feedback" in candor("topics", "create", "--dry-run").stderr

    assert candor("topics", "check").exit_code == 1


def test_drift_is_told_and_repaired(candor: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    candor("topics", "create")
    monkeypatch.setenv("CANDOR_RETENTION_DAYS", "10")

    told = candor("topics", "create")
    assert told.exit_code == 1
    assert "candor topics create --repair" in told.stdout
    dry = candor("topics", "create", "--repair", "--dry-run")
    assert f"would set {settings.topic_prefix}feedback retention.ms=864000000 (was -1)" in dry.stderr
    assert candor("topics", "check").exit_code == 1
    assert candor("topics", "create", "--repair").exit_code == 0
    assert candor("topics", "check").exit_code == 0


@pytest.mark.usefixtures("settings")
def test_a_broker_that_is_away_ends_with_3(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

    assert candor("topics", "check").exit_code == 3
