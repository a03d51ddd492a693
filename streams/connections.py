"""How to reach Kafka: what each client library wants to be told, from the settings."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.errors import ConfigurationError, KafkaUnavailable
from streams.settings import SecurityProtocol, Settings, variable

_PATIENCE_MS = 10_000


def tls(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context, or None where the protocol has no TLS; raises ``ConfigurationError`` where a certificate cannot be read."""
    if settings.kafka_security_protocol not in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
        if settings.kafka_ssl_certfile is not None:
            context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile)
    except OSError as error:
        names = ", ".join(variable(f"kafka_ssl_{name}") for name in ("cafile", "certfile", "keyfile"))
        raise ConfigurationError(f"{names}: {error}") from None
    return context


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments, as aiokafka's and kafka-python's clients alike take them."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "security_protocol": settings.kafka_security_protocol.value,
        "ssl_context": tls(settings),
    }
    if settings.kafka_sasl_password is not None and settings.kafka_security_protocol.value.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism.value
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options


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
