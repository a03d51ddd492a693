"""Fingerprints of comments."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.integrity.text.fingerprints import FEWEST_WORDS, NEAR, NO_FINGERPRINT, distances, fingerprints
from streams.core.integrity.text.words import words_of_each

COACHED = (
    "The sales team at this store was really helpful and explained every option to us before we bought the car, they also called the next day to ask "
    "whether everything was fine and offered to show us the remaining functions at our home, we could not be happier with how we were treated"
)
WORDS = st.sampled_from(["the", "car", "shop", "was", "good", "bad", "late", "team", "asked", "price", "nice", "again", "never", "order", "box"])


def _mark(comment: str) -> np.uint64:
    return np.uint64(fingerprints(words_of_each([comment]))[0])


def _marks(comments: list[list[str]]) -> list[int]:
    return [int(mark) for mark in fingerprints(words_of_each([" ".join(words) for words in comments]))]


def test_a_text_copied_with_other_punctuation_case_and_accents_is_the_same() -> None:
    assert _mark(COACHED) == _mark(COACHED.upper().replace(",", "!") + " ...")


def test_one_changed_word_stays_near_and_another_text_is_far() -> None:
    near = distances(_mark(COACHED), np.array([_mark(COACHED.replace("happier", "gladder")), _mark(COACHED + " thanks")]))
    assert near.max() <= NEAR
    other = "We waited for two hours at the desk and nobody could tell us when the ordered part would arrive, in the end we left without it"
    assert distances(_mark(COACHED), _mark(other)) > 2 * NEAR


def test_short_comments_have_no_fingerprint() -> None:
    assert _mark(" ".join(["good"] * (FEWEST_WORDS - 1)) + ", . !") == NO_FINGERPRINT
    assert _mark(" ".join(["good"] * FEWEST_WORDS)) != NO_FINGERPRINT


@given(st.lists(st.lists(WORDS, max_size=30), max_size=12))
def test_a_fingerprint_does_not_depend_on_its_batch(comments: list[list[str]]) -> None:
    assert _marks(comments) == [_marks([words])[0] for words in comments]


@given(st.lists(st.lists(WORDS, min_size=25, max_size=40), min_size=2, max_size=2))
def test_distance_is_that_of_the_bits(comments: list[list[str]]) -> None:
    first, second = _marks(comments)
    assert int(distances(np.uint64(first), np.uint64(second))) == (first ^ second).bit_count()


def test_strangers_who_write_long_comments_are_seldom_near() -> None:
    """Of 2,000 unrelated comments of 25 words from a small vocabulary, no pair is."""
    generator = np.random.default_rng(4)
    vocabulary = [f"word{i}" for i in range(300)]
    marks = np.array(_marks([generator.choice(vocabulary, 25).tolist() for _ in range(2_000)]), np.uint64)
    pairs = distances(marks[:, None], marks[None, :])[np.triu_indices(len(marks), 1)]
    assert (pairs <= NEAR).sum() == 0
