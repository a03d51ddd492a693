"""What no statement may say over HTTP, because the engine's own grants (``users.xml``) do not hold it.

That is little: where a client of chDB would read or write files by itself, the scalar function ``file`` with the ways of calling it out of a
string, and engines that take a path without being a source.
"""

import re
from collections.abc import Mapping

from sinks.chdb_server.statement import Token, tokens

SEVERAL = "Multi-statements are not allowed"
OUTSIDE = "Files, programs and other servers cannot be reached from here"
_READS_FILES = b"file"
"""Functions are told apart by case: no other spelling is one."""
_CALLS = frozenset({b"generaterandom", b"fuzzjson", b"input", b"loop", b"eval", b"executable", b"python", b"sqlite"})
"""Table functions that take SQL, or columns with expressions, as a string; that are given others; and one that makes a file before it is refused."""
_TABLES = frozenset({b"format", b"values", b"null"})
"""The same, of names that mean something harmless where no table is read."""
_BEFORE_TABLES = frozenset({b"FROM", b"JOIN", b"AS", b"IN", b"ELSE"})
_ENGINES = frozenset({b"executable", b"executablepool", b"filelog", b"embeddedrocksdb", b"queryrunner"})
_CLIENT_FILES = frozenset({(b"INTO", b"OUTFILE"), (b"FROM", b"INFILE")})
_IDENTIFIER = re.compile(rb"Identifier", re.IGNORECASE)


def refusal(text: bytes, parameters: Mapping[str, str]) -> str:
    """Why the statement is not run; empty where nothing is against it."""
    if _IDENTIFIER.search(text) and any("\\" in value or value.strip('`" ') == _READS_FILES.decode() for value in parameters.values()):
        # An identifier may be filled in where a function is named, and be written with escapes.
        return f"{OUTSIDE}: function file"
    check = _Check()
    for token in tokens(text):
        if said := check.says(token):
            return said
    return ""


class _Check:
    """What was seen so far of one statement."""

    def __init__(self) -> None:
        self._before = [Token("", b"")] * 2
        self._word = b""
        self._first = b""
        self._over = False
        self._reading = [False]
        """For each bracket that is open, whether a FROM was seen in it since the last SELECT: then a comma may come before a table."""

    def says(self, token: Token) -> str:
        """What is against this token; empty where nothing is."""
        if token.kind == "end":
            self._over = True
            return ""
        if self._over:
            return SEVERAL
        found = self._called() if token.kind == "open" and token.value == b"(" else self._named(token) if token.kind in ("word", "name") else ""
        self._follow(token)
        return f"{OUTSIDE}: {found}" if found else ""

    def _follow(self, token: Token) -> None:
        if token.kind == "open":
            self._reading.append(False)
        elif token.kind == "close" and len(self._reading) > 1:
            self._reading.pop()
        elif token.kind == "word":
            self._word = token.value.upper()
            self._first = self._first or self._word
            if self._word in (b"FROM", b"SELECT"):
                self._reading[-1] = self._word == b"FROM"
        self._before = [self._before[1], token]

    def _named(self, token: Token) -> str:
        """What is wrong with a word or a name."""
        previous, word = self._before[1], token.value.upper()
        if token.value == _READS_FILES and previous.kind != "dot":
            return "function file"
        if token.kind == "word" and previous.kind == "word" and (self._word, word) in _CLIENT_FILES:
            return f"{self._word.decode()} {word.decode()}"
        if self._word == b"ENGINE" and token.value.lower() in _ENGINES and previous.kind == "word":
            return f"engine {token.value.decode(errors='replace')}"
        if self._first == b"ATTACH" and token.kind == "word" and word == b"FROM":
            return "ATTACH FROM"
        return ""

    def _called(self) -> str:
        """What is wrong with calling the name that stands before the bracket."""
        earlier, called = self._before
        if called.kind not in ("word", "name"):
            return ""
        name = called.value.lower()
        reads = (earlier.kind == "comma" and self._reading[-1]) or (earlier.kind == "word" and earlier.value.upper() in _BEFORE_TABLES)
        return f"table function {name.decode(errors='replace')}" if name in _CALLS or (name in _TABLES and reads) else ""
