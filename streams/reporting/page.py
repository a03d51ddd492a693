"""The page: one HTML file without script that asks nobody for anything."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from streams.reporting import charts, definitions, sentences
from streams.reporting.rows import Numbers
from streams.reporting.sections import build
from streams.reporting.sections.model import Figure


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


def _unbroken(text: str) -> str:
    """Text whose units and numbers stay on one line."""
    return text.replace(" %", "\u00a0%").replace("n = ", "n\u00a0=\u00a0")


def _picture(figure: Figure) -> Markup:
    """The SVG, which the renderer and the XML library have escaped."""
    return Markup(charts.accessible(figure.svg, f"{figure.identity}-picture", figure.title, " ".join(figure.sentences)))  # noqa: S704
