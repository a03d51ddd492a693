"""Comments that say that a particular score was asked for."""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from schemas.begging import Lexicon
from streams.core.batch import Bools
from streams.core.hashing import UInt64s, hash_strings
from streams.core.integrity.text.words import CLAUSE_END, SENTENCE_END, Words
from streams.core.ordering import begins

_ANY_WORDS = "..."
_GAP = r"(?:[^ .]+ ){0,6}?"
_WORDS_BEFORE = 4
_BITS = 64
_LAST_BITS = np.uint64(2**16)


class BeggingPhrases:
    """The phrases of all languages, ready to be looked for."""

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        self._languages = {language: _Language(lexicon) for language, lexicon in lexicons.items()}
        self._parts = _Parts(lexicons)

    def found(self, words: Sequence[str], language: str | None) -> str | None:
        """The words of the first phrase found, or None; ``words`` as ``words_of_each`` gives them.

        ``language`` is a BCP 47 tag such as ``pt-BR``; where it is not given or has no lexicon, all are tried, since people do not always write the
        language of the form.
        """
        candidates = self._candidates(language)
        text = " ".join(words) + " "
        return next((phrase for candidate in candidates if (phrase := self._languages[candidate].found(text))), None)

    def found_in(self, comments: Words, languages: Sequence[str | None]) -> Bools:
        """Whether there is a phrase in each comment, as ``found`` tells of one."""
        found = np.zeros(len(languages), np.bool_)
        for comment, possible in self._parts.languages_of(comments):
            if not possible.isdisjoint(self._candidates(languages[comment])):
                found[comment] = self.found(comments.of(comment), languages[comment]) is not None
        return found

    def _candidates(self, language: str | None) -> Sequence[str]:
        known = language.split("-")[0].lower() if language else ""
        return [known] if known in self._languages else list(self._languages)


class _Parts:
    """Which comments have a word for each part of some phrase, in any order: the text of the others need not be looked at.

    Every part of every phrase is a bit, those of one phrase in one number; a word has the bits of all parts of which a choice begins with it.
    """

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        bits: dict[str, dict[int, int]] = {}
        self._phrases: list[tuple[str, int, np.uint64]] = []
        """Language, which of the numbers, and all bits of a phrase."""
        number, used = 0, 0
        for language, lexicon in lexicons.items():
            for phrase in lexicon.phrases:
                parts = [part for part in phrase.split(" ") if part != _ANY_WORDS][:_BITS]
                number, used = (number + 1, 0) if used + len(parts) > _BITS else (number, used)
                for bit, part in enumerate(parts, used):
                    for word in {choice.split(" ")[0] for choice in _choices(part, lexicon)}:
                        of_word = bits.setdefault(word, {})
                        of_word[number] = of_word.get(number, 0) | 1 << bit
                self._phrases.append((language, number, np.uint64((1 << len(parts)) - 1 << used)))
                used += len(parts)
        hashes = hash_strings(list(bits))
        order = np.argsort(hashes)
        self._words: UInt64s = hashes[order]
        self._bits = np.array([[of_word.get(i, 0) for i in range(number + 1)] for of_word in bits.values()], np.uint64).reshape(-1, number + 1)[order]
        # Most words are none of these, which the last bits of their hashes show.
        self._last_bits = np.zeros(_LAST_BITS, np.bool_)
        self._last_bits[self._words % _LAST_BITS] = True

    def languages_of(self, comments: Words) -> Iterator[tuple[int, set[str]]]:
        """Yields the comments in which there may be a phrase, and in which languages."""
        rows = np.flatnonzero(self._last_bits[comments.hashes % _LAST_BITS])
        place = np.minimum(np.searchsorted(self._words, comments.hashes[rows]), max(len(self._words) - 1, 0))
        known = self._words[place] == comments.hashes[rows] if len(self._words) else np.zeros(len(rows), np.bool_)
        rows, place = rows[known], place[known]
        if not len(rows):
            return
        comment = np.searchsorted(comments.starts, rows, side="right") - 1
        starts = np.flatnonzero(begins(comment))
        bits = np.bitwise_or.reduceat(self._bits[place], starts, axis=0)
        possible: dict[int, set[str]] = {}
        for language, number, wanted in self._phrases:
            for at in np.flatnonzero(bits[:, number] & wanted == wanted).tolist():
                possible.setdefault(at, set()).add(language)
        yield from ((int(comment[starts[at]]), languages) for at, languages in possible.items())


class _Language:
    def __init__(self, lexicon: Lexicon) -> None:
        self._phrases = re.compile(r"(?<![^ ])(?:" + "|".join(_pattern(phrase, lexicon) for phrase in lexicon.phrases) + ")")
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
    return "".join(_GAP if part == _ANY_WORDS else _alternatives(part, lexicon) + " " for part in phrase.split(" "))


def _alternatives(part: str, lexicon: Lexicon) -> str:
    return _any(_choices(part, lexicon))


def _choices(part: str, lexicon: Lexicon) -> list[str]:
    return [word for choice in part.split("|") for word in (lexicon.lists[choice[1:-1]] if choice.startswith("{") else (choice,))]


def _any(words: Sequence[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")" if words else "(?!)"
