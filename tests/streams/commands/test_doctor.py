"""``candor doctor``: what is well, what is not, what to do, and no secret."""

import json
from pathlib import Path

import pytest

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import connect
from streams.connections import admin
from streams.settings import Settings
from tests.conftest import wait_for
from tests.sinks.rows import rows
from tests.streams.commands.conftest import Run


def _findings(candor: Run) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(candor("doctor", "--json").stdout)["findings"]
    return found


def _not_ok(candor: Run) -> list[tuple[str, str]]:
    return [(finding["area"], finding["what"]) for finding in _findings(candor) if finding["state"] != "ok"]


@pytest.fixture
def healthy(candor: Run, settings: Settings) -> Settings:
    """All that Candor needs is there."""
    assert candor("topics", "create").exit_code == 0
    assert candor("migrate").exit_code == 0
    return settings


@pytest.mark.usefixtures("healthy")
def test_all_is_well(candor: Run) -> None:
    result = candor("doctor")

    assert result.exit_code == 0
    assert "problem" not in result.stdout
    assert {finding["area"] for finding in _findings(candor)} == {
        "versions", "settings", "catalog", "kafka", "topics", "clickhouse", "migrations", "tables",
    }  # fmt: skip
    assert candor("doctor", "--quiet").stdout == ""


@pytest.mark.usefixtures("settings")
def test_nothing_is_there_yet(candor: Run) -> None:
    result = candor("doctor")

    assert result.exit_code == 1
    assert "candor topics create" in result.stdout
    assert "candor migrate" in result.stdout


