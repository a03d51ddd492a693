"""The page: one HTML file without script that asks nobody for anything."""

import re
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from streams.reporting import charts, definitions, sentences
from streams.reporting.rows import Numbers
from streams.reporting.sections import build
from streams.reporting.sections.model import Figure

_DAY = re.compile(r"(?<!\d)\d{4}-\d\d(?:-\d\d)?(?![\d-])")


def render(numbers: Numbers) -> str:
    """The report as HTML; text from data is escaped, whatever it holds."""
    package = files("streams.reporting")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters["unbroken"] = _unbroken
    template = environment.from_string((package / "page.html.j2").read_text(encoding="utf-8"))
    sections = build(numbers)
    scope = numbers.scope
    return template.render(
        sections=sections,
        period=f"{sentences.day(scope.start)} to {sentences.day(scope.end)}",
        days=sentences.counted(scope.days, "day", "days"),
        newest=None if scope.newest_answer is None else sentences.day(scope.newest_answer),
        asked=sentences.listed(scope.asked, 10) if scope.asked else "",
        # Style sheets know no entities, so what is put into one must not be escaped; it is a file of this package.
        style=Markup((package / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        definitions=definitions.in_order([name for section in sections for name in section.definitions]),
        anchor=definitions.anchor_of,
        label=definitions.label_of,
        meaning=lambda name: definitions.text_of(name, numbers.comments),
        svg=_picture,
    )


def _unbroken(text: str) -> Markup:
    """Text whose units, numbers and dates stay on one line."""
    told = str(escape(text)).replace(" %", "\u00a0%").replace("n = ", "n\u00a0=\u00a0")
    # Escaped above, and digits and hyphens are all that is put into elements.
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', told))  # noqa: S704


def _picture(figure: Figure, width: str) -> Markup:
    """The SVG, which the renderer and the XML library have escaped."""
    told = " ".join(figure.sentences)
    return Markup(charts.accessible(getattr(figure.drawing, width), f"{figure.identity}-{width}", figure.title, told))  # noqa: S704
