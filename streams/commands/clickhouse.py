"""``candor clickhouse``."""

import asyncio
from contextlib import suppress
from pathlib import Path

import click
from aiohttp.web import GracefulExit

from sinks.base import FolderInUse
from sinks.chdb_server.access import Access
from sinks.chdb_server.server import serve
from streams.commands.listening import cannot_listen
from streams.errors import DependencyUnavailable
from streams.settings import load_settings


@click.command("clickhouse")
@click.option(
    "--path", type=click.Path(file_okay=False, path_type=Path), default=Path(".candor/clickhouse"), show_default=True, help="Folder of the data."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8123, show_default=True, help="Port to listen on; 0 takes a free one.")
def command(path: Path, host: str, port: int) -> None:
    """Serve an embedded ClickHouse (chDB, the same engine) over ClickHouse's HTTP interface, until told to stop.

    For machines without a ClickHouse server: workers, clickhouse-connect and BI tools use it as they would use one. One process owns the folder.
    The user default may do everything, the user reader may only read; CANDOR_CLICKHOUSE_SERVER_PASSWORD and ..._READER_PASSWORD protect them.
    """
    settings = load_settings()
    passwords = (settings.clickhouse_server_password, settings.clickhouse_server_reader_password)
    access = Access(*("" if password is None else password.get_secret_value() for password in passwords))
    try:
        # The server raises these where a signal tells it to end, once it has.
        with suppress(KeyboardInterrupt, GracefulExit):
            asyncio.run(serve(path, host, port, access))
    except FolderInUse as error:
        raise DependencyUnavailable(str(error)) from None
    except OSError as error:
        raise cannot_listen(host, port, error) from None
