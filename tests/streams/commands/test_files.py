"""Files that commands write: in a folder that is there, or not at all."""

from pathlib import Path

import pytest

from tests.streams.commands.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("report", "--out", "deep/er/x.html"), "--out"),
        (("report", "--format", "pdf", "--out", "deep/er/x.pdf"), "--out"),
        (("import", "mapping.yaml", ".", "--out", "deep/er/e.ndjson"), "--out"),
        (("import", "mapping.yaml", ".", "--problems", "deep/er/p.txt"), "--problems"),
        (("simulate", "--out", "deep/er/e.ndjson"), "--out"),
        (("simulate", "--out", "e.ndjson", "--truth", "deep/er/t.json"), "--truth"),
        (("simulate", "--out", "e.ndjson", "--catalog-out", "deep/er/c.yaml"), "--catalog-out"),
        (("dlq", "export", "deep/er/d.ndjson"), "FILE"),
    ],
)
def test_a_missing_folder_is_told_before_any_work_and_not_made(
    candor: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yaml").touch()

    done = candor(*arguments)

    assert done.exit_code == 2
    assert f"Invalid value for '{option}': there is no folder deep/er: make it first (mkdir -p deep/er), or name another file" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mapping.yaml"]
