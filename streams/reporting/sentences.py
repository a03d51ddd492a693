"""What a picture shows, in words: pure functions from numbers to text that never claim more than the interval allows.

Words of direction ("rose", "fell", "higher", "lower", "first", "tells") stand only where the 95 % interval excludes the opposite; else the sentence
says that it cannot be told.
"""

from collections.abc import Sequence
from datetime import date

from streams.reporting.numbers import Estimate, difference

NO_CHANGE = "no change can be told"
NO_DIFFERENCE = "no difference can be told"
MINUS = "−"


def number(value: float, decimals: int = 1) -> str:
    """A number for people: thousands apart, a true minus, and no minus before zero."""
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else MINUS + text[1:]
    return text


def count(value: int) -> str:
    """A count with thousands apart."""
    return f"{value:,}"


def counted(value: int, one: str, many: str) -> str:
    """A count with its noun."""
    return f"{value:,} {one if value == 1 else many}"


def none_is(value: int, one: str, many: str, what: str) -> str:
    """That nothing of so many, at least one, is ``what``."""
    return f"The one {one} is not {what}" if value == 1 else f"None of the {value:,} {many} is {what}"


def interval(estimate: Estimate, unit: str = "", decimals: int = 1) -> str:
    """The 95 % interval and the n behind it."""
    return f"{_ends(estimate, decimals)}{unit}; n = {count(estimate.n)}"


def _ends(estimate: Estimate, decimals: int = 1) -> str:
    return f"95 % interval {number(estimate.low, decimals)} to {number(estimate.high, decimals)}"


def _directed(found: Estimate, above: str, below: str, neither: str, none: float = 0.0) -> str:
    """The rule of this module: a direction only where the whole interval lies on one side of what would be ``none``."""
    return above if found.low > none else below if found.high < none else neither


def level(what: str, estimate: Estimate, unit: str = "", decimals: int = 1) -> str:
    """What a number is, with interval and n."""
    return f"{what} is {number(estimate.value, decimals)}{unit} ({interval(estimate, unit, decimals)})."


def change(what: str, before: Estimate, after: Estimate, unit: str = "", unit_of_difference: str = " points") -> str:
    """How a number moved between two periods that follow each other: rose, fell, or that no change can be told."""
    gap = difference(after, before)
    told = f"from {number(before.value)}{unit} (n = {count(before.n)}) to {number(after.value)}{unit} (n = {count(after.n)})"
    direction = _directed(gap, f"rose {told}", f"fell {told}", f"went {told}, but {NO_CHANGE}")
    return f"{what} {direction}: difference {number(gap.value)}{unit_of_difference}, {_ends(gap)}."


def comparison(first: str, one: Estimate, second: str, other: Estimate, unit: str = " percentage points") -> str:
    """Which of two independent shares or scores is higher, or that no difference can be told."""
    gap = difference(one, other)
    direction = _directed(
        gap,
        f"It is higher for {first} than for {second}",
        f"It is lower for {first} than for {second}",
        f"Between {first} and {second} {NO_DIFFERENCE}",
    )
    return f"{direction} (difference {number(gap.value)}{unit}, {_ends(gap)}; n = {count(one.n)} and {count(other.n)})."


def cleaning(n: int, flagged: int, excluded: Estimate | None, worst: str, unit: str = "") -> str:
    """What the score is worth without the flagged answers, and ``worst``: what it would be if these were other answers.

    This is arithmetic on the same answers, no estimate of a difference.
    """
    if flagged == 0:
        return f"{none_is(n, 'answer', 'answers', 'flagged')}, so raw and cleaned scores are the same."
    of_them = f"{counted(flagged, 'answer', 'answers')} of {count(n)} {'is' if flagged == 1 else 'are'} flagged."
    if excluded is None:
        return f"{of_them} Nothing is left without them. {worst} (n = {count(n)})."
    return f"{of_them} Without them the score is {number(excluded.value)}{unit} ({interval(excluded, unit)}). {worst} (n = {count(n)})."


def discrimination(what: str, auc: Estimate) -> str:
    """Whether a predictor tells those who buy again from those who do not."""
    direction = _directed(
        auc,
        f"{what} tells who buys again better than chance",
        f"{what} points the wrong way: those with higher values bought again less often",
        f"Whether {what} tells who buys again cannot be told",
        none=0.5,
    )
    return f"{direction} (AUC {number(auc.value, 2)}, {interval(auc, decimals=2)})."


def gain(what: str, other: str, found: Estimate) -> str:
    """Whether one predictor is better than another on the same responses."""
    direction = _directed(
        found,
        f"{what} tells more than {other} on the same responses",
        f"{what} tells less than {other} on the same responses",
        f"Whether {what} tells more than {other} cannot be told",
    )
    return f"{direction} (gain in AUC {number(found.value, 2)}, {interval(found, decimals=2)})."


def first_of(what: str, ranked: Sequence[tuple[str, Estimate]]) -> str:
    """Which of several comes first by an estimate; named only where its whole interval lies above those of all others."""
    if not ranked:
        raise ValueError("nothing to rank")
    ordered = sorted(ranked, key=lambda one: -one[1].value)
    name, top = ordered[0]
    told = f"{number(top.value, 2)}, {interval(top, decimals=2)}"
    rivals = [other for other, estimate in ordered[1:] if estimate.high >= top.low]
    if not rivals:
        return f"{name} comes first by {what} ({told})." if len(ordered) > 1 else f"{name} is the only one ({what} {told})."
    return f"{name} has the highest {what} ({told}), but that it comes first cannot be told, since intervals overlap: {listed(rivals)}."


def against_expected(name: str, observed: float, low: float, high: float, n: int) -> str:
    """Whether a unit lies outside its control limits; rates are shares, 0 to 1."""
    told = f"{number(100 * observed)} % top scores, limits {number(100 * low)} to {number(100 * high)} %; n = {count(n)}"
    if observed > high:
        return f"{name} lies above its upper limit ({told})."
    if observed < low:
        return f"{name} lies below its lower limit ({told})."
    return f"{name} lies within its limits ({told})."


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a row; of many, the first and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {count(len(names) - most)} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def day(value: date) -> str:
    """A date as it is read everywhere alike."""
    return value.isoformat()


def words(name: str) -> str:
    """An identifier of a closed set in words."""
    return name.replace("_", " ")
