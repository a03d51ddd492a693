"""ClickHouse for commands that only read, so that a folder whose name is mistyped is told, and not made."""

from pathlib import Path

from sinks.address import Address, parse
from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse
from sinks.copies import copied_at, database_of_copies
from sinks.errorcodes import UNKNOWN_DATABASE
from streams.errors import ConfigurationError
from streams.settings import Settings, variable


def connect_to_read(settings: Settings) -> ClickHouse:
    """A client for the ClickHouse of the settings; raises as ``address_to_read``."""
    return ClickHouse(address_to_read(settings))


def address_to_read(settings: Settings) -> Address:
    """Where the ClickHouse of the settings is; raises ``ConfigurationError`` where an embedded one is not there yet, and as ``parse``."""
    address = parse(settings.clickhouse_url.get_secret_value())
    if address.embedded:
        _check(Path(address.path))
    return address


def connect_to_copies(settings: Settings) -> ClickHouse:
    """The same for the database of the copies of its views; raises ``ConfigurationError`` where none were made, as on a cluster."""
    clickhouse = copies_to_read(settings)
    try:
        check_copied(clickhouse)
    except BaseException:
        clickhouse.close()
        raise
    return clickhouse


def copies_to_read(settings: Settings) -> ClickHouse:
    """A client for the database of copies, whether there is one or not; raises ``ConfigurationError`` on a cluster, and as ``address_to_read``."""
    refuse_cluster(settings)
    return ClickHouse(database_of_copies(address_to_read(settings)))


def check_copied(clickhouse: ClickHouse) -> None:
    """Raises ``ConfigurationError`` where the client's database holds no copies."""
    try:
        if copied_at(clickhouse) is not None:
            return
    except SinkRefused as error:
        if error.code != UNKNOWN_DATABASE:
            raise
    raise ConfigurationError(f"--copies: no view was copied into {clickhouse.address} yet; run: candor materialize")


def refuse_cluster(settings: Settings) -> None:
    """Raises ``ConfigurationError`` where the settings name a cluster: copies are made on one node."""
    if settings.clickhouse_cluster:
        raise ConfigurationError(f"{variable('clickhouse_cluster')}: copies are made on one node; on a cluster let dbt make tables of the views")


def _check(folder: Path) -> None:
    made = f"put {variable('clickhouse_url')} right; candor replay and candor migrate make a new one"
    if not folder.is_dir():
        raise ConfigurationError(f"no such folder: {folder}\n  {made}")
    if not (folder / "metadata").is_dir():
        raise ConfigurationError(f"no ClickHouse is in the folder {folder}\n  {made}")
