"""``candor contracts``: the generated files are those of the code, and stale ones are noticed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def _candor(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since the data dictionary needs an engine and a process can hold one folder."""
    return subprocess.run([sys.executable, "-m", "streams.commands", "contracts", *arguments], capture_output=True, text=True, check=False)


def test_what_is_committed_is_up_to_date() -> None:
    result = _candor("--check", "--into", str(ROOT))

    assert result.returncode == 0, result.stderr


def test_writing_makes_the_check_pass_and_any_change_makes_it_fail(tmp_path: Path) -> None:
    assert _candor("--check", "--into", str(tmp_path)).returncode == 1
    assert _candor("--into", str(tmp_path)).returncode == 0
    contracts = tmp_path / "schemas" / "contracts"
    (contracts / "events" / "gone.schema.json").write_text("{}")
    (contracts / "asyncapi.json").write_text("{}")
    cube = tmp_path / "deploy" / "dbt" / "models" / "candor" / "candor_gone.sql"
    cube.write_text("select 1")
    (tmp_path / ".env.example").unlink()

    checked = _candor("--check", "--into", str(tmp_path))

    assert checked.returncode == 1
    assert sorted(checked.stderr.splitlines()[1:]) == [
        ".env.example",
        "deploy/dbt/models/candor/candor_gone.sql",
        "schemas/contracts/asyncapi.json",
        "schemas/contracts/events/gone.schema.json",
    ]
    assert _candor("--into", str(tmp_path)).stderr.startswith("2 of ")
    assert _candor("--check", "--into", str(tmp_path)).returncode == 0
    assert not (contracts / "events" / "gone.schema.json").exists()
    assert not cube.exists()
