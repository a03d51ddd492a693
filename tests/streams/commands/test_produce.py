"""``candor produce`` against a real broker."""

from pathlib import Path

import pytest

from schemas.enums import Topic
from streams import producing
from streams.broker import LocalBroker
from streams.commands import produce
from streams.files import FileRecord, write_events
from streams.producing import TopicLimits, topic_limits
from streams.settings import Settings
from tests.streams.commands.conftest import Run
from tests.streams.freezing import freeze
from tests.streams.topics import read_topic

RECORDS = [FileRecord(Topic.OUTCOMES, 1_000 + i, f"a-{i}".encode(), b'{"n":%d}' % i, [("h", b"\xff")]) for i in range(100)]


def test_files_arrive_in_their_topics(candor: Run, settings: Settings, broker: LocalBroker, tmp_path: Path) -> None:
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson.zst"
    write_events(first, RECORDS[:60])
    write_events(second, RECORDS[60:])
    candor("topics", "create")

    result = candor("produce", str(first), str(second))

    assert result.exit_code == 0
    assert result.stderr.startswith("100 records in ")
    arrived = read_topic(broker.bootstrap_servers, settings.topic_prefix + "outcomes")
    found = [FileRecord(Topic.OUTCOMES, r.timestamp, r.key, r.value, list(r.headers)) for r in arrived]
    assert sorted(found, key=lambda record: record.timestamp) == RECORDS


def test_a_limit_stops(candor: Run, settings: Settings, broker: LocalBroker, tmp_path: Path) -> None:
    write_events(tmp_path / "events.ndjson", RECORDS)
    candor("topics", "create")

    candor("produce", str(tmp_path / "events.ndjson"), "--limit", "7", "--rate", "10000")

    assert len(read_topic(broker.bootstrap_servers, settings.topic_prefix + "outcomes")) == 7


@pytest.mark.usefixtures("settings")
def test_a_bad_line_is_named(candor: Run, tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_text("nothing\n")
    candor("topics", "create")

    result = candor("produce", str(tmp_path / "events.ndjson"))

    assert result.exit_code == 1
    assert "events.ndjson, line 1" in result.stderr


@pytest.mark.usefixtures("settings")
def test_absent_topics_and_files_are_told(candor: Run, tmp_path: Path) -> None:
    write_events(tmp_path / "events.ndjson", RECORDS)

    assert candor("produce", str(tmp_path / "none.ndjson")).exit_code == 2
    absent = candor("produce", str(tmp_path / "events.ndjson"))
    assert absent.exit_code == 1
    assert "candor topics create" in absent.stderr


def test_a_record_that_is_too_large_is_named(candor: Run, settings: Settings, broker: LocalBroker, tmp_path: Path) -> None:
    write_events(tmp_path / "events.ndjson", [*RECORDS[:5], FileRecord(Topic.FEEDBACK, 1, b"a-17", b"x" * 5_000_000), *RECORDS[5:]])
    candor("topics", "create")

    result = candor("produce", str(tmp_path / "events.ndjson"))

    assert result.exit_code == 1
    assert f"record 6 ({settings.topic_prefix}feedback, key of 4 bytes) takes 5,000,0" in result.stderr
    assert len(read_topic(broker.bootstrap_servers, settings.topic_prefix + "outcomes")) == 5


@pytest.mark.usefixtures("settings")
def test_a_broker_that_freezes_ends_with_3(candor: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producing, "_DEADLINE_SECONDS", 2)
    write_events(tmp_path / "events.ndjson", RECORDS)
    with LocalBroker(tmp_path / "kafka", heap_megabytes=256) as freezing:
        monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", freezing.bootstrap_servers)
        candor("topics", "create")

        def freeze_after(settings: Settings) -> TopicLimits:
            limits = topic_limits(settings)
            freeze(freezing)
            return limits

        monkeypatch.setattr(produce, "topic_limits", freeze_after)
        try:
            result = candor("produce", str(tmp_path / "events.ndjson"))
        finally:
            freezing.kill()

    assert result.exit_code == 3
    assert f"Kafka at {freezing.bootstrap_servers}" in result.stderr
    assert "no answer for 2 seconds" in result.stderr
