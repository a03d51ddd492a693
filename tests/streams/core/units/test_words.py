"""Evidence in words: a day is one day, and what is past all doubt is not counted in numbers that nobody can read."""

from schemas.catalog import Catalog
from tests.streams.core.units.answering import Answers

BEGIN, FLOOD = 20_454, 20_454 + 40
"""2026-01-01 and 2026-02-10."""


def test_a_flood_of_answers_is_told_in_words_that_can_be_read() -> None:
    answers = Answers(Catalog(), 1)
    for day in range(BEGIN, FLOOD + 11):
        for unit in ("u0", "u1", "u2"):
            for _ in range(300 if unit == "u0" and day == FLOOD else 3):
                answers.add(unit, day, 9)
            for _ in range(6):
                answers.invite(unit, day)
        if day % 10 == 0:
            answers.tell()
    [finding] = answers.end().findings().values()
    assert finding["evidence"] == (
        "On 2026-02-10 300 answers came, where sales, invitations, other units and the time before let expect at most 3.4. "
        "Where nothing is wrong, this much is reached less than once in a million days with answers."
    )
