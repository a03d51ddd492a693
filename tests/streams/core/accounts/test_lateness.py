"""What a stage tells of how late events come."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog import Catalog
from streams.core.accounts.stage import AccountsStages
from tests.streams.core.decoding.records import Record

_START = datetime(2026, 1, 1, tzinfo=UTC)


def _record(offset: int, minutes: int) -> Record:
    """A message to a customer, so many minutes after the start; one of a negative number is no event."""
    at = _START + timedelta(minutes=minutes)
    event = {
        "event_id": f"e{offset}", "event_type": "communication.sent", "occurred_at": at.isoformat(), "account_id": "a", "message_id": f"m{offset}",
        "purpose": "service",
    }  # fmt: skip
    value = b"{" if minutes < 0 else json.dumps(event).encode()
    return Record(offset, int((_START + timedelta(days=9)).timestamp() * 1000), b"a", value)


@settings(deadline=None)
@given(st.lists(st.integers(-1, 2_000), max_size=12), st.integers(0, 12))
def test_each_event_is_as_late_as_the_newest_before_it_says_however_batches_are_cut(minutes: list[int], cut: int) -> None:
    stage = AccountsStages(Catalog()).restore(0, [])
    records = [_record(offset, minute) for offset, minute in enumerate(minutes)]
    results = [stage.apply("communications", part) for part in (records[:cut], records[cut:])]

    expected, newest = [], None
    for minute in (minute for minute in minutes if minute >= 0):
        expected.append(0 if newest is None else max(newest - minute, 0))
        newest = minute if newest is None else max(newest, minute)
    told = [late for result in results if result.behind is not None for late in result.behind.tolist()]
    assert told == [minute * 60_000_000 for minute in expected]
    if minutes[cut:]:
        assert results[1].newest == (None if newest is None else int((_START + timedelta(minutes=newest)).timestamp()) * 1_000_000)