@pytest.mark.usefixtures("settings")
def test_a_folder_that_is_mistyped_is_told_and_not_made(candor: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "mistyped"
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", f"chdb://{folder}?database=candor")

    assert ("clickhouse", "folder") in _not_ok(candor)
    assert str(folder) in candor("doctor").stdout
    assert not folder.exists()


@pytest.mark.usefixtures("healthy")
def test_what_is_away_ends_with_3_and_the_rest_is_checked(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

    assert candor("doctor").exit_code == 3
    assert _not_ok(candor) == [("kafka", "127.0.0.1:1")]

    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", "http://127.0.0.1:1/candor")
    assert _not_ok(candor) == [("kafka", "127.0.0.1:1"), ("clickhouse", "http://127.0.0.1:1/candor")]


def test_topics_that_drifted_are_named(candor: Run, healthy: Settings) -> None:
    with admin(healthy) as client:
        client.create_partitions({healthy.topic_prefix + "feedback": 5})
        wait_for(lambda: len(client.describe_topics([healthy.topic_prefix + "feedback"])[0]["partitions"]) == 5, 10)

    assert _not_ok(candor) == [("topics", healthy.topic_prefix + "feedback"), ("topics", "partition counts")]


def test_absent_and_changed_tables_are_named(candor: Run, healthy: Settings) -> None:
    clickhouse = connect(healthy.clickhouse_url.get_secret_value())
    clickhouse.command("DROP VIEW loyalty_total")
    clickhouse.command("DROP TABLE fact_operations")
    clickhouse.command("ALTER TABLE fact_cases DROP COLUMN cause_code")
    clickhouse.close()

    assert _not_ok(candor) == [("tables", "fact_cases"), ("tables", "fact_operations"), ("tables", "loyalty_total")]


def test_migrations_that_are_pending_or_changed_are_named(candor: Run, healthy: Settings) -> None:
    clickhouse = connect(healthy.clickhouse_url.get_secret_value())
    clickhouse.command("ALTER TABLE schema_migrations UPDATE checksum = 'x' WHERE number = 1 SETTINGS mutations_sync = 1")
    clickhouse.command("DELETE FROM schema_migrations WHERE number = 2")
    clickhouse.close()

    assert [what[:4] for area, what in _not_ok(candor) if area == "migrations"] == ["0001", "0002"]


@pytest.mark.usefixtures("healthy")
def test_a_variable_that_is_no_setting_is_a_warning(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_TOPICS_PREFIX", "x")

    result = candor("doctor", "--quiet")

    assert result.exit_code == 0
    assert "CANDOR_TOPICS_PREFIX" in result.stdout
    assert "CANDOR_TOPIC_PREFIX" in result.stdout


@pytest.mark.usefixtures("healthy")
def test_a_name_in_a_file_that_is_no_setting_is_a_warning_too(candor: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, folder = tmp_path / "my.env", tmp_path / "secrets"
    file.write_text("candor_grup=x\nCANDOR_PARTITIONS=4\nexport CANDOR_REPLICAS='${x'\nOTHER=1\n# CANDOR_COMMENT=1\n")
    folder.mkdir()
    (folder / "candor_clickhouse_pasword").write_text("sesame")
    (folder / "candor_log_level").write_text("info")
    monkeypatch.setenv("CANDOR_ENV_FILE", str(file))
    monkeypatch.setenv("CANDOR_SECRETS_DIR", str(folder))

    found = {finding["what"]: (finding["found"], finding["advice"]) for finding in _findings(candor) if finding["state"] == "warning"}

    assert found.keys() == {"CANDOR_GRUP", "CANDOR_REPLICAS", "CANDOR_CLICKHOUSE_PASWORD"}
    assert str(file) in found["CANDOR_GRUP"][0]
    assert found["CANDOR_CLICKHOUSE_PASWORD"] == (f"is no setting; it stands in {folder}", "did you mean CANDOR_CLICKHOUSE_PASSWORD?")
    assert "sesame" not in candor("doctor").output


@pytest.mark.usefixtures("healthy")
def test_a_broken_catalog_is_a_problem(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CATALOG", "/nowhere/catalog.yaml")

    assert candor("doctor").exit_code == 1
    assert _not_ok(candor) == [("catalog", "/nowhere/catalog.yaml")]


def test_no_secret_is_printed(candor: Run, healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    url = healthy.clickhouse_url.get_secret_value()
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", url.replace("default@", "default:sesame@"))
    monkeypatch.setenv("CANDOR_KAFKA_SASL_PASSWORD", "sesame")

    for arguments in (("doctor",), ("doctor", "--json"), ("doctor", "--quiet")):
        assert "sesame" not in candor(*arguments).output

    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", "http://nobody:sesame@" + url.rpartition("@")[2])
    result = candor("doctor")
    assert result.exit_code == 1
    assert "sesame" not in result.output
    assert "clickhouse: login" in result.stdout


@pytest.mark.usefixtures("healthy")
def test_plans_at_which_nobody_can_look_are_told(candor: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    plans = ["{plan_id: good, units: [u], period: month}", "{plan_id: odd, units: [u], period: fortnight}", "{plan_id: none, units: [u]}"]
    catalog.write_text(f"incentive_plans: [{', '.join(plans)}, {{plan_id: empty, period: 2026-Q1}}]")
    monkeypatch.setenv("CANDOR_CATALOG", str(catalog))

    told = {finding["what"]: finding["found"] for finding in _findings(candor) if finding["state"] != "ok"}
    assert told.keys() == {"plan odd", "plan none", "plan empty"}
    assert "'fortnight' is not understood" in told["plan odd"]


def test_a_catalog_by_which_the_database_was_not_counted_is_a_problem(
    candor: Run, healthy: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clickhouse = connect(healthy.clickhouse_url.get_secret_value())
    write_catalog(clickhouse, Catalog(timezone="Europe/Rome", base_currency="EUR"))
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"account_id": "a"}))
    clickhouse.close()

    def told() -> dict[str, tuple[str, str]]:
        return {finding["what"]: (finding["state"], finding["found"]) for finding in _findings(candor) if finding["area"] == "catalog"}

    none = told()
    assert none["none: the defaults"] == ("ok", "no catalog is set, so UTC and EUR alone; CANDOR_CATALOG names one")
    assert none["numbers in the database"][0] == "problem"
    assert "are of timezone Europe/Rome, and no catalog is set that says which, so UTC" in none["numbers in the database"][1]
    assert candor("doctor").exit_code == 1

    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("{timezone: Europe/Rome, base_currency: USD}")
    monkeypatch.setenv("CANDOR_CATALOG", str(catalog))
    assert "are of base_currency EUR, and the catalog says USD" in told()["numbers in the database"][1]

    catalog.write_text("timezone: Europe/Rome")
    assert told()["numbers in the database"] == ("ok", "none of another time zone or base currency")
