"""What goes wrong on the way: delays, clocks that are ahead, copies, and records that nobody can use."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.enums import RejectReason, Topic
from streams.core.batch import Int64s
from streams.simulate.company import Company
from streams.simulate.events import Events

COPIED = 0.005
"""Share of the events that arrive a second time, byte for byte."""
RENAMED = 0.001
"""Share of the events that arrive a second time under another ``event_id``."""
BAD = 0.0006
"""Share of the records that cannot be used."""
_SECOND, _DAY = 1_000, 86_400_000
_TOPICS = tuple(Topic)


@dataclass(frozen=True, slots=True)
class Sent:
    """Records in order of arrival; times in milliseconds since 1970."""

    topic: Int64s
    """Index into ``Topic``."""
    arrived_at: Int64s
    key: list[str]
    value: list[str | None]
    enveloped: list[bool]
    bad: Counter[RejectReason]
    """How many of the records cannot be used, and why."""


def send(company: Company, batches: Sequence[Events], random: np.random.Generator) -> Sent:
    """The events as they arrive: most at once, some late, some twice, a few useless."""
    topic = np.concatenate([np.full(len(events.value), _TOPICS.index(events.topic)) for events in batches])
    enveloped = np.concatenate([np.full(len(events.value), events.envelope) for events in batches])
    occurred_ms = np.concatenate([events.occurred_at for events in batches]) // 1000
    account = np.concatenate([events.account for events in batches])
    value: list[str | None] = [text for events in batches for text in events.value]
    arrived_at = occurred_ms + _delays(len(value), random)
    key = [company.account_ids[who] for who in account.tolist()]
    arrivals = [arrived_at]
    sources = [np.arange(len(value))]
    for share, rename in ((COPIED, False), (RENAMED, True)):
        chosen = np.flatnonzero((random.random(len(account)) < share) & ~(enveloped & rename))
        arrivals.append(arrived_at[chosen] + _redelivery(len(chosen), random))
        sources.append(chosen)
        value += [_renamed(value[i]) if rename else value[i] for i in chosen.tolist()]
    source = np.concatenate(sources)
    good = _Good(occurred_ms, arrived_at, key, value, topic, np.flatnonzero(~enveloped))
    bad = _spoil(good, random)
    arrival = np.concatenate([*arrivals, np.array(bad.arrived_at, np.int64)])
    order = np.argsort(arrival, kind="stable")
    topics = np.concatenate([topic[source], np.array(bad.topic, np.int64)])
    keys = [key[i] for i in source.tolist()] + bad.key
    values = value + bad.value
    envelopes = np.concatenate([enveloped[source], np.zeros(len(bad.key), bool)])
    places = order.tolist()
    return Sent(
        topic=topics[order],
        arrived_at=arrival[order],
        key=[keys[i] for i in places],
        value=[values[i] for i in places],
        enveloped=envelopes[order].tolist(),
        bad=Counter(bad.reason),
    )


def _delays(n: int, random: np.random.Generator) -> Int64s:
    """Milliseconds from event to arrival: seconds, now and then minutes or days; one in a thousand clocks is ahead."""
    delay = random.exponential(1.5 * _SECOND, n)
    kind = random.random(n)
    delay = np.where(kind < 0.04, random.exponential(600 * _SECOND, n), delay)
    delay = np.where(kind < 0.005, random.uniform(0, 12 * _DAY, n), delay)
    return np.where(kind > 0.999, -random.uniform(0, 1800 * _SECOND, n), delay).astype(np.int64)


def _redelivery(n: int, random: np.random.Generator) -> Int64s:
    """Milliseconds from arrival to the arrival of a copy; at most two weeks, so that it is still known."""
    return np.minimum(random.lognormal(10.5, 2.5, n), 14 * _DAY).astype(np.int64)


def _renamed(text: str | None) -> str | None:
    return None if text is None else text.replace('{"event_id":"', '{"event_id":"again-', 1)


@dataclass(frozen=True, slots=True)
class _Good:
    occurred_ms: Int64s
    arrived_at: Int64s
    key: list[str]
    value: list[str | None]
    topic: Int64s
    plain: Int64s
    """Indices of those without envelope."""


@dataclass(frozen=True, slots=True)
class _Bad:
    topic: list[int]
    arrived_at: list[int]
    key: list[str]
    value: list[str | None]
    reason: list[RejectReason]


def _with(name: str, content: object) -> Callable[[str], str]:
    def change(text: str) -> str:
        event = json.loads(text)
        event[name] = content
        return json.dumps(event, ensure_ascii=False)

    return change


def _without(name: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        event = json.loads(text)
        del event[name]
        return json.dumps(event, ensure_ascii=False)

    return change


_SPOILERS: tuple[tuple[RejectReason, Callable[[str], str | None], Topic | None], ...] = (
    (RejectReason.MALFORMED, lambda text: text[: len(text) // 2], None),
    (RejectReason.MALFORMED, lambda _: None, None),
    (RejectReason.OVERSIZE, _with("comment", "bla " * 2_501), Topic.FEEDBACK),
    (RejectReason.UNKNOWN_TYPE, _with("event_type", "something.happened"), None),
    (RejectReason.UNKNOWN_VERSION, _with("schema_version", 2), None),
    (RejectReason.MISSING_FIELD, _without("occurred_at"), None),
    (RejectReason.INVALID_FIELD, _with("channel", "carrier pigeon"), None),
    (RejectReason.OUT_OF_RANGE, _with("score", 11), Topic.FEEDBACK),
    (RejectReason.OUT_OF_RANGE, _with("amount", -5), Topic.TRANSACTIONS),
    (RejectReason.KEY_MISMATCH, lambda text: text, None),
    (RejectReason.UNKNOWN_CURRENCY, _with("currency", "XTS"), Topic.TRANSACTIONS),
    (RejectReason.IN_FUTURE, lambda text: text, None),
)


def _spoil(good: _Good, random: np.random.Generator) -> _Bad:
    """Bad records, made from good ones; all kinds in turn."""
    bad = _Bad([], [], [], [], [])
    pools = {name: good.plain[good.topic[good.plain] == _TOPICS.index(name)] for name in (Topic.FEEDBACK, Topic.TRANSACTIONS)}
    pools[Topic.FEEDBACK] = np.array([i for i in pools[Topic.FEEDBACK].tolist() if '"score"' in (good.value[i] or "")], np.int64)
    for number in range(max(min(len(_SPOILERS), len(good.topic) // 100), round(len(good.topic) * BAD))):
        reason, spoil, of_topic = _SPOILERS[number % len(_SPOILERS)]
        pool = good.plain if of_topic is None else pools[of_topic]
        if not len(pool):
            continue
        chosen = int(pool[random.integers(0, len(pool))])
        text = (good.value[chosen] or "").replace('{"event_id":"', f'{{"event_id":"bad-{number}-', 1)
        at = int(good.arrived_at[chosen]) + 5 * _SECOND
        bad.topic.append(int(good.topic[chosen]))
        bad.arrived_at.append(
            int(good.occurred_ms[chosen]) - 2 * _DAY if reason is RejectReason.IN_FUTURE else max(at, int(good.occurred_ms[chosen]))
        )
        bad.key.append("somebody-else" if reason is RejectReason.KEY_MISMATCH else good.key[chosen])
        bad.value.append(spoil(text))
        bad.reason.append(reason)
    return bad
