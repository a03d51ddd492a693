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


def user(topology: Topology, name: str, password: str) -> Iterator[str]:
    """The statements that make a user who may only read, or give the one there is this password. Raises ``SinkRefused`` for a name that needs quotes.

    They carry a salted digest in place of the password, so that no log of queries holds it.
    """
    of = f"{quoted(name)}{topology.on_cluster}"
    salt = secrets.token_hex(16)
    identified = f"IDENTIFIED WITH sha256_hash BY '{hashlib.sha256((password + salt).encode()).hexdigest()}' SALT '{salt}'"
    yield f"CREATE USER IF NOT EXISTS {of} {identified}"
    yield f"ALTER USER {of} {identified}"
    yield f"GRANT{topology.on_cluster} {ROLE} TO {quoted(name)}"
    yield f"ALTER USER {of} DEFAULT ROLE {ROLE}"
