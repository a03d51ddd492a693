"""Files that commands write."""

import os
from pathlib import Path

import click


class FileToWrite(click.Path):
    """A path in a folder that is there: a mistyped one is told before any work is done, and no folder is made for it."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        super().__init__(dir_okay=False, allow_dash=allow_dash, path_type=Path)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; raises click's ``BadParameter`` where its folder is missing."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent}: make it first (mkdir -p {path.parent}), or name another file", param, ctx)
        return path
