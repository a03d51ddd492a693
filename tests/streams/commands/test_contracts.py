"""``candor contracts``: the generated files are those of the code, and stale ones are noticed."""

import subprocess
import sys
from pathlib import Path

import pytest

from streams.commands import contracts
from tests.streams.commands.conftest import Run

ROOT = Path(__file__).parents[3]


def _candor(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since the data dictionary needs an engine and a process can hold one folder."""
    return subprocess.run([sys.executable, "-m", "streams.commands", "contracts", *arguments], capture_output=True, text=True, check=False)


def test_what_is_committed_is_up_to_date() -> None:
    result = _candor("--check", "--into", str(ROOT))

    assert result.returncode == 0, result.stderr


def test_writing_makes_the_check_pass_and_any_change_makes_it_fail(candor: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    into = ("--into", str(tmp_path))
    assert _candor(*into).returncode == 0
    # What is generated is the same each time, as the test above shows; it takes seconds.
    texts = {path.relative_to(tmp_path): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(contracts, "generated", lambda: texts)
    assert candor("contracts", "--check", *into).exit_code == 0
    schemas = tmp_path / "schemas" / "contracts"
    (schemas / "events" / "gone.schema.json").write_text("{}")
    (schemas / "asyncapi.json").write_text("{}")
    cube = tmp_path / "deploy" / "dbt" / "models" / "candor" / "candor_gone.sql"
    cube.write_text("select 1")
    (tmp_path / ".env.example").unlink()

    checked = candor("contracts", "--check", *into)

    assert checked.exit_code == 1
    assert sorted(checked.stderr.splitlines()[1:]) == [
        ".env.example",
        "deploy/dbt/models/candor/candor_gone.sql",
        "schemas/contracts/asyncapi.json",
        "schemas/contracts/events/gone.schema.json",
    ]
    assert candor("contracts", *into).stderr.startswith("2 of ")
    assert candor("contracts", "--check", *into).exit_code == 0
    assert not (schemas / "events" / "gone.schema.json").exists()
    assert not cube.exists()
    assert candor("contracts", "--check", "--into", str(tmp_path / "nothing")).exit_code == 1
