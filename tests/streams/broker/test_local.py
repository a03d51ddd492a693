"""A broker of one's own: ready when it says so, killed and started again on the same data, ended by its pid."""

import asyncio
from pathlib import Path

import psutil
import pytest

from schemas.enums import Topic
from streams.broker import LocalBroker
from streams.broker.ready import cluster_at
from streams.connections import admin
from streams.errors import BrokerUnavailable
from streams.files import FileRecord
from streams.producing import EventProducer
from streams.settings import Settings, load_settings
from streams.topics_admin import create_topics
from tests.streams.topics import read_topic


async def _send(settings: Settings, value: bytes) -> None:
    async with EventProducer(settings) as producer:
        await producer.send([FileRecord(Topic.FEEDBACK, 1, b"a", value)])


def test_data_and_address_outlive_a_kill_and_a_restart(tmp_path: Path) -> None:
    with LocalBroker(tmp_path / "kafka", heap_megabytes=384) as broker:
        settings = load_settings(kafka_bootstrap_servers=broker.bootstrap_servers)
        with admin(settings) as client:
            create_topics(client, settings)
        asyncio.run(_send(settings, b"1"))
        first = psutil.Process(broker.pid)

        broker.kill()
        assert not broker.running
        assert not first.is_running()
        assert cluster_at(broker.bootstrap_servers) is None
        broker.start()
        asyncio.run(_send(settings, b"2"))
        broker.restart()

        assert [record.value for record in read_topic(broker.bootstrap_servers, "candor.feedback")] == [b"1", b"2"]
        assert broker.log_file.exists()
        last = psutil.Process(broker.pid)
    assert not last.is_running()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path, broker: LocalBroker) -> None:
    second = LocalBroker(tmp_path / "kafka", heap_megabytes=384)
    second.port, second.bootstrap_servers = broker.port, broker.bootstrap_servers
    second._controller_port = broker._controller_port

    with pytest.raises(BrokerUnavailable, match="Address already in use"):
        second.start()

    assert not second.running


def test_a_broker_that_is_not_running_has_no_pid_and_can_be_stopped(tmp_path: Path) -> None:
    broker = LocalBroker(tmp_path)

    broker.stop()
    broker.kill()

    with pytest.raises(BrokerUnavailable):
        _ = broker.pid
