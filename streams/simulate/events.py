"""Events in the making: columns that all events have, and batches that are rendered but not yet sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.enums import Topic
from streams.core.batch import Bools, Int64s
from streams.simulate.company import CHANNELS, Company
from streams.simulate.text import Objects, names, times

CLOUDEVENTS = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Events:
    """Rendered events of one topic: when each happened (microseconds since 1970), whose it is, its JSON text."""

    topic: Topic
    occurred_at: Int64s
    account: Int64s
    value: list[str]
    envelope: bool = False
    """True: each value is a CloudEvents envelope."""


@dataclass(frozen=True, slots=True)
class Head:
    """The fields that every event may have; ``unit`` and ``agent`` -1: not given."""

    event_ids: list[str]
    occurred_at: Int64s
    account: Int64s
    unit: Int64s
    channel: Int64s
    agent: Int64s | None = None
    person: Int64s | None = None
    occurred_text: list[str] | None = None
    types: Sequence[str] = field(default_factory=tuple)
    type: Int64s | None = None

    def start(self, company: Company) -> Objects:
        """Objects that hold these fields; ``event_id`` comes first."""
        account_ids = company.account_ids
        objects = Objects(len(self.event_ids)).text("event_id", self.event_ids)
        codes = np.zeros(objects.n, np.int64) if self.type is None else self.type
        objects.code("event_type", self.types, codes)
        objects.text("occurred_at", self.occurred_text or times(self.occurred_at))
        objects.text("account_id", [account_ids[account] for account in self.account.tolist()])
        if self.person is not None:
            objects.text("customer_id", names("c-%06d", self.account * 3 + self.person), self.person >= 0)
        objects.code("unit_id", company.unit_ids, np.maximum(self.unit, 0), self.unit >= 0)
        if self.agent is not None:
            objects.text("agent_id", names("e-%05d", self.unit * 100 + self.agent), self.agent >= 0)
        objects.code("channel", CHANNELS, self.channel)
        synthetic: Bools = company.test[self.account]
        if synthetic.any():
            objects.flags("synthetic", synthetic, synthetic)
        return objects


def envelopes(objects: list[str], event_ids: list[str], event_type: str, occurred: list[str], source: str) -> list[str]:
    """The same events as CloudEvents 1.0: id, type and time outside, everything as data inside."""
    return [
        f'{{"specversion":"1.0","id":"{event_id}","source":"{source}","type":"{event_type}","time":"{time}","datacontenttype":"application/json","data":{data}}}'
        for data, event_id, time in zip(objects, event_ids, occurred, strict=True)
    ]
