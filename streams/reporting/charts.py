"""Charts as SVG text without script: Vega-Lite specifications, drawn by vl-convert, once for a desk and once for a phone.

The colours are those of Okabe and Ito, the orange darker so that it stands off white; where colour alone tells marks apart, everybody
can tell those of one chart. The page's style sheet names the same colours again for the dark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from streams.reporting.drawing import GREY, GRID, INK, PAPER, Frame, Json, in_both

BLUE, ORANGE, VERMILLION, GREEN = "#0072b2", "#c48700", "#d55e00", "#009e73"
Datum = Mapping[str, str | float | None]
LEAST_FILLED = 10
"""Of fewer answers a point of a line is drawn hollow."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one series looks: name, colour, shape of its points, dashes of its line."""

    name: str
    colour: str
    shape: str = "circle"
    dash: tuple[int, int] = (1, 0)


ONE_KIND = (Kind("", BLUE),)
"""Where nothing is told apart."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval on a row of its own."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a series on a day; None: there is none, and the line is broken."""

    day: date
    kind: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """On how many it rests."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of days on a row of its own, and the day on which it became known."""

    label: str
    start: date
    end: date
    raised: date


def _scale(kinds: Sequence[Kind], what: str) -> Json:
    return {"domain": [kind.name for kind in kinds], "range": [list(kind.dash) if what == "dash" else getattr(kind, what) for kind in kinds]}


def _coloured(kinds: Sequence[Kind], legend: Json | None) -> Json:
    return {"field": "kind", "type": "nominal", "scale": _scale(kinds, "colour"), "legend": legend}


def _shaped(kinds: Sequence[Kind], **more: object) -> Json:
    return {"field": "kind", "type": "nominal", "scale": _scale(kinds, "shape"), **more}


def _axis(title: str | None, **more: object) -> Json:
    return {"title": title, **more}


def _amounts(title: str, ticks: int) -> Json:
    """An axis of large numbers; nothing is 0, not 0k."""
    return _axis(title, format="~s", labelExpr="datum.value == 0 ? '0' : datum.label", tickCount=ticks)


def _data(rows: Sequence[Datum]) -> Json:
    return {"values": [dict(row) for row in rows]}


def _day(value: date) -> str:
    return f"{value.isoformat()}T00:00:00Z"


_ONE: Json = {"values": [{}]}
"""A row without columns: a line that belongs to the chart, not to a datum, is drawn once."""
_TIME = {"type": "temporal", "scale": {"type": "utc"}}
_UNTITLED: Json = {"title": None}
"""A legend whose names say enough."""


@in_both
def lines(frame: Frame, points: Sequence[Point], kinds: Sequence[Kind], title: str) -> Json:
    """Values over time, with bands where a series has intervals; points of few answers are hollow."""
    days = sorted({point.day for point in points})
    months = all(day.day == 1 for day in days)
    axis = _axis(None, format="%b %Y" if months else "%d %b", values=[_day(day) for day in days], labelOverlap=True, labelSeparation=12)
    x = {"field": "day", **_TIME, "axis": axis}
    colour = _coloured(kinds, _UNTITLED)
    y = {"field": "value", "type": "quantitative", "axis": _axis(title), "scale": {"zero": False}}
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    filled = {"condition": {"test": f"datum.n < {LEAST_FILLED}", "value": PAPER}, **colour}
    layers: list[Json] = [
        {"transform": [{"filter": "datum.banded"}], "mark": {"type": "area", "opacity": 0.18}, "encoding": band},
        # A band of one day has no width.
        {"transform": [{"filter": "datum.alone"}], "mark": {"type": "rule", "opacity": 0.4, "strokeWidth": 3}, "encoding": band},
        {
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {
                "x": x,
                "y": y,
                "color": colour,
                "strokeDash": {"field": "kind", "type": "nominal", "scale": _scale(kinds, "dash"), "legend": None},
            },
        },
        {
            "transform": [{"filter": "datum.value != null"}],
            "mark": {"type": "point", "size": 55, "opacity": 1, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y, "stroke": colour, "fill": filled, "shape": _shaped(kinds)},
        },
    ]
    return {"data": _data(_joined(points)), "width": frame.width, "height": 300, "layer": layers}


def _joined(points: Sequence[Point]) -> list[Datum]:
    """The points, and which of them belong to a band, or stand alone with an interval."""
    banded = {point.kind for point in points if point.low is not None}
    rows: list[Datum] = []
    for kind in dict.fromkeys(point.kind for point in points):
        mine = sorted((point for point in points if point.kind == kind), key=lambda point: point.day)
        known = [False, *(point.value is not None for point in mine), False]
        for place, point in enumerate(mine):
            rows.append(
                {
                    "day": _day(point.day),
                    "kind": kind,
                    "value": point.value,
                    "low": point.low,
                    "high": point.high,
                    "n": point.n,
                    "banded": kind in banded,
                    "alone": point.low is not None and not known[place] and not known[place + 2],
                }
            )
    return rows


