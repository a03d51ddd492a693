"""Who may do what: ``default`` may do everything, ``reader`` may only read."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

OWNER = "default"
READER = "reader"


@dataclass(frozen=True, slots=True)
class Access:
    """Passwords of the two users; an empty one lets anybody in under that name."""

    owner_password: str = field(default="", repr=False)
    reader_password: str = field(default="", repr=False)

    def read_only(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None:
        """Whether the request may only read; None where the user is unknown or the password wrong."""
        user, password = _credentials(headers, query)
        expected = {OWNER: self.owner_password, READER: self.reader_password}.get(user)
        if expected is None or (expected and not hmac.compare_digest(expected.encode(), password.encode())):
            return None
        return user == READER


def _credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password
    return query.get("user", OWNER), query.get("password", "")
