"""Whether a broker is ready."""

import logging
import socket
import time
from collections.abc import Callable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.errors import BrokerUnavailable

_PATIENCE_MS = 2_000


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker that takes requests is a member of the cluster at that address."""
    host, _, port = bootstrap_servers.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        client = KafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=_PATIENCE_MS, bootstrap_timeout_ms=_PATIENCE_MS)
    except (KafkaError, OSError):
        return False
    try:
        return bool(client.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        client.close()


def wait_until_ready(bootstrap_servers: str, seconds: float, alive: Callable[[], bool], log: Callable[[], str]) -> None:
    """Return once the broker answers; raises ``BrokerUnavailable`` with the end of its log when it ended or did not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not answers(bootstrap_servers):
        if not alive():
            raise BrokerUnavailable(f"Kafka ended while starting:\n{log()}")
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"Kafka did not answer at {bootstrap_servers} within {seconds:.0f} seconds:\n{log()}")
        time.sleep(0.1)
