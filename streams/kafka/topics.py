"""Whether the topics are as the worker needs them."""

import asyncio
import time

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from schemas.topics import ALL, CHECKPOINTS, INPUTS, SIGNALS
from streams.errors import ConfigurationError, KafkaUnavailable
from streams.kafka.client import ClientOptions

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


async def check_topics(client: ClientOptions, prefix: str, patience_seconds: float = 60.0) -> int:
    """The number of partitions that inputs, signals and checkpoints share.

    Raises ``ConfigurationError`` where a topic is missing or has another number, or where Kafka would delete a checkpoint, and ``KafkaUnavailable``
    where no broker answers in time. It creates none, also where the broker creates topics by itself.
    """
    partitions, policies = await _described(client, prefix, patience_seconds)
    missing = sorted(name for name in (prefix + spec.name for spec in ALL) if not partitions.get(name))
    if missing:
        raise ConfigurationError(f"there is no topic {', '.join(missing)}: run `candor topics` first")
    together = {name: partitions[name] for name in (prefix + spec.name for spec in (*INPUTS.values(), SIGNALS, *CHECKPOINTS.values()))}
    if len(set(together.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in sorted(together.items()))
        raise ConfigurationError(
            f"inputs, signals and checkpoints must have the same number of partitions, but {counts}: `candor topics` says what to do"
        )
    for name, policy in policies.items():
        if policy != "compact":
            raise ConfigurationError(
                f"{name} has cleanup.policy={policy}, so Kafka would delete the workers' state: run `candor topics create --repair`. If the broker "
                "created it by itself, delete it and run `candor topics create`"
            )
    return next(iter(together.values()))


async def _described(client: ClientOptions, prefix: str, patience_seconds: float) -> tuple[dict[str, int], dict[str, str]]:
    """Partitions of each of our topics that is there, and the cleanup policy of each checkpoint; waits for a broker."""
    deadline = time.monotonic() + patience_seconds
    while True:
        admin = AIOKafkaAdminClient(**client)
        try:
            await admin.start()
            # Asking for a topic by name would create it where the broker is so configured; a list of all does not.
            there = set(await admin.list_topics()) & {prefix + spec.name for spec in ALL}
            described = await admin.describe_topics(sorted(there)) if there else []
            checkpoints = sorted(there & {prefix + spec.name for spec in CHECKPOINTS.values()})
            return {topic["topic"]: len(topic["partitions"]) for topic in described}, await _policies(admin, checkpoints)
        except (KafkaError, OSError) as error:
            if time.monotonic() > deadline:
                raise KafkaUnavailable(f"no broker answers at {', '.join(client['bootstrap_servers'])}: {error}") from error
            _log.warning("waiting_for_kafka", servers=client["bootstrap_servers"], error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await admin.close()


async def _policies(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, str]:
    """The cleanup policy of each topic; left out where we may not ask."""
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, {"cleanup.policy": None}) for name in names]
    answers = [answer.to_object() for answer in await admin.describe_configs(resources)]
    return {
        resource["resource_name"]: entry["config_value"]
        for answer in answers
        for resource in answer["resources"]
        for entry in resource["config_entries"]
        if entry["config_names"] == "cleanup.policy"
    }
