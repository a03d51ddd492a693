"""What may befall a company, a few hundred events each: its score falls, customers do not answer, staff ask for scores, nobody calls back.

Each lies in the same four months of the past, as days since their first, and is over once later or missing events have come as well.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from schemas.enums import Topic
from streams.lag.business import WINDOW_DAYS
from tests.deploy.live.stack import ACCOUNTS, Stack, response

_FIRST = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=120)
_NEWEST = 69
"""The newest day of answers, invitations and cases, when something befalls."""
_BEFORE, _LAST, _NEXT = (_NEWEST + 1 + step * WINDOW_DAYS for step in (-2, -1, 0))
"""First days of the windows that are compared then, and of the one that follows."""
_UNANSWERED_BEFORE, _UNANSWERED = _BEFORE - 14, _LAST - 14
"""The same of invitations, which are given fourteen days."""
_GOOD = (9, 10, 9, 8, 10, 9, 3, 9, 7, 10)
_BAD = (3, 9, 5, 8, 2, 10, 7, 6, 9, 4)
_CASES = 5
Records = Iterator[tuple[bytes, bytes]]


def _at(day: int, hours: int = 0) -> datetime:
    return _FIRST + timedelta(days=day, hours=hours)


def _answers(first_number: int, first_day: int, scores: Sequence[int]) -> Records:
    """120 of a window."""
    for number in range(120):
        yield response(first_number + number, scores[number % len(scores)], _at(first_day + number % WINDOW_DAYS))


def let_the_score_fall(stack: Stack) -> None:
    """A good window, and a bad one."""
    stack.send(Topic.FEEDBACK, [*_answers(5_000_000, _BEFORE, _GOOD), *_answers(5_001_000, _LAST, _BAD)])


def let_the_score_rise(stack: Stack) -> None:
    """The next window is good again."""
    stack.send(Topic.FEEDBACK, _answers(5_002_000, _NEXT, _GOOD))


def _asked(first_number: int, first_day: int, every: int) -> Records:
    """Of 40 of a window every so manyth says that a score was asked for; 0: nobody."""
    for number in range(40):
        asked = bool(every) and number % every == 0
        yield response(first_number + number, 8, _at(first_day + number % WINDOW_DAYS), asked_for_score=asked)


def let_staff_ask(stack: Stack) -> None:
    """A window in which every other customer says so, after one in which nobody did."""
    stack.send(Topic.FEEDBACK, [*_asked(5_100_000, _BEFORE, 0), *_asked(5_101_000, _LAST, 2)])


def let_staff_stop(stack: Stack) -> None:
    """Nobody says so in the next window."""
    stack.send(Topic.FEEDBACK, _asked(5_102_000, _NEXT, 0))


def _invitation(number: int, day: int) -> tuple[bytes, bytes]:
    account = f"live-{number % ACCOUNTS}"
    event = {
        "event_id": f"sent-{number}", "event_type": "invitation.sent", "occurred_at": _at(day).isoformat(), "account_id": account,
        "unit_id": f"unit-{number % 4}", "channel": "email", "invitation_id": f"invitation-{number}", "survey_id": "visit",
    }  # fmt: skip
    return account.encode(), json.dumps(event).encode()


_INVITED = {5_200_000 + number: _UNANSWERED_BEFORE + number % WINDOW_DAYS for number in range(120)}
_INVITED_LATER = {5_201_000 + number: _UNANSWERED + number % WINDOW_DAYS for number in range(120)}


def _answered(invited: dict[int, int], every: int, rest: int = 0) -> Records:
    for number, day in invited.items():
        if number % every == rest:
            yield response(number, 8, _at(day + 1), invitation_id=f"invitation-{number}")


def let_answers_stay_away(stack: Stack) -> None:
    """Of one window's invitations every other is answered, of the next one's every tenth."""
    sent = _INVITED | _INVITED_LATER | {5_202_000: _NEWEST}
    stack.send(Topic.INVITATIONS, [_invitation(number, day) for number, day in sent.items()])
    stack.send(Topic.FEEDBACK, [*_answered(_INVITED, 2), *_answered(_INVITED_LATER, 10)])


def let_answers_arrive(stack: Stack) -> None:
    """Those that were on their way: every other is answered here too."""
    stack.send(Topic.FEEDBACK, _answered(_INVITED_LATER, 2, 1))


def _step(case: int, step: str, at: datetime, **more: str) -> tuple[bytes, bytes]:
    account = f"live-{case}"
    event = {
        "event_id": f"{step}-{case}", "event_type": f"case.{step}", "occurred_at": at.isoformat(), "account_id": account, "case_id": f"case-{case}",
        "trigger": "detractor", **more,
    }  # fmt: skip
    return account.encode(), json.dumps(event).encode()


def let_nobody_call(stack: Stack) -> None:
    """Cases whose contact was due, and one that shows that time went on."""
    due = _at(_NEWEST - 2).isoformat()
    opened = [_step(case, "opened", _at(_NEWEST - 3), due_at=due) for case in range(_CASES + 1)]
    stack.send(Topic.ACTIONS, [*opened, _step(_CASES, "contacted", _at(_NEWEST - 3, 2)), _step(_CASES, "resolved", _at(_NEWEST))])


def call(stack: Stack) -> None:
    """All who wait."""
    stack.send(Topic.ACTIONS, [_step(case, "contacted", _at(_NEWEST, 1)) for case in range(_CASES)])
