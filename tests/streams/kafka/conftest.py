"""Workers as processes, on a broker and a folder of their own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.enums import Topic
from streams.broker import LocalBroker
from streams.connections import admin
from streams.kafka.client import ClientOptions, client_options
from streams.settings import Settings, load_settings
from streams.topics_admin import create_topics
from tests.conftest import wait_for
from tests.streams.kafka.counting import FolderSink

Message = tuple[Topic, bytes | None, bytes | None]
WORKER = Path(__file__).parents[3]
READY_SECONDS = 60.0


class Worker:
    """A worker process, its log in a file."""

    def __init__(self, environment: dict[str, str], sink: Path, log: Path) -> None:
        self.log_file = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.streams.kafka.counting_worker", str(sink)],
                env=os.environ | environment | {"NO_COLOR": "1"},
                cwd=WORKER,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def opened(self) -> list[int]:
        """Partitions, one for each time that one was opened."""
        return [int(line.split("partition=")[1].split()[0]) for line in self.log.splitlines() if "partition_opened" in line]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self, seconds: float = 45.0) -> int:
        return self.process.wait(seconds)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Scene:
    """Topics of one test, the workers that read them, and the sink that they write to."""

    broker: LocalBroker
    settings: Settings
    environment: dict[str, str]
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    sent: int = 0

    @property
    def client(self) -> ClientOptions:
        return client_options(self.settings)

    @property
    def sink(self) -> FolderSink:
        return FolderSink(self.folder / "sink")

    def topic(self, topic: Topic) -> str:
        return self.settings.topic_prefix + topic

    def start(self) -> Worker:
        worker = Worker(self.environment, self.folder / "sink", self.folder / f"worker{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    def start_ready(self, partitions: int | None = None) -> Worker:
        """A worker that has opened so many partitions (all)."""
        worker = self.start()
        wanted = self.settings.partitions if partitions is None else partitions
        self.wait(lambda: len(set(worker.opened())) >= wanted)
        return worker

    def wait(self, condition: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        wait_for(condition, seconds, lambda: "\n".join(f"--- worker {number}\n{worker.log[-6000:]}" for number, worker in enumerate(self.workers)))

    def produce(self, messages: Iterable[Message], partition: int | None = None, codec: str | None = None) -> None:
        asyncio.run(self._produce(list(messages), partition, codec))

    async def _produce(self, messages: list[Message], partition: int | None, codec: str | None) -> None:
        async with AIOKafkaProducer(**self.client, acks="all", compression_type=codec) as producer:
            for topic, key, value in messages:
                # The producer's send refuses records with neither key nor value, which others may well write.
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value)
                if key is None and value is None:
                    await producer.send_batch(batch, self.topic(topic), partition=partition or 0)
                else:
                    await producer.send(self.topic(topic), value, key, partition=partition)
            await producer.flush()

    def send(self, count: int, accounts: int = 40, codec: str | None = None) -> None:
        """Good records, each with a value of its own, over all topics."""
        first, self.sent = self.sent, self.sent + count
        topics = list(Topic)
        self.produce(((topics[i % len(topics)], b"account-%d" % (i % accounts), b"value-%d" % i) for i in range(first, self.sent)), codec=codec)

    def counted(self) -> int:
        return sum(self.sink.counts().values())

    def wait_until_all_counted(self, seconds: float = READY_SECONDS) -> None:
        self.wait(lambda: self.counted() >= self.sent, seconds)

    def check(self, accounts: int = 40) -> None:
        """Everything that was sent counts once, per account, and every fact is there."""
        expected = {f"account-{i}": len(range(i, self.sent, accounts)) for i in range(min(accounts, self.sent))}
        assert self.sink.counts() == expected
        assert self.sink.facts() == {f"value-{i}" for i in range(self.sent)}

    def committed(self) -> dict[TopicPartition, int]:
        """Offsets of the group."""
        return asyncio.run(self._committed())

    async def _committed(self) -> dict[TopicPartition, int]:
        client = AIOKafkaAdminClient(**self.client)
        await client.start()
        try:
            offsets = await client.list_consumer_group_offsets(self.settings.group)
        finally:
            await client.close()
        return {partition: offset.offset for partition, offset in offsets.items()}

    def read(self, topic: str) -> list[ConsumerRecord]:
        """All records of a topic, committed ones only."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[ConsumerRecord]:
        partitions = [TopicPartition(topic, number) for number in range(self.settings.partitions)]
        # The broker says that a transaction is committed before its records can be read, so the end is where records are, read or not.
        async with AIOKafkaConsumer(**self.client) as consumer:
            ends = await consumer.end_offsets(partitions)
        async with AIOKafkaConsumer(
            **self.client, isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            consumer.assign(partitions)
            records: list[ConsumerRecord] = []
            while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
                for found in (await consumer.getmany(timeout_ms=200)).values():
                    records.extend(found)
        return records


@pytest.fixture
def scene(broker: LocalBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Scene]:
    """Two partitions of everything; a lost worker is noticed after four seconds."""
    with _scene(broker, topic_prefix, tmp_path) as scene:
        yield scene


@pytest.fixture(scope="session")
def broker_to_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A broker that tests may end and start again: that of all tests reads thousands of partitions back when it starts."""
    with LocalBroker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def scene_to_end(broker_to_end: LocalBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Scene]:
    """A scene whose broker the test may end and start again."""
    with _scene(broker_to_end, topic_prefix, tmp_path) as scene:
        yield scene


@contextmanager
def _scene(broker: LocalBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Scene]:
    environment = {
        "CANDOR_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "CANDOR_TOPIC_PREFIX": topic_prefix,
        "CANDOR_GROUP": topic_prefix.rstrip("."),
        "CANDOR_PARTITIONS": "2",
        "CANDOR_SESSION_TIMEOUT_SECONDS": "4",
        "CANDOR_REBALANCE_TIMEOUT_SECONDS": "12",
        "CANDOR_FLUSH_INTERVAL_SECONDS": "0.3",
        "CANDOR_ENV_FILE": str(tmp_path / "none"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = load_settings()
    with admin(settings) as client:
        create_topics(client, settings)
    scene = Scene(broker, settings, environment, tmp_path)
    try:
        yield scene
    finally:
        for worker in scene.workers:
            worker.end()
