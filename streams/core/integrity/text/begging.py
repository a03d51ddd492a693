"""Comments that say that a particular score was asked for."""

import re
from collections.abc import Mapping, Sequence

from schemas.begging import Lexicon
from streams.core.integrity.text.words import CLAUSE_END, SENTENCE_END

_GAP = r"(?:[^ .]+ ){0,6}?"
_WORDS_BEFORE = 4


class BeggingPhrases:
    """The phrases of all languages, ready to be looked for."""

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        self._languages = {language: _Language(lexicon) for language, lexicon in lexicons.items()}

    def found(self, words: Sequence[str], language: str | None) -> str | None:
        """The words of the first phrase found, or None; ``words`` as ``words_of`` gives them.

        ``language`` is a BCP 47 tag such as ``pt-BR``; where it is not given or has no lexicon, all are tried, since people do not always write the
        language of the form.
        """
        known = self._languages.get(language.split("-")[0].lower()) if language else None
        text = ""
        for candidate in (known,) if known else self._languages.values():
            # Most comments hold no word that a phrase begins with.
            if candidate.first_words.isdisjoint(words):
                continue
            text = text or " ".join(words) + " "
            if phrase := candidate.found(text):
                return phrase
        return None


class _Language:
    def __init__(self, lexicon: Lexicon) -> None:
        self._phrases = re.compile(r"(?<![^ ])(?:" + "|".join(_pattern(phrase, lexicon) for phrase in lexicon.phrases) + ")")
        self.first_words = frozenset(
            choice.split(" ")[0] for phrase in lexicon.phrases for choice in _choices(phrase.split(" ", maxsplit=1)[0], lexicon)
        )
        """Every phrase begins with one of them."""
        self._negated = re.compile(r"(?:^| )" + _any(lexicon.negations) + r"(?: |$)")
        self._measure = re.compile(_any(lexicon.not_followed_by) + " ")

    def found(self, text: str) -> str | None:
        at = 0
        while match := self._phrases.search(text, at):
            at = match.start() + 1
            before = _last_clause(text[: match.start()]).split()[-_WORDS_BEFORE:]
            said = " ".join([*before, match.group().strip()])
            if not self._negated.search(said) and not self._measure.match(text, match.end()):
                return match.group().strip()
        return None


def _last_clause(text: str) -> str:
    return text[max(text.rfind(CLAUSE_END), text.rfind(SENTENCE_END)) + 1 :]


def _pattern(phrase: str, lexicon: Lexicon) -> str:
    return "".join(_GAP if part == "..." else _alternatives(part, lexicon) + " " for part in phrase.split(" "))


def _alternatives(part: str, lexicon: Lexicon) -> str:
    return _any(_choices(part, lexicon))


def _choices(part: str, lexicon: Lexicon) -> list[str]:
    return [word for choice in part.split("|") for word in (lexicon.lists[choice[1:-1]] if choice.startswith("{") else (choice,))]


def _any(words: Sequence[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")" if words else "(?!)"
