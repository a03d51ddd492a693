"""How commands reach Kafka."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.errors import ConfigurationError, KafkaUnavailable
from streams.kafka.client import ClientOptions, client_options
from streams.settings import Settings, variable

_PATIENCE_MS = 10_000


def kafka_options(settings: Settings) -> ClientOptions:
    """Keyword arguments that aiokafka's and kafka-python's clients share; raises ``ConfigurationError`` where a certificate cannot be read."""
    try:
        return client_options(settings)
    except OSError as error:
        names = ", ".join(variable(f"kafka_ssl_{name}") for name in ("cafile", "certfile", "keyfile"))
        raise ConfigurationError(f"{names}: {error}") from None


def _need_a_listener(bootstrap_servers: str) -> None:
    """Return once one of the servers takes a connection; raises ``KafkaUnavailable`` where none does."""
    problems = []
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_MS / 1000).close()
        except (OSError, ValueError) as error:
            problems.append(f"{server.strip()}: {error}")
        else:
            return
    raise KafkaUnavailable(f"Kafka does not answer at {'; '.join(problems)}")


@contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client; raises ``KafkaUnavailable`` where no broker answers, also for what goes wrong while it is used."""
    # The client would try for long, and say on the way what is raised in the end.
    _need_a_listener(settings.kafka_bootstrap_servers)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        client = KafkaAdminClient(
            **kafka_options(settings), client_id="candor-admin", request_timeout_ms=_PATIENCE_MS, bootstrap_timeout_ms=_PATIENCE_MS
        )
        try:
            yield client
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(f"Kafka at {settings.kafka_bootstrap_servers}: {type(error).__name__}: {error}") from error
