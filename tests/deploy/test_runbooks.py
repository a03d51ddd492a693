"""What the pages for people on call tell them to type works."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from sinks.access import ROLE as READER_ROLE
from sinks.clickhouse import ClickHouse
from streams.commands import cli
from streams.metrics.alerts import ALERTS
from streams.metrics.declared import PROBE, WORKER
from streams.settings import Settings, variable
from tests.deploy.helm.lines import assert_can_be_typed
from tests.deploy.pages import PAGES, ROOT, RUNBOOKS, blocks, lines

SERIES = {metric.exported + suffix for metric in (*WORKER, *PROBE) for suffix in ("", "_bucket", "_sum", "_count")}


def _lines() -> list[str]:
    return sorted({line for page in PAGES for block in blocks(page, "sh") for line in lines(block)})


def _queries() -> list[str]:
    return sorted({query for page in PAGES for query in blocks(page, "sql")})


def _is_parsed(arguments: list[str]) -> None:
    """Raises what click would say of unknown commands, options and values; nothing is carried out."""
    command: click.Command = cli
    while isinstance(command, click.Group) and arguments:
        name, *arguments = arguments
        inner = command.get_command(click.Context(command), name)
        assert inner is not None, name
        command = inner
    command.make_context("candor", [argument for argument in arguments if argument != "--help"], resilient_parsing="--help" in arguments)


@pytest.mark.parametrize("line", _lines())
def test_a_line_can_be_typed(line: str) -> None:
    subprocess.run(["bash", "-n", "-c", line], check=True, timeout=10)
    tool, *arguments = shlex.split(line, comments=True)
    if tool == "for":
        tool, *arguments = arguments[arguments.index("do") + 1 :]
    while "=" in tool:
        name, _, _ = tool.partition("=")
        assert name in {variable(field) for field in Settings.model_fields}
        tool, *arguments = arguments
    if tool == "candor":
        _is_parsed(arguments)
    elif tool == "curl":
        assert re.fullmatch(r"http://127\.0\.0\.1:946[45]/(metrics|live|ready)", arguments[-1])
    elif tool == "kill":
        signal_, process = arguments
        assert signal_ in {"-HUP", "-TERM", "-KILL"}
        assert process == "$WORKER"
    elif tool == "echo":
        # For the file from which docker compose takes passwords.
        assert ".env" in arguments
    elif tool == "docker":
        assert arguments[:2] == ["compose", "up"]
        assert (ROOT / "docker-compose.yml").is_file()
    elif tool in {"promtool", "amtool"}:
        files = [argument for argument in arguments if argument.startswith("deploy/")]
        assert all((ROOT / file).is_file() for file in files)
        assert files or "query" in arguments
    elif tool in {"helm", "kubectl"}:
        assert_can_be_typed(tool, arguments)
    else:
        pytest.fail(f"nobody checks {tool}")


@pytest.mark.parametrize("query", _queries(), ids=lambda query: " ".join(query.split())[:50])
def test_a_query_runs(served: ClickHouse, query: str) -> None:
    assert served.query(query).column_names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_only_metrics_settings_and_pages_that_there_are(page: Path) -> None:
    text = page.read_text()

    assert set(re.findall(r"\bcandor_[a-z_]+", text)) <= SERIES | {READER_ROLE}
    assert set(re.findall(r"\bCANDOR_[A-Z_]*[A-Z]", text)) <= {variable(name) for name in Settings.model_fields}
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).resolve().exists(), link


def test_there_is_a_page_for_each_alert_and_no_other() -> None:
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == {alert.name for alert in ALERTS}
