"""The broker: reachable, new enough, permitting, and the topics as they should be."""

from collections.abc import Iterable, Iterator, Mapping

from kafka import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, KafkaError

from schemas.enums import Stage
from schemas.topics import CHECKPOINTS, DEAD_LETTERS, consumer_group
from streams.connections import admin
from streams.doctor.finding import Finding, State
from streams.errors import ConfigurationError, KafkaUnavailable
from streams.settings import Settings, variable
from streams.topics_admin import ExistingTopic, WantedTopic, drift, existing_topics, wanted_topics

_OLDEST = (2, 8)
_CHECKPOINT_NAMES = frozenset(spec.name for spec in CHECKPOINTS.values())


def check_kafka(settings: Settings) -> Iterator[Finding]:
    """All about Kafka; one finding where it is away."""
    try:
        with admin(settings) as client:
            yield from _check_cluster(client, settings)
            yield from _check_group(client, settings)
            yield from _check_topics(client, settings)
    except KafkaUnavailable as error:
        yield Finding("kafka", settings.kafka_bootstrap_servers, State.AWAY, str(error), error.advice)
    except ConfigurationError as error:
        yield Finding("kafka", "certificates", State.PROBLEM, str(error), "put the paths right; the files must be readable PEM")


def _check_cluster(client: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    cluster = client.describe_cluster()
    brokers = cluster["brokers"]
    yield Finding("kafka", "reachable", State.OK, f"{len(brokers)} brokers in cluster {cluster['cluster_id']}")
    version = client.get_broker_version_data(brokers[0]["broker_id"]).broker_version
    text = ".".join(map(str, version))
    if tuple(version) < _OLDEST:
        yield Finding("kafka", "version", State.PROBLEM, text, f"Kafka {_OLDEST[0]}.{_OLDEST[1]} or newer is needed, for transactions with fencing")
    else:
        yield Finding("kafka", "version", State.OK, text)
    if len(brokers) > settings.replication_factor:
        advice = f"set {variable('replication_factor')} to {min(3, len(brokers))} before topics are created, so that no record hangs on one disk"
        yield Finding("kafka", "replication", State.WARNING, f"factor {settings.replication_factor} of {len(brokers)} brokers", advice)


def _check_group(client: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    for group in (consumer_group(settings.group, stage) for stage in Stage):
        try:
            client.list_group_offsets(group)
        except GroupAuthorizationFailedError:
            yield Finding("kafka", "group", State.PROBLEM, f"{group} may not be read", f"grant READ and DESCRIBE on group {group}")
        except KafkaError:
            # A cluster that never had a group has no coordinator yet; the first worker makes one.
            yield Finding("kafka", "group", State.OK, f"{group}: not used yet")
        else:
            yield Finding("kafka", "group", State.OK, f"{group} may be used")


def _check_topics(client: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    wanted = wanted_topics(settings)
    existing = existing_topics(client, [topic.name for topic in wanted])
    for topic in wanted:
        yield from _check_topic(topic, existing.get(topic.name))
    yield _equal_partitions(existing.values())
    yield from _check_compaction(settings, existing)


def _check_topic(wanted: WantedTopic, existing: ExistingTopic | None) -> Iterator[Finding]:
    differences = drift(wanted, existing)
    for difference in differences:
        state = State.PROBLEM if existing is None or difference.what in {"cleanup.policy", "max.message.bytes"} else State.WARNING
        found = difference.found if existing is None else f"{difference.what} is {difference.found}, wanted {difference.wanted}"
        yield Finding("topics", wanted.name, state, found, difference.advice)
    if existing is None:
        return
    missing = _needed(wanted) - existing.permitted if existing.permitted else set()
    if missing:
        yield Finding("topics", wanted.name, State.PROBLEM, f"not permitted: {', '.join(sorted(missing))}", "grant it to the user of the workers")
    if not differences and not missing:
        yield Finding("topics", wanted.name, State.OK, f"{existing.partitions} partitions, {existing.replication_factor} replicas")


def _needed(wanted: WantedTopic) -> set[str]:
    if wanted.spec.name in _CHECKPOINT_NAMES:
        return {"READ", "WRITE", "DESCRIBE"}
    return {"WRITE", "DESCRIBE"} if wanted.spec is DEAD_LETTERS else {"READ", "DESCRIBE"}


def _equal_partitions(existing: Iterable[ExistingTopic]) -> Finding:
    counts = {topic.name: topic.partitions for topic in existing}
    if len(set(counts.values())) <= 1:
        return Finding("topics", "partition counts", State.OK, "equal")
    found = ", ".join(f"{name} has {count}" for name, count in sorted(counts.items()))
    return Finding(
        "topics", "partition counts", State.PROBLEM, found, "give all topics the same number: an account's events must meet in one partition"
    )


def _check_compaction(settings: Settings, existing: Mapping[str, ExistingTopic]) -> Iterator[Finding]:
    for spec in CHECKPOINTS.values():
        topic = existing.get(settings.topic_prefix + spec.name)
        if topic is not None and topic.configuration.get("cleanup.policy") == "compact":
            yield Finding("topics", f"{topic.name} compaction", State.OK, "compacted, nothing is deleted by age")
