"""``candor replay`` as a user runs it; what it computes is tested with ``streams.replay``."""

from pathlib import Path

import pytest

from schemas.enums import Topic
from streams.files import FileRecord, write_events
from tests.streams.commands.conftest import Run


@pytest.mark.parametrize("timestamp", [-1, 1_790_000_000_000_000])
def test_a_dry_run_takes_any_timestamp(candor: Run, tmp_path: Path, timestamp: int) -> None:
    write_events(tmp_path / "events.ndjson", [FileRecord(Topic.FEEDBACK, timestamp, b"a-1", b"no JSON")])

    result = candor("replay", "--dry-run", str(tmp_path / "events.ndjson"))

    assert result.exit_code == 0
    assert "1 refused as malformed" in result.stderr
