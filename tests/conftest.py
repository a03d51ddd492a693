"""What tests share: a real broker and a real ClickHouse engine behind HTTP, one of each for the session, and names that nobody else uses."""

import gc
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.broker import LocalBroker
from streams.broker.ready import free_port
from tests.sinks.rows import emptied
from tests.web import text_of

# A gate must give the same answer twice; everywhere else each run looks somewhere new.
hypothesis.settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("gate")

REST = 4.0
"""How many times as long as a look took nobody looks again."""


def pytest_collection_finish() -> None:
    """Whatever was imported stays, and is not looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A Kafka broker; tests keep apart by topic prefix and group."""
    with LocalBroker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def topic_prefix() -> str:
    """A topic prefix (and group) of the test's own."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address, host:port, of a ClickHouse engine behind HTTP; tests keep apart by database."""
    folder = tmp_path_factory.mktemp("clickhouse")
    port = free_port()
    command = [sys.executable, "-m", "streams.commands", "clickhouse", "--path", str(folder / "data"), "--port", str(port)]
    with (folder / "server.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as server:
        try:
            wait_for(lambda: text_of(f"http://127.0.0.1:{port}/ping") is not None, 60, (folder / "server.log").read_text)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def clickhouse_url(clickhouse_server: str) -> str:
    """The URL of a database of the test's own, not yet made."""
    return f"http://default@{clickhouse_server}/t{secrets.token_hex(4)}"


def _migrated(clickhouse_server: str) -> str:
    """The URL of a new database with all tables and views."""
    url = f"http://default@{clickhouse_server}/t{secrets.token_hex(4)}"
    clickhouse = connect(url)
    Migrator(clickhouse).apply()
    clickhouse.close()
    return url


@pytest.fixture(scope="session")
def _migrated_for_tests(clickhouse_server: str) -> str:
    return _migrated(clickhouse_server)


@pytest.fixture(scope="session")
def _migrated_for_modules(clickhouse_server: str) -> str:
    return _migrated(clickhouse_server)


@pytest.fixture
def migrated_url(_migrated_for_tests: str) -> str:
    """The URL of a migrated database without rows. Its tables and views are those of other tests too: what changes or drops them needs its own."""
    emptied(connect(_migrated_for_tests)).close()
    return _migrated_for_tests


@pytest.fixture(scope="module")
def served(_migrated_for_modules: str) -> Iterator[ClickHouse]:
    """A migrated database of chDB behind HTTP, without rows when the module begins; its tables and views are those of other modules too."""
    clickhouse = emptied(connect(_migrated_for_modules))
    yield clickhouse
    clickhouse.close()


PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
"""How many times as long is waited where a machine has more to do than it can: deadlines are for what never comes."""


def wait_for(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = str) -> None:
    """Return once the condition holds; fails the test with what ``explain`` says after ``seconds``, times the patience of this run."""
    seconds *= PATIENCE
    began = time.monotonic()
    while True:
        looked = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        if now > began + seconds:
            pytest.fail(f"not within {seconds} seconds: {explain()}")
        # To look is dear where a view is read, and must not hold up what is waited for.
        time.sleep(max(0.05, REST * (now - looked)))


@pytest.fixture(autouse=True)
def _settings_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor a .env of the developer leaks into a test."""
    # In a folder that cannot be: most tests need none, and to make one for each takes longer than many of them.
    monkeypatch.setenv("CANDOR_ENV_FILE", f"{os.devnull}/no.env")
