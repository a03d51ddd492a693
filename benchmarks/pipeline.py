"""The whole path: broker, workers and ClickHouse on one machine, on the mission mix (60 % transactions, 50,000 accounts).

Every figure of one run comes from the same machine, broker and ClickHouse. Throughput is that of catching up with topics that are
full already: from the first committed offset that is seen to the last.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from benchmarks.processes import Measured, clickhouse, cpu_seconds, peak_megabytes, wait_for
from schemas.catalog import load_catalog
from schemas.enums import Stage, Topic
from schemas.topics import CHECKPOINTS, SIGNALS, consumer_group
from sinks.clickhouse import connect
from sinks.migrate import Migrator
from streams.broker import LocalBroker
from streams.connections import admin
from streams.core.accounts import AccountsStages
from streams.files import FileRecord
from streams.kafka.checkpoint import read_checkpoint
from streams.kafka.client import client_options
from streams.producing import EventProducer
from streams.settings import Settings, load_settings
from streams.simulate import Plan, simulate
from streams.simulate.plan import MIXES, MixName
from streams.topics_admin import create_topics

ACCOUNTS = 50_000
PROBE = "benchmark-probe"
WORKER = ("streams.commands", "worker")
ACCOUNTS_ALONE = ("benchmarks.accounts_alone",)

TURNS = 5
"""With and without the units stage in turns: what two runs need differs by a tenth from one time to the next."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """What one run of catching up gave; CPU in microseconds a record."""

    workers: int
    records: int
    records_per_second: float
    worker_cpu: float
    broker_cpu: float
    clickhouse_cpu: float
    peak_megabytes: float

    def __str__(self) -> str:
        return (
            f"{self.workers} worker(s): {self.records_per_second:,.0f} records/s; CPU us a record: workers {self.worker_cpu:.1f}, "
            f"broker {self.broker_cpu:.1f}, ClickHouse {self.clickhouse_cpu:.1f}; peak memory of a worker {self.peak_megabytes:,.0f} MiB"
        )


class Bench:
    """One broker, one ClickHouse, and events to feed them with."""

    def __init__(self, folder: Path, events: int, broker: LocalBroker) -> None:
        self.folder = folder
        self.broker = broker
        self.clickhouse, self._address = clickhouse(folder)
        self.catalog = folder / "catalog.yaml"
        mix = MIXES[MixName.MISSION]
        simulation = simulate(Plan(events=events, accounts=ACCOUNTS, mix=mix))
        self.catalog.write_text(simulation.catalog(), encoding="utf-8")
        self.events = list(simulation.records())

    def settings(self, name: str) -> Settings:
        """Settings of a run of its own: topics, group and database have its name."""
        return load_settings(
            kafka_bootstrap_servers=self.broker.bootstrap_servers,
            clickhouse_url=f"http://default@{self._address}/{name}",
            topic_prefix=f"{name}.",
            group=name,
            catalog=str(self.catalog),
        )

    def prepare(self, name: str) -> Settings:
        """Makes the topics and tables of a run."""
        settings = self.settings(name)
        with admin(settings) as client:
            create_topics(client, settings)
        target = connect(settings.clickhouse_url.get_secret_value())
        target.create_database()
        Migrator(target).apply()
        target.close()
        return settings

    def fill(self, settings: Settings) -> None:
        """Sends all events to the topics of a run."""
        asyncio.run(_send(settings, self.events))

    @contextmanager
    def workers(self, settings: Settings, count: int, command: Sequence[str] = WORKER) -> Iterator[list[Measured]]:
        """Runs so many workers."""
        environment = {
            "CANDOR_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "CANDOR_CLICKHOUSE_URL": settings.clickhouse_url.get_secret_value(),
            "CANDOR_TOPIC_PREFIX": settings.topic_prefix,
            "CANDOR_GROUP": settings.group,
            "CANDOR_CATALOG": str(self.catalog),
        }
        started = [Measured(["-m", *command], self.folder / f"{settings.group}-{number}.log", environment) for number in range(count)]
        try:
            yield started
        finally:
            codes = [worker.stop() for worker in started]
            if any(codes):
                raise RuntimeError(f"workers ended with {codes}:\n{started[0].log}")

    def catch_up(self, name: str, workers: int, command: Sequence[str] = WORKER) -> Throughput:
        """Lets workers read topics that are full already, until the units stage has come after; the rate is that of the accounts stage."""
        settings = self.prepare(name)
        self.fill(settings)
        kafka, server = psutil.Process(self.broker.pid), self.clickhouse.process
        total = len(self.events)
        with self.workers(settings, workers, command) as running, admin(settings) as client:

            def read(group: str) -> dict[str, int]:
                try:
                    offsets = client.list_group_offsets(group)[group].items()
                except KafkaError:
                    return {}  # the group is being made
                return {f"{place.topic}/{place.partition}": position.offset for place, position in offsets}

            def done() -> int:
                return sum(read(settings.group).values())

            wait_for(lambda: done() > 0, 120, *running)
            before, started = done(), time.monotonic()
            cpu = [cpu_seconds(*(worker.process for worker in running)), cpu_seconds(kafka), cpu_seconds(server)]
            wait_for(lambda: done() >= total, 600, *running)
            seconds, records = time.monotonic() - started, total - before
            if command is WORKER:
                units, signals = consumer_group(settings.group, Stage.UNITS), settings.topic_prefix + SIGNALS.name
                wait_for(lambda: _is_heard(client, signals, settings.partitions, read(units)), 120, *running)
            spent = [cpu_seconds(*(worker.process for worker in running)), cpu_seconds(kafka), cpu_seconds(server)]
            peak = max(peak_megabytes(worker.process) for worker in running)
        per_record = [(after - first) / records * 1e6 for first, after in zip(cpu, spent, strict=True)]
        worker_cpu, broker_cpu, clickhouse_cpu = per_record
        return Throughput(workers, records, records / seconds, worker_cpu, broker_cpu, clickhouse_cpu, peak)

    def raw_reading(self, name: str) -> float:
        """Returns records a second of aiokafka alone, reading the same topics: the limit."""
        return asyncio.run(_read_raw(self.settings(name), len(self.events)))

    def recovery(self, name: str) -> tuple[int, float, float]:
        """Returns rows of state, seconds to read them back from the checkpoint topic, and MiB that were read."""
        return asyncio.run(_recover(self.settings(name)))

    def latency(self, name: str, rate: float, seconds: float) -> list[float]:
        """Returns seconds from appending a message to seeing it in the account's row, for probes sent while the load is ``rate`` records/s."""
        settings = self.prepare(name)
        with self.workers(settings, 1) as running:
            return asyncio.run(_probe(settings, self.events, rate, seconds, running))


