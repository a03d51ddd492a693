"""A simulated company's records through accounts stages and units stages, partition by partition, in any order."""

import random
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import yaml

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.topics import SIGNALS
from streams.core.batch import Numbered
from streams.simulate.plan import Plan
from streams.simulate.simulation import Simulation, simulate
from tests.chaos.wire import partition_of
from tests.streams.core.units.fleet import Fleet

DAY_MS = 86_400_000
_OCCURRED = re.compile(rb'"(?:occurred_at|time)": ?"([^"]+)"')


class Arrival(NamedTuple):
    """A record without its place, and when it arrives."""

    arrived_at: int
    topic: Topic
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@cache
def company() -> tuple[Simulation, Catalog, tuple[Arrival, ...]]:
    """Twenty units over six months, and their records; none arrives more than four days late."""
    simulation = simulate(Plan(seed=9, units=20, months=6, accounts=2_000, events=90_000))
    arrivals = tuple(Arrival(_in_time(r.timestamp, r.value), r.topic, r.key or b"", r.value, r.headers) for r in simulation.records())
    return simulation, Catalog.model_validate(yaml.safe_load(simulation.catalog())), arrivals


def _in_time(arrived_at: int, value: bytes | None) -> int:
    occurred = _OCCURRED.search(value or b"")
    if occurred is None:
        return arrived_at
    return min(arrived_at, int(datetime.fromisoformat(occurred[1].decode()).timestamp() * 1000) + 4 * DAY_MS)


def run(partitions: int, seed: int | None, jitter_days: float = 0.0, crashes: bool = False, rested: bool = False) -> Fleet:
    """Everything through a fleet of so many partitions.

    Without a seed: in order of arrival, and heard at once. With one: arrivals are shifted by up to ``jitter_days``, each partition goes ahead of the
    others by months, batches are cut at random, and units stages hear when they please, and are lost now and then if ``crashes``. If ``rested``,
    there was long nothing to read when everything came at once, and topics of a partition are read one after another.
    """
    _, catalog, arrivals = company()
    chance = random.Random(seed)
    shifted = sorted((a.arrived_at + chance.random() * jitter_days * DAY_MS, i) for i, a in enumerate(arrivals))
    lanes: list[list[tuple[Topic, Numbered]]] = [[] for _ in range(partitions)]
    offsets: dict[tuple[int, Topic], int] = {}
    for _, i in shifted:
        arrival = arrivals[i]
        partition = partition_of(arrival.key, partitions)
        offset = offsets.get((partition, arrival.topic), 0)
        offsets[partition, arrival.topic] = offset + 1
        lanes[partition].append((arrival.topic, Numbered(offset, arrival.arrived_at, arrival.key, arrival.value, arrival.headers)))
    fleet = Fleet(catalog, partitions)
    places = [0] * partitions
    if rested:
        fleet.end()
    while any(place < len(lane) for place, lane in zip(places, lanes, strict=True)):
        partition = chance.choice([p for p in range(partitions) if places[p] < len(lanes[p])])
        size = chance.randint(200, 12_000) if seed is not None else 2_000
        batch = lanes[partition][places[partition] : places[partition] + size]
        for topics in [[topic] for topic in chance.sample(list(Topic), len(Topic))] if rested else [list(Topic)]:
            fleet.feed(partition, (arrival for arrival in batch if arrival[0] in topics))
            fleet.tell(partition)
            for listener in range(partitions) if rested else ():
                fleet.hear(listener)
        places[partition] += size
        for listener in range(partitions):
            if seed is None or chance.random() < 0.3:
                behind = fleet.units[listener].position(SIGNALS.name)
                upto = None if seed is None else chance.randint(behind, len(fleet.signals[listener]))
                fleet.hear(listener, upto, project=not crashes or chance.random() < 0.5)
                if crashes and chance.random() < 0.3:
                    fleet.crash(listener)
    fleet.end()
    return fleet
