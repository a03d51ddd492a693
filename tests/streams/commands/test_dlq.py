"""``candor dlq`` against a real engine and a real broker."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.enums import RejectReason, Topic
from sinks.clickhouse import connect
from streams.broker import LocalBroker
from streams.files import FileRecord, read_events
from streams.refused import REPLAY_OF, REPLAYS
from streams.settings import Settings
from tests.streams.commands.conftest import Run
from tests.streams.letters import Letter, store
from tests.streams.topics import read_topic

WORDS = "I was very unhappy"
LETTERS = [
    Letter(1, field="score", reason=RejectReason.OUT_OF_RANGE, message="11 is above 10", value=b'{"score": 11, "comment": "I was very unhappy"}'),
    Letter(2, field="comment", reason=RejectReason.OVERSIZE, message=f"too long: {WORDS}", headers=[("own", b"\xff")]),
    Letter(3, Topic.OUTCOMES, 2, key=b"\xff", value=None, message="null"),
]


@pytest.fixture(autouse=True)
def _dead_letters(candor: Run, settings: Settings) -> None:
    assert candor("migrate").exit_code == 0
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    store(clickhouse, LETTERS)
    clickhouse.close()


def test_list_shows_where_and_why_and_nothing_that_a_customer_wrote(candor: Run) -> None:
    result = candor("dlq", "list")

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["feedback/0/1", "feedback/0/2", "outcomes/2/3"]
    assert "11 is above 10" in result.stdout
    assert WORDS not in result.stdout


def test_list_filters_limits_and_gives_json(candor: Run) -> None:
    def positions(*arguments: str) -> list[str]:
        return [letter["position"] for letter in json.loads(candor("dlq", "list", "--json", *arguments).stdout)]

    assert positions("--topic", "feedback", "--reason", "oversize") == ["feedback/0/2"]
    assert positions("--field", "score") == ["feedback/0/1"]
    assert positions("--message", "ABOVE") == ["feedback/0/1"]
    assert positions("--key", "a-1", "--limit", "1") == ["feedback/0/1"]
    assert positions("--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T00:00:00.001+00:00") == [
        "feedback/0/1",
        "feedback/0/2",
        "outcomes/2/3",
    ]
    assert positions("--until", "2026-01-01T01:00:00+01:00") == []


def test_times_can_be_said_as_so_long_ago(candor: Run, settings: Settings) -> None:
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    store(clickhouse, [Letter(8, timestamp=datetime.now(UTC) - timedelta(hours=2))])
    clickhouse.close()

    def positions(since: str) -> list[str]:
        return [letter["position"] for letter in json.loads(candor("dlq", "list", "--json", "--since", since).stdout)]

    assert positions("3h") == positions("1d") == ["feedback/0/8"]
    assert positions("30m") == []


def test_list_counts_by_reason(candor: Run) -> None:
    counts = json.loads(candor("dlq", "list", "--by-reason", "--json").stdout)

    assert {(row["topic"], row["reason"]): row["n"] for row in counts} == {
        ("feedback", "out_of_range"): 1,
        ("feedback", "oversize"): 1,
        ("outcomes", "malformed"): 1,
    }


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01", "2026-01-01T00:00:00"])
def test_a_time_without_offset_is_wrong_usage(candor: Run, since: str) -> None:
    assert candor("dlq", "list", "--since", since).exit_code == 2


def test_show_gives_one_whole(candor: Run) -> None:
    shown = json.loads(candor("dlq", "show", "feedback/0/1", "--json").stdout)
    assert (shown["reason"], shown["field"], shown["key"], shown["timestamp_ms"]) == ("out_of_range", "score", "a-1", 1_767_225_600_000)
    assert json.loads(shown["value"])["comment"] == WORDS

    shown = json.loads(candor("dlq", "show", "outcomes/2/3", "--json").stdout)
    assert (shown["key"], shown["value"]) == ({"base64": "/w=="}, None)
    assert "reason: malformed\n" in candor("dlq", "show", "outcomes/2/3").stdout


def test_show_tells_what_is_not_there(candor: Run) -> None:
    assert candor("dlq", "show", "feedback/0/99").exit_code == 1
    assert candor("dlq", "show", "feedback").exit_code == 2
    assert candor("dlq", "show", "unheard/0/1").exit_code == 2


def test_export_writes_the_records_as_they_were(candor: Run, tmp_path: Path) -> None:
    path = tmp_path / "letters.ndjson.gz"

    assert candor("dlq", "export", str(path), "--reason", "oversize", "--reason", "malformed").exit_code == 0

    assert list(read_events([path])) == [
        FileRecord(Topic.FEEDBACK, 1_767_225_600_000, b"a-1", b"{", [("own", b"\xff")]),
        FileRecord(Topic.OUTCOMES, 1_767_225_600_000, b"\xff", None),
    ]


def test_a_dry_run_of_replay_sends_nothing(candor: Run, settings: Settings, broker: LocalBroker) -> None:
    candor("topics", "create")

    assert candor("dlq", "replay", "--dry-run").stderr == "3 records would be sent again\n"
    assert candor("dlq", "replay", "--dry-run", "--limit", "2").stderr == "2 records would be sent again\n"

    assert read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback") == []


def test_replay_sends_the_records_to_their_topics_and_counts(candor: Run, settings: Settings, broker: LocalBroker) -> None:
    candor("topics", "create")

    assert candor("dlq", "replay").stderr == "3 records sent again\n"

    (outcome,) = read_topic(broker.bootstrap_servers, settings.topic_prefix + "outcomes")
    assert (outcome.key, outcome.value, outcome.timestamp) == (b"\xff", None, 1_767_225_600_000)
    assert list(outcome.headers) == [(REPLAYS, b"1"), (REPLAY_OF, b"outcomes/2/3")]
    feedback = read_topic(broker.bootstrap_servers, settings.topic_prefix + "feedback")
    assert list(feedback[1].headers) == [("own", b"\xff"), (REPLAYS, b"1"), (REPLAY_OF, b"feedback/0/2")]


def test_what_was_sent_too_often_is_left_out(candor: Run, settings: Settings) -> None:
    candor("topics", "create")
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    store(clickhouse, [Letter(9, headers=[(REPLAYS, b"3"), (REPLAY_OF, b"feedback/0/1")])])
    clickhouse.close()

    assert candor("dlq", "replay", "--dry-run").stderr == "2 records would be sent again; 1 left out: sent 3 times\n"
    assert candor("dlq", "replay", "--dry-run", "--max-replays", "4").stderr == "3 records would be sent again\n"


def test_replay_can_give_records_the_time_of_now(candor: Run, settings: Settings, broker: LocalBroker) -> None:
    candor("topics", "create")
    before = datetime.now(UTC).timestamp() * 1000

    candor("dlq", "replay", "--now", "--topic", "outcomes")

    (outcome,) = read_topic(broker.bootstrap_servers, settings.topic_prefix + "outcomes")
    assert outcome.timestamp >= int(before)


def test_a_clickhouse_that_is_away_ends_with_3(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", "http://user:sesame@127.0.0.1:1/candor")

    result = candor("dlq", "list")

    assert result.exit_code == 3
    assert "sesame" not in result.output
