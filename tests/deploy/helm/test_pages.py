"""What the chart's page and its notes tell people to type works."""

import re
import shlex

import pytest

from tests.deploy.helm.chart import CASES, CHART, ROOT, VALUES, told
from tests.deploy.helm.lines import assert_can_be_typed, values_of_the_page

PAGE = CHART / "README.md"


def _lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()] + re.findall(
        r"`((?:kubectl|helm) [^`]* [^`]*)`", PAGE.read_text()
    )


@pytest.mark.parametrize("line", [line for line in _lines() if line != "helm uninstall"])
def test_a_line_of_the_page_can_be_typed(line: str) -> None:
    tool, *arguments = shlex.split(line, comments=True)

    assert_can_be_typed(tool, arguments)


def test_the_values_of_the_page_hold_no_password() -> None:
    assert "existingSecret" in values_of_the_page()
    assert not re.search(r"password\s*:", values_of_the_page())


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE.read_text())

    assert links
    for link in links:
        path, _, heading = link.partition("#")
        there = (PAGE.parent / path).resolve()
        assert there.is_relative_to(ROOT)
        assert not heading or f"## {heading.replace('-', ' ')}" in there.read_text().lower()


def _notes(case: str) -> str:
    done = told("install", "candor", str(CHART), "--namespace", "candor", "--dry-run=client", "--values", str(VALUES / f"{case}.yaml"))
    return done.partition("\nNOTES:\n")[2]


@pytest.mark.parametrize("case", CASES)
def test_the_notes_name_what_can_be_typed(case: str) -> None:
    commands = [line.strip() for line in _notes(case).splitlines() if line.startswith("  ")]

    assert len(commands) == {"off": 3, "copies": 6}.get(case, 5)
    for command in commands:
        tool, *arguments = shlex.split(command)
        # Names of the case with another name are checked where names are.
        assert_can_be_typed(tool, [argument.replace("candor-feedback", "candor") for argument in arguments])


def test_the_notes_tell_of_a_missing_catalog_and_of_idle_workers() -> None:
    assert "There is no catalog" in _notes("minimal")
    assert "There is no catalog" not in _notes("everything")
    assert "more workers than partitions" not in _notes("everything")
    done = told("install", "candor", str(CHART), "--dry-run=client", "--values", str(VALUES / "minimal.yaml"), "--set", "worker.replicas=13")
    assert "There are more workers than partitions (12)" in done