async def _send(settings: Settings, events: list[FileRecord]) -> None:
    async with EventProducer(settings) as producer:
        await producer.send(events)


async def _read_raw(settings: Settings, total: int) -> float:
    consumer = AIOKafkaConsumer(**client_options(settings), auto_offset_reset="earliest", enable_auto_commit=False, max_partition_fetch_bytes=2 << 20)
    await consumer.start()
    consumer.assign([TopicPartition(settings.topic_prefix + topic, number) for topic in Topic for number in range(settings.partitions)])
    seen, started = 0, time.monotonic()
    while seen < total:
        seen += sum(map(len, (await consumer.getmany(timeout_ms=1000)).values()))
    elapsed = time.monotonic() - started
    await consumer.stop()
    return seen / elapsed


async def _recover(settings: Settings) -> tuple[int, float, float]:
    stages = AccountsStages(load_catalog(settings.catalog))
    topic = settings.topic_prefix + CHECKPOINTS[Stage.ACCOUNTS].name
    rows, size, started = 0, 0, time.monotonic()
    for number in range(settings.partitions):
        records = await read_checkpoint(client_options(settings), topic, number)
        size += sum(len(record.value or b"") for record in records)
        state = stages.restore(number, records).state
        rows += sum(table.count for table in state.tables()) + sum(map(len, state.identities.values()))
    return rows, time.monotonic() - started, size / 2**20


