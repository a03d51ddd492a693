"""Blocks of code in the pages of the documentation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.site import ROOT, sources

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_SKIPPED = re.compile(r"^<!-- not run here: (?P<reason>.+) -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; ``line`` is that of its fence, from 1."""

    page: str
    """From the root of the project."""
    line: int
    language: str
    """The first word behind the fence; empty where there is none."""
    title: str
    """The file that the reader is to write it into; empty where it is none."""
    text: str
    reason: str
    """Why no test runs it, as the page says in a comment above it; empty where one does."""
    after: str
    """The page from the end of the block to the next block."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language or 'no language'})"


def pages() -> list[Path]:
    """Every page of the site, where it lies."""
    return [path for path in sources().values() if path.suffix == ".md"]


def blocks_of(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order; also those that are indented, and those that nobody ends."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = list(_fenced(lines))
    starts = [start for start, *_ in found]
    page = path.relative_to(ROOT).as_posix()
    return [
        Block(
            page,
            start + 1,
            (info.split() or [""])[0],
            title[1] if (title := _TITLE.search(info)) else "",
            "".join(f"{line}\n" for line in inside),
            _reason(lines[:start]),
            "\n".join(lines[end:next_start]),
        )
        for (start, end, info, inside), next_start in zip(found, [*starts[1:], len(lines)], strict=bool(found))
    ]


def _fenced(lines: list[str]) -> Iterator[tuple[int, int, str, list[str]]]:
    """Of each block: the index of its fence, the index behind its end, what stands behind the fence, and the lines between."""
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        number += 1
        if opened is None:
            continue
        start, inside = number - 1, []
        while number < len(lines) and not re.fullmatch(rf"\s*{re.escape(opened['fence'])}{opened['fence'][0]}*\s*", lines[number]):
            inside.append(lines[number].removeprefix(opened["indent"]))
            number += 1
        number += 1
        yield start, number, opened["info"].strip(), inside


def _reason(before: list[str]) -> str:
    """What the comment above a block says; empty where there is none."""
    above = next((line for line in reversed(before) if line.strip()), "")
    said = _SKIPPED.match(above.strip())
    return said["reason"] if said else ""
