"""What the demo may empty."""

import subprocess
import sys
from pathlib import Path

import pytest

from streams.demo.run import _MARKER, _empty
from streams.errors import ConfigurationError


def test_the_folder_of_an_earlier_demo_is_emptied_and_that_of_a_running_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    _empty(folder)
    (folder / "kept").touch()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        (folder / _MARKER).write_text(str(running.pid))
        with pytest.raises(ConfigurationError, match=f"used by another demo, process {running.pid}"):
            _empty(folder)
        assert (folder / "kept").exists()
        running.communicate(b"\n")
    _empty(folder)
    assert [path.name for path in folder.iterdir()] == [_MARKER]


def test_a_folder_of_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(ConfigurationError, match="not of an earlier demo"):
        _empty(tmp_path)
