"""What is wrong with a built site: links that lead nowhere, and anything that a page asks of another host."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "embed": "src", "object": "data"}
_FOLLOWED_ONLY = {"canonical", "next", "prev", "author", "license", "me"}
"""Relations of a ``link`` that browsers load nothing for."""
_ASKED_FOR_BY_SCRIPT = {"mermaid", "glightbox", "pyodide"}
"""Classes of elements for which the theme's script fetches a library from elsewhere."""
_OUTSIDE_OF_STYLE = re.compile(r"""url\(\s*['"]?(?:https?:)?//[^)]+\)|@import[^;]+""")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        self.classes |= set(found.get("class", "").split())
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel", "") not in _FOLLOWED_ONLY:
            self.loaded.append(found.get("href", ""))
        if found.get(_LOADED.get(tag, "")):
            self.loaded.append(found[_LOADED[tag]])
        self.loaded += [part.split()[0] for part in found.get("srcset", "").split(",") if part.strip()]


def problems(site: Path) -> list[str]:
    """What is wrong, in words; empty where nothing is."""
    pages = {path: _parsed(path) for path in sorted(site.rglob("*.html"))}
    found = [problem for path, page in pages.items() for problem in _of_page(site, path, page, pages)]
    for sheet in sorted(site.rglob("*.css")):
        found += [f"{sheet.relative_to(site)} loads {one}" for one in _OUTSIDE_OF_STYLE.findall(sheet.read_text(encoding="utf-8"))]
    return found


def _parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _of_page(site: Path, path: Path, page: _Page, pages: dict[Path, _Page]) -> Iterator[str]:
    name = path.relative_to(site)
    for link in page.loaded:
        parts = urlsplit(link)
        if parts.scheme not in {"", "data"} or parts.netloc:
            yield f"{name} loads {link}"
    for one in sorted(page.classes & _ASKED_FOR_BY_SCRIPT):
        yield f"{name} has a {one}, for which a script loads a library from elsewhere"
    for link in {*page.links, *page.loaded}:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        # The page for what is not found is shown at any address, so it links from the root.
        base = site if parts.path.startswith("/") else path.parent
        there = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
        there = there / "index.html" if there.is_dir() else there
        if not there.is_file():
            yield f"{name} links to {link}, which is not there"
        elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors:
            yield f"{name} links to {link}, and the page has no such place"
