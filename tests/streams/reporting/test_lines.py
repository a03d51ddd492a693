"""Lines over time, as they are drawn: broken where nothing is known, hollow where little is."""

import re
import xml.etree.ElementTree as ET
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.reporting import charts
from streams.reporting.charts import Kind, Point
from streams.reporting.drawing import PAPER

KIND = Kind("all answers", charts.BLUE)


def drawn(counts: list[int]) -> dict[str, list[dict[str, str]]]:
    """What is drawn of a series whose weeks have so many answers, by the mark; weeks of none have no value."""
    points = [Point(date(2026, 1, 5) + timedelta(days=7 * week), KIND.name, *((50.0, 40.0, 60.0, n) if n else ())) for week, n in enumerate(counts)]
    found: dict[str, list[dict[str, str]]] = {}
    for element in ET.fromstring(charts.lines(points, (KIND,), "score").wide).iter():
        kind = re.search(r"mark-(area|line|rule|symbol) role-mark", element.get("class", ""))
        if kind is not None:
            found.setdefault(kind[1], []).extend(dict(child.attrib) for child in element)
    return found


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 3, 9, 10, 400]), min_size=1, max_size=9).filter(any))
def test_a_line_is_broken_where_there_are_no_answers_and_hollow_where_there_are_few(counts: list[int]) -> None:
    runs = re.findall(r"1+", "".join("1" if n else "0" for n in counts))
    marks = drawn(counts)
    (line,), (band,) = marks["line"], marks["area"]
    assert line["d"].count("M") == len(runs)
    assert band["d"].count("M") == len(runs)
    assert len(marks.get("rule", [])) == sum(len(run) == 1 for run in runs)
    assert len(marks["symbol"]) == sum(n > 0 for n in counts)
    assert sum(mark["fill"] == PAPER for mark in marks["symbol"]) == sum(0 < n < 10 for n in counts)
    assert {mark["stroke"] for mark in marks["symbol"]} == {KIND.colour}
