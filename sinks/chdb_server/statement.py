"""What a statement is, as far as HTTP must know: where the data of an insert begins, which format the answer has.

ClickHouse's server finds this out by parsing. Here words are read outside of quotes, comments and brackets, which is enough to find the clauses
that matter and never misled by what a string holds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<skip>--[^\n]*|//[^\n]*|\#[ !][^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^'\\]|\\.|'')*'|\xe2\x80\x98.*?\xe2\x80\x99|\$(?P<tag>[^$]*)\$.*?\$(?P=tag)\$)
    |(?P<name>"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`|\xe2\x80\x9c.*?\xe2\x80\x9d)
    |(?P<word>[A-Za-z0-9_$][\w$]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<dot>\.)|(?P<end>;)
    """,
    re.DOTALL | re.VERBOSE,
)
"""As the engine's own lexer has it; what is left out are operators."""
_ESCAPE = re.compile(rb"""\\x(?P<code>[0-9A-Fa-f]{2})|\\N|\\(?P<plain>.)|(?P<twice>``|"")""", re.DOTALL)
_RESULT = frozenset({b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN", b"CHECK", b"VALUES"})
_STATEFUL = frozenset({b"SET", b"USE"})
_BREAK = re.compile(rb"[ \t]*;?[ \t]*(?:\r?\n|$)|[ \t]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; of an insert with data, ``insert_format`` is set and the data begins at ``data_at``.

    ``head_end`` is where ``FORMAT`` stands, ``target_end`` where what comes after the table and its columns does: ``SETTINGS``, else ``FORMAT``.
    """

    first: bytes
    """Its first word, in capitals."""
    output_format: str | None = None
    insert_format: str | None = None
    target_end: int = 0
    head_end: int = 0
    data_at: int = 0
    temporary: bool = False

    @property
    def has_result(self) -> bool:
        """Whether an answer may hold rows."""
        return self.first in _RESULT or not self.first

    @property
    def is_stateful(self) -> bool:
        """Whether later statements of the same session see what it did."""
        return self.first in _STATEFUL or self.temporary


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement: its kind is that of the pattern. Of a quoted name, the value is what it names."""

    kind: str
    value: bytes
    end: int = 0


def tokens(text: bytes) -> Iterator[Token]:
    """The pieces of a statement, without comments and operators."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "name":
            yield Token(kind, _unquoted(match[0]), match.end())
        elif kind != "skip":
            yield Token(kind, match[0], match.end())


def _unquoted(name: bytes) -> bytes:
    edge = 3 if name.startswith(b"\xe2") else 1
    return _ESCAPE.sub(
        lambda found: bytes([int(found["code"], 16)]) if found["code"] else found["plain"] or (found["twice"] or b"")[:1], name[edge:-edge]
    )


def read(text: bytes) -> Statement:
    """What the text is. Of an insert, only the head must be in it."""
    words = _words(text)
    first, end_before = next(words, (b"", 0))
    before, output_format = first, None
    settings = 0
    for word, end in words:
        pair, begin = (before, word), end_before - len(before)
        if first == b"INSERT" and pair[0] == b"SETTINGS" and word != b"FORMAT" and not _is_database(text, end_before):
            # The last of these words, unless the format follows: before, a table may have this name.
            settings = begin
        before, end_before = word, end
        if pair == (b"CREATE", b"TEMPORARY"):
            return Statement(first, temporary=True)
        if first == b"INSERT" and (word in (b"SELECT", b"WITH", b"VALUES", b"WATCH") or pair == (b"FORMAT", b"VALUES")):
            # Values may be expressions, so they belong to what is said, not to what is sent.
            return Statement(first)
        if pair[0] == b"FORMAT":
            output_format = text[end - len(word) : end].decode()
            if first == b"INSERT":
                gap = _BREAK.match(text, end)
                return Statement(first, None, output_format, settings or begin, begin, gap.end() if gap else end)
    return Statement(first, output_format)


def _is_database(text: bytes, end: int) -> bool:
    """Whether the name that ends there has a table of it behind it."""
    return next((token.kind for token in tokens(text[end:])), "") == "dot"


def _words(text: bytes) -> Iterator[tuple[bytes, int]]:
    """Words outside of brackets, in capitals, and where they end; the first word counts wherever it stands, as in ``(SELECT 1)``."""
    depth, seen = 0, False
    for token in tokens(text):
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth -= 1
        elif token.kind == "word" and (depth == 0 or not seen):
            seen = True
            yield token.value.upper(), token.end
