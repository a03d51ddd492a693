"""The page: one HTML file without script that asks nobody for anything."""

import re
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from streams.reporting import definitions, sentences
from streams.reporting.accessible import accessible
from streams.reporting.rows import Numbers
from streams.reporting.sections import build
from streams.reporting.sections.model import Figure
from streams.reporting.sections.scoring import scores_are_of
from streams.reporting.steps import Begun, quietly

_LONGEST_NAME = 40
"""Letters up to which what begins a row stays on one line, as units, topics and most findings do."""
_DAY = re.compile(r"(?<!\d)\d{4}-\d\d(?:-\d\d)?(?![\d-])")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a page about the numbers is put together from."""

    period: str
    about: Markup
    """Which period and scope it is about."""
    navigation: Markup
    sections: Markup


def render(numbers: Numbers, begun: Begun = quietly) -> str:
    """The report as HTML; text from data is escaped, whatever it holds. ``begun`` is told of each section as it is drawn."""
    # Style sheets know no entities, so what is put into one must not be escaped; it is a file of this package.
    return environment("streams.reporting").get_template("page.html.j2").render(parts=parts(numbers, begun), style=Markup(style_sheet()))  # noqa: S704


def parts(numbers: Numbers, begun: Begun = quietly) -> Parts:
    """The same in parts, for a page that shows more."""
    sections = build(numbers, begun)
    scope = numbers.scope
    period = f"{sentences.day(scope.start)} to {sentences.day(scope.end)}"
    templates = environment("streams.reporting")
    about, navigation, told = (
        Markup(  # noqa: S704 (the template escapes)
            templates.get_template(f"{name}.html.j2").render(
                sections=sections,
                period=period,
                days=sentences.counted(scope.days, "day", "days"),
                newest=None if scope.newest_answer is None else sentences.day(scope.newest_answer),
                scores=scores_are_of(numbers),
                copied_at="" if numbers.copied_at is None else f"{numbers.copied_at:%Y-%m-%d %H:%M} UTC",
                asked=sentences.listed(scope.asked, 10) if scope.asked else "",
                definitions=definitions.in_order([name for section in sections for name in section.definitions]),
                anchor=definitions.anchor_of,
                label=definitions.label_of,
                meaning=lambda name: definitions.text_of(name, numbers.comments),
                svg=_picture,
            )
        )
        for name in ("about", "navigation", "sections")
    )
    return Parts(period, about, navigation, told)


def style_sheet() -> str:
    """The style of the report, and of whatever looks like it."""
    return (files("streams.reporting") / "page.css").read_text(encoding="utf-8")


def environment(package: str) -> Environment:
    """The templates of a package, which escape whatever is not markup already, and know the filters ``unbroken`` and ``is_name``."""
    templates = Environment(loader=PackageLoader(package, ""), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    templates.filters |= {"unbroken": _unbroken, "is_name": lambda text: len(text) <= _LONGEST_NAME}
    return templates


def _unbroken(text: str) -> Markup:
    """Text whose units, numbers and dates stay on one line."""
    told = str(escape(text)).replace(" %", "\u00a0%").replace("n = ", "n\u00a0=\u00a0")
    # Escaped above, and digits and hyphens are all that is put into elements.
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', told))  # noqa: S704


def _picture(figure: Figure, width: str) -> Markup:
    """The SVG, which the renderer and the XML library have escaped."""
    told = " ".join(figure.sentences)
    return Markup(accessible(getattr(figure.drawing, width), f"{figure.identity}-{width}", figure.title, told))  # noqa: S704
