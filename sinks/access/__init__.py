"""Rights for users of ClickHouse other than Candor itself; see ``reader.sql``."""

import hashlib
import secrets
from collections.abc import Iterator
from importlib.resources import files

from sinks.clickhouse import quoted
from sinks.migrate import Topology, statements

ROLE = "candor_reader"


def role(topology: Topology, database: str) -> Iterator[str]:
    """The statements that make the role of readers and hold it to its limits; they can be run again."""
    return statements((files("sinks.access") / "reader.sql").read_text(encoding="utf-8"), topology, database)


def is_somebody_else(topology: Topology, name: str) -> str:
    """A query that gives 1 where a user of that name, on any node, does not hold the role: ``user`` would take that user over. Else 0.

    Raises ``SinkRefused`` for a name that needs quotes.
    """
    quoted(name)

    def everywhere(table: str) -> str:
        return f"clusterAllReplicas('{topology.cluster}', system.{table})" if topology.cluster else f"system.{table}"

    # A node has a user of a name once, and a role granted to it once: where there are fewer grants than users, somebody is without.
    users = f"SELECT count() FROM {everywhere('users')} WHERE name = '{name}'"  # noqa: S608 (a checked name)
    holders = f"SELECT count() FROM {everywhere('role_grants')} WHERE user_name = '{name}' AND granted_role_name = '{ROLE}'"  # noqa: S608 (the same)
    return f"SELECT ({users}) > ({holders})"


def user(topology: Topology, name: str, password: str) -> Iterator[str]:
    """The statements that make a user who may only read, or give the one there is this password. Raises ``SinkRefused`` for a name that needs quotes.

    Whoever has that name is taken over: see ``is_somebody_else``. They carry a salted digest in place of the password, so that no log of queries
    holds it.
    """
    of = f"{quoted(name)}{topology.on_cluster}"
    salt = secrets.token_hex(16)
    identified = f"IDENTIFIED WITH sha256_hash BY '{hashlib.sha256((password + salt).encode()).hexdigest()}' SALT '{salt}'"
    yield f"CREATE USER IF NOT EXISTS {of} {identified}"
    yield f"ALTER USER {of} {identified}"
    yield f"GRANT{topology.on_cluster} {ROLE} TO {quoted(name)}"
    yield f"ALTER USER {of} DEFAULT ROLE {ROLE}"
