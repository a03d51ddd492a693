"""Metrics and health over HTTP."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest
from prometheus_client.metrics_core import Metric as Exported
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from structlog.testing import capture_logs

from streams.errors import ConfigurationError
from streams.metrics.health import Health
from streams.metrics.monitor import Monitor
from streams.metrics.server import MetricsServer
from streams.metrics.worker import WorkerMetrics
from streams.settings import load_settings


def fetch(port: int, path: str, accept: str = "", host: str = "127.0.0.1") -> tuple[int, str]:
    """Status and body."""
    request = urllib.request.Request(f"http://{host}:{port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextmanager
def serving(metrics: WorkerMetrics, health: Health) -> Iterator[int]:
    server = MetricsServer(metrics.registry, health, "127.0.0.1", 0)
    try:
        yield server.port
    finally:
        server.close()


def test_metrics_are_served_as_text_and_as_openmetrics() -> None:
    metrics = WorkerMetrics()
    metrics.records.of("accounts").add(7)
    with serving(metrics, Health()) as port:
        status, text = fetch(port, "/metrics?x=1")
        _, openmetrics = fetch(port, "/metrics", "application/openmetrics-text; version=1.0.0")

    assert status == 200
    read = read_openmetrics(openmetrics)  # type: ignore[no-untyped-call]  # the parser has no types
    assert {family.name for family in read} == {family.name for family in text_string_to_metric_families(text)}
    for body in (text, openmetrics):
        assert 'candor_records_total{stage="accounts"} 7.0' in body


def test_health_is_told_by_the_status() -> None:
    health = Health()
    with serving(WorkerMetrics(), health) as port:
        assert fetch(port, "/live")[0] == 200
        assert fetch(port, "/ready") == (503, "waiting for: start\n")
        health.beat()
        assert fetch(port, "/ready") == (200, "ready\n")
        assert fetch(port, "/elsewhere")[0] == 404


class _Stuck(Collector):
    """A collector that waits for the test."""

    def __init__(self) -> None:
        self.asked, self.released = Event(), Event()

    def collect(self) -> Iterator[Exported]:
        self.asked.set()
        assert self.released.wait(30)
        yield from ()


def test_a_scrape_that_hangs_keeps_nobody_else_waiting() -> None:
    metrics, stuck = WorkerMetrics(), _Stuck()
    metrics.registry.register(stuck)
    with serving(metrics, Health()) as port, socket.create_connection(("127.0.0.1", port)) as scrape:
        scrape.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert stuck.asked.wait(10)
        assert fetch(port, "/live")[0] == 200
        stuck.released.set()
        assert scrape.recv(12) == b"HTTP/1.0 200"


class _Broken(Collector):
    def collect(self) -> Iterator[Exported]:
        raise ZeroDivisionError("a bug")
        yield


def test_a_scrape_that_fails_is_said_and_the_next_is_served() -> None:
    metrics = WorkerMetrics()
    metrics.registry.register(_Broken())
    with serving(metrics, Health()) as port, capture_logs() as logs:
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            fetch(port, "/metrics")
        assert fetch(port, "/live")[0] == 200

    assert [(entry["event"], entry["error"]) for entry in logs] == [("metrics_not_served", "ZeroDivisionError: a bug")]


def test_an_address_that_is_taken_is_a_wrong_setting() -> None:
    with serving(WorkerMetrics(), Health()) as port, pytest.raises(ConfigurationError, match="CANDOR_METRICS_PORT"):
        Monitor.start(load_settings(metrics_port=port))


def test_metrics_are_served_where_a_port_is_set_and_only_there() -> None:
    assert Monitor.start(load_settings()).server is None
    server = Monitor.start(load_settings(metrics_port=0)).server
    assert server is not None
    assert fetch(server.port, "/live")[0] == 200
    server.close()
