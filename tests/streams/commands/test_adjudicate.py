"""``candor findings adjudicate``: from a finding to a decision that workers take in, on a real broker."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.enums import Topic
from sinks.clickhouse import ClickHouse, connect
from streams.files import FileRecord, write_events
from streams.settings import Settings
from tests.conftest import wait_for
from tests.streams.commands.conftest import Run
from tests.streams.commands.test_worker import worker_process

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _answers() -> list[FileRecord]:
    """Ninety days of two units; from the seventieth on four more answers a day at u-1 come from one device."""
    records = []
    for day in range(90):
        for number in range(12):
            account, moment = f"a-{day}-{number}", BEGIN + timedelta(days=day, seconds=number)
            if number >= 8 and day < 70:
                continue
            event = {
                "event_id": account, "event_type": "response.submitted", "occurred_at": moment.isoformat(), "account_id": account,
                "unit_id": "u-2" if number < 4 else "u-1", "response_id": account, "survey_id": "s", "metric": "nps",
                "score": 10 if (day * 7 + number) % 5 < 2 else 7, "device_hash": "tablet" if number >= 8 else account,
            }  # fmt: skip
            records.append(FileRecord(Topic.FEEDBACK, int(moment.timestamp() * 1000), account.encode(), json.dumps(event).encode()))
    return records


def _shown(clickhouse: ClickHouse, column: str, table: str = "findings", order: str = "shown") -> list[object]:
    return [row["shown"] for row in clickhouse.query(f"SELECT {column} AS shown FROM {table} WHERE unit_id = 'u-1' ORDER BY {order}").to_pylist()]


def test_a_decision_reaches_every_number_and_is_kept(candor: Run, settings: Settings, tmp_path: Path) -> None:
    log, events = tmp_path / "worker.log", tmp_path / "events.ndjson"
    write_events(events, _answers())
    for command in (("topics", "create"), ("migrate",), ("produce", str(events))):
        assert candor(*command).exit_code == 0
    clickhouse = connect(settings.clickhouse_url.get_secret_value())

    with worker_process(log, CANDOR_FLUSH_INTERVAL_SECONDS="0.2", CANDOR_IDLE_SECONDS="0.5") as worker:
        wait_for(lambda: len(_shown(clickhouse, "finding_id")) == 1, 60, log.read_text)
        (finding_id,) = _shown(clickhouse, "finding_id")
        decided = ("findings", "adjudicate", str(finding_id), "--reason", "I have seen it", "--by", "m.rossi", "--decision")
        assert candor(*decided, "confirmed").exit_code == 0
        wait_for(lambda: _shown(clickhouse, "state", "integrity_units") == ["suspect"], 60, log.read_text)
        wait_for(lambda: _shown(clickhouse, "flagged > 50", "integrity_units") == [1], 60, log.read_text)
        assert json.loads(candor("findings", "list", "--json").stdout)[0]["decision"] == "confirmed"
        assert json.loads(candor("findings", "list", "--json", "--undecided").stdout) == []

        assert candor(*decided, "dismissed").exit_code == 0
        wait_for(lambda: _shown(clickhouse, "state", "integrity_units") == ["clear"], 60, log.read_text)
        assert _shown(clickhouse, "flagged", "integrity_units") == [0]
        assert _shown(clickhouse, "(decision, decided_by, decision_reason)::Tuple(String, String, String)") == [
            {"1": "dismissed", "2": "m.rossi", "3": "I have seen it"}
        ]
        assert _shown(clickhouse, "toString(decision)", "adjudications", order="occurred_at") == ["confirmed", "dismissed"]
        worker.send_signal(signal.SIGTERM)
        wait_for(lambda: worker.poll() is not None, 60, log.read_text)
        assert worker.returncode == 0
    clickhouse.close()


def test_a_decision_about_nothing_or_without_words_is_refused(candor: Run, settings: Settings) -> None:
    del settings
    for command in (("topics", "create"), ("migrate",)):
        assert candor(*command).exit_code == 0
    decided = candor("findings", "adjudicate", "u/none", "--decision", "dismissed", "--reason", "r", "--by", "me")
    assert decided.exit_code == 1
    assert "candor findings list" in decided.stderr
