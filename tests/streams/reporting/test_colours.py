"""The colours of charts: told apart by people who see colours otherwise, and standing off the paper, light and dark."""

import re
from collections.abc import Mapping
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from schemas.enums import Metric
from streams.reporting import charts
from streams.reporting.charts import Kind
from streams.reporting.drawing import GREY, INK, PAPER
from streams.reporting.sections import company, customers, evidence, scores

_BY_COLOUR_ALONE = {
    "messages": company._MESSAGES,
    "growth": company._NEW,
    "matrix": customers._RISKS,
    "evidence": evidence._KINDS,
}
"""Kinds of bars, which have neither shapes nor dashes."""
_BY_SHAPE_TOO = {"loyalty": scores._series(Metric.NPS), "units": scores._STATES, "value": customers._QUADRANTS, "mixed": company._RATIOS}
_SEEN = {
    # Machado, Oliveira and Fernandes 2009, full severity, on linear RGB.
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
_XYZ = np.array(((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041)))
_WHITE = np.array((0.95047, 1.0, 1.08883))


def _linear(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _lab(colour: str, seen: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """CIELAB of a colour as it is seen."""
    xyz = _XYZ @ np.clip(np.array(_SEEN[seen]) @ _linear(colour), 0, 1) / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array((116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])))


def _contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    lighter, darker = sorted((float(_XYZ[1] @ _linear(colour)) for colour in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _schemes() -> dict[str, tuple[str, Mapping[str, str]]]:
    """The paper, and what becomes of each colour, in the light and in the dark."""
    style = (files("streams.reporting") / "page.css").read_text()
    dark = style[style.index("@media screen and (prefers-color-scheme: dark)") :]
    colours = (charts.BLUE, charts.ORANGE, charts.VERMILLION, charts.GREEN, GREY)
    replaced = {}
    for colour in (*colours, INK):
        fill, stroke = (re.search(rf'\[{name}="{colour}"\] {{ {name}: (#\w+); }}', dark) for name in ("fill", "stroke"))
        assert fill is not None
        assert stroke is not None
        assert fill[1] == stroke[1]
        replaced[colour] = fill[1]
    papers = re.findall(r"--paper: (#\w+);", style)
    # What is hollow shows the paper.
    assert f'[fill="{PAPER}"] {{ fill: {papers[1]}; }}' in dark
    return {"light": ("#ffffff", {colour: colour for colour in replaced}), "dark": (papers[1], replaced)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stand_off_the_paper(scheme: str) -> None:
    paper, colours = _schemes()[scheme]
    assert {colour: contrast for colour, shown in colours.items() if (contrast := _contrast(shown, paper)) < 3} == {}


@pytest.mark.parametrize("seen", _SEEN)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_colour_alone_tells_everybody_can_tell(scheme: str, seen: str) -> None:
    colours = _schemes()[scheme][1]
    for name, kinds in _BY_COLOUR_ALONE.items():
        for one, other in combinations(kinds, 2):
            apart = float(np.linalg.norm(_lab(colours[one.colour], seen) - _lab(colours[other.colour], seen)))
            # Of CIE 1976; 2.3 is just noticeable beside each other.
            assert apart > 20, (name, one.name, other.name, apart)


def test_elsewhere_shapes_tell_too() -> None:
    def shapes(kinds: tuple[Kind, ...]) -> int:
        return len({kind.shape for kind in kinds})

    assert {name: shapes(kinds) for name, kinds in _BY_SHAPE_TOO.items()} == {name: len(kinds) for name, kinds in _BY_SHAPE_TOO.items()}
