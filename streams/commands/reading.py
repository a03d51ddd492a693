"""ClickHouse for commands that only read, so that a folder whose name is mistyped is told, and not made."""

from pathlib import Path

from sinks.clickhouse import ClickHouse, connect
from streams.errors import ConfigurationError
from streams.settings import Settings, variable


def connect_to_read(settings: Settings) -> ClickHouse:
    """A client for the ClickHouse of the settings; raises ``ConfigurationError`` where an embedded one is not there yet, and as ``connect``."""
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    if clickhouse.address.embedded:
        _check(Path(clickhouse.address.path))
    return clickhouse


def _check(folder: Path) -> None:
    made = f"put {variable('clickhouse_url')} right; candor replay and candor migrate make a new one"
    if not folder.is_dir():
        raise ConfigurationError(f"no such folder: {folder}\n  {made}")
    if not (folder / "metadata").is_dir():
        raise ConfigurationError(f"no ClickHouse is in the folder {folder}\n  {made}")
