"""The documentation as a site: pages of ``docs`` and the few that lie elsewhere, laid out in one folder and built by Zensical.

Pages are read where they lie, also by people who have no site, so they link into the project: to configuration, to code. On the site such a link is
only its text, with the path where the text does not say it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIGURATION = ROOT / "mkdocs.yml"
PAGES, SITE = Path("build/pages"), Path("build/site")
"""Where pages are laid out, and where the site is built, from the root; mkdocs.yml names both."""
ELSEWHERE = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "deploy/helm/candor/README.md": "helm.md",
    "deploy/dbt/README.md": "dbt.md",
    "deploy/superset/README.md": "superset.md",
    "examples/olist/README.md": "olist.md",
}
"""Pages outside ``docs``, by their path from the root, and their name on the site."""
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")


class BrokenLinkError(Exception):
    """A page links to what is not there."""


def sources() -> dict[str, Path]:
    """Every page and picture: its path on the site, and where it lies."""
    inside = {path.relative_to(DOCS).as_posix(): path for path in sorted(DOCS.rglob("*")) if path.is_file()}
    return {**inside, **{name: ROOT / path for path, name in ELSEWHERE.items()}}


def lay_out(into: Path) -> None:
    """Write all pages into a folder, which is emptied first; raises ``BrokenLinkError``."""
    shutil.rmtree(into, ignore_errors=True)
    found = sources()
    names = {path: name for name, path in found.items()}
    for name, path in found.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(relinked(path.read_text(encoding="utf-8"), path, name, names), encoding="utf-8")
        else:
            shutil.copyfile(path, target)


def relinked(text: str, path: Path, name: str, names: dict[Path, str]) -> str:
    """A page whose links lead to pages of the site, ``names``; what stands in code is left alone."""

    def replaced(link: re.Match[str]) -> str:
        target, mark, anchor = link["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return link[0]
        meant = Path(os.path.normpath(path.parent / target))
        if meant in names:
            relative = PurePosixPath(os.path.relpath(names[meant], Path(name).parent))
            return f"{link['image']}[{link['text']}]({relative}{mark}{anchor})"
        if not meant.exists():
            raise BrokenLinkError(f"{path.relative_to(ROOT)} links to {target}, which is not there")
        in_project = meant.relative_to(ROOT).as_posix()
        return link["text"] if in_project in link["text"] else f"{link['text']} (`{in_project}`)"

    return "".join(_LINK.sub(replaced, part) if is_prose else part for is_prose, part in _parts(text))


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The lines of a page, inline code apart, and whether links in them are links."""
    fence = ""
    for line in text.splitlines(keepends=True):
        opened = _FENCE.match(line)
        if fence:
            yield False, line
            fence = "" if opened and opened[1].startswith(fence) else fence
        elif opened:
            fence = opened[1]
            yield False, line
        else:
            for number, part in enumerate(re.split(r"(?<!\[)(`+[^`]+`+)(?!\])", line)):
                yield number % 2 == 0, part


def build() -> Path:
    """Build the site, where a warning is an error, and return its folder; raises ``CalledProcessError`` once it has been told."""
    lay_out(ROOT / PAGES)
    shutil.rmtree(ROOT / SITE, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(CONFIGURATION)], cwd=ROOT, check=True)
    return ROOT / SITE
