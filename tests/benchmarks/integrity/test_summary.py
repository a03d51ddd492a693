"""What docs/integrity.md says of what is found is what the pages of the benchmark say."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
SUMMARY = (DOCS / "integrity.md").read_text(encoding="utf-8")
POWER = (DOCS / "integrity" / "power.md").read_text(encoding="utf-8")
CALLED = {
    "ballots stuffed from few devices": "ballot_stuffing",
    "contacts led to the unit's own": "contact_hijack",
    "coached comments": "coached_text",
    "staff fill in forms": "staff_fills",
    "bribing": "bribing",
    "begging": "begging",
    "pushes at month's end, five units of a plan": "month_end_push",
    "the same few raters at four units": "rater_ring",
    "unhappy customers are not asked": "cherry_picking",
    "stealthy stuffing": "stealth_stuffing",
    "ballots stuffed from the first day": "always_stuffing",
    "begging from the first day": "always_begging",
}


def _rows(page: str, head: str) -> list[list[str]]:
    """The rows of the table that begins so."""
    (table,) = re.findall(rf"^{re.escape(head)}.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_what_is_found_of_gaming_as_strong_as_published_is_what_was_measured() -> None:
    measured = {(row[0], row[1]): row for row in _rows(POWER, "| attack | strength | treatments | found in 30 days |")}

    said = {CALLED[row[0]]: row[1:] for row in _rows(SUMMARY, "| gaming, as strong as published |")}

    assert said == {attack: [*row[3:6], row[7]] for (attack, strength), row in measured.items() if strength == "1" and attack in said}
    assert said.keys() == {attack for attack, _ in measured} & set(CALLED.values()) == set(CALLED.values())


def test_what_is_said_of_units_that_nobody_touched_and_of_flags_is_what_was_measured() -> None:
    lines = [line for line in SUMMARY.splitlines() if re.match(r"\* (Units to which|\d+ of them|\d+ findings|Answers that were)", line)]

    assert len(lines) == 4
    assert set(lines) <= set(POWER.splitlines())
