"""``candor findings`` against the real engine."""

import json
from datetime import UTC, date, datetime

import pytest

from schemas.rows import Table
from sinks.clickhouse import connect
from streams.settings import Settings
from tests.sinks.loyalty import cells
from tests.sinks.rows import rows
from tests.streams.commands.conftest import Run

FINDINGS = [
    {"finding_id": f"{unit}/{detector}/2026-01-{day:02}", "unit_id": unit, "detector": detector, "family": family,
     "raised_at": datetime(2026, 1, day, 9, tzinfo=UTC), "plan_id": "", "plan_units": []}
    for unit, detector, family, day in (("u", "shared_devices", "identity", 5), ("u", "level_shift", "score", 6), ("v", "level_shift", "score", 7))
]  # fmt: skip


@pytest.fixture
def clickhouse_url(migrated_url: str) -> str:
    """The settings lead to it."""
    return migrated_url


@pytest.fixture(autouse=True)
def _found(settings: Settings) -> None:
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    days = {name: date(2026, 1, 5) for name in ("since", "raised_on", "sounded_on")}
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, *({"standing": True, **days, **finding} for finding in FINDINGS)))
    sign = {"account_id": "a", "response_id": "r", "revision": 7, "unit_id": "u", "day": days["since"], "signs": ["shared_devices"]}
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, {**sign, "flags": ["shared_devices"]}))
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, {"account_id": "a", "response_id": "r", "unit_id": "u", "withdrawn": False}))
    clickhouse.insert(Table.UNITS, rows(Table.UNITS, {"unit_id": "u", "state": "suspect"}))
    clickhouse.close()


def test_list_gives_the_newest_first_and_filters(candor: Run) -> None:
    def listed(*arguments: str) -> list[str]:
        return [finding["finding_id"] for finding in json.loads(candor("findings", "list", "--json", *arguments).stdout)]

    assert listed() == [finding["finding_id"] for finding in reversed(FINDINGS)]
    assert listed("--limit", "1") == ["v/level_shift/2026-01-07"]
    assert listed("--unit", "u") == ["u/level_shift/2026-01-06", "u/shared_devices/2026-01-05"]
    assert listed("--unit", "u", "--unit", "v") == listed()
    assert listed("--state", "investigate") == ["v/level_shift/2026-01-07"]
    assert listed("--state", "suspect", "--detector", "level_shift") == ["u/level_shift/2026-01-06"]


def test_list_says_what_was_seen_or_that_nothing_was(candor: Run) -> None:
    shown = candor("findings", "list", "--unit", "u")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["finding_id", "u/level_shift/2026-01-06", "u/shared_devices/2026-01-05"]
    assert candor("findings", "list", "--unit", "u", "--detector", "fast_forms").stderr.strip() == "no findings"
    assert candor("findings", "list", "--unit", "nobody").stderr.split("\n  ")[1].strip() == "--unit: never judged: nobody"
    assert "--unit u --unit v" in candor("findings", "list", "--unit", "u,v").stderr


def test_show_gives_the_unit_and_the_responses_that_carry_the_sign(candor: Run, settings: Settings) -> None:
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    cells(clickhouse, {"n": 3, "passives": 3}, {"n": 2, "metric": "csat"})
    clickhouse.close()
    shown = json.loads(candor("findings", "show", "u/shared_devices/2026-01-05", "--json").stdout)
    assert (shown["finding"]["state"], shown["finding"]["response_ids"], shown["unit"]["state"]) == ("suspect", ["r"], "suspect")
    assert [(row["response_id"], row["flagged"], row["flag_reasons"]) for row in shown["responses"]] == [("r", True, ["shared_devices"])]
    assert (shown["unit"]["n"], shown["unit"]["nps_n"]) == (5, 3)
    told = candor("findings", "show", "u/shared_devices/2026-01-05")
    assert all(word in told.stdout for word in ("u/shared_devices/2026-01-05", "unit u", "nps_excluded", "flag_reasons"))


def test_show_says_where_nothing_is_seen_on_single_responses_and_where_there_is_no_such_finding(candor: Run) -> None:
    assert "numbers alone" in candor("findings", "show", "u/level_shift/2026-01-06").stderr
    missing = candor("findings", "show", "u/none")
    assert missing.exit_code == 1
    assert "candor findings list" in missing.stderr


def test_show_of_a_plan_tells_of_no_unit(candor: Run, settings: Settings) -> None:
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    days = {name: date(2026, 1, 5) for name in ("since", "raised_on", "sounded_on")}
    plan = {"finding_id": "plan:bonus/period_end_push/2026-01-05", "unit_id": "", "plan_id": "bonus", "plan_units": ["u", "v"]}
    of_detector = {"detector": "period_end_push", "family": "solicitation", "raised_at": datetime(2026, 1, 5, 9, tzinfo=UTC)}
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, {"standing": True, **days, **plan, **of_detector}))
    clickhouse.close()
    shown = json.loads(candor("findings", "show", plan["finding_id"], "--json").stdout)
    assert (shown["finding"]["plan_id"], shown["finding"]["unit_id"], shown["unit"], shown["responses"]) == ("bonus", None, {}, [])
    assert "bonus" in candor("findings", "show", plan["finding_id"]).stdout


def test_adjudicate_says_what_is_wrong_with_a_decision(candor: Run) -> None:
    decided = candor("findings", "adjudicate", "u/shared_devices/2026-01-05", "--decision", "dismissed", "--reason", "", "--by", "me")
    assert (decided.exit_code, "--reason" in decided.stderr) == (2, True)
