"""Pictures of the results: SVG, the same bytes for the same numbers, in colours that people tell apart whatever colours they see."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.integrity.contest import CANDOR, Contest, pooled, recall
from benchmarks.integrity.guarantee import Run
from benchmarks.integrity.injectors import INJECTORS, STRENGTHS, Kind
from benchmarks.integrity.tables import LONGEST, Cells, cells
from benchmarks.integrity.trials import HORIZONS, Trial
from schemas.enums import UnitState

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe and Ito's."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
mpl.rcParams.update({"svg.hashsalt": "candor", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
    return path


def _words(name: str) -> str:
    return name.replace("_", " ")


def _names(found: Cells) -> list[str]:
    return list(dict.fromkeys(name for name, _ in found))


def _heat(axes: Axes, values: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str], title: str) -> None:
    axes.imshow(np.ma.masked_invalid(np.array(values, np.float64)), cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_title(title)
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            if not np.isnan(value):
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color="white" if value < 0.55 else "black")


def draw_power(trials: Sequence[Trial], path: Path) -> Path:
    """Share found, by attack and strength, within each horizon."""
    found = cells(trials, Kind.ATTACK)
    names = _names(found)
    figure = Figure(figsize=(9, 0.34 * len(names) + 1.2))
    for place, days in enumerate(HORIZONS, 1):
        axes = figure.add_subplot(1, len(HORIZONS), place)
        values = [[_share([one.found_within(days) for one in found.get((name, strength), [])]) for strength in STRENGTHS] for name in names]
        labels = [_words(name) for name in names] if place == 1 else [""] * len(names)
        _heat(axes, values, labels, [f"{strength:g}" for strength in STRENGTHS], f"% found in {days} days")
        axes.set_xlabel("strength")
    return _save(figure, path)


def draw_delays(trials: Sequence[Trial], path: Path) -> Path:
    """Median days to the first finding, of those that were found."""
    found = cells(trials, Kind.ATTACK)
    names = _names(found)
    figure = Figure(figsize=(7, 0.34 * len(names) + 1.2))
    axes = figure.add_subplot()
    for strength, colour, marker in zip(STRENGTHS, COLOURS, MARKERS, strict=False):
        delays = [[one.raised[0].day for one in found.get((name, strength), []) if one.found_within(LONGEST)] for name in names]
        at = [(median(days), row) for row, days in enumerate(delays) if days]
        axes.plot([x for x, _ in at], [y for _, y in at], marker, color=colour, label=f"strength {strength:g}", alpha=0.85)
    _rows(axes, names)
    axes.set_xlabel(f"median days to the first finding, where there was one in {LONGEST} days")
    axes.legend(fontsize=8, loc="best")
    return _save(figure, path)


def draw_bias(trials: Sequence[Trial], path: Path) -> Path:
    """Points that gaming at strength 1 adds to the score: raw, and what is left after cleaning."""
    found = {name: outcomes for (name, strength), outcomes in cells(trials, Kind.ATTACK).items() if strength == 1}
    names = list(found)
    figure = Figure(figsize=(7, 0.34 * len(names) + 1.2))
    axes = figure.add_subplot()
    axes.axvline(0, color="#999999", linewidth=1)
    for which, colour, marker in zip(("raw", "excluded", "mid", "low"), COLOURS, MARKERS, strict=False):
        points = [[getattr(one.bias, which) for one in found[name] if one.bias is not None] for name in names]
        at = [(mean(values), row) for row, values in enumerate(points) if values]
        axes.plot([x for x, _ in at], [y for _, y in at], marker, color=colour, label=which, alpha=0.85)
    _rows(axes, names)
    axes.set_xlabel("score less true score, points, strength 1")
    axes.legend(fontsize=8, loc="best")
    return _save(figure, path)


def draw_confounders(trials: Sequence[Trial], path: Path) -> Path:
    """Share of units with a confounder that are called investigate or suspect."""
    found = cells(trials, Kind.CONFOUNDER)
    names = _names(found)
    figure = Figure(figsize=(6.5, 0.36 * len(names) + 1.2))
    for place, state in enumerate((UnitState.INVESTIGATE, UnitState.SUSPECT), 1):
        axes = figure.add_subplot(1, 2, place)
        values = [[_share([one.was(state, LONGEST) for one in found.get((name, strength), [])]) for strength in STRENGTHS] for name in names]
        labels = [_words(name) for name in names] if place == 1 else [""] * len(names)
        title = f"% {state.value}" + (" or worse" if state is UnitState.INVESTIGATE else "")
        _heat(axes, values, labels, [f"{strength:g}" for strength in STRENGTHS], title)
        axes.set_xlabel("strength")
    return _save(figure, path)


def draw_contest(held: Contest, days: int, path: Path) -> Path:
    """Share found by everybody, over all strengths; what is benign below the line."""
    contestants = [CANDOR, *(name for name in held.standings if name != CANDOR)]
    shown = [injector for injector in INJECTORS if pooled(held.standings[CANDOR], injector.name, STRENGTHS)]
    figure = Figure(figsize=(8, 0.36 * len(shown) + 1.4))
    axes = figure.add_subplot()
    for place, name in enumerate(contestants):
        shares = [100 * recall(pooled(held.standings[name], injector.name, STRENGTHS), days) for injector in shown]
        rows = np.arange(len(shown)) + (place - len(contestants) / 2) * 0.11
        axes.plot(shares, rows, MARKERS[place], color=COLOURS[place], label=name, markersize=7 if name == CANDOR else 5)
    attacks = sum(injector.kind is Kind.ATTACK for injector in shown)
    axes.axhline(attacks - 0.5, color="#999999", linewidth=1)
    _rows(axes, [injector.name for injector in shown])
    axes.set_xlabel(f"% found in {days} days, {held.name}; below the line: benign")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return _save(figure, path)


def draw_guarantee(runs: Sequence[Run], path: Path) -> Path:
    """Mean run of clean units over what is promised; where nothing sounded, as if once had."""
    between = sorted({run.between for run in runs})
    names = list(dict.fromkeys(run.name for run in runs))
    figure = Figure(figsize=(4.2 * len(between), 3.4))
    panels = [figure.add_subplot(1, len(between), place) for place in range(1, len(between) + 1)]
    for axes, apart in zip(panels, between, strict=True):
        axes.axhline(1, color="#999999", linewidth=1)
        for number, name in enumerate(names):
            mine = sorted((run.correlation, run.unit_days / max(run.alarms, 1) / 1000) for run in runs if run.name == name and run.between == apart)
            style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
            axes.plot([x for x, _ in mine], [y for _, y in mine], linewidth=1, label=_words(name), **style)  # type: ignore[arg-type]  # both are strings
        axes.set_yscale("log")
        axes.set_xlabel("correlation of the answers of a day")
        axes.set_title(f"correlation of a unit {apart:g}")
    panels[0].set_ylabel("mean run / promised")
    panels[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return _save(figure, path)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [_words(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else float("nan")
