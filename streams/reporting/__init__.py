"""One page for a period and a scope, read from the views that everybody queries.

Every score has its interval, what it is worth without the suspect answers, and which units to look at.

``numbers``, ``scores``, ``sentences`` and ``sections`` are pure; ``charts`` draws, ``page`` puts together, ``pdf`` prints; only ``reading`` asks
ClickHouse.
"""

from streams.reporting.page import Parts, environment, parts, render, style_sheet
from streams.reporting.pdf import find_browser, print_pdf
from streams.reporting.reading import Asked, ReportSource
from streams.reporting.sections import STEPS
from streams.reporting.writing import write_report

__all__ = ["STEPS", "Asked", "Parts", "ReportSource", "environment", "find_browser", "parts", "print_pdf", "render", "style_sheet", "write_report"]
