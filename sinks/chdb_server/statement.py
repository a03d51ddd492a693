"""What a statement is, as far as HTTP must know: where the data of an insert begins, which format the answer has.

ClickHouse's server finds this out by parsing. Here words are read outside of quotes, comments and brackets, which is enough to find the clauses
that matter and never misled by what a string holds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""(?P<skip>--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<word>[A-Za-z_]\w*)""",
    re.DOTALL,
)
_RESULT = frozenset({b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN", b"CHECK", b"VALUES"})
_STATEFUL = frozenset({b"SET", b"USE"})
_BREAK = re.compile(rb"[ \t]*;?[ \t]*(?:\r?\n|$)|[ \t]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; of an insert with data, ``insert_format`` is set and the data begins at ``data_at``; ``head_end`` is where ``FORMAT`` stands."""

    first: bytes
    """Its first word, in capitals."""
    output_format: str | None = None
    insert_format: str | None = None
    head_end: int = 0
    data_at: int = 0
    touches_files: bool = False
    temporary: bool = False

    @property
    def has_result(self) -> bool:
        """Whether an answer may hold rows."""
        return self.first in _RESULT or not self.first

    @property
    def is_stateful(self) -> bool:
        """Whether later statements of the same session see what it did."""
        return self.first in _STATEFUL or self.temporary


def read(text: bytes) -> Statement:
    """What the text is. Of an insert, only the head must be in it."""
    words = _words(text)
    first, end = next(words, (b"", 0))
    before, insert_into_files, output_format = first, False, None
    for word, end in words:
        pair, before = (before, word), word
        insert_into_files = insert_into_files or pair in ((b"INTO", b"OUTFILE"), (b"FROM", b"INFILE"))
        if pair == (b"CREATE", b"TEMPORARY"):
            return Statement(first, temporary=True)
        if first == b"INSERT" and word in (b"SELECT", b"WITH", b"VALUES", b"WATCH"):
            return Statement(first, touches_files=insert_into_files)
        if pair[0] == b"FORMAT":
            output_format = text[end - len(word) : end].decode()
            if first == b"INSERT":
                gap = _BREAK.match(text, end)
                head_end = text[: end - len(word)].upper().rindex(b"FORMAT")
                return Statement(first, None, output_format, head_end, gap.end() if gap else end, insert_into_files)
    return Statement(first, output_format, touches_files=insert_into_files)


def _words(text: bytes) -> Iterator[tuple[bytes, int]]:
    """Words outside of brackets, in capitals, and where they end; the first word counts wherever it stands, as in ``(SELECT 1)``."""
    depth, seen = 0, False
    for token in _TOKEN.finditer(text):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
        elif token["word"] and (depth == 0 or not seen):
            seen = True
            yield token["word"].upper(), token.end()
