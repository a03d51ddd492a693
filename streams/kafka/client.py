"""How every Kafka client of the worker connects."""

import ssl
from typing import NotRequired, TypedDict

from aiokafka.helpers import create_ssl_context

from streams.settings import SecurityProtocol, Settings


class ClientOptions(TypedDict):
    """Arguments that aiokafka's consumers, producers and admin clients share."""

    bootstrap_servers: list[str]
    security_protocol: str
    ssl_context: NotRequired[ssl.SSLContext]
    sasl_mechanism: NotRequired[str]
    sasl_plain_username: NotRequired[str]
    sasl_plain_password: NotRequired[str]


def client_options(settings: Settings) -> ClientOptions:
    """The connection that the settings describe; raises ``OSError`` where a certificate cannot be read."""
    protocol = settings.kafka_security_protocol
    options: ClientOptions = {
        "bootstrap_servers": [server.strip() for server in settings.kafka_bootstrap_servers.split(",")],
        "security_protocol": protocol.value,
    }
    if protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}:
        options["ssl_context"] = create_ssl_context(
            cafile=settings.kafka_ssl_cafile, certfile=settings.kafka_ssl_certfile, keyfile=settings.kafka_ssl_keyfile
        )
    if settings.kafka_sasl_username and settings.kafka_sasl_password:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism.value
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options
