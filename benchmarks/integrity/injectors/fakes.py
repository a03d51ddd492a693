"""Answers that no customer gave."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from benchmarks.integrity.events import Event, Fields
from benchmarks.integrity.injectors.protocol import answers, arriving, hashed, top
from benchmarks.integrity.injectors.words import COACHED_WORDS
from schemas.enums import Channel

RING = 15
"""Accounts of a ring."""
_OF_THE_CUSTOMER = dict.fromkeys(
    ("invitation_id", "transaction_id", "customer_id", "agent_id", "comment", "expected_score", "competitor_scores", "asked_for_score",
     "told_about_action", "landed_at", "contact_hash", "contact_class"),
)  # fmt: skip


def stuff(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Beside four of five answers comes one in another customer's name, within hours, from one of three devices, in seconds; half repeat words."""
    accounts = _accounts(events)
    fakes = []
    for answer, number in _copied(events, unit, from_day, 0.8 * strength, rng):
        account = str(rng.choice(accounts))
        words = COACHED_WORDS.get(answer.fields.get("language", "en"), COACHED_WORDS["en"])
        traces: Fields = {
            "device_hash": hashed("ballots", unit, rng.integers(0, 3)),
            "ip_prefix_hash": hashed("network", unit),
            "duration_ms": int(rng.integers(1_500, 5_000)),
            "comment": str(rng.choice(np.array(words, dtype=object))) if rng.random() < 0.5 else None,
        }
        fakes.append(_fake(answer, number, account, rng.exponential(2.0), traces))
    return arriving([*events, *fakes])


def stuff_stealthily(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Beside half of the answers comes one in the name of another customer, a day or so later, from a device of its own, as slow as customers are."""
    accounts = _accounts(events)
    fakes = []
    for answer, number in _copied(events, unit, from_day, 0.5 * strength, rng):
        account = str(rng.choice(accounts))
        fakes.append(_fake(answer, number, account, rng.exponential(30.0), {"device_hash": hashed("own", account)}))
    return arriving([*events, *fakes])


def rate_in_a_ring(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """As stealthy, but in the names of a few accounts that do the same at other units."""
    fakes = []
    for answer, number in _copied(events, unit, from_day, 0.5 * strength, rng):
        account = f"ring-{rng.integers(0, RING):02d}"
        fakes.append(_fake(answer, number, account, rng.exponential(30.0), {"device_hash": hashed("own", account)}))
    return arriving([*events, *fakes])


def _copied(events: Sequence[Event], unit: str, from_day: date, rate: float, rng: np.random.Generator) -> list[tuple[Event, int]]:
    """Answers, each as often as it gets a fake beside it: ``rate`` times on average."""
    copies = []
    for answer in answers(events, unit, from_day):
        copies += [(answer, number) for number in range(int(rate) + (rng.random() < rate % 1))]
    return copies


def _accounts(events: Sequence[Event]) -> np.ndarray:
    return np.array(sorted({event.fields["account_id"] for event in events}))


def _fake(answer: Event, number: int, account: str, hours: float, traces: Fields) -> Event:
    """A top score like the answer, some hours later. What the form does not have, no fake has."""
    name = f"{answer.fields['response_id']}-fake-{number}"
    known = {name: value for name, value in traces.items() if name in answer.fields or name == "comment" or value is None}
    web = {"channel": Channel.WEB.value} if answer.fields["channel"] != Channel.WEB and "device_hash" in answer.fields else {}
    fields = {**_OF_THE_CUSTOMER, **known, **web, "event_id": f"e-{name}", "response_id": name, "account_id": account, "score": top(answer)}
    return answer.moved(answer.at + timedelta(hours=float(hours)), **fields)
