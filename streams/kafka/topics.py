"""Whether the topics are as the worker needs them."""

import asyncio
import time

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics import ALL, CHECKPOINTS, INPUTS
from streams.errors import ConfigurationError, KafkaUnavailable
from streams.kafka.client import ClientOptions

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


async def check_topics(client: ClientOptions, prefix: str, patience_seconds: float = 60.0) -> int:
    """The number of partitions that inputs and checkpoints share.

    Raises ``ConfigurationError`` where a topic is missing or has another number, and ``KafkaUnavailable`` where no broker answers in time.
    """
    partitions = await _partitions(client, [prefix + spec.name for spec in ALL], patience_seconds)
    missing = sorted(name for name, count in partitions.items() if not count)
    if missing:
        raise ConfigurationError(f"there is no topic {', '.join(missing)}: run `candor topics` first")
    together = {name: partitions[name] for name in (prefix + spec.name for spec in (*INPUTS.values(), *CHECKPOINTS.values()))}
    if len(set(together.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in sorted(together.items()))
        raise ConfigurationError(f"inputs and checkpoints must have the same number of partitions, but {counts}: `candor topics` says what to do")
    return next(iter(together.values()))


async def _partitions(client: ClientOptions, names: list[str], patience_seconds: float) -> dict[str, int]:
    """Partitions of each topic, 0 where it is not there; waits for a broker."""
    deadline = time.monotonic() + patience_seconds
    while True:
        admin = AIOKafkaAdminClient(**client)
        try:
            await admin.start()
            described = await admin.describe_topics(names)
            return {topic["topic"]: len(topic["partitions"]) for topic in described}
        except (KafkaError, OSError) as error:
            if time.monotonic() > deadline:
                raise KafkaUnavailable(f"no broker answers at {', '.join(client['bootstrap_servers'])}: {error}") from error
            _log.warning("waiting_for_kafka", servers=client["bootstrap_servers"], error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await admin.close()
