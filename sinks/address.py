"""Where ClickHouse is: the parts of ``CANDOR_CLICKHOUSE_URL``, with the password out of every text."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from sinks.base import SinkRefused

DEFAULT_DATABASE = "candor"
DEFAULT_USER = "default"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_EXPECTED = "http(s)://user:password@host:port/database or chdb:///folder?database=name"
_ENCODE = "in user and password, characters such as / @ : # ? % must be percent-encoded, for example @ as %40"
_HTTP_OPTIONS = frozenset({"compress", "verify", "ca_cert", "client_cert", "client_cert_key", "connect_timeout", "send_receive_timeout"})


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of the URL. ``path`` is set for chDB alone; ``options`` hold timeouts (seconds), TLS files and ``compress``."""

    scheme: str
    database: str
    host: str = ""
    port: int = 0
    user: str = DEFAULT_USER
    password: str = field(default="", repr=False)
    path: str = ""
    options: dict[str, str] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return self.scheme == "chdb"

    def __str__(self) -> str:
        """The address without user and password."""
        if self.embedded:
            return f"chdb://{self.path}?database={self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.database}"


def parse(url: str) -> Address:
    """The parts of the URL; raises ``SinkRefused`` with a message that does not repeat the URL, since that may hold a password."""
    if url.partition("://")[2].count("@") > 1 or "@" in _behind_host(url):
        # What comes after the password's first such character would be taken for a host, a database or an option, and told.
        raise SinkRefused(f"The ClickHouse URL is ambiguous: {_ENCODE}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SinkRefused(f"The ClickHouse URL cannot be read; expected {_EXPECTED}; {_ENCODE}") from None
    if parts.fragment:
        raise SinkRefused(f"The ClickHouse URL has a #, which means nothing there; {_ENCODE}")
    options = dict(parse_qsl(parts.query))
    database = options.pop("database", "")
    if parts.scheme == "chdb":
        if parts.netloc or not parts.path.strip("/"):
            raise SinkRefused("A chdb URL names an absolute folder: chdb:///folder?database=name")
        _check_options(options, frozenset())
        return Address("chdb", database or DEFAULT_DATABASE, path=unquote(parts.path))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SinkRefused(f"The ClickHouse URL cannot be used; expected {_EXPECTED}")
    _check_options(options, _HTTP_OPTIONS)
    return Address(
        parts.scheme,
        unquote(parts.path.strip("/")) or database or DEFAULT_DATABASE,
        host=parts.hostname,
        port=port or (8443 if parts.scheme == "https" else 8123),
        user=unquote(parts.username or DEFAULT_USER),
        password=unquote(parts.password or ""),
        options=options,
    )


def with_password(url: str, password: str) -> str:
    """The URL with another password; of chDB, which has none, the same URL."""
    parts = urlsplit(url)
    if parts.scheme == "chdb":
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0] or DEFAULT_USER}:{quote(password, safe='')}@{host}"))


def _behind_host(url: str) -> str:
    """The path and everything after it."""
    return "".join(re.split(r"([/?#])", url.partition("://")[2], maxsplit=1)[1:])


def _check_options(options: dict[str, str], known: frozenset[str]) -> None:
    unknown = sorted(set(options) - known)
    if unknown:
        raise SinkRefused(f"The ClickHouse URL has unknown options: {', '.join(unknown)}; known are {', '.join(sorted({'database', *known}))}")
