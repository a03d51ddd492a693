"""``candor report`` as a user runs it."""

import re
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from sinks.clickhouse import connect
from sinks.migrate import Migrator
from streams.reporting import STEPS, pdf
from tests.sinks.loyalty import cells
from tests.streams.commands.conftest import Run
from tests.streams.commands.test_terminal import Terminal, run


@pytest.fixture(autouse=True)
def _migrated(clickhouse_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", clickhouse_url)
    monkeypatch.chdir(tmp_path)
    clickhouse = connect(clickhouse_url)
    Migrator(clickhouse).apply()
    clickhouse.close()


def test_it_writes_a_page_and_prints_its_path(candor: Run, tmp_path: Path) -> None:
    done = candor("report")
    assert (done.exit_code, done.stdout.strip()) == (0, "candor-report.html")
    assert "no answer has been received" in done.stderr
    assert (tmp_path / "candor-report.html").read_text().startswith("<!DOCTYPE html>")
    done = candor("report", "--from", "2026-01-01", "--to", "2026-01-31", "--out", "here.html")
    assert (done.exit_code, done.stdout.strip()) == (0, "here.html")
    assert "2026-01-01 to 2026-01-31" in done.stderr


def test_no_metric_is_named_where_none_has_answers(candor: Run, clickhouse_url: str) -> None:
    with closing(connect(clickhouse_url)) as clickhouse:
        cells(clickhouse, {"metric": "csat", "day": date(2026, 1, 5), "n": 3})
    assert candor("report").stderr.splitlines()[-1].endswith("2026-01-05, scores of csat")
    told = candor("report", "--from", "2020-01-01", "--to", "2020-02-01").stderr.splitlines()[-1]
    assert told == "2020-01-01 to 2020-02-01; no answer lies in this period and scope"


def test_what_cannot_be_meant_is_wrong_usage(candor: Run) -> None:
    done = candor("report", "--unit", "nowhere")
    assert done.exit_code == 2
    assert "neither the catalog nor any answer knows nowhere" in done.stderr
    assert "twice" not in done.stderr


@pytest.mark.parametrize("command", ["report", "serve"])
@pytest.mark.parametrize("option", ["--unit", "--peer-group"])
def test_several_with_commas_between_are_told_to_be_given_one_by_one(candor: Run, command: str, option: str) -> None:
    done = candor(command, option, "a,b", *(("--port", "0") if command == "serve" else ()))
    assert (done.exit_code, f"for several, give {option} several times: {option} a {option} b" in done.stderr) == (2, True), done.stderr


def test_without_chromium_pdf_says_what_to_do(candor: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    done = candor("report", "--format", "pdf")
    assert done.exit_code == 2
    assert "apt-get install chromium" in done.stderr


def test_pdf_is_what_the_browser_prints_and_its_failure_is_told(candor: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    monkeypatch.setattr(pdf, "BROWSERS", (str(browser),))
    # Not Chromium, which not every machine has: a program that is called in the same way, and copies the page to where the PDF is wanted.
    browser.write_text(
        '#!/bin/sh\nfor one; do case "$one" in --print-to-pdf=*) to="${one#*=}";; file://*) page="${one#file://}";; esac; done\ncp "$page" "$to"\n'
    )
    browser.chmod(0o755)
    done = candor("report", "--format", "pdf")
    assert (done.exit_code, done.stdout.strip()) == (0, "candor-report.pdf")
    assert (tmp_path / "candor-report.pdf").read_text().startswith("<!DOCTYPE html>")
    browser.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    done = candor("report", "--format", "pdf", "--out", "other.pdf")
    assert done.exit_code == 3
    assert "did not print the report: no display" in done.stderr


def test_a_terminal_shows_how_far_it_is_and_a_pipe_gets_the_path_alone(candor: Run, clickhouse_url: str, tmp_path: Path) -> None:
    terminal = Terminal()
    code, printed, _ = run("report", "--out", str(tmp_path / "a.html"), environment={"CANDOR_CLICKHOUSE_URL": clickhouse_url}, err=terminal.theirs)
    shown = terminal.text()
    assert (code, printed) == (0, f"{tmp_path / 'a.html'}\n")
    assert re.search(rf"written .*{STEPS}/{STEPS}", shown), shown
    done = candor("report", "--metric", "csat")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (0, "candor-report.html\n", 1)