@in_both
def funnel(frame: Frame, rows: Sequence[Datum], kinds: Sequence[Kind], x_title: str, y_title: str) -> Json:
    """Units by how many answers they have and how far they are from what is expected, each with its own limits.

    ``label`` is written beside the point.
    """
    x = {
        "field": "n",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "padding": 18},
        "axis": _axis(x_title, tickCount=6, format="~s"),
    }
    y = {"field": "value", "type": "quantitative", "axis": _axis(y_title, titlePadding=10)}
    colour = _coloured(kinds, _UNTITLED)
    layers: list[Json] = [
        {"data": _ONE, "mark": {"type": "rule", "color": GREY}, "encoding": {"y": {"datum": 0}}},
        {"mark": {"type": "rule", "color": GREY, "opacity": 0.45}, "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}},
        {"mark": {"type": "tick", "color": GREY, "width": 8, "orient": "horizontal"}, "encoding": {"x": x, "y": {**y, "field": "low"}}},
        {"mark": {"type": "tick", "color": GREY, "width": 8, "orient": "horizontal"}, "encoding": {"x": x, "y": {**y, "field": "high"}}},
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "shape": _shaped(kinds)},
        },
        {
            "transform": [{"filter": "datum.label != ''"}],
            "mark": {"type": "text", "align": "left", "dx": 8, "dy": -6, "color": INK, "fontWeight": "bold", "limit": 160},
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        },
    ]
    return {"data": _data(rows), "width": frame.width, "height": 340, "layer": layers}


@in_both
def dots(
    frame: Frame,
    panels: Sequence[tuple[str, Sequence[Dot]]],
    kinds: Sequence[Kind],
    reference: float | None = None,
    domain: tuple[float, float] | None = None,
) -> Json:
    """Rows of values with intervals; several panels stand side by side and share their rows. Rows keep their order."""
    order = list(dict.fromkeys(dot.label for _, one in panels for dot in one))
    parts: list[Json] = []
    for place, (title, one) in enumerate(panels):
        rows: list[Datum] = [{"label": dot.label, "value": dot.value, "low": dot.low, "high": dot.high, "kind": dot.kind} for dot in one]
        scale = {"zero": False, "nice": True} if domain is None else {"domain": list(domain)}
        x = {"field": "value", "type": "quantitative", "axis": _axis(title, tickCount=min(5, frame.ticks)), "scale": scale}
        axis = _axis(None, labelLimit=frame.names) if place == 0 or not frame.side_by_side else None
        y = {"field": "label", "type": "nominal", "sort": order, "axis": axis, "scale": {"domain": order}}
        shift = {"yOffset": {"field": "kind", "type": "nominal", "sort": [kind.name for kind in kinds]}} if len(kinds) > 1 else {}
        legend = _UNTITLED if len(kinds) > 1 and place == 0 else None
        colour = _coloured(kinds, legend)
        layers: list[Json] = (
            []
            if reference is None
            else [{"data": _ONE, "mark": {"type": "rule", "color": INK, "strokeDash": [4, 3]}, "encoding": {"x": {"datum": reference}}}]
        )
        layers += [
            {
                "transform": [{"filter": "datum.low != null"}],
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour, **shift},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": colour,
                    **shift,
                    "shape": _shaped(kinds, legend=legend),
                },
            },
        ]
        room = frame.beside_names // (len(panels) if frame.side_by_side else 1)
        parts.append({"data": _data(rows), "width": room, "height": {"step": 26 if len(kinds) == 1 else 34}, "layer": layers})
    return parts[0] if len(parts) == 1 else {"hconcat" if frame.side_by_side else "vconcat": parts, "spacing": 24}


@in_both
def stacked(frame: Frame, rows: Sequence[tuple[date, str, float]], kinds: Sequence[Kind], title: str) -> Json:
    """Amounts a month, stacked: (month, part, amount)."""
    months = sorted({day for day, _, _ in rows})
    places = {kind.name: place for place, kind in enumerate(kinds)}
    return {
        "data": _data([{"day": f"{day:%Y-%m}", "kind": kind, "value": value, "place": places[kind]} for day, kind, value in rows]),
        "width": min(frame.width, 70 * len(months) + 60),
        "height": 260,
        "mark": {"type": "bar", "stroke": GRID, "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "day", "type": "ordinal", "axis": _axis(None, labelAngle=0, labelOverlap=True, labelSeparation=14)},
            "y": {"field": "value", "type": "quantitative", "axis": _amounts(title, 6)},
            "color": _coloured(kinds, _UNTITLED),
            "order": {"field": "place"},
        },
    }


