"""Topics are created as declared, and what differs is found."""

from dataclasses import replace

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.topics import ALL, CHECKPOINTS, INPUTS
from streams.connections import admin
from streams.errors import KafkaUnavailable
from streams.settings import Settings
from streams.topics_admin import create_topics, drift, existing_topics, find_drift, repair_configuration, wanted_topics
from tests.conftest import wait_for


def _set(client: KafkaAdminClient, topic: str, key: str, value: str) -> None:
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})])


def test_topics_are_created_once_and_then_as_they_should_be(settings: Settings) -> None:
    with admin(settings) as client:
        created = create_topics(client, settings)

        assert [topic.spec for topic in created] == list(ALL)
        assert find_drift(client, settings) == []
        assert create_topics(client, settings) == []


def test_a_dry_run_says_what_it_would_create_and_creates_nothing(settings: Settings) -> None:
    with admin(settings) as client:
        assert len(create_topics(client, settings, dry_run=True)) == len(ALL)

        assert existing_topics(client, [topic.name for topic in wanted_topics(settings)]) == {}
        assert {difference.found for difference in find_drift(client, settings)} == {"absent"}


def test_checkpoints_are_compacted_and_inputs_keep_everything_unless_told(settings: Settings) -> None:
    with admin(settings) as client:
        create_topics(client, settings)
        existing = existing_topics(client, [topic.name for topic in wanted_topics(settings)])

    for spec in CHECKPOINTS.values():
        assert existing[settings.topic_prefix + spec.name].configuration["cleanup.policy"] == "compact"
    for spec in INPUTS.values():
        assert existing[settings.topic_prefix + spec.name].configuration["cleanup.policy"] == "delete"
        assert existing[settings.topic_prefix + spec.name].configuration["retention.ms"] == "-1"


def test_a_limit_of_retention_is_for_inputs_alone(settings: Settings) -> None:
    limited = wanted_topics(settings.model_copy(update={"retention_days": 30}))

    kept = {topic.spec.name: topic.configuration["retention.ms"] for topic in limited}
    assert {kept[spec.name] for spec in INPUTS.values()} == {str(30 * 86_400_000)}
    assert {kept[spec.name] for spec in CHECKPOINTS.values()} == {"-1"}


def test_a_changed_configuration_is_found_and_put_right(settings: Settings) -> None:
    checkpoint = settings.topic_prefix + "checkpoint.accounts"
    with admin(settings) as client:
        create_topics(client, settings)
        _set(client, checkpoint, "cleanup.policy", "delete")
        wait_for(lambda: bool(find_drift(client, settings)), 10)

        assert [(d.topic, d.what, d.wanted, d.found) for d in find_drift(client, settings)] == [(checkpoint, "cleanup.policy", "compact", "delete")]
        assert len(repair_configuration(client, settings, dry_run=True)) == 1
        assert len(find_drift(client, settings)) == 1
        assert len(repair_configuration(client, settings)) == 1
        assert find_drift(client, settings) == []


def test_another_number_of_partitions_is_found_and_never_touched(settings: Settings) -> None:
    name = settings.topic_prefix + "feedback"
    with admin(settings) as client:
        client.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
        create_topics(client, settings)
        repair_configuration(client, settings)

        assert [(d.topic, d.what, d.wanted, d.found) for d in find_drift(client, settings)] == [(name, "partitions", "4", "2")]


def test_too_few_replicas_are_drift_and_more_are_not(settings: Settings) -> None:
    wanted = wanted_topics(settings)[0]
    with admin(settings) as client:
        create_topics(client, settings)
        existing = existing_topics(client, [wanted.name])[wanted.name]

    assert [d.what for d in drift(replace(wanted, replication_factor=3), existing)] == ["replication factor"]
    assert drift(wanted, replace(existing, replication_factor=3)) == []


def test_a_broker_that_refuses_is_told_with_its_reason(settings: Settings) -> None:
    wide = settings.model_copy(update={"replication_factor": 3})

    with admin(wide) as client, pytest.raises(KafkaUnavailable, match="only 1 broker"):
        create_topics(client, wide)


def test_no_broker_is_told_with_its_address(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"), admin(nowhere):
        pass
