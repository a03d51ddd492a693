"""What the pages about BI tools tell to run does what they say."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sinks.clickhouse import ClickHouse, connect
from sinks.dictionary import read_relations
from sinks.migrate import Migrator
from tests.deploy.pages import blocks
from tests.sinks.chdb_server.serving import running
from tests.sinks.loyalty import cells

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "bi"
EXECUTED = (PAGES / "index.md", PAGES / "sqlalchemy.md")
"""Pages whose blocks are all run here."""
PASSWORD = "reader's: @/"


@pytest.fixture(scope="module")
def served_to_readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ClickHouse, int]]:
    """Two units of two months: of 10 and 30 responses, one with three channels; a third without a response of the metric."""
    with running(tmp_path_factory.mktemp("bi") / "data", {"CANDOR_CLICKHOUSE_SERVER_READER_PASSWORD": PASSWORD}) as server:
        clickhouse = connect(f"http://default@127.0.0.1:{server.port}/candor")
        Migrator(clickhouse).apply()
        cells(
            clickhouse,
            {"unit_id": "unit-001", "day": date(2026, 1, 5), "n": 10, "promoters": 5, "passives": 5},
            *(
                {"unit_id": "unit-002", "day": date(2026, 2, 3), "channel": one, "n": 10, "promoters": 2, "detractors": 8}
                for one in ("web", "app", "sms")
            ),
            {"unit_id": "unit-003", "day": date(2026, 2, 3), "metric": "csat", "n": 3},
        )
        yield clickhouse, server.port
        clickhouse.close()


def test_examples_of_sqlalchemy_run_as_they_stand(
    served_to_readers: tuple[ClickHouse, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_READER_PASSWORD", PASSWORD)
    monkeypatch.setenv("CLICKHOUSE_READER", "reader")
    monkeypatch.setenv("CLICKHOUSE_PORT", str(served_to_readers[1]))
    found: dict[str, Any] = {}

    for block in blocks(PAGES / "sqlalchemy.md", "python"):
        exec(compile(block, "sqlalchemy.md", "exec"), found)

    assert isinstance(found["engine"], Engine)
    found["engine"].dispose()
    # Of 40 responses 5 + 6 promoters and 24 detractors.
    assert (found["total"].n, found["total"].nps) == (40, pytest.approx(-32.5))
    assert capsys.readouterr().out.startswith("NPS -32.5 (")
    assert [(str(row.month), row.responses, row.score) for row in found["by_month"]] == [("2026-01-01", 10, 50.0), ("2026-02-01", 30, -60.0)]
    assert (found["unit"].unit_id, found["unit"].n, found["unit"].nps) == ("unit-001", 10, 50.0)
    assert PASSWORD not in str(found["engine"].url)


def test_the_score_of_sums_is_that_of_the_views(served_to_readers: tuple[ClickHouse, int]) -> None:
    clickhouse, _ = served_to_readers
    (sql,) = re.findall(r"^  ```sql\n(.*?)^  ```$", (PAGES / "index.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    found = clickhouse.query(sql).to_pylist()

    views = "SELECT unit_id, nps, n AS responses FROM loyalty_by_unit WHERE metric = 'nps' AND period = 'all' AND n > 0 ORDER BY unit_id"
    assert found == clickhouse.query(views).to_pylist()
    assert [row["nps"] for row in found] == [50, -60]


def test_every_view_and_column_that_is_named_is_there(served_to_readers: tuple[ClickHouse, int]) -> None:
    relations = read_relations(served_to_readers[0])
    known = {one.about.name for one in relations} | {column.name for one in relations for column in one.columns}
    text = (PAGES / "index.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"\| question \| view .*?\n\n", text, re.DOTALL)

    views = set(re.findall(r"`([a-z_]+)`", table)) - {"all"}

    assert len(views) > 20
    assert views <= known
    dax = set(re.findall(r"\w+\[(\w+)\]", (PAGES / "tools.md").read_text(encoding="utf-8")))
    assert dax == {"promoters", "detractors", "n"}


def test_links_lead_somewhere() -> None:
    for page in (*PAGES.glob("*.md"), ROOT / "deploy" / "superset" / "README.md"):
        for link in re.findall(r"\]\((?!http)([^)#]*)", page.read_text(encoding="utf-8")):
            assert not link or (page.parent / link).exists(), (page.name, link)


def test_the_zip_is_written_with_the_address_and_without_a_password(tmp_path: Path) -> None:
    (command,) = re.findall(
        r"`python3 (deploy/superset/install.py [^`]*--zip candor.zip)`", (ROOT / "deploy/superset/README.md").read_text(encoding="utf-8")
    )
    script, *arguments = command.replace("localhost:8123", "ch.example:8443").split()

    done = subprocess.run([sys.executable, str(ROOT / script), *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)

    unpacked = subprocess.run([sys.executable, "-m", "zipfile", "-e", "candor.zip", "."], cwd=tmp_path, check=True)
    assert (done.stderr, unpacked.returncode) == ("", 0)
    bundle = ROOT / "deploy" / "superset" / "candor"
    files = {path.relative_to(bundle) for path in bundle.rglob("*.yaml")}
    assert {path.relative_to(tmp_path / "candor") for path in (tmp_path / "candor").rglob("*.yaml")} == files
    for path in files:
        same = (tmp_path / "candor" / path).read_text(encoding="utf-8") == (bundle / path).read_text(encoding="utf-8")
        assert same == (path.name != "Candor.yaml")
    assert "sqlalchemy_uri: clickhousedb://bi:XXXXXXXXXX@ch.example:8443/candor\n" in (tmp_path / "candor/databases/Candor.yaml").read_text()


@pytest.mark.parametrize("address", ["clickhousedb://bi:secret@localhost:8123/candor", "localhost:8123"])
def test_an_address_with_a_password_or_without_a_user_is_refused(address: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "deploy/superset/install.py"), "--clickhouse", address, "--zip", str(tmp_path / "candor.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "without a password" in done.stderr
    assert not (tmp_path / "candor.zip").exists()
