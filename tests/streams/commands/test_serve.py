"""``candor serve``: whom it refuses to listen for, and what it refuses to show; ``tests/streams/serving`` opens its pages."""

from contextlib import closing

import pytest

from sinks.clickhouse import connect
from sinks.copies import database_of_copies
from tests.streams.commands.conftest import Run


def test_it_does_not_listen_for_others_unless_told_so(candor: Run) -> None:
    refused = candor("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2
    assert "--without-authentication" in refused.stderr
    assert candor("serve", "--host", "0.0.0.0", "--port", "0", "--without-authentication").exit_code == 2
    assert candor("serve", "--host", "192.0.2.1", "--port", "0").exit_code in (2, 3)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--peer-group", "--peer-group: no unit of the catalog is in nope"),
        ("--unit", "--unit: neither the catalog nor any answer knows nope"),
        ("--survey", "--survey: no answer to a survey nope has been received"),
    ],
)
def test_what_is_not_there_is_refused_as_a_report_refuses_it(
    candor: Run, migrated_url: str, monkeypatch: pytest.MonkeyPatch, option: str, told: str
) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    served, reported = candor("serve", "--port", "0", option, "nope"), candor("report", option, "nope")
    assert served.exit_code == reported.exit_code == 2
    assert served.stderr == reported.stderr == f"Error: {told}\n"


def test_copies_that_are_not_there_are_told(candor: Run, migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    with closing(connect(migrated_url)) as clickhouse:
        clickhouse.command(f"DROP DATABASE IF EXISTS {database_of_copies(clickhouse.address).database}")
    refused = candor("serve", "--port", "0", "--copies")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: --copies: no view was copied")
    assert "candor materialize" in refused.stderr
