"""One trial: a stream from a seed, workers, faults at random moments, and the comparison with the oracle."""

import asyncio
import random
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml
from kafka import KafkaAdminClient

from schemas.catalog import Catalog
from sinks.base import SinkError
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.broker import LocalBroker
from streams.settings import load_settings
from streams.topics_admin import create_topics
from tests.chaos.compare import WRITTEN, differences, letter_differences, read_views
from tests.chaos.judged import judge
from tests.chaos.kafka import Topics
from tests.chaos.processes import ClickHouseProcess, DeadlineError, Process, eventually
from tests.chaos.proxy import Fault, FaultProxy
from tests.chaos.sabotage import HIT
from tests.chaos.stream import BERLIN, SAO_PAULO, StreamOptions, catalog_file, generate, sliced
from tests.oracle.records import Record
from tests.oracle.tables import tables

PARTITIONS = 4
STOPPED_WHILE_THE_SINK_WAS_AWAY = 3


class Action(StrEnum):
    """What can happen in the middle of a stream."""

    KILL_WORKER = "SIGKILL a worker, start another"
    ZOMBIE = "SIGSTOP a worker beyond its session, then SIGCONT"
    ADD_WORKER = "add a worker"
    REMOVE_WORKER = "SIGTERM a worker"
    RESTART_BROKER = "SIGKILL the broker, start it again"
    RESTART_CLICKHOUSE = "SIGKILL ClickHouse, start it again"
    FAULTY_NETWORK = "ClickHouse answers 503, stores and stays silent, or loses the connection half-way"
    SEND_AGAIN = "send everything once more"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a trial does."""

    seed: int
    stream: StreamOptions
    actions: tuple[Action, ...]
    workers: int = 2
    slices: int = 10
    fault_rate: float = 0.0
    """Share of requests that meet a fault from beginning to end."""
    faults: tuple[Fault, ...] = tuple(Fault)
    flush_max_records: int = 150
    session_seconds: float = 5.0
    sabotage: str = ""
    """What is taken out of the workers."""
    moments: tuple[str, ...] = ()
    """What hits the first worker, the second and so on, and when; see ``tests.chaos.sabotage``."""
    outage: bool = False
    """Whether the broker is away for a while once a worker has stopped itself."""
    commit_seconds: float = 90.0
    """How long it may take to consume everything after the last record was sent."""
    right_seconds: float = 45.0
    """How long it may take from then on until the tables are right."""


def plan(seed: int, events: int = 1_600) -> Plan:
    """The plan of a seed: several actions of different kinds, in any order."""
    rng = random.Random(seed)
    actions = rng.sample(list(Action), rng.randrange(3, 6))
    return Plan(
        seed=seed,
        stream=StreamOptions(
            events=events, catalog=rng.choice([BERLIN, SAO_PAULO]), large=rng.random() < 0.3, days=rng.choice([34, 34, 20]), stuffed=60
        ),
        actions=tuple(actions),
        workers=rng.choice([2, 2, 3]),
        fault_rate=rng.choice([0.0, 0.05]),
        flush_max_records=rng.choice([40, 150, 1_000]),
    )


@dataclass(slots=True)
class Outcome:
    """How a trial ended; ``problems`` is empty where every row is right."""

    seed: int
    problems: list[str]
    seconds: float
    records: int = 0
    hits: int = 0
    """Workers that were hit at the moment that the plan names."""
    happened: list[str] = field(default_factory=list)


class Surroundings:
    """A broker, ClickHouse and the network between; trials share them and keep apart by names."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.broker = LocalBroker(folder / "kafka")
        self.clickhouse = ClickHouseProcess(folder)
        self.proxy = FaultProxy(self.clickhouse.url, seed)

    async def __aenter__(self) -> Self:
        """Start everything."""
        await asyncio.gather(asyncio.to_thread(self.broker.start), self.clickhouse.start(), self.proxy.__aenter__())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop everything."""
        await self.proxy.__aexit__(kind, error, traceback)
        self.clickhouse.kill()
        await asyncio.to_thread(self.broker.kill)

    async def restart_broker(self) -> None:
        """Without warning."""
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.broker.start)

    async def restart_clickhouse(self, away_seconds: float) -> None:
        """Without warning."""
        self.clickhouse.kill()
        await asyncio.sleep(away_seconds)
        await self.clickhouse.start()


class Trial:
    """Runs one plan."""

    def __init__(self, plan: Plan, surroundings: Surroundings) -> None:
        self.plan = plan
        self._around = surroundings
        self._random = random.Random(plan.seed + 1)
        name = f"s{plan.seed}x{secrets.token_hex(3)}"
        self.folder = surroundings.folder / name
        self.folder.mkdir(parents=True)
        self._prefix = self._group = f"{name}."
        self._database = name
        self._topics = Topics(surroundings.broker.bootstrap_servers, self._prefix, PARTITIONS)
        self._workers: list[Process] = []
        self._started = 0
        self._background: list[asyncio.Task[None]] = []
        self._sent: list[Record] = []
        self._began = time.monotonic()
        self.happened: list[str] = []

    async def run(self) -> Outcome:
        """The whole trial; never raises for what went wrong in it."""
        outcome = Outcome(self.plan.seed, [], 0.0, happened=self.happened)
        try:
            await asyncio.to_thread(self._prepare)
            await self._play()
            outcome.problems = await self._judge()
        except DeadlineError as error:
            outcome.problems = [str(error)]
        finally:
            await self._clear()
        outcome.records = len(self._sent)
        outcome.hits = sum(worker.has_said(HIT) for worker in self._workers)
        outcome.seconds = time.monotonic() - self._began
        return outcome

    def _say(self, what: str) -> None:
        self.happened.append(f"{time.monotonic() - self._began:5.1f} s  {what}")

    def _prepare(self) -> None:
        catalog = self.folder / "catalog.yaml"
        catalog.write_text(yaml.safe_dump(catalog_file(self.plan.stream.catalog)), encoding="utf-8")
        settings = load_settings(
            kafka_bootstrap_servers=self._around.broker.bootstrap_servers, topic_prefix=self._prefix, partitions=PARTITIONS, group=self._group
        )
        admin = KafkaAdminClient(bootstrap_servers=self._around.broker.bootstrap_servers)
        try:
            create_topics(admin, settings)
        finally:
            admin.close()
        clickhouse = self._connect()
        try:
            Migrator(clickhouse).apply()
        finally:
            clickhouse.close()

    def _connect(self) -> ClickHouse:
        return connect(f"{self._around.clickhouse.url}/{self._database}")

    def _start_worker(self) -> Process:
        self._started += 1
        name = f"worker-{self._started}"
        environment = {
            "CANDOR_KAFKA_BOOTSTRAP_SERVERS": self._around.broker.bootstrap_servers,
            "CANDOR_CLICKHOUSE_URL": f"http://127.0.0.1:{self._around.proxy.port}/{self._database}",
            "CANDOR_TOPIC_PREFIX": self._prefix,
            "CANDOR_GROUP": self._group,
            "CANDOR_CATALOG": str(self.folder / "catalog.yaml"),
            "CANDOR_FLUSH_INTERVAL_SECONDS": "0.3",
            "CANDOR_IDLE_SECONDS": "2",
            "CANDOR_FLUSH_MAX_RECORDS": str(self.plan.flush_max_records),
            "CANDOR_PAUSE_REJECT_RATIO": "1",
            "CANDOR_SESSION_TIMEOUT_SECONDS": str(self.plan.session_seconds),
            "CANDOR_REBALANCE_TIMEOUT_SECONDS": "10",
            "CANDOR_LOG_LEVEL": "info",
            "CANDOR_ENV_FILE": str(self.folder / "no.env"),
            "CHAOS_SABOTAGE": self.plan.sabotage,
            "CHAOS_MOMENT": self.plan.moments[self._started - 1] if self._started <= len(self.plan.moments) else "",
        }
        with_faults = self.plan.sabotage or self.plan.moments
        command = [sys.executable, "-m", "tests.chaos.sabotage"] if with_faults else [sys.executable, "-m", "streams.commands", "worker"]
        worker = Process(name, command, environment, self.folder / f"{name}.log")
        self._workers.append(worker)
        return worker

    async def _play(self) -> None:
        stream = generate(self.plan.seed, self.plan.stream)
        for _ in range(self.plan.workers):
            self._start_worker()
        await eventually(self._at_work, 60, lambda: f"no worker begins\n{self._workers[0].tail()}")
        proxy = self._around.proxy
        proxy.rate, proxy.faults = self.plan.fault_rate, self.plan.faults
        if self.plan.outage:
            self._background.append(asyncio.create_task(self._outage()))
        self._say("workers have begun")
        slices = sliced(stream, self.plan.slices)
        moments = sorted(self._random.sample(range(1, len(slices)), len(self.plan.actions)))
        due = dict(zip(moments, self.plan.actions, strict=True))
        for i, part in enumerate(slices):
            if i in due:
                self._background.append(asyncio.create_task(self._act(due[i])))
            self._restart_the_fallen()
            self._sent += part
            await self._topics.send(part)
            await asyncio.sleep(self._random.uniform(0.2, 0.9))
        self._say("everything is sent")
        await asyncio.gather(*self._background)
        proxy.rate = 0.0

    async def _act(self, action: Action) -> None:
        self._say(action.value)
        acts: dict[Action, Callable[[], Awaitable[None]]] = {
            Action.KILL_WORKER: self._kill_worker,
            Action.ZOMBIE: self._zombie,
            Action.ADD_WORKER: self._add_worker,
            Action.REMOVE_WORKER: self._remove_worker,
            Action.RESTART_BROKER: self._around.restart_broker,
            Action.RESTART_CLICKHOUSE: self._restart_clickhouse,
            Action.FAULTY_NETWORK: self._faulty_network,
            Action.SEND_AGAIN: self._send_again,
        }
        await acts[action]()

    def _some_worker(self) -> Process:
        running = [worker for worker in self._workers if worker.running and not worker.frozen and not worker.ending]
        return self._random.choice(running) if running else self._start_worker()

    async def _kill_worker(self) -> None:
        self._some_worker().kill()
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        self._start_worker()

    async def _zombie(self) -> None:
        worker = self._some_worker()
        worker.freeze()
        await asyncio.sleep(self.plan.session_seconds + self._random.uniform(1.0, 4.0))
        worker.thaw()
        self._say(f"{worker.name} goes on")

    async def _outage(self) -> None:
        """Takes the broker away in the middle of what a stopped worker was doing."""

        async def stopped() -> bool:
            return any(worker.stopped for worker in self._workers)

        await eventually(stopped, 60, lambda: "no worker has stopped itself")
        self._say("the broker is away")
        self._around.broker.kill()
        for worker in self._workers:
            worker.thaw()
        await asyncio.sleep(4)
        await asyncio.to_thread(self._around.broker.start)

    async def _add_worker(self) -> None:
        await self._takes_over(self._start_worker())

    async def _remove_worker(self) -> None:
        worker = self._some_worker()
        successor = self._start_worker()
        await self._end(worker, allowed=(0, STOPPED_WHILE_THE_SINK_WAS_AWAY))
        await self._takes_over(successor)

    async def _takes_over(self, worker: Process) -> None:
        """Wait until the worker has a partition, or something else befell it: a trial that ends before has not seen a change of owner."""

        async def has_one() -> bool:
            return worker.has_said("partition_opened") or not worker.running

        with suppress(DeadlineError):
            await eventually(has_one, 30, str)

    async def _restart_clickhouse(self) -> None:
        await self._around.restart_clickhouse(self._random.uniform(0.0, 2.0))

    async def _faulty_network(self) -> None:
        before = self._around.proxy.rate
        self._around.proxy.rate = 0.4
        await asyncio.sleep(self._random.uniform(1.5, 4.0))
        self._around.proxy.rate = before

    async def _send_again(self) -> None:
        everything = list(self._sent)
        self._sent += everything
        await self._topics.send(everything)

    async def _end(self, worker: Process, allowed: Sequence[int] = (0,)) -> None:
        exit_code = await worker.end(40)
        not_begun = exit_code == -signal.SIGTERM and not worker.tail()
        if exit_code not in allowed and not not_begun:
            raise DeadlineError(f"{worker.name} ended with {exit_code} after SIGTERM\n{worker.tail()}")

    async def _judge(self) -> list[str]:
        self._restart_the_fallen()
        await eventually(self._all_committed, self.plan.commit_seconds, self._lag_and_logs, pause=0.3)
        inputs, catalog = await self._topics.inputs(), self.plan.stream.catalog
        # Without gaming there is nothing to find, and nobody waits until it is not found.
        judged = judge(inputs, Catalog.model_validate(catalog_file(catalog)), PARTITIONS) if self.plan.stream.stuffed else None
        expected = tables(inputs, catalog, flags=judged.flags if judged else None)
        if judged is not None:
            expected |= judged.tables(expected)
        self._say("everything is committed")
        written = {view: rows for view, rows in expected.items() if view in WRITTEN}
        with closing(self._connect()) as clickhouse:

            async def equal() -> bool:
                self._restart_the_fallen()
                try:
                    return not differences(written, await asyncio.to_thread(read_views, clickhouse, written))
                except SinkError:
                    return False

            try:
                await eventually(equal, self.plan.right_seconds, str, pause=0.3)
                self._say("the tables are right")
            except DeadlineError:
                self._say("the tables do not become right")
            # What somebody still holds back would now arrive and spoil what was right.
            for worker in self._workers:
                if worker.running:
                    await self._end(worker)
            # What a worker that lacks something loses must show in what it writes.
            compared = written if self.plan.sabotage else expected
            problems = differences(compared, await asyncio.to_thread(read_views, clickhouse, compared))
        return problems + letter_differences(expected["dead_letters"], await self._topics.dead_letters())

    async def _at_work(self) -> bool:
        return any(worker.has_said("partition_opened") for worker in self._workers)

    def _restart_the_fallen(self) -> None:
        """As a supervisor would: a worker that ends by itself (fail-stop) is started again, never fewer than two."""
        running = sum(worker.running for worker in self._workers)
        for _ in range(min(self.plan.workers, 2) - running):
            self._say("a worker has ended by itself")
            self._start_worker()

    async def _all_committed(self) -> bool:
        self._restart_the_fallen()
        return await self._topics.behind(self._group) == 0

    def _lag_and_logs(self) -> str:
        return "not everything is consumed\n" + "\n".join(f"--- {worker.log}\n{worker.tail(12)}" for worker in self._workers)

    async def _clear(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._around.proxy.rate = 0.0
        for worker in self._workers:
            worker.kill()
        await self._topics.close()
        if not self._around.broker.running:
            await asyncio.to_thread(self._around.broker.start)
