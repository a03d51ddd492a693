"""Invitations that were sent and did not bounce, and which of them were answered (contracts 9, R42)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from tests.oracle.facts import local_day, newest_revisions
from tests.oracle.loyalty import window
from tests.oracle.records import Catalog, Rows
from tests.oracle.validate import Event, int_of


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation that counts, described by its earliest sending."""

    event: Event
    day: date
    answered: bool


def invitations_asked(events: Iterable[Event], catalog: Catalog) -> list[Asked]:
    """Invitations that were sent and never bounced; test traffic neither sends nor bounces."""
    events = list(events)
    sent: dict[tuple[object, ...], list[Event]] = defaultdict(list)
    bounced: set[tuple[object, ...]] = set()
    for event in events:
        if event.record.topic == "invitations" and not event.synthetic:
            key = (event.account_id, event.fields["invitation_id"])
            if event.event_type == "invitation.sent":
                sent[key].append(event)
            elif event.event_type == "invitation.bounced":
                bounced.add(key)
    answered = {(key[0], response.event.fields.get("invitation_id")) for key, response in newest_revisions(events).items() if response.counted}
    first = {key: min(of_key, key=lambda event: (event.occurred_at, str(event.fields["event_id"]))) for key, of_key in sent.items()}
    return [Asked(event, local_day(event.occurred_at, catalog), key in answered) for key, event in first.items() if key not in bounced]


def outcomes(asked: Iterable[Asked]) -> Rows:
    """One row per invitation."""
    return {
        (one.event.account_id, one.event.fields["invitation_id"]): {
            "unit_id": one.event.fields["unit_id"],
            "channel": one.event.fields["channel"],
            "sent_at": one.event.occurred_at,
            "day": one.day,
            "answered": one.answered,
        }
        for one in asked
    }


def with_response_rates(loyalty: Rows, asked: Iterable[Asked], dimension: Callable[[Asked], tuple[object, ...]]) -> Rows:
    """The rows of a loyalty view (keys: dimensions, metric, window), each with the response rate of its dimensions in its window."""
    groups: dict[tuple[object, ...], list[bool]] = defaultdict(list)
    for one in asked:
        for start in (None, window(one.day)):
            groups[*dimension(one), start].append(one.answered)
    rates = {key: sum(answers) / len(answers) for key, answers in groups.items()}
    return {
        key: row | {"response_rate": rates.get((*key[:-2], key[-1])), "validity_rate": 1 - int_of(row["flagged"]) / int_of(row["n"])}
        for key, row in loyalty.items()
    }
