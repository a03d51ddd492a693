"""What a worker says of its health when things go wrong."""

import signal
import socket
from pathlib import Path

from schemas.enums import Topic
from streams.broker.ready import free_port
from tests.streams.kafka.conftest import Scene
from tests.streams.metrics.test_server import fetch


def _away(scene: Scene) -> Path:
    return scene.folder / "sink" / "away"


def _metric(port: int, series: str) -> float:
    """The value of a series as it is written."""
    (line,) = [line for line in fetch(port, "/metrics")[1].splitlines() if line.startswith(series + " ")]
    return float(line.split()[-1])


def test_a_worker_is_ready_while_it_has_partitions_and_its_sink_answers(scene: Scene) -> None:
    port = free_port()
    scene.environment["CANDOR_METRICS_PORT"] = str(port)
    scene.start_ready()
    scene.wait(lambda: fetch(port, "/ready")[0] == 200)
    scene.send(100)
    scene.wait_until_all_counted()

    _away(scene).touch()
    scene.send(100)
    scene.wait(lambda: fetch(port, "/ready") == (503, "waiting for: clickhouse\n"))
    assert fetch(port, "/live")[0] == 200
    assert _metric(port, 'candor_sink_away{table="fact_operations"}') == 1
    assert _metric(port, 'candor_sink_failures_total{failure="unavailable",table="fact_operations"}') >= 1
    scene.wait(lambda: _metric(port, 'candor_uncommitted_records{stage="accounts"}') == 100)

    _away(scene).unlink()
    scene.wait(lambda: fetch(port, "/ready")[0] == 200)
    scene.wait_until_all_counted()
    scene.wait(lambda: _metric(port, 'candor_uncommitted_records{stage="accounts"}') == 0)
    assert _metric(port, 'candor_sink_away{table="fact_operations"}') == 0
    assert _metric(port, 'candor_committed_records_total{stage="accounts"}') == 200


def test_a_worker_ends_in_order_while_somebody_scrapes(scene: Scene) -> None:
    """A scrape that never says what it wants keeps nothing open."""
    port = free_port()
    scene.environment["CANDOR_METRICS_PORT"] = str(port)
    worker = scene.start_ready()
    scene.send(100)
    scene.wait_until_all_counted()
    with socket.create_connection(("127.0.0.1", port)):
        worker.send(signal.SIGTERM)
        assert worker.exit_code() == 0
    assert sum(scene.committed().values()) == scene.sent


def test_the_state_that_a_successor_reads_back_and_a_pause_are_counted(scene: Scene) -> None:
    ports = [free_port(), free_port()]
    scene.environment |= {"CANDOR_METRICS_PORT": str(ports[0]), "CANDOR_PAUSE_REJECT_MINIMUM": "10"}
    first = scene.start_ready()
    scene.send(100)
    scene.wait_until_all_counted()
    first.send(signal.SIGTERM)
    assert first.exit_code() == 0

    scene.environment["CANDOR_METRICS_PORT"] = str(ports[1])
    scene.start_ready()
    assert _metric(ports[1], 'candor_recovered_records_total{stage="accounts"}') > 40
    assert _metric(ports[1], 'candor_recovery_seconds_count{stage="accounts"}') == 2
    assert _metric(ports[1], 'candor_opening_partitions{stage="accounts"}') == 0
    assert _metric(ports[1], 'candor_pauses_total{stage="accounts"}') == 0
    scene.produce([(topic, b"account-1", b"bad") for topic in (Topic.FEEDBACK,) for _ in range(20)], partition=0)
    scene.wait(lambda: _metric(ports[1], 'candor_paused_partitions{stage="accounts"}') == 1)
    assert _metric(ports[1], 'candor_pauses_total{stage="accounts"}') == 1
    assert _metric(ports[1], 'candor_dead_letters_total{reason="malformed",stage="accounts"}') == 20
