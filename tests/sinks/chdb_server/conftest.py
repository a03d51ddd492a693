"""A server for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.sinks.chdb_server.serving import Running, post, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a database ``d`` and a table ``t``."""
    with running(tmp_path_factory.mktemp("server") / "data") as started:
        post(started, "CREATE DATABASE d")
        post(
            started, "CREATE TABLE d.t (a Int64, b Nullable(String), c LowCardinality(String), at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY a"
        )
        yield started


@pytest.fixture
def table(server: Running) -> Running:
    """The same, with the table empty."""
    post(server, "TRUNCATE TABLE d.t")
    return server
