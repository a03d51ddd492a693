"""From a Vega-Lite specification to SVG text without script, drawn by vl-convert once for a desk and once for a phone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

import vl_convert

INK, GRID, GREY, PAPER = "#1b1b1b", "#d9d9d9", "#767676", "#ffffff"
_FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
"""Of the widths with which the renderer lays text out; a browser without these fonts takes another, so there is some room around labels."""

Json = Mapping[str, object]
_P = ParamSpec("_P")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart for a wide and for a narrow page, both with the same marks."""

    wide: str
    narrow: str


@dataclass(frozen=True, slots=True)
class Frame:
    """How much room there is, in pixels: for what is drawn, and for names of rows beside it."""

    width: int
    names: int
    ticks: int
    legend_columns: int | None
    side_by_side: bool

    @property
    def beside_names(self) -> int:
        """Room for what is drawn beside names."""
        return self.width - self.names // 2


_WIDE = Frame(width=620, names=220, ticks=6, legend_columns=None, side_by_side=True)
_NARROW = Frame(width=285, names=110, ticks=4, legend_columns=1, side_by_side=False)


def in_both(specification: Callable[Concatenate[Frame, _P], Json]) -> Callable[_P, Drawing]:
    """The chart of a specification, drawn twice."""

    def drawing(*arguments: _P.args, **named: _P.kwargs) -> Drawing:
        return Drawing(*(_drawn(frame, specification(frame, *arguments, **named)) for frame in (_WIDE, _NARROW)))

    drawing.__doc__ = specification.__doc__
    return drawing


def _drawn(frame: Frame, specification: Json) -> str:
    """The SVG; nothing is fetched while it is drawn."""
    config = {
        "background": None,
        "font": _FONT,
        "aria": False,
        "view": {"stroke": None},
        "axis": {
            "labelColor": INK,
            "titleColor": INK,
            "domainColor": GREY,
            "tickColor": GREY,
            "gridColor": GRID,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        # Where there is little room a long title begins left of what is drawn.
        "axisX": {"titleAnchor": None if frame.side_by_side else "end"},
        "legend": {
            "orient": "top",
            "columns": frame.legend_columns,
            "labelColor": INK,
            "titleColor": INK,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "labelLimit": 260,
            "columnPadding": 22,
            "symbolOpacity": 1,
            "titleFontWeight": "normal",
        },
    }
    return vl_convert.vegalite_to_svg(
        {**specification, "config": config, "padding": {"left": 24, "right": 16, "top": 6, "bottom": 6}}, allowed_base_urls=[]
    )