@in_both
def bars(frame: Frame, rows: Sequence[tuple[str, float, str]], kinds: Sequence[Kind], title: str) -> Json:
    """Amounts by name, in the order given: (name, amount, kind)."""
    return {
        "data": _data([{"label": label, "value": value, "kind": kind} for label, value, kind in rows]),
        "width": frame.beside_names,
        "height": {"step": 34},
        "mark": {"type": "bar"},
        "encoding": {
            "y": {"field": "label", "type": "nominal", "sort": [label for label, _, _ in rows], "axis": _axis(None, labelLimit=frame.names)},
            "x": {"field": "value", "type": "quantitative", "axis": _amounts(title, frame.ticks)},
            "color": _coloured(kinds, _UNTITLED),
        },
    }


@in_both
def bubbles(frame: Frame, rows: Sequence[tuple[float, float, int, str]], kinds: Sequence[Kind], x_title: str, y_title: str) -> Json:
    """How many there are at each place of a square from 0 to 1: (x, y, how many, kind)."""
    axis = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    size = min(400, frame.width)
    legend = {"title": "accounts", "values": sorted({1, max(row[2] for row in rows)}), "symbolFillColor": GREY, "symbolStrokeColor": GREY}
    return {
        "data": _data([{"x": x, "y": y, "n": n, "kind": kind} for x, y, n, kind in rows]),
        "width": size,
        "height": size,
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {
            "x": {"field": "x", **axis, "axis": _axis(x_title, tickCount=5)},
            "y": {"field": "y", **axis, "axis": _axis(y_title, tickCount=5)},
            "size": {
                "field": "n",
                "type": "quantitative",
                # The largest mark fills the square that it stands for.
                "scale": {"range": [20, 900 * (size / 400) ** 2]},
                "legend": {**legend, "orient": "bottom", "direction": "horizontal"},
            },
            "color": _coloured(kinds, _UNTITLED),
            "shape": _shaped(kinds),
        },
    }


@in_both
def timeline(frame: Frame, weeks: Sequence[tuple[date, str, int]], spans: Sequence[Span], kinds: Sequence[Kind], first: date, last: date) -> Json:
    """Answers a week, (Monday, kind, how many), above the stretches of each kind of evidence."""
    x = {"type": "temporal", "scale": {"type": "utc", "domain": [_day(first), _day(last)]}}
    # Labels near an end of the axis stay within it, so that the first does not lie under the 0 beside it.
    axis = _axis(None, format="%d %b", labelOverlap=True, labelFlush=20)
    above: Json = {
        "data": _data(_piled(weeks)),
        "width": frame.beside_names - 10,
        "height": 140,
        "mark": {"type": "bar", "clip": True},
        "encoding": {
            "x": {"field": "day", **x, "axis": axis},
            "x2": {"field": "end"},
            "y": {"field": "n", "type": "quantitative", "axis": _axis("answers a week", tickMinStep=1)},
            "y2": {"field": "base"},
            "color": _coloured(kinds, _UNTITLED),
        },
    }
    rows: list[Datum] = [{"label": one.label, "start": _day(one.start), "end": _day(one.end), "raised": _day(one.raised)} for one in spans]
    y = {
        "field": "label",
        "type": "nominal",
        "axis": _axis(None, labelLimit=min(160, frame.names)),
        "sort": list(dict.fromkeys(one.label for one in spans)),
    }
    below: Json = {
        "data": _data(rows),
        "width": frame.beside_names - 10,
        "height": {"step": 24},
        "layer": [
            {
                "mark": {"type": "bar", "height": 8, "color": GREY, "clip": True},
                "encoding": {"x": {"field": "start", **x, "axis": axis}, "x2": {"field": "end"}, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "shape": "diamond", "size": 90, "opacity": 1, "color": INK},
                "encoding": {"x": {"field": "raised", **x}, "y": y},
            },
        ],
    }
    return {"vconcat": [above, below], "spacing": 10}


def _piled(weeks: Sequence[tuple[date, str, int]]) -> list[Datum]:
    """Bars that end above each other: the renderer does not stack what has a width of its own."""
    heights: dict[date, int] = {}
    rows: list[Datum] = []
    for day, kind, n in weeks:
        base = heights.get(day, 0)
        heights[day] = base + n
        rows.append({"day": _day(day), "end": _day(day + timedelta(days=6)), "kind": kind, "base": float(base), "n": float(base + n)})
    return rows
