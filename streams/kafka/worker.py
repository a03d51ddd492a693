"""``candor worker``: a Faust worker from its start to its exit code."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog

from schemas.enums import Stage
from sinks.base import Sink
from streams.core.stage import StageFactory
from streams.errors import CandorError, ExitCode, KafkaUnavailable
from streams.kafka.app import CandorApp, consumer_of, make_app
from streams.kafka.client import ClientOptions, client_options
from streams.kafka.core import Core
from streams.kafka.identity import Identity
from streams.kafka.opening import Openings
from streams.kafka.owner import Ownership
from streams.kafka.pace import Pace
from streams.kafka.progress import Progress
from streams.kafka.shell import Shell
from streams.kafka.sinking import SinkWriter
from streams.kafka.topics import check_topics
from streams.kafka.transport import Reading
from streams.metrics.monitor import Monitor
from streams.settings import Settings

_log = structlog.get_logger(__name__)
_PROGRESS_SECONDS = 10.0
_BEAT_SECONDS = 1.0
_DRAIN_SECONDS = 20.0
_STOP_SECONDS = 20.0
_INTERVALS = {Stage.ACCOUNTS: 1.0, Stage.UNITS: 5.0}
"""In flush intervals of the settings. Units are judged by the day: flushing them as often as accounts would cost much and tell nothing sooner."""
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a checkpoint must fit to. Both are called in threads."""

    identities: Callable[[int], Mapping[Stage, Identity]]
    """Of the topics of each stage, with their number of partitions, and the database; may raise ``KafkaUnavailable``."""
    holds_rows: Callable[[Stage, int], bool]
    """Whether the database holds rows that a stage wrote for a partition."""


Stages = Mapping[Stage, Callable[[int], StageFactory]]
"""The stages of a worker, made for so many partitions."""


def run_worker(
    settings: Settings,
    stages: Stages,
    sink: Sink,
    report: Callable[[Progress], None] | None = None,
    surroundings: Surroundings | None = None,
    monitor: Monitor | None = None,
) -> NoReturn:
    """Run until SIGTERM or SIGINT, or until something fails; then end the process.

    Exit code 0: everything that was applied is committed. 3: stopped while the sink was away, which loses nothing. Other: failed, the log says how.
    ``report`` gets the progress of the first stage about every ten seconds; by default it is logged. ``monitor`` is what the worker is watched by; by
    default one is started as the settings say.
    """
    # Records by the ten thousand are made and dropped, none of them in a cycle: looking for cycles among them costs much and finds nothing.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    for name in ("faust", "mode", "aiokafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        exit_code = asyncio.Runner().run(
            _Worker(settings, stages, sink, report or _log_progress, surroundings, monitor or Monitor.start(settings)).run()
        )
    except Exception as error:  # noqa: BLE001  # whatever it is, it is said, and nothing is waited for
        exit_code = _exit_code(error, drained=False)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python would wait for every thread: for one that waits for an answer of ClickHouse, which is void by now, and for a consumer of Faust's that was
    # just starting when its app was stopped, which nobody stops any more.
    os._exit(exit_code)


def _log_progress(progress: Progress) -> None:
    _log.info("progress", **progress.fields())


