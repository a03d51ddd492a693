"""Decisions of people about findings, sent to Kafka."""

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.adjudication import Adjudication
from schemas.topics import ADJUDICATIONS
from streams.connections import admin, kafka_options
from streams.errors import KafkaUnavailable, ProblemFound
from streams.settings import Settings
from streams.topics_admin import existing_topics

_PATIENCE_SECONDS = 30


def send_decision(settings: Settings, adjudication: Adjudication) -> None:
    """Sends a decision to where the finding's unit is judged, for a plan to every partition; returns once all replicas have it.

    Raises ``KafkaUnavailable`` where no broker answers, ``ProblemFound`` where the topic is absent.
    """
    topic = settings.topic_prefix + ADJUDICATIONS.name
    with admin(settings) as client:
        existing = existing_topics(client, [topic])
    if topic not in existing:
        raise ProblemFound(f"there is no topic {topic}; create it: candor topics create")
    value = adjudication.model_dump_json(exclude_none=True).encode()
    key = (adjudication.unit_id or adjudication.plan_id or "").encode()
    partitions = [None] if adjudication.unit_id is not None else list(range(existing[topic].partitions))
    try:
        producer = KafkaProducer(**kafka_options(settings), client_id="candor-adjudicate", acks="all")
        try:
            for sent in [producer.send(topic, key=key, value=value, partition=partition) for partition in partitions]:
                sent.get(timeout=_PATIENCE_SECONDS)
        finally:
            producer.close(timeout=_PATIENCE_SECONDS)
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka at {settings.kafka_bootstrap_servers}: {type(error).__name__}: {error}") from error
