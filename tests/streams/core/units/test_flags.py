"""Which answers of a suspect unit are flagged."""

from schemas.catalog import Catalog
from tests.streams.core.units.answering import Answers

BEGIN, ATTACK, END = 20_454, 20_454 + 60, 20_454 + 90


def test_who_tells_of_begging_and_gives_a_low_score_is_not_flagged() -> None:
    """Customers of u0 are asked for a score, at a tablet that is handed to them; every third gives a low one all the same."""
    answers, low, high = Answers(Catalog(), 1), set(), set()
    for day in range(BEGIN, END):
        for unit in ("u0", "u1", "u2"):
            for place in range(6):
                begged = unit == "u0" and day >= ATTACK
                score = 3 if place % 3 == 0 else 9 if place % 3 == 1 else 10
                account = f"{unit}-{day}-{place}"
                device = "tablet" if begged else account
                answers.add(unit, day, score, account_id=account, response_id=account, device_hash=device, asked_for_score=begged)
                low |= {account} if score == 3 else set()
                high |= {account} if score == 9 and begged else set()
        if day % 5 == 0:
            answers.tell()
    rows = answers.end().flags().values()
    signed, flagged = ({row["response_id"] for row in rows if row[name]} for name in ("signs", "flags"))
    assert len(flagged - high) > 25
    assert len(flagged & high) > 25
    assert not flagged & low
    assert len(signed & low) > 25
