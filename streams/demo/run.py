"""The steps of the demo, from an empty folder to numbers."""

import asyncio
import logging
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import psutil
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from sinks.retry import RetryingSink
from streams.broker.choose import start_broker
from streams.broker.ready import free_port
from streams.connections import admin
from streams.demo.numbers import QUERIES, show
from streams.demo.processes import CandorProcess, clickhouse_answers, wait_until
from streams.errors import BrokerUnavailable, ConfigurationError, ExitCode
from streams.files import FileRecord, write_events
from streams.producing import EventProducer
from streams.replay import Replay, Summary
from streams.reporting import STEPS, Asked, write_report
from streams.settings import Settings, load_settings, variable
from streams.simulate import Plan, Simulation, simulate
from streams.stages import catalog_of, chained_stages
from streams.topics_admin import create_topics

_DATABASE = "candor"
_MARKER = ".candor-demo"
"""Says that a folder is ours to empty, and which process uses it."""
_START_SECONDS = 60
_STREAM_SECONDS = 600
_SENT_AT_ONCE = 20_000
_ENVIRONMENT = "env.sh"
"""Sourced by a shell, it lets every command find what the demo keeps up."""
_COLUMNS = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeElapsedColumn()


@dataclass(frozen=True, slots=True)
class Demo:
    """What to show: how many events of which company, by how many workers, kept in which folder."""

    plan: Plan
    workers: int
    folder: Path
    stay: bool
    """Keep Kafka and ClickHouse running until Ctrl-C."""


def run_demo(demo: Demo, console: Console) -> None:
    """Run it; raises ``CandorError`` saying what went wrong and what to do."""
    # What was started is ended on the way out, also where a process manager ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.TERMINATED))
    # Of a broker that has just made topics: clients try again, and say so.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    _empty(demo.folder)
    with ExitStack() as stack:
        url = _start_clickhouse(demo, stack, console)
        target = connect(url)
        stack.callback(target.close)
        target.create_database()
        migrations = Migrator(target).apply()
        console.print(f"ClickHouse: {len(migrations)} migrations applied")
        console.print(f"Simulating {demo.plan.months} months of a company: {demo.plan.accounts:,} accounts, {demo.plan.units} units ...")
        simulation = simulate(demo.plan)
        (demo.folder / "catalog.yaml").write_text(simulation.catalog(), encoding="utf-8")
        (demo.folder / "truth.json").write_text(simulation.truth(), encoding="utf-8")
        environment = {variable("clickhouse_url"): url, variable("catalog"): str((demo.folder / "catalog.yaml").resolve())}
        try:
            broker = stack.enter_context(start_broker(demo.folder / "kafka", console.print))
        except BrokerUnavailable as reason:
            console.print(f"{reason}\nGoing on without Kafka: the same stages, in this process.")
            _replay(demo, url, simulation, console)
        else:
            settings = _settings(demo, url, broker.bootstrap_servers)
            environment = _environment(settings)
            _stream(demo, settings, simulation, stack, console)
        show(target, console)
        _say_queries(demo, target, console)
        report = demo.folder / "report.html"
        with _progress(transient=True) as bar:
            task, done = bar.add_task("the report", total=STEPS, rate=""), count()
            write_report(target, Asked(), report, lambda step: bar.update(task, completed=next(done), description=f"the report: {step}"))
        console.print(f"A report for people, to open in a browser: {report}", soft_wrap=True)
        if demo.stay:
            _stay(demo, environment, console)
    if not demo.stay:
        _say_how_to_serve_again(demo, console)


def _stay(demo: Demo, environment: Mapping[str, str], console: Console) -> None:
    """Keep everything up until Ctrl-C, and say how commands find it."""
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    (demo.folder / _ENVIRONMENT).write_text(lines, encoding="utf-8")
    console.print(f"\nTo look around, in another terminal:\n\n{_activation()}. {demo.folder / _ENVIRONMENT}", soft_wrap=True)
    console.print("candor findings list\ncandor report\n\nKafka and ClickHouse stay up until Ctrl-C.")
    try:
        _wait_for_interrupt()
    finally:
        (demo.folder / _ENVIRONMENT).unlink()