@dataclass(slots=True)
class _Ending:
    """Why the worker ends."""

    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """End because of an error; the first one counts."""
        if self.error is None:
            self.error = error
        self.wanted.set()

    def of(self, task: asyncio.Task[None]) -> None:
        """End because of what a task raised."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)


@dataclass(frozen=True, slots=True)
class _Line:
    """A stage at work: its own consumer group, partitions and flushes."""

    app: CandorApp
    shell: Shell


class _Worker:
    def __init__(
        self,
        settings: Settings,
        stages: Stages,
        sink: Sink,
        report: Callable[[Progress], None],
        surroundings: Surroundings | None,
        monitor: Monitor,
    ) -> None:
        self._monitor = monitor
        self._surroundings = surroundings
        self._settings = settings
        self._stages = stages
        self._sink = sink
        self._report = report
        self._core = Core()

    async def run(self) -> int:
        settings, ending = self._settings, _Ending()
        lines: list[_Line] = []
        beating = asyncio.create_task(self._beat_for_ever(lines, ending))
        beating.add_done_callback(ending.of)
        client = client_options(settings)
        partitions = await check_topics(client, settings.topic_prefix)
        identities = await _identified(self._surroundings, partitions) if self._surroundings is not None else {}
        lines += [self._line(stage, client, partitions, identities.get(stage), ending) for stage in self._stages]
        _on_signals(ending, [line.shell for line in lines])
        for line in lines:
            line.shell.start(consumer_of(line.app))
        tasks = [asyncio.create_task(_run_app(line.app, ending)) for line in lines]
        tasks += [asyncio.create_task(self._report_for_ever(lines[0].shell)), beating]
        drained = False
        try:
            await ending.wanted.wait()
            if ending.error is None:
                drained = all(await asyncio.gather(*(line.shell.drain(_DRAIN_SECONDS) for line in lines)))
            # What fails from here on, such as a rebalance that meets a shell that has let go, changes nothing that is committed.
            error = ending.error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*(line.shell.close() for line in lines))
            self._core.close()
            self._sink.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await asyncio.gather(*(line.app.stop() for line in lines))
        return _exit_code(error, drained=drained)

    def _line(self, stage: Stage, client: ClientOptions, partitions: int, identity: Identity | None, ending: _Ending) -> _Line:
        settings = self._settings
        metrics, factory = self._monitor.metrics, self._stages[stage](partitions)
        ownership = Ownership(
            client, settings.topic_prefix, settings.group, stage, factory, partitions, identity=identity, openings=Openings(metrics.stage(stage))
        )
        if self._surroundings is not None:
            holds_rows = self._surroundings.holds_rows
            ownership = replace(ownership, holds_rows=lambda partition: holds_rows(stage, partition))
        session, rebalance = (round(seconds * 1000) for seconds in (settings.session_timeout_seconds, settings.rebalance_timeout_seconds))
        writer, pace = SinkWriter(self._sink, metrics.tables), _pace(settings, stage)
        shell = Shell(ownership, writer, pace, ending.fail, metrics.stage(stage), self._core)
        reading = Reading(ownership.consumer_group, client, session, rebalance)
        return _Line(make_app(reading, shell, [settings.topic_prefix + topic for topic in ownership.inputs], ending.fail), shell)

    async def _beat_for_ever(self, lines: Sequence[_Line], ending: _Ending) -> None:
        """Tell that the loop turns, and whether the worker can work: until it is told to stop, it has partitions and its sink answers."""
        while True:
            missing = [name for line in lines for name in line.shell.observe()] if lines else ["kafka"]
            self._monitor.health.beat((*missing, *(["the end"] if ending.wanted.is_set() else [])))
            await asyncio.sleep(_BEAT_SECONDS)

    async def _report_for_ever(self, shell: Shell) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self._report(shell.progress())


async def _identified(surroundings: Surroundings, partitions: int) -> Mapping[Stage, Identity]:
    """Waits for a broker, like the check of the topics before."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(surroundings.identities, partitions)
        except KafkaUnavailable as error:
            if time.monotonic() > deadline:
                raise
            _log.warning("waiting_for_kafka", error=str(error))
            await asyncio.sleep(1.0)


async def _run_app(app: CandorApp, ending: _Ending) -> None:
    try:
        await app.start()
        await app.wait_until_stopped()
        ending.fail(app.crash_reason or RuntimeError("Faust stopped by itself"))
    except Exception as error:  # noqa: BLE001  # whatever it is, the worker must not go on without its app
        ending.fail(error)


def _pace(settings: Settings, stage: Stage) -> Pace:
    return Pace(
        flush_interval=settings.flush_interval_seconds * _INTERVALS[stage],
        flush_records=settings.flush_max_records,
        linger=min(0.2, settings.flush_interval_seconds / 4),
        revoke_patience=settings.rebalance_timeout_seconds / 3,
        reopen_delay=settings.session_timeout_seconds / 5,
        idle=settings.idle_seconds,
        reject_ratio=settings.pause_reject_ratio,
        reject_minimum=settings.pause_reject_minimum,
    )


def _on_signals(ending: _Ending, shells: Sequence[Shell]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.wanted.set)
    resumed: set[asyncio.Task[None]] = set()

    def resume() -> None:
        for shell in shells:
            task = loop.create_task(shell.resume_paused())
            resumed.add(task)
            task.add_done_callback(resumed.discard)

    loop.add_signal_handler(signal.SIGHUP, resume)


def _exit_code(error: BaseException | None, *, drained: bool) -> int:
    if error is not None:
        if isinstance(error, CandorError):
            _log.error("worker_failed", error=str(error))
            return error.exit_code
        # As text of our own making: renderers of tracebacks like to show local variables, and those hold customers' words.
        _log.error("worker_failed", error=type(error).__name__, traceback="".join(traceback.format_exception(error)))
        return ExitCode.PROBLEM
    if not drained:
        _log.warning("stopped_before_everything_was_committed", what_it_means="the next owner reads on from the last checkpoint; nothing is lost")
        return ExitCode.AWAY
    _log.info("worker_stopped")
    return ExitCode.DONE
