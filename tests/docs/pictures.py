"""The pictures of the tour, taken out of the report that the demo writes: ``python -m tests.docs.pictures .candor/demo/report.html``."""

import re
import sys
from pathlib import Path

from tests.docs.site import DOCS

FOLDER = DOCS / "tour"
_SVG = re.compile(r'<figure id="(?P<identity>[a-z0-9-]+)">.*?(?P<svg><svg .*?</svg>)', re.DOTALL)


def pictures_of(report: str) -> dict[str, str]:
    """Each picture of a report by its identity, as a file of its own: on white, since it brings no style sheet."""
    return {found["identity"]: found["svg"].replace("<svg ", '<svg style="background: white" ', 1) + "\n" for found in _SVG.finditer(report)}


def marks(svg: str) -> list[str]:
    """What a picture says: its words and the descriptions of its marks, without where they are drawn, which goes by the fonts of the machine."""
    return sorted(re.findall(r'aria-label="([^"]*)"', svg) + re.findall(r"<text[^>]*>([^<]+)</text>", svg))


if __name__ == "__main__":
    found = pictures_of(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for wanted in re.findall(r"\]\(tour/([a-z0-9-]+)\.svg\)", (DOCS / "tour.md").read_text(encoding="utf-8")):
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{wanted}.svg").write_text(found[wanted], encoding="utf-8")
