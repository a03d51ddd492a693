"""``candor serve``."""

import asyncio
import signal
import socket
from contextlib import closing, suppress
from threading import Event

import click
import structlog
from aiohttp import web

from schemas.enums import Metric
from sinks.base import SinkError, SinkUnavailable
from sinks.clickhouse import ClickHouse
from streams.commands.listening import cannot_listen
from streams.commands.narrowing import telling_of_commas
from streams.commands.output import say
from streams.commands.reading import check_copied, connect_to_copies, connect_to_read, copies_to_read
from streams.lag.reading import lag_reader
from streams.logs import configure_logs
from streams.reporting import Asked, ReportSource
from streams.serving import Serving, Watching, application, names_of
from streams.serving.guard import Guard, is_loopback
from streams.settings import Settings, load_settings

_PORT = 8380


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=_PORT, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--name", "names", multiple=True, help="Another name by which it is reached, as a proxy passes it on; may be given several times.")
@click.option("--without-authentication", is_flag=True, help="Listen where others can reach it, though it asks nobody who they are.")
@click.option("--unit", "units", multiple=True, help="Pictures of this unit alone; may be given several times.")
@click.option("--peer-group", "peer_groups", multiple=True, help="Pictures of the units of this peer group alone; may be given several times.")
@click.option("--survey", help="Pictures of answers to this survey alone.")
@click.option("--metric", type=click.Choice([one.value for one in Metric]), help="Pictures of scores of it; default: the one with most answers.")
@click.option("--interval", type=click.FloatRange(min=1, max=60), default=5.0, show_default=True, help="Seconds between two looks at the stream.")
@click.option("--pictures", type=click.FloatRange(min=1, max=86_400), default=300.0, show_default=True, help="Seconds until pictures are made anew.")
@click.option("--copies", is_flag=True, help="Make pictures from the copies of the views that candor materialize made, not from the views.")
def command(
    *,
    host: str,
    port: int,
    names: tuple[str, ...],
    without_authentication: bool,
    units: tuple[str, ...],
    peer_groups: tuple[str, ...],
    survey: str | None,
    metric: str | None,
    interval: float,
    pictures: float,
    copies: bool,
) -> None:
    """Serve a page that follows the stream: what comes in, how far workers are behind, the newest findings, and the pictures of candor report.

    It reads only, but for decisions about findings, which go to the topic of adjudications as those of candor findings adjudicate do. It asks nobody
    for a password, so it listens on this machine alone.
    """
    settings = load_settings()
    configure_logs(settings)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise cannot_listen(host, port, error) from None
    with listening, closing(connect_to_read(settings)) as clickhouse, closing(_pictured(settings, copies=copies)) as pictured:
        port = int(listening.getsockname()[1])
        guard = Guard.of(names_of(host, port, names, others_may_ask=without_authentication))
        watching, stop = Watching(), Event()
        serving = Serving(settings, clickhouse, watching, guard, f"candor_session_{port}", interval)
        asked = Asked(units=units, peer_groups=peer_groups, survey=survey, metric=None if metric is None else Metric(metric))
        _check(pictured, asked)

        def read_from() -> ReportSource:
            if copies:
                # There was perhaps nobody to ask when this began.
                check_copied(pictured)
            return ReportSource(pictured)

        watching.start(clickhouse, read_from, lambda: lag_reader(settings), asked, stop, look_seconds=interval, picture_seconds=pictures)
        shown = f"[{host}]" if ":" in host else host
        if not is_loopback(host):
            structlog.get_logger(__name__).warning("served_without_authentication", host=host, port=port)
        try:
            asyncio.run(_serve(serving, listening, f"serving http://{shown}:{port}/ until told to stop"))
        finally:
            stop.set()


def _pictured(settings: Settings, *, copies: bool) -> ClickHouse:
    """What pictures are made from; raises ``ConfigurationError`` where there are no copies, unless ClickHouse is away and nobody knows."""
    if not copies:
        return connect_to_read(settings)
    with suppress(SinkUnavailable):
        return connect_to_copies(settings)
    return copies_to_read(settings)


def _check(clickhouse: ClickHouse, asked: Asked) -> None:
    """Raises ``ConfigurationError`` where units, peer groups or the survey are unknown, as a report does; while ClickHouse is away nobody knows."""
    if asked.units or asked.peer_groups or asked.survey is not None:
        with suppress(SinkError), telling_of_commas(asked):
            ReportSource(clickhouse).scope(asked)


async def _serve(serving: Serving, listening: socket.socket, told_when_ready: str) -> None:
    """Serve until a signal says to stop."""
    runner = web.AppRunner(application(serving), access_log=None, handle_signals=False)
    await runner.setup()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    try:
        await web.SockSite(runner, listening, shutdown_timeout=1).start()
        say(told_when_ready)
        await told.wait()
    finally:
        await runner.cleanup()
