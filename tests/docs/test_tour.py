"""The tour is followed beside a demo that runs, and so are the pages whose queries need a company: their numbers are those of the demo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.broker import LocalBroker
from tests.conftest import wait_for
from tests.docs.blocks import Block, blocks_of
from tests.docs.pictures import FOLDER, marks, pictures_of
from tests.docs.shell import Shell, follow
from tests.docs.site import DOCS, ROOT

TOUR = DOCS / "tour.md"
REPORT = DOCS / "report.md"
INTEGRITY = DOCS / "integrity.md"
_START_SECONDS = 240
EXECUTED: list[Block] = [block for page in (TOUR, REPORT) for block in blocks_of(page)] + [
    block for block in blocks_of(INTEGRITY) if block.language == "sql"
]
"""All that is followed here."""


@pytest.fixture(scope="module")
def shell(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell beside the demo, which stays up."""
    folder = tmp_path_factory.mktemp("tour")
    with Shell(folder, {"CANDOR_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers}) as shell:
        # What make demo runs.
        shell.type("candor demo --stay > demo.txt &")
        wait_for(lambda: "stay up until Ctrl-C" in _shown(shell), _START_SECONDS, lambda: _shown(shell) + shell.errors())
        yield shell


def _shown(shell: Shell) -> str:
    demo = shell.folder / "demo.txt"
    return demo.read_text(encoding="utf-8") if demo.exists() else ""


def test_make_demo_is_the_demo() -> None:
    _, _, recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndemo:")

    assert recipe.splitlines()[1].strip() == "$(BIN)/candor demo"


def test_the_tour_can_be_followed(shell: Shell) -> None:
    report = pictures_of((shell.folder / ".candor" / "demo" / "report.html").read_text(encoding="utf-8"))

    follow(shell, blocks_of(TOUR), {"make demo\n": lambda: _shown(shell)})

    pictures = sorted(FOLDER.glob("*.svg"))
    assert len(pictures) >= 3
    for picture in pictures:
        assert marks(picture.read_text(encoding="utf-8")) == marks(report[picture.stem]), picture.name
        assert f"](tour/{picture.name})" in TOUR.read_text(encoding="utf-8")


def test_the_report_can_be_written_as_its_page_says(shell: Shell) -> None:
    # Not Chromium, which not every machine has: a program that is called in the same way, and copies the page to where the PDF is wanted.
    browser = shell.folder / ".venv" / "bin" / "chromium"
    browser.write_text('#!/bin/sh\nfor argument; do case $argument in --print-to-pdf=*) pdf=${argument#*=};; esac; done\nprintf %%PDF > "$pdf"\n')
    browser.chmod(0o755)

    shell.type(". .candor/demo/env.sh")
    follow(shell, blocks_of(REPORT))

    assert (shell.folder / "city.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (shell.folder / "candor-report.pdf").exists()


@pytest.mark.parametrize("block", [block for block in blocks_of(INTEGRITY) if block.language == "sql"], ids=lambda block: str(block.line))
def test_the_queries_about_integrity_answer(shell: Shell, block: Block) -> None:
    shell.type(". .candor/demo/env.sh")
    for sql in filter(str.strip, block.text.split(";\n")):
        printed = shell.type(f"candor query <<'END_OF_QUERY'\n{sql}\nEND_OF_QUERY\n")

        assert len(printed.splitlines()) > 1, sql


def test_the_pages_are_those_of_the_project() -> None:
    assert {Path(block.page).name for block in EXECUTED} == {"tour.md", "report.md", "integrity.md"}
