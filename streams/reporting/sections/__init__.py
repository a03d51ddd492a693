"""The sections of a report: pure functions from numbers to words, tables and charts."""

from streams.reporting.rows import Numbers
from streams.reporting.sections.company import growth, messages, mixed_messages
from streams.reporting.sections.customers import drivers, loyalty_matrix, prediction, value_and_feeling
from streams.reporting.sections.evidence import suspects
from streams.reporting.sections.listening import answered, follow_up
from streams.reporting.sections.model import Section
from streams.reporting.sections.scores import loyalty, units
from streams.reporting.steps import Begun, Reading, quietly

_ORDER = (
    loyalty,
    units,
    suspects,
    value_and_feeling,
    loyalty_matrix,
    drivers,
    answered,
    follow_up,
    messages,
    growth,
    prediction,
    mixed_messages,
)


STEPS = len(Reading) + len(_ORDER)
"""How many steps a report takes, from reading to drawing."""


def build(numbers: Numbers, begun: Begun = quietly) -> list[Section]:
    """All sections, in the order in which they are read. ``begun`` is told of each."""
    sections = []
    for section in _ORDER:
        begun(f"drawing {section.__name__.replace('_', ' ')}")
        sections.append(section(numbers))
    return sections
