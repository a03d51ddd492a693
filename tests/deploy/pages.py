"""What pages for people on call tell them to type."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = [*sorted(RUNBOOKS.glob("*.md")), ROOT / "docs" / "operations.md"]
BY_HAND = "**By hand:**"
"""Begins the reason why what a page tells to do is not executed by a test."""


def blocks(page: Path, language: str, section: str = "") -> list[str]:
    """The code blocks of a language, of one section or of all."""
    text = page.read_text(encoding="utf-8")
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def lines(block: str) -> list[str]:
    """The commands of a shell block."""
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]
