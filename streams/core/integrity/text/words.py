"""Comments as words."""

import re
import unicodedata
from typing import Final

SENTENCE_END: Final = "."
CLAUSE_END: Final = ","
_SENTENCE = re.compile(r"[.!?;\n\r…]+")
_WORD = re.compile(r"[^\W_]+|[.,]")


def words_of(comment: str) -> list[str]:
    """Words in lower case without accents; the end of a sentence is the word ``"."``, a comma the word ``","``.

    Letters of all scripts are kept. Signs that look alike (full-width digits, ligatures) become the usual ones.
    """
    sentences = _SENTENCE.sub(" . ", comment.casefold())
    if not sentences.isascii():
        decomposed = unicodedata.normalize("NFKD", sentences)
        sentences = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return _WORD.findall(sentences)
