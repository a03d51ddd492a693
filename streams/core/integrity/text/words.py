"""Comments as words."""

import re
import unicodedata
from typing import Final

SENTENCE_END: Final = "."
CLAUSE_END: Final = ","
_SENTENCE = re.compile(r"[.!?;\n\r…]+")
_WORD = re.compile(r"[^\W_]+|[.,]")


class _WithoutAccents(dict[int, int | None]):
    """What becomes of each sign, by its code point: an accent that stands alone is left out. Signs are looked up once."""

    def __missing__(self, sign: int) -> int | None:
        kept = self[sign] = None if unicodedata.combining(chr(sign)) else sign
        return kept


_WITHOUT_ACCENTS = _WithoutAccents()


def words_of(comment: str) -> list[str]:
    """Words in lower case without accents; the end of a sentence is the word ``"."``, a comma the word ``","``.

    Letters of all scripts are kept. Signs that look alike (full-width digits, ligatures) become the usual ones.
    """
    sentences = _SENTENCE.sub(" . ", comment.casefold())
    if not sentences.isascii():
        sentences = unicodedata.normalize("NFKD", sentences).translate(_WITHOUT_ACCENTS)
    return _WORD.findall(sentences)
