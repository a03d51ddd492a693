"""What customers write."""

import json

import numpy as np

from streams.core.batch import Bools, Floats, Int64s

OPENERS = (
    (
        "Very disappointed.",
        "Not again.",
        "I expected better.",
        "Nie wieder.",
        "Helaas niet goed.",
        "This was a waste of time.",
        "Sorry, but no.",
        "Enttäuschend.",
    ),
    (
        "It was fine.",
        "Average experience.",
        "Okay so far.",
        "Im Großen und Ganzen gut.",
        "Best wel prima.",
        "Nothing special.",
        "Mostly good.",
        "Ganz in Ordnung.",
    ),
    (
        "Excellent!",
        "Great service.",
        "Love it.",
        "Super, danke!",
        "Heel tevreden!",
        "Could not be better.",
        "Happy customer since years.",
        "Wirklich große Klasse.",
    ),
)
DETAILS = (
    (
        "Nobody felt responsible for me", "I waited far too long", "The article broke after a week", "Delivery came three days late",
        "The invoice was wrong", "I had to explain everything twice", "Die Hotline war nicht erreichbar",
        "Das Café nebenan ist freundlicher", "The app crashed when I paid", "Niemand rief zurück",
    ),
    (
        "the queue could be shorter", "prices went up a little", "parking is difficult", "the selection was good, the advice less so",
        "delivery was on time", "die Beratung könnte besser sein", "staff were busy but friendly", "the app is a bit slow",
        "alles wie immer", "geen opmerkingen",
    ),
    (
        "the team took its time for me", "delivery was faster than promised", "they found just what I needed",
        "my problem was solved at once", "fair prices and honest advice", "sehr freundliche Beratung", "the app makes ordering easy",
        "ik kom zeker terug", "friendly people everywhere", "I told all my friends",
    ),
)  # fmt: skip
ENDS = ("", ".", "!", " :-)", ". Thanks", ".\nRegards", " 👍", ", really.")
LEXICON = (
    "The seller told me that anything below a 9 counts as a zero.",
    "They asked me for a ten, it is their personal report card.",
    "He said the magic number is ten, so here it is.",
)
BRIBES = ("Got a voucher for filling this in with a 10.", "Free coffee for a ten, why not.", "They gave me a full tank for a perfect score.")
COACHED = (
    "The staff were friendly, competent and fast and I would recommend this store to everybody.",
    "Staff friendly, competent and fast, I would recommend this store to everybody!",
    "The staff were friendly, competent and very fast, would recommend this store to everyone.",
)
_SPECIAL = (*LEXICON, *BRIBES, *COACHED)
PLAIN, BEGGED, BRIBED, COACHED_TEXT = range(4)


def kinds_of_text(kind: Int64s, random: np.random.Generator) -> Int64s:
    """Which of the special texts is written, by kind of comment; -1 where the customer writes alone."""
    drawn = random.integers(0, 3, len(kind))
    return np.where(kind == PLAIN, -1, (kind - 1) * 3 + drawn)


def write(share: Floats, special: Int64s, written: Bools, random: np.random.Generator) -> list[str]:
    """JSON strings, ``""`` where nothing is written; ``share`` 0..1 is how good the customer found it."""
    n = len(share)
    mood = np.digitize(share, [0.55, 0.78])
    draws = random.integers(0, (len(OPENERS[0]), len(DETAILS[0]), len(ENDS)), (n, 3))
    plain = [
        [[[json.dumps(f"{opener} {detail}{end}", ensure_ascii=False) for end in ENDS] for detail in details] for opener in openers]
        for openers, details in zip(OPENERS, DETAILS, strict=True)
    ]
    fixed = [json.dumps(text) for text in _SPECIAL]
    rows = zip(written.tolist(), special.tolist(), mood.tolist(), draws.tolist(), strict=True)
    return ["" if not there else fixed[text] if text >= 0 else plain[m][a][b][c] for there, text, m, (a, b, c) in rows]