def _say_how_to_serve_again(demo: Demo, console: Console) -> None:
    serve = f"candor clickhouse --path {demo.folder / 'clickhouse'}"
    console.print("\nThe demo has ended, and its Kafka and ClickHouse with it; --stay keeps them up. To query its tables:\n")
    console.print(f"{_activation()}{serve}", soft_wrap=True)
    console.print(
        "\nand in another terminal candor findings list, candor query or candor report, which find it there. Its days and money are those of\n"
    )
    console.print(f"export {variable('catalog')}={shlex.quote(str(demo.folder / 'catalog.yaml'))}", soft_wrap=True)


def _activation() -> str:
    """The line that lets the shell find ``candor``; none where it does."""
    activate = Path(sys.executable).with_name("activate")
    return "" if shutil.which("candor") or not activate.is_file() else f". {activate}\n"


def _environment(settings: Settings) -> dict[str, str]:
    """What a command needs to find broker, tables and topics of the demo."""
    names = ("kafka_bootstrap_servers", "topic_prefix", "group", "catalog", "idle_seconds", "session_timeout_seconds")
    named = {variable(name): str(getattr(settings, name)) for name in names}
    return {**named, variable("clickhouse_url"): settings.clickhouse_url.get_secret_value()}


def _empty(folder: Path) -> None:
    """Make the folder, or empty it where it is one of ours; raises ``ConfigurationError`` where it holds anything else or is in use."""
    marker = folder / _MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise ConfigurationError(f"{folder} is not empty and not of an earlier demo: name another folder with --folder")
    used_by = marker.read_text(encoding="utf-8").strip() if marker.exists() else ""
    if used_by.isdigit() and int(used_by) != os.getpid() and psutil.pid_exists(int(used_by)):
        raise ConfigurationError(f"{folder} is used by another demo, process {used_by}: end that one with Ctrl-C, or name another --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.write_text(str(os.getpid()), encoding="utf-8")


def _settings(demo: Demo, url: str, bootstrap_servers: str) -> Settings:
    # Names of this run alone: a broker that somebody gave us may hold those of others.
    run = f"demo-{int(time.time())}"
    return load_settings(
        kafka_bootstrap_servers=bootstrap_servers,
        clickhouse_url=url,
        topic_prefix=f"{run}.",
        group=run,
        catalog=str((demo.folder / "catalog.yaml").resolve()),
        session_timeout_seconds=6,
        idle_seconds=1,
    )


def _start_clickhouse(demo: Demo, stack: ExitStack, console: Console) -> str:
    port = free_port()
    arguments = ["clickhouse", "--path", str(demo.folder / "clickhouse"), "--port", str(port)]
    server = stack.enter_context(CandorProcess(arguments, demo.folder / "clickhouse.log", {}))
    wait_until(lambda: clickhouse_answers(port), _START_SECONDS, "the start of ClickHouse", server)
    console.print(f"ClickHouse (chDB, the same engine) at http://127.0.0.1:{port}")
    return f"http://default@127.0.0.1:{port}/{_DATABASE}"


def _stream(demo: Demo, settings: Settings, simulation: Simulation, stack: ExitStack, console: Console) -> None:
    """Send everything to Kafka while workers read it; returns once all of it is committed and in ClickHouse."""
    client = stack.enter_context(admin(settings))
    created = create_topics(client, settings)
    console.print(f"Kafka at {settings.kafka_bootstrap_servers}: {len(created)} topics, {settings.partitions} partitions each")
    # Both workers are on this machine.
    environment = {**_environment(settings), variable("metrics_port"): "0"}
    with ExitStack() as running:
        workers = [
            running.enter_context(CandorProcess(["worker"], demo.folder / f"worker-{number}.log", environment))
            for number in range(1, demo.workers + 1)
        ]
        _watch(client, settings, simulation, workers, console)
        _wait_until_judged(settings, workers)
        # A worker that ended in order has everything that it committed in ClickHouse.
        for worker in workers:
            worker.stop()


def _replay(demo: Demo, url: str, simulation: Simulation, console: Console) -> None:
    """The same stages without Kafka: from an event file, in this process."""
    settings = load_settings(clickhouse_url=url, catalog=str(demo.folder / "catalog.yaml"))
    events = demo.folder / "events.ndjson"
    write_events(events, simulation.records())
    target = connect(url)
    replay = Replay(chained_stages(settings, catalog_of(settings)), RetryingSink(target), ClickHouseCheckpoints(target))
    began = time.monotonic()
    with _progress() as bar:
        task = bar.add_task("through the stages", total=len(simulation), rate="")

        def show_progress(summary: Summary) -> None:
            bar.update(task, completed=summary.records, rate=f"{summary.records / (time.monotonic() - began):,.0f}/s")

        summary = replay.run([events], show_progress)
    target.close()
    console.print(f"{summary.records:,} events in {time.monotonic() - began:.1f} s\n")


def _progress(*, transient: bool = False) -> Progress:
    """Bars on standard error; silent where nobody looks. Transient ones are gone in the end."""
    return Progress(*_COLUMNS, console=Console(stderr=True), transient=transient, redirect_stdout=False, disable=not sys.stderr.isatty())


def _watch(client: KafkaAdminClient, settings: Settings, simulation: Simulation, workers: list[CandorProcess], console: Console) -> None:
    total = len(simulation)
    with _progress() as bar:
        sending = bar.add_task("sent to Kafka", total=total, rate="")
        joining = bar.add_task("through the workers", total=total, rate="")
        began = time.monotonic()
        records = simulation.records()
        asyncio.run(_send(settings, records, lambda count: bar.advance(sending, count)))
        bar.update(sending, rate=f"{total / (time.monotonic() - began):,.0f}/s")

        def all_committed() -> bool:
            try:
                done = sum(position.offset for position in client.list_group_offsets(settings.group)[settings.group].values())
            except KafkaError:
                return False  # the group is being made
            bar.update(joining, completed=done, rate=f"{done / (time.monotonic() - began):,.0f}/s, lag {total - done:,}")
            return bool(done >= total)

        wait_until(all_committed, _STREAM_SECONDS, "the end of the stream", *workers)
        seconds = time.monotonic() - began
    console.print(f"{total:,} events in {seconds:.1f} s, from Kafka through {len(workers)} workers to ClickHouse\n")


def _wait_until_judged(settings: Settings, workers: list[CandorProcess]) -> None:
    """The days that were held open for answers that might come late are judged once the inputs are idle."""
    with closing(connect(settings.clickhouse_url.get_secret_value())) as target, _progress(transient=True) as bar:
        bar.add_task("judging the last days", total=None, rate="")
        all_judged = f"SELECT countIf(up_to_date) = {settings.partitions} FROM integrity_progress"  # noqa: S608 (a number)
        wait_until(lambda: target.command(all_judged) == "1", _STREAM_SECONDS, "the judging of the units", *workers)


async def _send(settings: Settings, records: Iterator[FileRecord], sent: Callable[[int], None]) -> None:
    async with EventProducer(settings) as producer:
        while stretch := list(islice(records, _SENT_AT_ONCE)):
            await producer.send(stretch, sent)


def _say_queries(demo: Demo, target: ClickHouse, console: Console) -> None:
    console.print("Queries to try, for example with candor query:\n")
    for meaning, sql in QUERIES:
        console.print(f"-- {meaning}\n{sql};\n", markup=False, highlight=False, soft_wrap=True)
        target.query(sql)
    if demo.stay:
        address = target.address
        console.print(
            f"clickhouse-connect: clickhouse_connect.get_client(host='{address.host}', port={address.port}, database='{address.database}')",
            soft_wrap=True,
        )
        place = f"{address.host}:{address.port}, database {address.database}"
        console.print(f"BI tools: ClickHouse over HTTP at {place}, user reader, no password", soft_wrap=True)
    console.print(f"Which units game their scores, and how: {demo.folder / 'truth.json'}")


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
