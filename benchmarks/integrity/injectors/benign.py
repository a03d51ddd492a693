"""What looks like gaming and is none. Strength 1 is what a unit may well see once in a year."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from benchmarks.integrity.events import Event, Fields, is_submission, midnight, scale_of
from benchmarks.integrity.injectors.protocol import answers, arriving, chance, changed_answers, hashed
from schemas.enums import Channel, InvitationType, Topic, TransactionType

SURGE_DAYS = 28
OUTAGE_DAYS = 7
FAR = timedelta(days=45)
"""Words are borrowed from answers that are so far away that no comparison of comments reaches them."""


def leave(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """No change, to see what is found all the same."""
    del unit, from_day, strength, rng
    return list(events)


def improve(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Everybody finds it better by a tenth of the scale."""
    return _lifted(events, unit, from_day, 0.10 * strength, rng, lambda _: {})


def redesign(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """The unit tries a new survey: filled in twice as fast, one driver question, scores a fortieth of the scale higher."""

    def form(fields: Fields) -> Fields:
        drivers = fields.get("answers")
        return {
            "survey_id": f"{fields['survey_id']}-new",
            "duration_ms": int(fields["duration_ms"] / (1 + strength)) if "duration_ms" in fields else None,
            "answers": dict([next(iter(drivers.items()))]) if drivers else None,
        }

    return _lifted(events, unit, from_day, 0.025 * strength, rng, form)


def _lifted(
    events: Sequence[Event], unit: str, from_day: date, rise: float, rng: np.random.Generator, form: Callable[[Fields], Fields]
) -> list[Event]:
    changes = {}
    for answer in answers(events, unit, from_day):
        lowest, highest = scale_of(answer.fields)
        points = rise * (highest - lowest + 1)
        score = min(answer.fields["score"] + int(points) + int(rng.random() < points % 1), highest)
        changes[answer.fields["response_id"]] = {"score": score} | form(answer.fields)
    return changed_answers(events, changes)


def campaign(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """For four weeks customers come who would not have: as many again, and with them purchases, invitations and answers like those of the others."""
    since = midnight(from_day)
    until = since + timedelta(days=SURGE_DAYS)
    lent = _Words(events, rng)
    more: list[Event] = []
    number: dict[str, int] = {}
    for event in events:
        if event.fields.get("unit_id") == unit:
            key = _chain(event)
            if key not in number and since <= event.at < until:
                number[key] = int(strength) + int(rng.random() < strength % 1)
            more += [_cloned(event, copy, lent) for copy in range(number.get(key, 0))]
    return arriving([*events, *more])


def _chain(event: Event) -> str:
    """What belongs together: a purchase, its refunds, its invitation and the answer to it."""
    names = ("original_transaction_id", "transaction_id", "invitation_id", "response_id")
    return str(next((event.fields[name] for name in names if name in event.fields), event.fields.get("event_id")))


def _cloned(event: Event, copy: int, lent: "_Words") -> Event:
    ids = ("event_id", "account_id", "customer_id", "transaction_id", "original_transaction_id", "invitation_id", "response_id", "contact_hash")
    renamed: dict[str, object] = {name: f"{event.fields[name]}-more-{copy}" for name in ids if name in event.fields}
    if event.fields.get("channel") != Channel.KIOSK:
        renamed |= {name: hashed(event.fields[name], copy) for name in ("device_hash", "ip_prefix_hash") if name in event.fields}
    if "comment" in event.fields:
        renamed["comment"] = lent.for_(event)
    return event.changed(**renamed)


class _Words:
    """Comments lent to invented customers: each once, from long before or after, with a score that is much the same."""

    def __init__(self, events: Sequence[Event], rng: np.random.Generator) -> None:
        told = [event for event in events if is_submission(event) and event.fields.get("comment")]
        self._told = [told[place] for place in rng.permutation(len(told))]

    def for_(self, event: Event) -> str | None:
        lowest, highest = scale_of(event.fields) if is_submission(event) else (0.0, 1.0)
        for place, other in enumerate(self._told):
            alike = abs(other.fields["score"] - event.fields.get("score", 0)) <= (highest - lowest) / 5
            if alike and other.fields.get("metric") == event.fields.get("metric") and abs(other.at - event.at) > FAR:
                return str(self._told.pop(place).fields["comment"])
        return None


def kiosk(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """A kiosk is put up: a tenth of the customers rate the unit there at once, all from one device and network, in a third of the time."""
    since = midnight(from_day)
    ever = answers(events, unit, date(1970, 1, 1))
    forms = [answer for answer in ever if "invitation_id" not in answer.fields] or ever
    bought = {
        event.fields["transaction_id"]: event
        for event in events
        if event.fields.get("unit_id") == unit and event.type == TransactionType.COMPLETED and event.at >= since and not event.fields.get("synthetic")
    }
    rated = []
    for name, purchase in bought.items():
        if forms and rng.random() < chance(0.1, strength):
            form = forms[int(rng.integers(0, len(forms)))]
            rated.append(_at_kiosk(form, purchase, name, unit, rng))
    return arriving([*events, *rated])


def _at_kiosk(form: Event, purchase: Event, name: str, unit: str, rng: np.random.Generator) -> Event:
    """The answer of a customer who found it as good as another one did, and writes nothing."""
    usual = form.fields.get("duration_ms")
    duration = usual if usual is None or form.fields["channel"] == Channel.KIOSK else usual // 3
    fields: Fields = {
        "account_id": purchase.fields["account_id"], "event_id": f"e-{name}-kiosk", "response_id": f"{name}-kiosk", "transaction_id": name,
        "channel": Channel.KIOSK.value, "device_hash": hashed("kiosk", unit), "ip_prefix_hash": hashed("network", unit), "duration_ms": duration,
    }  # fmt: skip
    gone = ("invitation_id", "comment", "landed_at", "contact_hash", "contact_class", "customer_id", "agent_id", "expected_score")
    return form.moved(purchase.at + timedelta(minutes=float(rng.exponential(4.0)) + 1), **dict.fromkeys(gone), **fields)


def share_network(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Two of five customers work in one office: they answer from one network, and one in twenty of them at the computer that stands in its hall."""
    changes: dict[str, Fields] = {}
    for answer in answers(events, unit, from_day):
        if answer.fields["channel"] != Channel.KIOSK and rng.random() < chance(0.4, strength):
            change: Fields = {"ip_prefix_hash": hashed("office", unit)}
            if rng.random() < 0.05:
                change["device_hash"] = hashed("hall", unit)
            changes[answer.fields["response_id"]] = change
    return changed_answers(events, changes)


def fail(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Surveys cannot be sent or answered for a week; those that wait go out, and are answered, within two days after it."""
    since = midnight(from_day)
    until = since + timedelta(days=OUTAGE_DAYS * strength)
    delays: dict[str, datetime] = {}
    after = []
    for event in events:
        waits = event.topic is Topic.FEEDBACK or event.type in (InvitationType.SENT, InvitationType.BOUNCED)
        if event.fields.get("unit_id") == unit and waits and since <= event.at < until:
            key = str(event.fields.get("response_id", event.fields.get("invitation_id")))
            later = delays.setdefault(f"{event.topic}{key}", until + timedelta(days=2 * float(rng.random())))
            after.append(event.moved(max(later, event.at), landed_at=None))
        else:
            after.append(event)
    return arriving(after)
