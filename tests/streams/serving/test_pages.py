"""What the pages say, and that text from data stays text."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from schemas.enums import LagState, Stage
from streams.serving.intake import Minute, Stream, TopicNow
from streams.serving.pages import Entered, Now, Pages, ago
from streams.serving.watching import Last, NewFinding, Seen
from tests.streams.reporting.conftest import Page

AT = 1_767_225_600.0
HOSTILE = "</textarea><script>alert('x')</script>\"&"
FINDING = NewFinding(
    finding_id=HOSTILE, unit_id="u", plan_id=None, detector="fast_forms", state="suspect", since=date(2026, 1, 5),
    raised_at=datetime(2026, 1, 5, 9, tzinfo=UTC), responses=1_234, decision=None,
)  # fmt: skip
STREAM = Stream(AT, AT - 70, (TopicNow(Stage.ACCOUNTS, HOSTILE, 1, 2_000, 3, 4.4, LagState.LAGGING),), (Minute(AT - 60, 0), Minute(AT, 2_000)))


@pytest.fixture
def pages() -> Pages:
    return Pages(5.0)


def test_text_from_data_stays_text(pages: Pages) -> None:
    now = Now(Seen(STREAM, AT, HOSTILE, AT), Seen((FINDING,), AT, HOSTILE, AT), Seen(None, None, HOSTILE, AT))
    finding = {
        "finding_id": HOSTILE, "unit_id": HOSTILE, "plan_id": HOSTILE, "detector": HOSTILE, "state": HOSTILE, "evidence": HOSTILE,
        "since": date(2026, 1, 5), "raised_on": date(2026, 1, 5), "sounded_on": date(2026, 1, 5), "response_ids": [HOSTILE],
        "decision": HOSTILE, "decided_by": HOSTILE, "decided_at": datetime(2026, 1, 5, tzinfo=UTC), "decision_reason": HOSTILE,
    }  # fmt: skip
    for html in (
        pages.home(now, AT),
        pages.finding(finding, HOSTILE, Entered(HOSTILE, HOSTILE, HOSTILE, HOSTILE), sent=True),
        pages.problem(HOSTILE, HOSTILE),
    ):
        scripts = [attributes for tag, attributes in Page(html).elements if tag == "script"]
        assert scripts in ([], [{"src": "/live.js", "defer": ""}])
        assert "alert(&#39;x&#39;)" in html


def test_what_was_seen_is_told_with_its_age_and_what_is_away_since_when(pages: Pages) -> None:
    now = Now(Seen(STREAM, AT), Seen((FINDING,), AT - 30, "ClickHouse is away", AT - 10), Seen())
    told = " ".join(pages.now(now, AT + 120).split())
    assert "Seen 2026-01-01 00:00:00 UTC, 2 minutes ago." in told.replace('<span class="day">', "").replace("</span>", "")
    assert "ClickHouse cannot be seen since 2025-12-31 23:59:50 UTC (2 minutes ago): ClickHouse is away." in told
    assert "What follows is of 2025-12-31 23:59:30 UTC (2 minutes ago)." in told
    rows = Page(f"<div>{told}</div>").tables
    (topic,) = rows["Topics, as each stage reads them"]
    assert [topic[name] for name in ("stage", "last minute", "last 15 minutes", "not read yet", "oldest waits, s", "state")] == [
        "accounts", "1", "2,000", "3", "4", "lagging"
    ]  # fmt: skip
    assert "(internal)" not in told
    assert "Internal is what workers tell" not in told
    signals = replace(STREAM, topics=(*STREAM.topics, TopicNow(Stage.UNITS, "signals", 5, 5, 0, 0.0, LagState.OK)))
    told = pages.now(Now(Seen(signals, AT), Seen(), Seen()), AT)
    topics = [row["topic"] for row in Page(f"<div>{told}</div>").tables["Topics, as each stage reads them"]]
    assert topics == [HOSTILE, "signals (internal)"]
    assert 'class="name">signals' in told
    assert "Internal is what workers tell each other, also while nothing comes in." in told
    assert "Kafka has not been seen yet" in pages.now(Now(Seen(), Seen(), Seen()), AT)
    assert "There are no pictures yet" in pages.home(now, AT)


def test_the_last_is_kept_while_it_cannot_be_seen_and_the_first_failure_is_when_it_began() -> None:
    times = iter((1.0, 2.0, 3.0))
    last = Last[str](lambda: next(times))
    last.failed("away")
    assert last.seen == Seen(None, None, "away", 1.0)
    last.saw("here")
    assert last.seen == Seen("here", 2.0)
    last.failed("away")
    last.failed("still away")
    assert last.seen == Seen("here", 2.0, "still away", 3.0)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "just now"),
        (0.9, "just now"),
        (1, "1 second ago"),
        (59.9, "59 seconds ago"),
        (60, "1 minute ago"),
        (7_300, "2 hours ago"),
        (90_000, "1 day ago"),
    ],
)
def test_ages_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert ago(seconds) == told
