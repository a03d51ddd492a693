"""``candor dlq`` against a real engine and a real broker."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.enums import RejectReason, Topic
from sinks.clickhouse import connect
from streams.broker import LocalBroker
from streams.files import FileRecord, read_events
from streams.producing import EventProducer
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


@pytest.fixture
def clickhouse_url(migrated_url: str) -> str:
    """The settings lead to it."""
    return migrated_url


@pytest.fixture(autouse=True)
def _dead_letters(settings: Settings) -> None:
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


def test_the_limit_counts_what_can_be_sent(candor: Run, settings: Settings) -> None:
    """Letters that were sent too often come first, and would fill the limit for ever."""
    candor("topics", "create")
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    worn_out = [Letter(i, Topic.ACTIONS, headers=[(REPLAYS, b"3"), (REPLAY_OF, b"actions/0/99")]) for i in range(5)]
    store(clickhouse, [*worn_out, Letter(5, Topic.ACTIONS, value=b"x" * 3_000_000)])
    clickhouse.close()

    left_out = "; 5 left out: sent 3 times; 1 left out: too large"
    assert candor("dlq", "replay", "--dry-run", "--limit", "2").stderr.startswith(f"2 records would be sent again{left_out}")
    assert candor("dlq", "replay", "--limit", "2").stderr.startswith(f"2 records sent again{left_out}")


def test_what_is_too_large_for_its_topic_is_left_out_and_told(candor: Run, settings: Settings, broker: LocalBroker) -> None:
    """The worker writes dead letters of any size; the limit of 2 MiB is that of the batch, with our headers."""
    candor("topics", "create")
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    sizes = [1_500_000, 2 * 1_048_576 - 70, 2 * 1_048_576, 5_000_000, 70_000_000]
    store(clickhouse, [Letter(i, Topic.ACTIONS, reason=RejectReason.OVERSIZE, value=b"x" * size) for i, size in enumerate(sizes)])
    clickhouse.close()

    dry, real = candor("dlq", "replay", "--topic", "actions", "--dry-run"), candor("dlq", "replay", "--topic", "actions")

    told = "; 4 left out: too large for their topics (max.message.bytes); candor dlq export writes them to a file\n"
    assert (dry.exit_code, dry.stderr) == (0, f"1 records would be sent again{told}")
    assert (real.exit_code, real.stderr) == (0, f"1 records sent again{told}")
    assert [len(r.value or b"") for r in read_topic(broker.bootstrap_servers, settings.topic_prefix + "actions")] == [1_500_000]


def test_a_dry_run_needs_no_broker(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

    result = candor("dlq", "replay", "--dry-run")

    assert result.exit_code == 0
    assert "127.0.0.1:1" in result.stderr
    assert result.stderr.endswith("3 records would be sent again\n")
    assert candor("dlq", "replay").exit_code == 3


@pytest.mark.parametrize(("timestamp", "shown"), [(-1, "1969-12-31T23:59:59.999+00:00"), (1_790_000_000_000_000, "1790000000000000 ms since 1970")])
def test_any_timestamp_is_listed_shown_and_sent_again(candor: Run, settings: Settings, broker: LocalBroker, timestamp: int, shown: str) -> None:
    """As a producer gives them that sent microseconds, or none; topics keep for ever."""
    candor("topics", "create")
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    store(clickhouse, [Letter(7, Topic.ACTIONS, timestamp=timestamp)])
    clickhouse.close()

    (listed,) = json.loads(candor("dlq", "list", "--topic", "actions", "--json").stdout)
    assert listed["timestamp"] == shown
    assert shown in candor("dlq", "list").stdout
    assert json.loads(candor("dlq", "show", "actions/0/7", "--json").stdout)["timestamp_ms"] == timestamp
    assert candor("dlq", "replay", "--topic", "actions").exit_code == 0
    assert [record.timestamp for record in read_topic(broker.bootstrap_servers, settings.topic_prefix + "actions")] == [timestamp]


def test_what_is_refused_meanwhile_is_not_sent_again(candor: Run, settings: Settings, broker: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker refuses the first stretch while the second is read: the run ends with the letters that were there when it began."""
    candor("topics", "create")
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    store(clickhouse, [Letter(i, Topic.ACTIONS) for i in range(600)])
    send = EventProducer.send

    async def refuse_all(producer: EventProducer, records: Iterable[FileRecord], *_: object) -> int:
        def read() -> Iterator[FileRecord]:
            for number, record in enumerate(records):
                yield record
                if number in {0, 300, 599}:
                    store(clickhouse, [Letter(600 + number + i, Topic.ACTIONS, headers=record.headers) for i in range(100)])

        return await send(producer, read())

    monkeypatch.setattr(EventProducer, "send", refuse_all)
    result = candor("dlq", "replay", "--topic", "actions")
    clickhouse.close()

    assert result.stderr == "600 records sent again\n"
    assert len(read_topic(broker.bootstrap_servers, settings.topic_prefix + "actions")) == 600


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
