"""Looking at both consumer groups from outside: positions, ends, members, and the oldest record that is left."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from kafka import IsolationLevel, KafkaAdminClient, KafkaConsumer, OffsetSpec, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from schemas.enums import Stage
from schemas.topics import READ, consumer_group
from streams.connections import admin, kafka_options
from streams.errors import KafkaUnavailable, ProblemFound
from streams.lag.rules import Look
from streams.settings import Settings

_PATIENCE_SECONDS = 10.0
_POLL_MS = 200
_FETCH_BYTES = 65_536
"""Of each partition; a batch that is larger comes whole."""
_UNKNOWN_TOPIC = 3
_T = TypeVar("_T")


class Place(NamedTuple):
    """A partition as a stage reads it; ``topic`` is without the prefix."""

    stage: Stage
    topic: str
    partition: int


class LagReader:
    """Looks at all partitions of all stages at once."""

    def __init__(self, settings: Settings, client: KafkaAdminClient) -> None:
        self._settings = settings
        self._client = client

    def look(self) -> dict[Place, Look]:
        """One look at each; raises ``ProblemFound`` where a topic is missing, and ``KafkaError`` where Kafka does not answer."""
        places = self._places()
        groups = {stage: consumer_group(self._settings.group, stage) for stage in Stage}
        committed = {stage: self._committed(group) for stage, group in groups.items()}
        described = _patiently(lambda: self._client.describe_groups(list(groups.values())))
        owned = {stage: _owned(described[group]) for stage, group in groups.items()}
        partitions = set(places.values())
        # Positions first: what is committed after them must not look as if it lay beyond the end.
        first = self._offsets(partitions, OffsetSpec.EARLIEST)
        ends = self._offsets(partitions, OffsetSpec.LATEST)
        at = time.time()
        positions = {place: committed[place.stage][partition] for place, partition in places.items() if partition in committed[place.stage]}
        behind = {
            place: max(positions.get(place, 0), first[partition])
            for place, partition in places.items()
            if max(positions.get(place, 0), first[partition]) < ends[partition]
        }
        oldest = self._oldest({places[place]: position for place, position in behind.items()}, ends)
        return {
            place: Look(
                at,
                positions.get(place),
                ends[partition],
                oldest[partition] if place in behind else None,
                partition in owned[place.stage],
                first[partition],
            )
            for place, partition in places.items()
        }

    def _committed(self, group: str) -> dict[TopicPartition, int]:
        offsets = _patiently(lambda: self._client.list_group_offsets({group: None})[group])
        return {partition: position.offset for partition, position in offsets.items()}

    def _places(self) -> dict[Place, TopicPartition]:
        prefix = self._settings.topic_prefix
        names = {prefix + topic for topics in READ.values() for topic in topics}
        counts = {topic["name"]: len(topic["partitions"]) for topic in self._client.describe_topics(sorted(names)) if not topic["error_code"]}
        missing = sorted(names - set(counts))
        if missing:
            raise ProblemFound(f"there is no topic {', '.join(missing)}: run `candor topics create`")
        return {
            Place(stage, topic, partition): TopicPartition(prefix + topic, partition)
            for stage, topics in READ.items()
            for topic in topics
            for partition in range(counts[prefix + topic])
        }

    def _offsets(self, partitions: set[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
        # Up to the first transaction that is still open: workers read no further either.
        found = self._client.list_partition_offsets(dict.fromkeys(partitions, spec), isolation_level=IsolationLevel.READ_COMMITTED)
        return {partition: answer.offset for partition, answer in found.items()}

    def _oldest(self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, float | None]:
        """Kafka timestamp (seconds since 1970) of the first record from each position on; None where only markers follow."""
        if not positions:
            return {}
        # Of each look its own: kafka-python 3.0 does not always read on in a partition that was paused and resumed, since it waits for what it
        # holds of another one that has no records left.
        consumer = _consumer(self._settings)
        try:
            return _first_of_each(consumer, positions, ends)
        finally:
            consumer.close()


def _consumer(settings: Settings) -> KafkaConsumer:
    return KafkaConsumer(
        **kafka_options(settings),
        client_id="candor-lag",
        group_id=None,
        enable_auto_commit=False,
        # Where retention took the position away, the oldest record is the first that is still there.
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_POLL_MS,
    )


def _first_of_each(
    consumer: KafkaConsumer, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, float | None]:
    left, found = set(positions), dict[TopicPartition, float | None]()
    consumer.assign(sorted(left))
    for partition, position in positions.items():
        consumer.seek(partition, position)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while left:
        for partition, records in consumer.poll(timeout_ms=_POLL_MS, max_records=len(left)).items():
            if records and partition in left:
                found[partition] = records[0].timestamp / 1000
        found |= {partition: None for partition in left - set(found) if consumer.position(partition) >= ends[partition]}
        for partition in left & set(found):
            left.remove(partition)
            consumer.pause(partition)
        if left and time.monotonic() > deadline:
            raise KafkaUnavailable(f"Kafka did not hand over the next record of {', '.join(map(str, sorted(left)))}")
    return found


@contextmanager
def lag_reader(settings: Settings) -> Iterator[LagReader]:
    """Connected for as long as it is used; raises ``KafkaUnavailable``, also for what goes wrong meanwhile."""
    with admin(settings) as client:
        yield LagReader(settings, client)


def _owned(group: Mapping[str, Any]) -> set[TopicPartition]:
    """The partitions that members of the group have; while it rebalances members have none."""
    owned = set()
    for member in group["members"]:
        with suppress(TypeError, KeyError):  # bytes where the assignment is empty
            for topic in member["member_assignment"]["assigned_partitions"]:
                owned |= {TopicPartition(topic["topic"], partition) for partition in topic["partitions"]}
    return owned


def _patiently(ask: Callable[[], _T]) -> _T:
    """The answer about a group; asked again while its coordinator is being found, which on a new broker takes a moment."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