async def _probe(settings: Settings, events: list[FileRecord], rate: float, seconds: float, running: list[Measured]) -> list[float]:
    """Sends load at a steady rate and a message of one account every 100 ms; polls that account's count of messages."""
    probes = _Probes(settings)
    async with probes:
        # The clock starts once the worker has joined its group: the first probe is through.
        await probes.send()
        await probes.watch(lambda: not probes.seen)
        first = len(probes.seen)
        stop = time.monotonic() + seconds

        async def probe() -> None:
            while time.monotonic() < stop:
                await probes.send()
                await asyncio.sleep(0.1)

        async def load() -> None:
            async with EventProducer(settings) as sender:
                await sender.send(events[: int(rate * seconds)], rate=rate)

        await asyncio.gather(probe(), load(), probes.watch(lambda: time.monotonic() < stop or len(probes.seen) < len(probes.sent)))
    for worker in running:
        worker.check()
    return [after - before for before, after in zip(probes.sent, probes.seen, strict=True)][first:]


class _Probes:
    """Messages of one account, and when each was acknowledged by the broker and when its row showed it."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic_prefix + Topic.COMMUNICATIONS
        self._producer = AIOKafkaProducer(**client_options(settings), linger_ms=0)
        self._target = connect(settings.clickhouse_url.get_secret_value())
        self.sent: list[float] = []
        self.seen: list[float] = []

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        self._target.close()

    async def send(self) -> None:
        """Sends one more, and notes when it is in the log."""
        name = f"p{len(self.sent)}"
        event = {
            "event_id": name,
            "message_id": name,
            "event_type": "communication.sent",
            "purpose": "service",
            "account_id": PROBE,
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        await self._producer.send_and_wait(self._topic, json.dumps(event).encode(), key=PROBE.encode())
        self.sent.append(time.monotonic())

    async def watch(self, wanted: Callable[[], bool]) -> None:
        """Notes which are visible, every 100 ms for as long as it is wanted; raises ``TimeoutError`` where nothing new shows for a minute."""
        sql = f"SELECT max(messages) AS n FROM cell_accounts FINAL WHERE account_id = '{PROBE}'"
        deadline = time.monotonic() + 60
        while wanted():
            count = int((await asyncio.to_thread(self._target.query, sql))["n"][0].as_py() or 0)
            if count > len(self.seen):
                self.seen.extend([time.monotonic()] * (count - len(self.seen)))
                deadline = time.monotonic() + 60
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.sent) - len(self.seen)} of {len(self.sent)} probes are not visible")
            await asyncio.sleep(0.1)


def _is_heard(client: KafkaAdminClient, topic: str, partitions: int, read: Mapping[str, int]) -> bool:
    """Whether a group has read the signals: behind the last record of a partition stand the marks of transactions, one of each source partition."""
    ends = client.list_partition_offsets({KafkaPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)})
    return all(end.offset - read.get(f"{place.topic}/{place.partition}", 0) <= partitions for place, end in ends.items())


def percentile(values: list[float], share: float) -> float:
    """Returns the value below which this share of the values lies."""
    return statistics.quantiles(values, n=1000, method="inclusive")[min(998, max(0, round(share * 1000) - 1))]


def run(folder: Path, events: int) -> Iterator[str]:
    """Yields the figures, line by line."""
    with LocalBroker(folder / "kafka", heap_megabytes=1024, brief=False) as broker:
        bench = Bench(folder, events, broker)
        try:
            turns = [(bench.catch_up(f"alone{turn}", 1, ACCOUNTS_ALONE), bench.catch_up(f"one{turn}", 1)) for turn in range(TURNS)]
            for alone, one in turns:
                yield str(one)
                yield f"without the units stage: {alone}"
            added = [100 * (one.worker_cpu / alone.worker_cpu - 1) for alone, one in turns]
            rate = statistics.median(one.records_per_second for _, one in turns) / 2
            told = ", ".join(f"{share:.0f}" for share in added)
            yield f"the units stage adds {statistics.median(added):.0f} % to the workers' CPU a record: the median of {told}"
            yield f"aiokafka alone, one process, the same topics: {bench.raw_reading('one0'):,.0f} records/s"
            rows, seconds, size = bench.recovery("one0")
            million = seconds / rows * 1e6
            yield f"recovery: {rows:,} rows of state in {seconds:.2f} s ({rows / seconds:,.0f} a second; {million:.2f} s a million), {size:.0f} MiB"
            yield str(bench.catch_up("two", 2))
            latencies = bench.latency("half", rate, 30)
            yield (
                f"from append to queryable at {rate:,.0f} records/s: p50 {percentile(latencies, 0.5):.2f} s, "
                f"p99 {percentile(latencies, 0.99):.2f} s, {len(latencies)} probes"
            )
        finally:
            bench.clickhouse.stop()
