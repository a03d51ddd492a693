"""The folder of an embedded ClickHouse, which one process at a time can have open."""

import fcntl
import os
import re
from pathlib import Path

from sinks.base import FolderInUse

_PROCESS = re.compile(r"PID: (\d+)")
_FILE = "status"
"""In it the engine writes who has the folder, and holds a lock on it."""


def check_free(path: Path, *, may_be_ours: bool = False) -> None:
    """Raise ``FolderInUse`` where another process has the folder open; the engine would say so on standard error, and raise what says nothing.

    ``may_be_ours``: this process may have it open already.
    """
    status = path / _FILE
    if not status.exists():
        return
    with status.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _PROCESS.search(file.read().decode(errors="replace"))
            if may_be_ours and owner and int(owner[1]) == os.getpid():
                return
            who = f"process {owner[1]}" if owner else "another process"
            raise FolderInUse(f"{path} is open in {who}, and only one can have it: end that one, use its address, or name another folder") from None
