"""Begging is found where it is reported, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.begging import Lexicon, default_lexicons
from streams.core.integrity.text.begging import BeggingPhrases
from streams.core.integrity.text.words import words_of_each

PHRASES = BeggingPhrases(default_lexicons())
BEGGING = {
    "en": [
        "I was asked to give a 10",
        "Please give us a 10!",
        "The salesman said the magic number is ten, yes & under 30 minutes",
        "anything below 9 is considered a 0",
        "He told me this survey is his personal report card",
        "They begged me to leave five stars",
        "The dealer offered a free tank of petrol if I put all 10s",
        "No complaints, but they asked me for a perfect score",
        "We were told to rate them 10 out of 10",
    ],
    "es": ["Me pidieron que pusiera un 10", "El vendedor me dijo que le diera la máxima puntuación", "por favor póngame un 10"],
    "pt": ["Pediram para dar nota 10", "O vendedor pediu nota máxima", "me pediu que avaliasse com 5 estrelas"],
    "de": ["Ich wurde gebeten, eine 10 zu geben", "Der Verkäufer bat um die Bestnote", "Man hat mir gesagt, ich soll 10 Punkte geben"],
    "fr": ["On m'a demandé de mettre un 10", "Le vendeur a insisté pour que je mette la note maximale", "ils m'ont demandé 5 étoiles"],
}
HONEST = {
    "en": [
        "Great service, 10 out of 10",
        "I would give a ten any day",
        "nobody asked me to give a 10",
        "I was not asked to give a 10",
        "I wasn't asked for a perfect score",
        "They asked me to wait ten minutes",
        "He asked for 10 minutes of my time",
        "they told me delivery would take five days",
        "Ask for Maria, she is the top",
    ],
    "es": ["Nadie me pidió un 10", "Me pidieron esperar 10 minutos", "Todo excelente, un diez"],
    "pt": ["Ninguém pediu nota 10", "a entrega foi em 10 dias, recomendo", "Gostei muito, nota 10"],
    "de": ["Niemand hat mich gebeten, eine 10 zu geben", "Wir mussten 10 Minuten warten", "Gutes Produkt, volle Punktzahl von mir"],
    "fr": ["Personne ne m'a demandé de mettre un 10", "Service excellent, je donne un 10"],
}


def words_of(comment: str) -> list[str]:
    return words_of_each([comment]).of(0)


@pytest.mark.parametrize(("language", "comment"), [(language, comment) for language, comments in BEGGING.items() for comment in comments])
@pytest.mark.parametrize("told", [True, False])
def test_begging_is_found(language: str, comment: str, told: bool) -> None:
    assert PHRASES.found(words_of(comment), f"{language}-XX" if told else None)


@pytest.mark.parametrize(("language", "comment"), [(language, comment) for language, comments in HONEST.items() for comment in comments])
@pytest.mark.parametrize("told", [True, False])
def test_honest_comments_are_not_begging(language: str, comment: str, told: bool) -> None:
    assert PHRASES.found(words_of(comment), language if told else None) is None


def test_a_negation_in_an_earlier_sentence_undoes_nothing() -> None:
    assert PHRASES.found(words_of("Nothing to complain about. Asked to give a 10."), "en") == "asked to give a 10"


def test_a_later_phrase_is_found_after_one_that_was_undone() -> None:
    assert PHRASES.found(words_of("They asked me to give them ten minutes and then asked me to give them a 10"), "en")


def test_a_lexicon_of_ones_own() -> None:
    phrases = BeggingPhrases({"nl": Lexicon(lists={"hoog": ("10", "een tien")}, phrases=("gevraagd ... {hoog}",), negations=("niet",))})
    assert phrases.found(words_of("Er werd gevraagd om een tien te geven"), "nl") == "gevraagd om een tien"
    assert phrases.found(words_of("Er werd niet gevraagd om een tien te geven"), "nl") is None


def test_a_lexicon_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match="names the list 'top'; give it under lists"):
        Lexicon(phrases=("give {top}",))
    with pytest.raises(ValueError, match="write lower-case words"):
        Lexicon(phrases=("Give a  10",))


_COMMENTS = [comment for comments in (*BEGGING.values(), *HONEST.values()) for comment in comments]
_PIECES = st.sampled_from([*(word for comment in _COMMENTS for word in comment.split()), ".", ",", "\0"])
_LANGUAGES = st.sampled_from([*BEGGING, "pt-BR", "EN", "nl", None])


@given(st.lists(st.tuples(st.lists(_PIECES, max_size=14).map(" ".join) | st.sampled_from(_COMMENTS), _LANGUAGES), max_size=20))
def test_many_comments_at_once_are_judged_as_each_would_be(told: list[tuple[str, str | None]]) -> None:
    comments, languages = [comment for comment, _ in told], [language for _, language in told]
    found = PHRASES.found_in(words_of_each(comments), languages)
    assert found.tolist() == [PHRASES.found(words_of(comment), language) is not None for comment, language in told]


def test_phrases_of_more_parts_than_a_number_has_bits() -> None:
    parts = [f"w{i}" for i in range(70)]
    lexicon = Lexicon(phrases=(" ".join(parts), "a ... b", *(f"x{i} y{i}" for i in range(50))))
    phrases = BeggingPhrases({"en": lexicon, "de": Lexicon(phrases=())})
    comments = [" ".join(parts), " ".join(parts[:-1]), "b a", "a c b", "x49 y49", "x49 y48", "nothing", ""]
    assert phrases.found_in(words_of_each(comments), [None] * len(comments)).tolist() == [True, False, False, True, True, False, False, False]
    assert not BeggingPhrases({}).found_in(words_of_each(comments), [None] * len(comments)).any()
