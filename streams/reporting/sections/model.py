"""What a section of the report is made of."""

from dataclasses import dataclass, field

from streams.reporting.drawing import Drawing
from streams.reporting.numbers import Estimate
from streams.reporting.sentences import count, number

NOTHING = "–"
"""What stands in a table where a number is not known."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``definition`` is ``view.column``, or a name of ``definitions.OWN``."""

    heading: str
    definition: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text, ready to be shown."""

    caption: str
    columns: tuple[Column, ...]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, what it shows in words, and the numbers behind it."""

    identity: str
    title: str
    sentences: list[str]
    drawing: Drawing
    table: Table


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a section with a heading of its own, such as a unit."""

    title: str
    sentences: list[str]
    figures: list[Figure] = field(default_factory=list)
    bullets: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report. ``missing`` says why there is nothing to show; then there is nothing else."""

    identity: str
    title: str
    missing: str | None = None
    notes: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def all_tables(self) -> list[Table]:
        """Every table of the section."""
        return [
            *(figure.table for figure in self.figures),
            *self.tables,
            *(figure.table for item in self.items for figure in item.figures),
            *(table for item in self.items for table in item.tables),
        ]

    @property
    def definitions(self) -> list[str]:
        """The definitions that its numbers need, in the order in which they are met."""
        return list(dict.fromkeys(column.definition for table in self.all_tables for column in table.columns))


def cell(value: float | None, decimals: int = 1) -> str:
    """A number for a table."""
    return NOTHING if value is None else number(value, decimals)


def percent(value: float | None) -> str:
    """A share, 0 to 1, in per cent."""
    return NOTHING if value is None else f"{number(100 * value)} %"


def ends(estimate: Estimate | None, decimals: int = 1) -> str:
    """Both ends of an interval."""
    return NOTHING if estimate is None else f"{number(estimate.low, decimals)} to {number(estimate.high, decimals)}"


def value_of(estimate: Estimate | None, decimals: int = 1) -> str:
    """The value of an estimate."""
    return NOTHING if estimate is None else number(estimate.value, decimals)


def integer(value: int) -> str:
    """A count."""
    return count(value)


def estimate(value: float | None, low: float | None, high: float | None, n: int) -> Estimate | None:
    """An estimate as a view has it; None where it is not known, or not how sure it is."""
    return None if value is None or low is None or high is None else Estimate(value, low, high, n)
