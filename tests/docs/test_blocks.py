"""Every block of code on every page is run by some test, or says why it is not. What is run where is said once, here."""

from pathlib import Path

import pytest

from tests import test_bi_pages, test_metrics_pages, test_model_pages
from tests.deploy import pages as runbooks
from tests.deploy.helm import test_pages as helm
from tests.docs import test_how_to, test_tour
from tests.docs.blocks import Block, blocks_of, pages
from tests.docs.site import DOCS, ROOT
from tests.sinks import test_integrity_across_page

NOT_RUN = {
    "README.md": 4, "deploy/dbt/README.md": 3, "deploy/superset/README.md": 1, "docs/integrity.md": 1, "docs/serve.md": 1,
    "examples/olist/README.md": 1,
}  # fmt: skip
"""How many blocks of a page are not run; each says why in a comment above it. This list grows with reluctance."""
_ON_METRICS = {"sql", "yaml", "ndjson", "csv"}


def _executed() -> set[Block]:
    """Blocks that a test runs, and whose answer it compares."""
    of_metrics = [DOCS / "metrics" / f"{name}.md" for name in (*test_metrics_pages.PAGES, *test_model_pages.PAGES)]
    ran = {block for page in of_metrics for block in blocks_of(page) if block.language in _ON_METRICS}
    ran |= {block for block in blocks_of(test_integrity_across_page.PAGE) if block.language == "sql"}
    ran |= {block for page in test_bi_pages.EXECUTED for block in blocks_of(page)}
    return ran | {*test_how_to.EXECUTED, *test_tour.EXECUTED}


def _typed() -> set[Block]:
    """Blocks that need a cluster, or an emergency: their queries run, and each line is read by the program that it calls, which does nothing.

    What of the runbooks ends an emergency is run on a real one, in ``tests/deploy/live``.
    """
    of_operations = {block for page in runbooks.PAGES for block in blocks_of(page) if block.language in {"sh", "sql"}}
    return of_operations | {block for block in blocks_of(helm.PAGE) if block.language in {"sh", "yaml"}}


def _all() -> list[Block]:
    return [block for page in pages() for block in blocks_of(page)]


def test_every_block_is_run_or_says_why_not() -> None:
    covered = _executed() | _typed()

    missed = [block for block in _all() if not block.reason and block not in covered]

    assert not missed, "no test runs these:\n" + "\n".join(map(str, missed))


def test_blocks_that_are_not_run_are_counted_and_argued() -> None:
    skipped = [block for block in _all() if block.reason]

    assert {page: sum(block.page == page for block in skipped) for page in {block.page for block in skipped}} == NOT_RUN
    assert all(len(block.reason.split()) >= 4 for block in skipped)


def test_no_block_is_run_that_says_it_is_not() -> None:
    assert not {block for block in _typed() if block.reason}


def test_the_page_about_rings_has_the_one_block_that_its_test_reads() -> None:
    assert len(blocks_of(test_integrity_across_page.PAGE)) == 1


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("tests.docs.blocks.ROOT", tmp_path)
    return tmp_path / "page.md"


def test_blocks_are_found_however_they_are_fenced(page: Path) -> None:
    page.write_text('```sh\na\n```\n~~~python title="x.py"\n```\n~~~\n- item\n\n    ````text\n    ```\n    ````\n```\nno language, no end\n')

    assert [(block.language, block.title, block.text, block.line) for block in blocks_of(page)] == [
        ("sh", "", "a\n", 1),
        ("python", "x.py", "```\n", 4),
        ("text", "", "```\n", 9),
        ("", "", "no language, no end\n", 12),
    ]


def test_the_reason_is_that_of_the_comment_right_above(page: Path) -> None:
    page.write_text("<!-- not run here: it takes hours -->\n\n```sh\na\n```\n\ntext\n\n```sh\nb\n```\n")

    assert [block.reason for block in blocks_of(page)] == ["it takes hours", ""]


def test_there_are_pages_and_blocks() -> None:
    assert len(pages()) > 60
    assert len(_all()) > 100
    assert (ROOT / "README.md") in pages()
