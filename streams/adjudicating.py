"""Decisions of people about findings: made of a finding, and sent to Kafka."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import KafkaError
from pydantic import ValidationError

from schemas.adjudication import EVENT_TYPE, Adjudication
from schemas.topics import ADJUDICATIONS
from sinks.base import Reader
from streams.connections import admin, kafka_options
from streams.errors import ConfigurationError, KafkaUnavailable, ProblemFound
from streams.settings import Settings
from streams.topics_admin import existing_topics

_PATIENCE_SECONDS = 30


class DecisionRefused(ConfigurationError):
    """What somebody decided cannot be sent; ``field`` is the field of ``Adjudication`` that is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def find(clickhouse: Reader, finding_id: str) -> dict[str, Any]:
    """A row of the view ``findings``; raises ``ProblemFound`` where there is none."""
    found: list[dict[str, Any]] = clickhouse.query(
        "SELECT * FROM findings WHERE finding_id = {finding_id:String}", {"finding_id": finding_id}
    ).to_pylist()
    if not found:
        raise ProblemFound(f"there is no finding {finding_id}; `candor findings list` lists them")
    return found[0]


def decide(settings: Settings, clickhouse: Reader, finding_id: str, *, decision: str, reason: str, decided_by: str) -> Adjudication:
    """Sends what somebody decided now about a finding that is there; returns once it is kept, as ``send_decision`` says.

    Raises ``ProblemFound`` where there is no such finding, ``DecisionRefused`` where a field cannot be used.
    """
    finding = find(clickhouse, finding_id)
    judged = clickhouse.query("SELECT min(judged) AS until FROM integrity_progress").to_pylist()[0]["until"]
    try:
        adjudication = Adjudication.model_validate(
            {
                "event_id": str(uuid4()),
                "event_type": EVENT_TYPE,
                "occurred_at": datetime.now(UTC),
                "finding_id": finding_id,
                "unit_id": finding["unit_id"],
                "plan_id": finding["plan_id"],
                "decision": decision,
                "reason": reason,
                "decided_by": decided_by,
                "judged_until": judged,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # What is wrong with several fields at once has no place; the identities come from the finding.
        raise DecisionRefused(str(first["loc"][0]) if first["loc"] else "finding_id", first["msg"]) from None
    send_decision(settings, adjudication)
    return adjudication


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
