"""The bench of the test from the first day on counts rightly, and the documentation says what was measured."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.integrity import first_day, pages
from benchmarks.integrity.first_day import Fleet, Found, Honest, draw
from benchmarks.integrity.pages import Measured

DOCS = Path(__file__).parents[3] / "docs" / "integrity"


def test_drawn_fleets_are_as_alike_and_as_gamed_as_is_said() -> None:
    fleet = Fleet(units=400, days=200, answers=10.0, gamed=100, stuffed=0.5)
    days = draw(fleet, 1, seed=1)
    top, two, all_of_it = days.top[0].sum(axis=1), days.top_two[0].sum(axis=1), days.answers[0].sum(axis=1)
    assert (days.top <= days.top_two).all()
    assert (days.top_two <= days.answers).all()
    honest, gamed = np.s_[100:], np.s_[:100]
    rates = top[honest] / all_of_it[honest]
    assert rates.mean() == pytest.approx(0.45, abs=0.02)
    assert rates.var() / (0.45 * 0.55) == pytest.approx(0.018, rel=0.25)
    assert (top[honest] / two[honest]).mean() == pytest.approx(0.6, abs=0.01)
    assert top[gamed].sum() / all_of_it[gamed].sum() == pytest.approx((0.45 + 0.5) / 1.5, abs=0.02)
    begged = draw(Fleet(units=400, days=200, answers=10.0, gamed=100, begged=0.25), 1, seed=1)
    assert begged.top[0][gamed].sum() / begged.answers[0][gamed].sum() == pytest.approx(0.45 + 0.25 * 0.55, abs=0.02)


def test_the_strengths_are_those_of_the_injectors() -> None:
    """Half are asked and half of those comply; beside four of five answers comes an invented one."""
    found = {(attack, strength): (fleet.begged, fleet.stuffed) for attack, strength, fleet in first_day.attacks()}
    assert found["begging", 1.0] == (0.25, 0.0)
    assert found["begging", 2.0] == (0.475, 0.0)
    assert found["ballot stuffing", 0.5] == (0.0, 0.4)


def test_a_table_has_a_line_for_each_run(tmp_path: Path) -> None:
    honest = [Honest(Fleet(units=9), 4, 36, 1, 2, 0, 1, {20: 2, 100: 0})]
    gamed = [Found("begging", 0.5, Fleet(gamed=3), 12, [0, 3, 6], 7, 1, 9)]
    pages.write_first_day(tmp_path, honest, gamed, Measured("the command", "", 1.0))
    lines = (tmp_path / "first-day.md").read_text(encoding="utf-8").splitlines()
    assert "| 9 | 0.018, 0.001 | 0.05 | 36 | 25.0 % | 50.0 % | 0.00 % | 2.78 % | 5.56 % | 0.00 % |" in lines
    assert "| begging | 0.5 | 2.4 | 12 | 0 % | 25 % | 50 % | 7 | 1 | 75 % |" in lines


def _lines(page: str, cells: int) -> list[str]:
    return [
        line
        for line in (DOCS / page).read_text(encoding="utf-8").splitlines()
        if re.match(r"\| (\d+|[a-z ]+) \| [\d.]+", line) and line.count("|") == cells + 1
    ]


def test_the_page_about_what_change_does_not_show_says_what_was_measured() -> None:
    """Its table is lines of the measured ones, and its bound of the honest fleets is the greatest share in them."""
    said = _lines("across.md", 10)
    assert len(said) == 8
    assert set(said) <= set(_lines("first-day.md", 10))
    honest = [line.strip("| ").split(" | ") for line in _lines("first-day.md", 10) if line[2].isdigit()]
    worst = max(float(cells[4].removesuffix(" %")) for cells in honest)
    of_units = max(float(cells[6].removesuffix(" %")) for cells in honest)
    of_funnel = max(float(cells[5].removesuffix(" %")) for cells in honest)
    text = (DOCS / "across.md").read_text(encoding="utf-8")
    assert f"at most {worst:g} % of the fleets of a kind ever had a unit named (with the funnel, {of_funnel:g} %)" in text
    assert f"at most {of_units:g} % of their units within 180 days" in text
