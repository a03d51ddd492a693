"""Whether a broker is ready."""

import logging
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.errors import BrokerUnavailable

_PATIENCE_MS = 2_000
_PORTS = range(12_000, 32_000)
"""Linux gives those from 32,768 on to connections, others from higher still."""


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now.

    It is below those that systems give to connections, so that none gets it before it is listened on.
    """
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def cluster_at(bootstrap_servers: str) -> str | None:
    """The id of the cluster at that address, None where no broker that is a member of one takes requests."""
    host, _, port = bootstrap_servers.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return None
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        client = KafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=_PATIENCE_MS, bootstrap_timeout_ms=_PATIENCE_MS)
    except (KafkaError, OSError):
        return None
    try:
        cluster = client.describe_cluster()
        return str(cluster["cluster_id"]) if cluster["brokers"] else None
    except (KafkaError, OSError):
        return None
    finally:
        client.close()


def wait_until_ready(
    bootstrap_servers: str, seconds: float, alive: Callable[[], bool], log: Callable[[], str], cluster_id: str | None = None
) -> None:
    """Return once the broker answers, where an id is given as a member of that cluster.

    Raises ``BrokerUnavailable`` with the end of its log when it ended or did not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while (found := cluster_at(bootstrap_servers)) is None or cluster_id not in {None, found}:
        if not alive():
            raise BrokerUnavailable(f"Kafka ended while starting:\n{log()}")
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"Kafka did not answer at {bootstrap_servers} within {seconds:.0f} seconds:\n{log()}")
        time.sleep(0.1)
