"""The site is built strictly; each page is in the navigation; links lead somewhere; and the built pages ask nobody else for anything."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.html import problems
from tests.docs.site import CONFIGURATION, DOCS, PAGES, ROOT, SITE, BrokenLinkError, build, relinked, sources

CONFIGURED: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site() -> Path:
    return build()


def _paths(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for inner in entry.values():
            yield from _paths(inner)
    elif isinstance(entry, list):
        for inner in entry:
            yield from _paths(inner)


def test_each_page_is_in_the_navigation_once_and_nothing_else_is() -> None:
    named = Counter(_paths(CONFIGURED["nav"]))

    assert named == Counter(name for name, path in sources().items() if path.suffix == ".md")


def test_the_configuration_names_the_folders_that_are_built() -> None:
    assert (CONFIGURED["docs_dir"], CONFIGURED["site_dir"]) == (str(PAGES), str(SITE))


def test_every_page_is_built(site: Path) -> None:
    assert {path.relative_to(site).with_suffix(".md").as_posix() for path in site.rglob("*.html")} - {"404.md"} == set(_paths(CONFIGURED["nav"]))


def test_links_lead_somewhere_and_nothing_is_asked_of_others(site: Path) -> None:
    found = problems(site)

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('<a href="gone.html">x</a>', "is not there"),
        ('<a href="other.html#gone">x</a>', "no such place"),
        ('<img src="gone.svg">', "is not there"),
        ('<script src="https://unpkg.com/x.js"></script>', "loads https://unpkg.com/x.js"),
        ('<link rel="stylesheet" href="//fonts.example.com/x.css">', "loads //fonts.example.com/x.css"),
        ('<img srcset="https://example.com/x.png 2x">', "loads https://example.com/x.png"),
        ('<pre class="mermaid">x</pre>', "mermaid"),
    ],
)
def test_what_is_wrong_with_a_page_is_told(tmp_path: Path, body: str, told: str) -> None:
    (tmp_path / "other.html").write_text('<h1 id="here">x</h1>')
    (tmp_path / "index.html").write_text(f'<a href="other.html#here">fine</a> <a href="https://example.com">fine</a> {body}')

    (found,) = problems(tmp_path)

    assert told in found


def test_a_font_from_elsewhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("@font-face { src: url(https://fonts.example.com/x.woff2) } a { background: url(x.svg) }")

    assert len(problems(tmp_path)) == 1


def _relinked(text: str) -> str:
    names = {DOCS / "a.md": "a.md", DOCS / "in" / "b.md": "in/b.md", ROOT / "README.md": "readme.md"}
    return relinked(text, DOCS / "in" / "b.md", "in/b.md", names)


def test_links_between_pages_are_kept_wherever_the_pages_lie() -> None:
    assert _relinked("[a](../a.md#x) [b](b.md) [all](../../README.md#y) [out](https://example.com) [up](#z)") == (
        "[a](../a.md#x) [b](b.md) [all](../readme.md#y) [out](https://example.com) [up](#z)"
    )


def test_links_into_the_project_are_text_with_the_path() -> None:
    assert _relinked("[rules](../../deploy/prometheus/candor.rules.yml)") == "rules (`deploy/prometheus/candor.rules.yml`)"
    assert _relinked("[deploy/prometheus](../../deploy/prometheus)") == "deploy/prometheus"


def test_what_stands_in_code_is_no_link() -> None:
    text = "`[a](gone.md)`\n\n```sh\n[a](gone.md)\n```\n"

    assert _relinked(text) == text


def test_a_link_to_what_is_not_there_stops_the_build() -> None:
    with pytest.raises(BrokenLinkError, match=r"docs/in/b\.md links to gone\.md"):
        _relinked("[a](gone.md)")
