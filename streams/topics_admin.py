"""The topics as they should be, as they are, and what is between."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.topics import ALL, DAY_MS, INPUTS, TopicSpec
from streams.errors import KafkaUnavailable
from streams.settings import Settings, variable

_TOPIC_ALREADY_EXISTS = 36
_UNKNOWN_TOPIC = 3
_PROPAGATION_SECONDS = 10
_FOR_EVER = 9_223_372_036_854_775_807
_INPUT_NAMES = frozenset(spec.name for spec in INPUTS.values())


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """A topic as it should be; ``name`` has the prefix."""

    name: str
    spec: TopicSpec
    partitions: int
    replication_factor: int
    configuration: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which a topic is not as it should be, and what to do."""

    topic: str
    what: str
    wanted: str
    found: str
    advice: str


@dataclass(frozen=True, slots=True)
class ExistingTopic:
    """A topic as it is."""

    name: str
    partitions: int
    replication_factor: int
    configuration: Mapping[str, str]
    permitted: frozenset[str]
    """What we may do with it, for example READ."""


def wanted_topics(settings: Settings) -> list[WantedTopic]:
    """Every topic that Candor needs, as these settings want it."""
    return [
        WantedTopic(settings.topic_prefix + spec.name, spec, settings.partitions, settings.replication_factor, _configuration(spec, settings))
        for spec in ALL
    ]


def _configuration(spec: TopicSpec, settings: Settings) -> dict[str, str]:
    retention_ms = spec.retention_ms
    if spec.name in _INPUT_NAMES and settings.retention_days is not None:
        retention_ms = settings.retention_days * DAY_MS
    common = {
        "max.message.bytes": str(spec.max_message_bytes),
        "min.insync.replicas": str(settings.min_insync_replicas),
        "message.timestamp.type": "CreateTime",
        # A record from a file is taken whatever the broker's clock says; the contract's own check is against the record's timestamp.
        "message.timestamp.after.max.ms": str(_FOR_EVER),
        "retention.ms": str(retention_ms),
    }
    if not spec.compacted:
        return {**common, "cleanup.policy": "delete"}
    return {
        **common,
        "cleanup.policy": "compact",
        # State changes all the time, and a worker that takes over reads all that is not compacted yet: compact early. Only closed segments are.
        "segment.bytes": str(64 * 1_048_576),
        "segment.ms": str(600_000),
        "min.cleanable.dirty.ratio": "0.2",
        "delete.retention.ms": str(DAY_MS),
    }


def existing_topics(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, ExistingTopic]:
    """Those of the topics that exist, by name."""
    described = [topic for topic in client.describe_topics(list(names)) if topic["error_code"] != _UNKNOWN_TOPIC]
    for topic in described:
        if topic["error_code"]:
            raise KafkaUnavailable(f"topic {topic['name']}: error {topic['error_code']}")
    configurations = _configurations(client, [topic["name"] for topic in described])
    return {topic["name"]: _existing(topic, configurations[topic["name"]]) for topic in described}


def _existing(topic: Mapping[str, Any], configuration: Mapping[str, str]) -> ExistingTopic:
    replicas = min((len(partition["replica_nodes"]) for partition in topic["partitions"]), default=0)
    return ExistingTopic(topic["name"], len(topic["partitions"]), replicas, configuration, frozenset(topic["authorized_operations"] or ()))


def _configurations(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answer = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names], config_filter="all")
    return {name: {key: str(entry["value"]) for key, entry in answer["topic"][name].items()} for name in names}


def topic_ids(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, str]:
    """Kafka's own id of each of the topics that exists, by name."""
    return {topic["name"]: str(topic["topic_id"]) for topic in client.describe_topics(list(names)) if topic["error_code"] != _UNKNOWN_TOPIC}


