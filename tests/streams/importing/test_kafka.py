"""``candor import --kafka`` against a real broker."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.broker import LocalBroker
from streams.commands import cli
from streams.settings import Settings
from tests.streams.importing.test_importing import Shop
from tests.streams.topics import read_topic


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_events_arrive_in_their_topic(shop: Shop, settings: Settings, broker: LocalBroker) -> None:
    CliRunner().invoke(cli, ["topics", "create"])

    result = CliRunner().invoke(cli, ["import", str(shop.save()), str(shop.folder), "--kafka"])

    assert result.exit_code == 0, result.output
    arrived = read_topic(broker.bootstrap_servers, settings.topic_prefix + "transactions")
    assert sorted(json.loads(record.value or b"")["event_id"] for record in arrived) == ["sale-1", "sale-2", "sale-3"]
    assert all(record.key == json.loads(record.value or b"")["account_id"].encode() for record in arrived)


@pytest.mark.usefixtures("settings")
def test_absent_topics_are_told(shop: Shop) -> None:
    result = CliRunner().invoke(cli, ["import", str(shop.save()), str(shop.folder), "--kafka"])

    assert result.exit_code == 1
    assert "candor topics create" in result.output
