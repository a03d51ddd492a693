"""``candor replay`` as a user runs it; what it computes is tested with ``streams.replay``."""

import json
from pathlib import Path

import pytest

from schemas.enums import Topic
from sinks.clickhouse import connect
from sinks.migrate import Migrator, load
from streams.files import FileRecord, write_events
from tests.streams.commands.conftest import Run


@pytest.mark.parametrize("timestamp", [-1, 1_790_000_000_000_000])
def test_a_dry_run_takes_any_timestamp(candor: Run, tmp_path: Path, timestamp: int) -> None:
    write_events(tmp_path / "events.ndjson", [FileRecord(Topic.FEEDBACK, timestamp, b"a-1", b"no JSON")])

    result = candor("replay", "--dry-run", str(tmp_path / "events.ndjson"))

    assert result.exit_code == 0
    assert "1 refused as malformed" in result.stderr


def test_a_broken_line_holds_up_neither_the_mended_file_nor_others(candor: Run, tmp_path: Path, clickhouse_url: str) -> None:
    good = [FileRecord(Topic.FEEDBACK, number, b"a-1", b"no JSON") for number in range(2)]
    write_events(tmp_path / "names.ndjson", good)
    whole = (tmp_path / "names.ndjson").read_text().splitlines(keepends=True)
    (broken := tmp_path / "broken.ndjson").write_text(whole[0] + whole[1].replace('"feedback"', '"candor.feedback"'))
    (other := tmp_path / "other.ndjson").write_text("no record\n")
    url = ("--clickhouse-url", clickhouse_url)

    stopped = candor("replay", str(broken), *url)
    assert (stopped.exit_code, "1 record before broken.ndjson, line 2" in stopped.stderr) == (1, True)
    assert "line 2: Invalid enum value 'candor.feedback'" in stopped.stderr
    assert "topics are feedback, " in stopped.stderr
    assert "other.ndjson, line 1" in candor("replay", str(other), *url).stderr
    broken.write_text("".join(whole))
    mended = candor("replay", str(broken), *url)
    assert (mended.exit_code, "2 records in" in mended.stderr, "candor dlq list" in mended.stderr) == (0, True, True)


def test_a_replay_that_ended_while_it_made_the_tables_goes_on_with_them(candor: Run, tmp_path: Path, clickhouse_url: str) -> None:
    """But a database that holds rows of an earlier release is left to whoever migrates it."""
    write_events(tmp_path / "events.ndjson", [FileRecord(Topic.FEEDBACK, 1, b"a-1", b"no JSON")])
    clickhouse, arguments = connect(clickhouse_url), ("replay", str(tmp_path / "events.ndjson"), "--clickhouse-url", clickhouse_url)
    Migrator(clickhouse, migrations=load()[:8]).apply()

    assert candor(*arguments).exit_code == 0
    assert not Migrator(clickhouse).status().pending
    clickhouse.command("DELETE FROM schema_migrations WHERE number > 8")
    later = candor(*arguments)
    assert (later.exit_code, "Run: candor migrate" in later.stderr) == (1, True)


WORDS = "They asked me to give them a 10, said zebra"
BAD_COMMENTS: list[object] = [[WORDS], {"said": WORDS}, WORDS * 300]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_nothing_that_a_customer_wrote_is_logged(candor: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Neither of what counts nor of what is refused."""
    monkeypatch.setenv("CANDOR_LOG_LEVEL", level)
    told = {
        "event_type": "response.submitted", "occurred_at": "2026-01-02T03:04:05Z", "account_id": "a", "unit_id": "u", "survey_id": "s",
        "metric": "nps", "score": 10,
    }  # fmt: skip
    records = [
        FileRecord(
            Topic.FEEDBACK, 1_767_400_000_000, b"a", json.dumps({**told, "event_id": f"e{i}", "response_id": f"r{i}", "comment": words}).encode()
        )
        for i, words in enumerate([WORDS, *BAD_COMMENTS])
    ]
    records.append(FileRecord(Topic.FEEDBACK, 1_767_400_000_000, b"a", f'{{"comment": "{WORDS}'.encode()))
    write_events(tmp_path / "events.ndjson", records)

    result = candor("replay", "--dry-run", str(tmp_path / "events.ndjson"))

    assert result.exit_code == 0
    assert "1 refused as malformed" in result.stderr
    assert "zebra" not in result.stdout + result.stderr
