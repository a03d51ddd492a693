"""Comments as words."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s, hash_string, hash_strings

SENTENCE_END: Final = "."
CLAUSE_END: Final = ","
_SENTENCE = re.compile(r"[.!?;\n\r…]+")
_BETWEEN: Final = "\0"
"""Stands between comments, and in none of them."""
_WORD = re.compile(rf"[^\W_]+|[.,{_BETWEEN}]")
_HASH_BETWEEN = np.uint64(hash_string(_BETWEEN))


class _WithoutAccents(dict[int, int | None]):
    """What becomes of each sign, by its code point: an accent that stands alone is left out. Signs are looked up once."""

    def __missing__(self, sign: int) -> int | None:
        kept = self[sign] = None if unicodedata.combining(chr(sign)) else sign
        return kept


_WITHOUT_ACCENTS = _WithoutAccents()


class Words(NamedTuple):
    """The words of several comments, one comment after another."""

    words: list[str]
    hashes: UInt64s
    """Of each word."""
    starts: Int64s
    """Of each comment: where its words begin, and at last where those of the last one end."""

    def of(self, comment: int) -> list[str]:
        """The words of one of them."""
        return self.words[self.starts[comment] : self.starts[comment + 1]]


def words_of_each(comments: Sequence[str]) -> Words:
    """Words in lower case without accents; the end of a sentence is the word ``"."``, a comma the word ``","``.

    Letters of all scripts are kept. Signs that look alike (full-width digits, ligatures) become the usual ones.
    """
    if not comments:
        return Words([], np.empty(0, np.uint64), np.zeros(1, np.int64))
    joined = _BETWEEN.join(comments)
    if joined.count(_BETWEEN) != len(comments) - 1:
        joined = _BETWEEN.join(comment.replace(_BETWEEN, " ") for comment in comments)
    words = _split(joined)
    hashes = hash_strings(words)
    ends = np.append(np.flatnonzero(hashes == _HASH_BETWEEN), len(words))
    kept = np.ones(len(words), np.bool_)
    kept[ends[:-1]] = False
    starts = np.append(0, ends - np.arange(len(ends)))
    return Words([word for word in words if word != _BETWEEN], hashes[kept], starts)


def _split(comments: str) -> list[str]:
    sentences = _SENTENCE.sub(" . ", comments.casefold())
    if not sentences.isascii():
        # Most comments have no accents, also where some do.
        sentences = _BETWEEN.join([one if one.isascii() else _without_accents(one) for one in sentences.split(_BETWEEN)])
    return _WORD.findall(sentences)


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFKD", text).translate(_WITHOUT_ACCENTS)
