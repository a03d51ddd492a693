"""What is simulated is what decoding accepts, but for the records that are meant to be refused."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from yaml import safe_load

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from streams.core.decoding import decode
from streams.simulate import Plan, simulate
from streams.simulate.plan import MIXES, MixName


@dataclass(slots=True)
class _Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)


@pytest.mark.parametrize("mix", list(MixName))
def test_every_event_is_accepted_but_the_bad_ones(mix: MixName) -> None:
    simulation = simulate(Plan(seed=5, events=40_000, accounts=1_500, mix=MIXES[mix]))
    catalog = Catalog.model_validate(safe_load(simulation.catalog()))
    batches: dict[Topic, list[_Record]] = {topic: [] for topic in Topic}
    for record in simulation.records():
        batch = batches[record.topic]
        batch.append(_Record(len(batch), record.timestamp, record.key, record.value, list(record.headers)))

    decoded = {topic: decode(topic, batch, catalog) for topic, batch in batches.items()}

    refused: Counter[RejectReason] = Counter(rejected.reason for events in decoded.values() for rejected in events.rejected)
    assert refused == simulation.bad
    assert sum(len(events.account_id) for events in decoded.values()) == len(simulation) - refused.total()
    assert all(events.unknown_fields == 0 for events in decoded.values())
