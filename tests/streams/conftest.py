"""Settings that lead to the real broker and engine of the session, with names of the test's own."""

import pytest

from streams.broker import LocalBroker
from streams.settings import Settings, load_settings


@pytest.fixture
def settings(broker: LocalBroker, clickhouse_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for one test, also in the environment, so that commands see the same; neither topics nor tables are there yet."""
    monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", clickhouse_url)
    monkeypatch.setenv("CANDOR_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("CANDOR_GROUP", topic_prefix.rstrip("."))
    return load_settings()
