"""Tables on terminals of any width: what is copied out of them, or compared, is never broken."""

import io
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.commands.output import print_table

ESCAPES = re.compile(r"\x1b\[[\d;]*m")
FINDING = "unit-036/shared_devices/2026-04-27"
EVIDENCE = "From 2026-04-18 to 2026-04-27 8 of 19 answers from personal devices came from one that another account had used; at most 0.9 are usual."
Printed = Callable[[int, Sequence[str], Sequence[Sequence[object]]], list[str]]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def printed() -> Printed:
    """The lines that a terminal of so many columns shows."""

    def show(width: int, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
        with pytest.MonkeyPatch.context() as patch:
            terminal = _Terminal()
            patch.setattr(sys, "stdout", terminal)
            patch.setenv("COLUMNS", str(width))
            patch.setenv("TERM", "xterm")
            patch.delenv("FORCE_COLOR", raising=False)
            print_table(columns, rows)
        return [line.rstrip() for line in ESCAPES.sub("", terminal.getvalue()).splitlines()]

    return show


def test_a_table_that_fits_has_a_row_a_line_and_times_in_seconds(printed: Printed) -> None:
    rows = [("nps", 1003278.096, date(2026, 6, 30), datetime(2026, 6, 30, 9, 5, 7, 123456, UTC)), ("csat", None, None, "[red]x")]

    assert printed(80, ("metric", "revenue", "day", "at"), rows) == [
        "metric  revenue      day         at",
        "nps     1003278.096  2026-06-30  2026-06-30 09:05:07+00:00",
        "csat                             [red]x",
    ]


@pytest.mark.parametrize("width", [100, 120, 160])
def test_words_fold_so_that_an_identifier_can_be_copied(printed: Printed, width: int) -> None:
    head, first, *more = printed(width, ("finding_id", "state", "raised_at", "evidence"), [(FINDING, "suspect", date(2026, 4, 27), EVIDENCE)])

    assert head.split() == ["finding_id", "state", "raised_at", "evidence"]
    assert first.startswith(f"{FINDING}  suspect  2026-04-27  From 2026-04-18")
    column = head.index("evidence")
    assert more
    assert " ".join([first[column:], *(line[column:] for line in more)]) == EVIDENCE
    assert all(line[:column].strip() == "" and len(line) <= width for line in more)


def test_rows_that_do_not_fit_stand_upright_with_a_rule_between_them(printed: Printed) -> None:
    columns = [f"revenue_per_account_{number}" for number in range(8)]

    lines = printed(80, [*columns, "said"], [(*range(8), EVIDENCE), (*([1003278.096] * 8), None)])

    first, second = lines[: lines.index("─" * 80)], lines[lines.index("─" * 80) + 1 :]
    assert [line.split() for line in first[:8]] == [[name, str(number)] for number, name in enumerate(columns)]
    assert " ".join(line[len(columns[0]) + 2 :] for line in first[8:]) == EVIDENCE
    assert [line.split() for line in second] == [*([name, "1003278.096"] for name in columns), ["said"]]


_WORDS = st.text("abc-/.,1[界", min_size=1, max_size=30)


@given(st.data(), st.integers(10, 200))
def test_no_word_is_ever_broken(printed: Printed, data: st.DataObject, width: int) -> None:
    columns = data.draw(st.lists(_WORDS, min_size=1, max_size=8))
    row = st.tuples(*(st.lists(_WORDS, max_size=6) for _ in columns))
    rows = data.draw(st.lists(row, min_size=1, max_size=3))

    words = [word for line in printed(width, columns, [[" ".join(cell) for cell in row] for row in rows]) for word in line.split()]

    counted = list(words)
    for word in [*columns, *(word for row in rows for cell in row for word in cell)]:
        assert word in counted, (word, words)
        counted.remove(word)
