"""``candor lag``."""

import signal
import time
from collections.abc import Mapping
from functools import partial
from threading import Event, Thread

import click
import structlog

from schemas.enums import LagState, ProbeSource
from sinks.clickhouse import connect
from streams.commands.output import print_json, print_table, working
from streams.errors import ConfigurationError, ProblemFound
from streams.lag.heartbeat import Heartbeats, keep_beating, send
from streams.lag.probe import Probe, watch_business, watch_lag
from streams.lag.reading import Place, lag_reader
from streams.lag.rules import Look
from streams.logs import configure_logs
from streams.metrics.health import Health
from streams.metrics.server import MetricsServer
from streams.metrics.worker import new_registry
from streams.settings import Settings, load_settings

_log = structlog.get_logger(__name__)
_PORT = 9465
_LOOK_SECONDS = 1.0
_FINE = frozenset({LagState.OK, LagState.UNKNOWN})
_COLUMNS = ("stage", "topic", "partition", "committed", "end", "lag", "lag_seconds", "state")


@click.command("lag")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, max=3_600), default=10.0, show_default=True, help="How long to look; 0: once, without states."
)
@click.option("--serve", is_flag=True, help="Look again and again, and serve what is seen to Prometheus, until told to stop.")
@click.option("--host", help="With --serve: address to listen on; default: CANDOR_METRICS_HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help=f"With --serve: port to listen on; default: CANDOR_METRICS_PORT, or {_PORT}.")
@click.option("--interval", type=click.FloatRange(min=1, max=120), default=15.0, show_default=True, help="With --serve: seconds between two looks.")
@click.option(
    "--window", type=click.FloatRange(min=2, max=86_400), default=120.0, show_default=True, help="With --serve: seconds that a state is judged by."
)
@click.option("--clickhouse-interval", type=click.FloatRange(min=1, max=240), default=120.0, show_default=True, help="The same of ClickHouse.")
@click.option("--clickhouse/--no-clickhouse", default=True, show_default=True, help="With --serve: also tell of findings, units and scores.")
@click.option(
    "--heartbeat",
    type=click.FloatRange(min=1, max=3_600),
    help="With --serve: every so many seconds send a test event through all of the pipeline, and tell when the newest arrived; default: none.",
)
def command(
    as_json: bool,
    seconds: float,
    serve: bool,
    host: str | None,
    port: int | None,
    interval: float,
    window: float,
    clickhouse_interval: float,
    clickhouse: bool,
    heartbeat: float | None,
) -> None:
    """Show how far workers are behind, by stage, topic and partition, and whether they read on.

    It looks from outside, at what the consumer groups have committed, so it tells the truth about workers that hang or are gone. States are judged
    by several looks: ok; lagging (reads, and what is left never gets less); stalled (a worker has the partition and does not read on); stopped (no
    worker has it); rewound (the position went back); unknown (looked at for too short a time). Exits with 1 where one is neither ok nor unknown.
    """
    if not serve:
        _show(_watched(load_settings(), seconds), as_json=as_json)
        return
    settings = load_settings(metrics_host=host, metrics_port=port)
    configure_logs(settings)
    _serve(settings, interval, window, clickhouse_interval if clickhouse else None, heartbeat)


def _watched(settings: Settings, seconds: float) -> Mapping[Place, tuple[Look, LagState]]:
    probe = Probe(seconds)
    with working(f"looking for {seconds:g} seconds"), lag_reader(settings) as reader:
        seen = probe.saw_lag(reader.look())
        # The first look also connects, which may take long.
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))
            seen = probe.saw_lag(reader.look())
    return seen


def _show(seen: Mapping[Place, tuple[Look, LagState]], *, as_json: bool) -> None:
    rows = [
        (place.stage.value, place.topic, place.partition, look.committed, look.end, look.lag, round(look.lag_seconds, 1), state.value)
        for place, (look, state) in seen.items()
    ]
    if as_json:
        print_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    else:
        print_table(_COLUMNS, rows)
    wrong = [f"{place.topic}/{place.partition} {state}" for place, (_, state) in seen.items() if state not in _FINE]
    if wrong:
        raise ProblemFound(f"{len(wrong)} of {len(seen)} partitions: {', '.join(wrong)}")


def _serve(settings: Settings, interval: float, window: float, clickhouse_interval: float | None, heartbeat: float | None) -> None:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    reader = connect(settings.clickhouse_url.get_secret_value())
    if heartbeat is not None and (clickhouse_interval is None or reader.address.embedded):
        raise ConfigurationError("--heartbeat looks for what it sent in ClickHouse: it needs --clickhouse, and a server")
    # An embedded database belongs to one process, and that is not this one.
    sources = [ProbeSource.KAFKA, *([ProbeSource.CLICKHOUSE] if clickhouse_interval is not None and not reader.address.embedded else [])]
    probe, health, registry = Probe(window, sources), Health(stale_seconds=60 + 2 * interval), new_registry()
    registry.register(probe)
    server = MetricsServer(registry, health, settings.metrics_host, _PORT if settings.metrics_port is None else settings.metrics_port)
    _log.info("metrics_served", host=settings.metrics_host, port=server.port)
    if ProbeSource.CLICKHOUSE in sources:
        Thread(target=watch_business, args=(probe, reader, clickhouse_interval, stop), name="business", daemon=True).start()
    if heartbeat is not None:
        heartbeats = Heartbeats(heartbeat, time.time())
        registry.register(heartbeats)
        beating = (heartbeats, partial(send, settings), reader, settings.partitions, heartbeat, stop)
        Thread(target=keep_beating, args=beating, name="heartbeat", daemon=True).start()
    watch_lag(probe, health, lambda: lag_reader(settings), interval, stop)
    server.close()
