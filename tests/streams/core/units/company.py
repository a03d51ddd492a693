"""A simulated company's records through accounts stages and units stages, partition by partition, in any order."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple

import yaml
from kafka.partitioner.default import murmur2

from schemas.begging import default_lexicons
from schemas.catalog import Catalog
from schemas.enums import Detector, Topic
from streams.core.accounts.signalling import Signalling
from streams.core.accounts.stage import AccountsStage, AccountsStages
from streams.core.decoding.times import local_days
from streams.core.signals import FleetSignals, UnitSignals, decode, encode
from streams.core.units.intake import group_hash
from streams.core.units.stage import UnitsStage, restore
from streams.simulate.plan import Plan
from streams.simulate.simulation import Simulation, simulate

DAY_MS = 86_400_000
_OCCURRED = re.compile(rb'"(?:occurred_at|time)": ?"([^"]+)"')


class Record(NamedTuple):
    """A record as a stage takes it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


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


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's own partitioner chooses."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class Finding(NamedTuple):
    """A finding as a reader sees it."""

    unit_id: str
    detector: Detector
    raised_on: int
    raised_at: int
    since: int
    sounded_on: int
    log_e: float


@dataclass
class Fleet:
    """Accounts stages and units stages with the signals between them."""

    catalog: Catalog
    partitions: int
    signals: list[list[Record]] = field(default_factory=list)
    accounts: list[AccountsStage] = field(default_factory=list)
    units: list[UnitsStage] = field(default_factory=list)
    checkpoints: list[dict[bytes, bytes]] = field(default_factory=list)
    flags: dict[tuple[str, str], int] = field(default_factory=dict)
    """Bits of the detectors that each response is flagged for, by unit and response, as a reader who keeps every row would see them."""

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.groups = {unit.unit_id: unit.peer_group or "" for unit in self.catalog.units}
        stages = AccountsStages(self.catalog, signalling=self._signalling)
        self.accounts = [stages.restore(partition, ()) for partition in range(self.partitions)]
        self.units = [restore((), self.partitions, self.groups) for _ in range(self.partitions)]
        self.signals = [[] for _ in range(self.partitions)]
        self.checkpoints = [{} for _ in range(self.partitions)]

    def _signalling(self) -> Signalling:
        return Signalling(
            default_lexicons(),
            lambda unit: group_hash(self.groups.get(unit, "")),
            lambda instants: local_days(instants, self.catalog.timezone),
        )

    def tell(self, partition: int, *, caught_up: bool = False) -> None:
        """What an accounts stage has collected goes into the signals."""
        stage = self.accounts[partition]
        assert stage.signalling is not None
        units, fleet = stage.signalling.take(stage.state, partition, caught_up=caught_up)
        for signal in units:
            self._send(partition_of(signal.unit_id.encode(), self.partitions), signal)
        for receiver in range(self.partitions):
            self._send(receiver, fleet)

    def _send(self, partition: int, signal: UnitSignals | FleetSignals) -> None:
        topic = self.signals[partition]
        topic.append(Record(len(topic), 0, b"", encode(signal), ()))
        assert decode(topic[-1].value or b"") == signal

    def hear(self, partition: int, upto: int | None = None) -> None:
        """A units stage reads on and writes its checkpoint."""
        stage, topic = self.units[partition], self.checkpoints[partition]
        stage.apply(self.signals[partition][stage.position : upto])
        for key, value in stage.checkpoint():
            if value is None:
                topic.pop(key, None)
            else:
                topic[key] = value
        for unit_id, _, response_id, reasons in stage.flagged:
            self.flags[unit_id, response_id] = reasons
            if not reasons:
                del self.flags[unit_id, response_id]
        stage.flagged.clear()

    def crash(self, partition: int) -> None:
        """A units stage is lost and restored from its checkpoint."""
        self.units[partition] = restore(
            ((key, value) for key, value in self.checkpoints[partition].items()),  # type: ignore[misc]
            self.partitions,
            self.groups,
        )

    def end(self) -> None:
        """Everything has been read, and nothing more comes."""
        for partition in range(self.partitions):
            self.tell(partition, caught_up=True)
        for partition in range(self.partitions):
            self.hear(partition)

    def findings(self) -> set[Finding]:
        """The findings that stand."""
        return {finding for stage in self.units for finding in _findings(stage)}


def _findings(stage: UnitsStage) -> Iterator[Finding]:
    table, units = stage.state.findings, stage.state.units
    for row in range(table.count):
        if table.standing[row]:
            yield Finding(
                unit_id=units.unit_id[int(table.unit[row])],
                detector=list(Detector)[int(table.detector[row])],
                raised_on=int(table.raised_on[row]),
                raised_at=int(table.raised_at[row]),
                since=int(table.since[row]),
                sounded_on=int(table.sounded_on[row]),
                log_e=round(float(table.log_e[row]), 6),
            )


def run(partitions: int, seed: int | None, jitter_days: float = 0.0, crashes: bool = False) -> Fleet:
    """Everything through a fleet of so many partitions.

    Without a seed: in order of arrival, and heard at once. With one: arrivals are shifted by up to ``jitter_days``, each partition goes ahead of the
    others by months, batches are cut at random, and units stages hear when they please, and are lost now and then if ``crashes``.
    """
    _, catalog, arrivals = company()
    chance = random.Random(seed)
    shifted = sorted((a.arrived_at + chance.random() * jitter_days * DAY_MS, i) for i, a in enumerate(arrivals))
    lanes: list[list[tuple[Topic, Record]]] = [[] for _ in range(partitions)]
    offsets: dict[tuple[int, Topic], int] = {}
    for _, i in shifted:
        arrival = arrivals[i]
        partition = partition_of(arrival.key, partitions)
        offset = offsets.get((partition, arrival.topic), 0)
        offsets[partition, arrival.topic] = offset + 1
        lanes[partition].append((arrival.topic, Record(offset, arrival.arrived_at, arrival.key, arrival.value, arrival.headers)))
    fleet = Fleet(catalog, partitions)
    places = [0] * partitions
    while any(place < len(lane) for place, lane in zip(places, lanes, strict=True)):
        partition = chance.choice([p for p in range(partitions) if places[p] < len(lanes[p])])
        size = chance.randint(200, 12_000) if seed is not None else 2_000
        _feed(fleet.accounts[partition], lanes[partition][places[partition] : places[partition] + size])
        places[partition] += size
        fleet.tell(partition)
        for listener in range(partitions):
            if seed is None or chance.random() < 0.3:
                behind = fleet.units[listener].position
                fleet.hear(listener, None if seed is None else chance.randint(behind, len(fleet.signals[listener])))
                if crashes and chance.random() < 0.3:
                    fleet.crash(listener)
    fleet.end()
    return fleet


def _feed(stage: AccountsStage, records: list[tuple[Topic, Record]]) -> None:
    by_topic: dict[Topic, list[Record]] = {}
    for topic, record in records:
        by_topic.setdefault(topic, []).append(record)
    for topic, batch in by_topic.items():
        stage.apply(topic, batch)
    stage.flush()
