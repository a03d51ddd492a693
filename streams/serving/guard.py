"""Who may ask and who may decide: names against DNS rebinding, origins and tokens against requests that another site makes a browser send.

Whoever can open the page may decide: there are no users here, and no passwords.
"""

import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from streams.errors import ConfigurationError

_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: forms would then be sent with the origin null.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "candor",
}
"""Of every answer."""


class NotLocal(ConfigurationError):
    """An address that others can reach, without saying that this is meant."""


class Forbidden(Exception):
    """A request that is refused; the message says why."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str, port: int, names: Iterable[str], *, others_may_ask: bool) -> frozenset[str]:
    """What may stand in the header Host of a server at ``host`` and ``port``; ``names`` are given beside its own.

    Raises ``NotLocal`` where others can reach it and nobody said that they may, or no name was given; ``ConfigurationError`` for what is no name.
    """
    given = {name.lower() for name in names}
    if wrong := sorted(name for name in given if not _NAME.fullmatch(name)):
        raise ConfigurationError(f"--name: {', '.join(wrong)} is no name of a host, with or without a port")
    own: set[str] = set()
    if is_loopback(host):
        own = set(_LOCAL)
    elif not others_may_ask:
        raise NotLocal(
            f"--host {host} can be reached by others, and this page asks nobody for a password: whoever opens it sees all numbers and may decide "
            "about findings. Put a proxy that asks who they are before it, and say --without-authentication and --name"
        )
    elif not given:
        raise NotLocal(f"--host {host}: say with --name under which names it is reached; requests for others are refused")
    return frozenset({*given, *(f"{name}:{port}" for name in own | {name for name in given if ":" not in name}), *(own if port == 80 else ())})


@dataclass(frozen=True, slots=True)
class Guard:
    """What requests are held against."""

    names: frozenset[str]
    key: bytes
    """Of the tokens: of each start its own."""

    @staticmethod
    def of(names: frozenset[str]) -> "Guard":
        """With a key of its own."""
        return Guard(names, secrets.token_bytes(32))

    def knows(self, host: str | None) -> bool:
        """Whether a request is for this server. A name that is not its own may be that of a site which had its address changed to ours."""
        return host is not None and host.lower() in self.names

    def session(self, cookie: str | None) -> str:
        """The session of a browser: the one that it has, or a new one."""
        return cookie if cookie is not None and _SESSION.fullmatch(cookie) else secrets.token_urlsafe(32)

    def token(self, session: str) -> str:
        """What a form of a session brings along. Other sites cannot read it, and that of another session is worth nothing."""
        return hmac.new(self.key, session.encode(), sha256).hexdigest()

    def demand_own_page(self, headers: Mapping[str, str]) -> None:
        """Raises ``Forbidden`` where a browser does not say that a page of this server sends the form."""
        site = headers.get("Sec-Fetch-Site")
        if site is not None and site != "same-origin":
            raise Forbidden(f"the form was sent from another site (Sec-Fetch-Site: {site})")
        origin = headers.get("Origin")
        if origin is None:
            raise Forbidden("the request does not say which page sends it (Origin)")
        scheme, _, name = origin.partition("://")
        if scheme not in ("http", "https") or not self.knows(name):
            raise Forbidden("the form was sent from another site (Origin)")

    def demand_token(self, cookie: str | None, token: str) -> None:
        """Raises ``Forbidden`` where a form does not bring the token of its session."""
        if cookie is None or not _SESSION.fullmatch(cookie) or not hmac.compare_digest(self.token(cookie).encode(), token.encode()):
            raise Forbidden("the form is not of this session, or older than this server: open the finding again and send it anew")
