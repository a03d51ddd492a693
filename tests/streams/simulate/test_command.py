"""``candor simulate`` writes the file, the truth and the catalog, and needs nothing else."""

import json
from pathlib import Path

from click.testing import CliRunner

from schemas.catalog import load_catalog
from streams.commands import cli
from streams.files import read_events

OPTIONS = ["--events-target", "1500", "--accounts", "100", "--units", "8", "--months", "2"]


def test_it_writes_events_truth_and_catalog(tmp_path: Path) -> None:
    events, truth, catalog = tmp_path / "events.ndjson.zst", tmp_path / "truth.json", tmp_path / "catalog.yaml"

    result = CliRunner().invoke(cli, ["simulate", "--out", str(events), "--truth", str(truth), "--catalog-out", str(catalog), *OPTIONS])

    assert result.exit_code == 0, result.output
    assert 1_400 < len(list(read_events([events]))) < 1_600
    assert len(json.loads(truth.read_text())["units"]) == 2
    assert len(load_catalog(catalog).units) == 8


def test_a_dash_writes_the_same_to_standard_output(tmp_path: Path) -> None:
    plain = tmp_path / "events.ndjson"

    CliRunner().invoke(cli, ["simulate", "--out", str(plain), *OPTIONS])
    result = CliRunner().invoke(cli, ["simulate", "--out", "-", *OPTIONS])

    assert result.exit_code == 0
    assert result.stdout_bytes == plain.read_bytes()


def test_impossible_options_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["simulate", "--out", str(tmp_path / "events.ndjson"), "--units", "1"])

    assert result.exit_code == 2
    assert "--units" in result.output