def drift(wanted: WantedTopic, existing: ExistingTopic | None) -> list[Drift]:
    """Every way in which the topic differs from what is wanted; an absent topic is one."""
    if existing is None:
        return [Drift(wanted.name, "topic", "present", "absent", "create it: candor topics create")]
    found = []
    if existing.partitions != wanted.partitions:
        advice = (
            f"set {variable('partitions')}={existing.partitions} where all topics have so many; else drain the topics and create them anew, "
            "since keys move with the number of partitions"
        )
        found.append(Drift(wanted.name, "partitions", str(wanted.partitions), str(existing.partitions), advice))
    if existing.replication_factor < wanted.replication_factor:
        advice = "reassign the partitions with Kafka's kafka-reassign-partitions"
        found.append(Drift(wanted.name, "replication factor", str(wanted.replication_factor), str(existing.replication_factor), advice))
    found += [
        Drift(wanted.name, key, value, existing.configuration.get(key, ""), "set it: candor topics create --repair")
        for key, value in wanted.configuration.items()
        if existing.configuration.get(key) != value
    ]
    return found


def find_drift(client: KafkaAdminClient, settings: Settings) -> list[Drift]:
    """All drift of all topics, in the order in which the topics are declared."""
    wanted = wanted_topics(settings)
    existing = existing_topics(client, [topic.name for topic in wanted])
    return [difference for topic in wanted for difference in drift(topic, existing.get(topic.name))]


def create_topics(client: KafkaAdminClient, settings: Settings, *, dry_run: bool = False) -> list[WantedTopic]:
    """The absent topics, created unless ``dry_run``: then the broker only says whether it would. Raises ``KafkaUnavailable`` where it refuses."""
    wanted = wanted_topics(settings)
    existing = existing_topics(client, [topic.name for topic in wanted])
    absent = [topic for topic in wanted if topic.name not in existing]
    if not absent:
        return []
    orders = {
        topic.name: {"num_partitions": topic.partitions, "replication_factor": topic.replication_factor, "configs": dict(topic.configuration)}
        for topic in absent
    }
    answer = client.create_topics(orders, validate_only=dry_run, raise_errors=False, wait_for_metadata=False)
    refused = [f"{topic['name']}: {topic['error_message']}" for topic in answer["topics"] if topic["error_code"] not in {0, _TOPIC_ALREADY_EXISTS}]
    if refused:
        raise KafkaUnavailable("the broker refuses to create topics\n" + "\n".join(refused))
    if not dry_run:
        client.wait_for_topics([topic.name for topic in absent])
    return absent


def repair_configuration(client: KafkaAdminClient, settings: Settings, *, dry_run: bool = False) -> list[Drift]:
    """The differences in configuration, put right unless ``dry_run``. Partitions and replicas are never touched."""
    keys = {topic.name: topic.configuration for topic in wanted_topics(settings)}
    wrong = [difference for difference in find_drift(client, settings) if difference.what in keys[difference.topic]]
    if wrong:
        topics = {difference.topic for difference in wrong}
        changes = [
            ConfigResource(ConfigResourceType.TOPIC, name, {difference.what: difference.wanted for difference in wrong if difference.topic == name})
            for name in sorted(topics)
        ]
        client.alter_configs(changes, validate_only=dry_run)
        if not dry_run:
            _wait_until_known(client, wrong)
    return wrong


def _wait_until_known(client: KafkaAdminClient, changed: Sequence[Drift]) -> None:
    """Return once the broker that answers us has heard of the changes from the controller; raises ``KafkaUnavailable`` after 10 seconds."""
    deadline = time.monotonic() + _PROPAGATION_SECONDS
    names = sorted({difference.topic for difference in changed})
    while True:
        known = _configurations(client, names)
        if all(known[difference.topic].get(difference.what) == difference.wanted for difference in changed):
            return
        if time.monotonic() > deadline:
            raise KafkaUnavailable(f"the changes of {', '.join(names)} were taken but are not in effect after {_PROPAGATION_SECONDS} seconds")
        time.sleep(0.05)
