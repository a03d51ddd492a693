"""Words of comments: what counts as one, and that many comments at once are read as each would be."""

from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.hashing import hash_strings
from streams.core.integrity.text.words import words_of_each

_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("aAé .,!\n\0…ﬁς\u0301 0９"), max_size=40)


def words_of(comment: str) -> list[str]:
    return words_of_each([comment]).of(0)


def test_words_are_in_lower_case_without_accents() -> None:
    assert words_of("Ótimo, nota １０!! ﬁm…") == ["otimo", ",", "nota", "10", ".", "fim", "."]


@given(st.lists(_TEXT, max_size=8))
@example([])
@example(["", "", "a"])
@example(["a\0b", "\0", "\u0301"])
def test_many_comments_at_once_are_read_as_each_would_be(comments: list[str]) -> None:
    words = words_of_each(comments)
    assert [words.of(i) for i in range(len(comments))] == [words_of(comment) for comment in comments]
    assert words.hashes.tolist() == hash_strings(words.words).tolist()
