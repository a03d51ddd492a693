"""How commands reach Kafka."""

import logging
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


@contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client; raises ``KafkaUnavailable`` where no broker answers, also for what goes wrong while it is used."""
    # Its retries are told by the error that is raised in the end.
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
