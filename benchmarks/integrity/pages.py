"""The results as pages of documentation, each with what it was measured on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.integrity import engine, first_day, guarantee, pictures, tables
from benchmarks.integrity.contest import Contest
from benchmarks.integrity.guarantee import Run
from benchmarks.integrity.injectors import INJECTORS, Injector
from benchmarks.integrity.real import Ranking, Ratings
from benchmarks.integrity.trials import HORIZONS, Trial

PAGES = Path("docs") / "integrity"
DAYS = HORIZONS[1]


@dataclass(frozen=True, slots=True)
class Measured:
    """How it was done."""

    command: str
    """What to type to get the same."""
    setting: str
    """Sizes and seeds, in a sentence or more."""
    minutes: float


def write_power(folder: Path, trials: Sequence[Trial], measured: Measured) -> None:
    """Simulated companies."""
    shown = [
        pictures.draw_power(trials, folder / "power.svg"),
        pictures.draw_delays(trials, folder / "delays.svg"),
        pictures.draw_bias(trials, folder / "bias.svg"),
        pictures.draw_confounders(trials, folder / "confounders.svg"),
    ]
    power, delays, bias, confounders = (f"![{path.stem}]({path.name})" for path in shown)
    parts: list[Iterable[str]] = [
        ["## What is found, and when", "", _DONE, "", power, "", delays, ""], tables.power(trials),
        ["", "## What the score is worth", "", _BIAS, "", bias, ""], tables.bias(trials),
        ["", "## What looks like gaming and is none", "", confounders, ""], tables.confounders(trials),
        ["", "## False alarms and flags", ""], tables.honesty(trials),
        ["", "## Detectors", ""], tables.detectors(trials),
        ["", "## Ranking of units", "", _RANKING, ""], tables.ranking(trials),
    ]  # fmt: skip
    _write(folder / "power.md", "Gaming in simulated companies", measured, parts)


def write_contest(folder: Path, contests: Sequence[Contest], measured: Measured) -> None:
    """Rivals."""
    parts: list[Iterable[str]] = [[_RIVALS, ""]]
    for number, held in enumerate(contests, 1):
        picture = pictures.draw_contest(held, DAYS, folder / f"rivals-{number}.svg")
        head = [f"## With {held.name}", "", tables.thresholds(held), "", f"![{held.name}]({picture.name})", ""]
        parts += [head, tables.contest(held, DAYS), [""]]
    _write(folder / "rivals.md", "Candor beside other ways to find gaming", measured, parts)


def write_real(
    folder: Path, trials: Mapping[str, Sequence[Trial]], ratings: Sequence[Ratings], rankings: Sequence[Ranking], measured: Measured
) -> None:
    """Real ratings."""
    parts: list[Iterable[str]] = [[_REAL, ""]]
    for data in ratings:
        mine = trials[data.name]
        picture = pictures.draw_power(mine, folder / f"real-{data.name.lower()}.svg")
        missing = ", ".join(injector.name for injector in INJECTORS if not data.allows(injector)) or "nothing"
        shown = f"![{data.name}]({picture.name})"
        parts += [
            [f"## {data.name}", "", f"Cannot be injected, for want of columns: {missing}.", "", shown, ""],
            tables.power(mine), [""], tables.bias(mine), [""], tables.confounders(mine), [""], tables.honesty(mine), [""],
            tables.detectors(mine), [""], tables.ranking(mine), [""],
        ]  # fmt: skip
    if rankings:
        parts += [["## Raters with labels", "", _RATERS, ""], tables.raters(rankings)]
    _write(folder / "real.md", "Gaming in real ratings", measured, parts)


def write_guarantee(folder: Path, runs: Sequence[Run], measured: Measured) -> None:
    """False alarms."""
    picture = pictures.draw_guarantee(runs, folder / "guarantee.svg")
    parts = [[_GUARANTEE, "", f"![mean run over what is promised]({picture.name})", ""], guarantee.table(runs)]
    _write(folder / "guarantee.md", "How long clean units run until a detector sounds", measured, parts)


def write_first_day(folder: Path, honest: Sequence[first_day.Honest], gamed: Sequence[first_day.Found], measured: Measured) -> None:
    """Units held against peers from their first day."""
    parts: list[Iterable[str]] = [
        [_FIRST_DAY, "", "## Honest fleets", "", _HONEST, ""], first_day.honest_table(honest),
        ["", "## Units that gamed from their first day", "", _GAMED, ""], first_day.power_table(gamed),
    ]  # fmt: skip
    _write(folder / "first-day.md", "Units held against their peers from the first day on", measured, parts)


def write_engine(folder: Path, compared: Sequence[engine.Compared], measured: Measured) -> None:
    """The e-SR beside the e-CUSUM."""
    _write(folder / "engine.md", "The e-SR beside the e-CUSUM", measured, [[_ENGINE, ""], engine.table(compared)])


def _write(path: Path, title: str, measured: Measured, parts: Iterable[Iterable[str]]) -> None:
    head = [
        f"# {title}", "", f"Made by `{measured.command}` in {measured.minutes:.0f} minutes. {measured.setting}", "",
        f"Measured on {machine.describe()}.", "",
    ]  # fmt: skip
    lines: Iterator[str] = (line for part in ([head], parts) for some in part for line in some)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")


def described(injectors: Iterable[Injector]) -> Iterator[str]:
    """A line on each injector, by its own words."""
    for injector in injectors:
        words = " ".join((injector.inject.__doc__ or "").split("\n\n")[0].split())
        when = " From the first day on." if injector.from_first_day else ""
        whom = f" At the {injector.units} units of a plan." if injector.in_plan else f" At {injector.units} units." if injector.units > 1 else ""
        yield f"* `{injector.name}`: {words[:1].lower()}{words[1:]}{when}{whom}"


_DONE = "\n".join(
    [
        "What is done to a unit, at strength 1; at other strengths as much more often:",
        "",
        *described(INJECTORS),
        "",
        "A treatment counts as found with the first finding about one of its units, or their incentive plan, that was raised after the beginning.",
        "Medians are of those found within 120 days.",
    ]
)
_BIAS = (
    "Points between the score as it is shown and the score without gaming, from the beginning of the treatment to the end: raw,\n"
    "without the flagged answers, with flagged promoters as passives (mid), with every flagged answer as a detractor (low).\n"
    "Means over the treatments. *left* is the share of the gain that cleaning leaves. *rightly*: of the flagged answers, those\n"
    "that gaming made or changed."
)
_RANKING = "Gamed units against untouched ones, by the greatest evidence that there ever was against them; all strengths."
_RIVALS = (
    "Share of the treatments, over all strengths, found within 60 days, and the median days of those. Rivals learned, and were\n"
    "tuned, on clean companies that were drawn apart; an alarm within 60 days of another at the same unit is the same finding,\n"
    "as in Candor. Rivals do not say what kind of evidence they have: where one sounds at something benign, it is a false\n"
    "alarm; Candor's *investigate* is in the table all the same."
)
_REAL = (
    "Ratings as they were given, with gaming added by the same injectors. Units are pools of sellers, or of rated people. What\n"
    "happened to these pools over the years is not known: findings at untouched ones are no proof of false alarms, and\n"
    "`nothing` shows what is found where nothing is done. For other metrics than nps the score is the share of the best score\n"
    "less that of the scores up to the middle of the scale."
)
_RATERS = (
    "Labels tell fraudulent raters from honest ones, and lean on what raters received; they are ranked here by what they give\n"
    "alone. An area of 0.5 means that nothing is told apart."
)
_GUARANTEE = (
    "Every detector alone, and all together, on clean units: mean number of days to an alarm, over what is promised. It must\n"
    "not be below 1 for correlations up to 0.1. *of a unit*: how much units differ for good. Where nothing sounded, the picture\n"
    "shows the run as if it once had."
)
_ENGINE = (
    "Both add up the same likelihood ratios of the same days, and at the same threshold both promise as many days until a clean\n"
    "unit sounds; the e-CUSUM keeps that promise by far more than it has to, and waits longer for it. *tuned by simulation*: at a\n"
    "threshold at which it runs as long as the e-SR does on these very streams, about which nothing is promised."
)
_FIRST_DAY = (
    "What `integrity_from_first_day` says of drawn fleets, each of which is a peer group of its own, with what was known on the\n"
    "day of each look. Units differ by beta distributions, and so do the days of a unit. What the view allows for was chosen on\n"
    "fleets of other seeds (9101 to 9402), of these kinds and others: 8 to 60 units, 0.4 to 24 answers a unit and day, rates from\n"
    "0.1 to 0.65."
)
_HONEST = (
    f"Fleets are looked at after {', '.join(map(str, first_day.CLEAN_LOOKS))} days; *named*: on any of these. At most 5 % of the\n"
    "fleets may ever have a unit named (the funnel, beside it, promises that of each look by itself), and evidence may ever reach\n"
    "20 at one unit in twenty, 100 at one in a hundred; *ever*: at the end of any week. *between units* and *of a day* are\n"
    "intra-class correlations."
)
_GAMED = (
    "Strength 1 is as published: half of the customers are asked for a top score, and half of those comply; beside four of five\n"
    "answers comes one invented top score. *wrongly*: of the units named after 120 days, those that did not game. *by the\n"
    "funnel*: of the units that gamed, those that it names after 120 days. Correlations of honest units: 0.018 between them (0.001\n"
    "of the shape), 0.05 of a day."
)
