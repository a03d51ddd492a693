"""What the probe exports of what it saw."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import cast

import pyarrow as pa
from prometheus_client import CollectorRegistry, generate_latest

from schemas.enums import ProbeSource, Stage
from sinks.base import SinkUnavailable
from streams.errors import KafkaUnavailable
from streams.lag.probe import Probe, watch_business, watch_lag
from streams.lag.reading import LagReader, Place
from streams.lag.rules import Look
from streams.metrics import declared
from streams.metrics.health import Health

FEEDBACK = Place(Stage.ACCOUNTS, "feedback", 0)
SIGNALS = Place(Stage.UNITS, "signals", 1)
_LABELS = 'partition="0",stage="accounts",topic="feedback"'


def _scraped(probe: Probe) -> dict[str, float]:
    """The value of each series, as it is written with its labels in order."""
    registry = CollectorRegistry()
    registry.register(probe)
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0].removeprefix("candor_"): float(line.rpartition(" ")[2]) for line in lines}


def test_nothing_is_told_before_anything_was_seen() -> None:
    assert _scraped(Probe(60.0)) == {
        'probe_last_success_timestamp_seconds{source="kafka"}': 0,
        'probe_last_success_timestamp_seconds{source="clickhouse"}': 0,
        'probe_failures_total{source="kafka"}': 0,
        'probe_failures_total{source="clickhouse"}': 0,
    }


def test_lag_is_told_by_partition_with_one_state_each() -> None:
    probe = Probe(60.0)
    for at in (1_000.0, 1_030.0, 1_060.0):
        probe.saw_lag({FEEDBACK: Look(at, 10, 30, 940.0, is_owned=True), SIGNALS: Look(at, None, 0, None, is_owned=True)})

    scraped = _scraped(probe)

    assert scraped[f"lag_records{{{_LABELS}}}"] == 20
    assert scraped[f"lag_seconds{{{_LABELS}}}"] == 120
    assert scraped[f"committed_offset{{{_LABELS}}}"] == 10
    assert scraped[f"end_offset{{{_LABELS}}}"] == 30
    states = {name: value for name, value in scraped.items() if name.startswith("lag_state") and 'topic="feedback"' in name}
    assert len(states) == 6
    assert [name for name, value in states.items() if value] == ['lag_state{partition="0",stage="accounts",state="stalled",topic="feedback"}']
    assert not any(name.startswith("committed_offset") and "signals" in name for name in scraped)
    assert scraped['probe_last_success_timestamp_seconds{source="kafka"}'] > time.time() - 60


def test_partitions_that_are_gone_are_forgotten() -> None:
    probe = Probe(60.0)
    probe.saw_lag({FEEDBACK: Look(1_000.0, 10, 30, 940.0, is_owned=True), SIGNALS: Look(1_000.0, 1, 1, None, is_owned=True)})
    probe.saw_lag({SIGNALS: Look(1_001.0, 1, 1, None, is_owned=True)})

    assert not any("feedback" in name for name in _scraped(probe))


def test_what_cannot_be_seen_any_more_is_absent_and_counted() -> None:
    probe = Probe(60.0)
    probe.saw_lag({FEEDBACK: Look(1_000.0, 10, 30, 940.0, is_owned=True)})
    probe.saw_business({declared.UNITS: {("suspect",): 2.0}})
    assert _scraped(probe)['units{state="suspect"}'] == 2
    probe.failed(ProbeSource.KAFKA, KafkaUnavailable("away"))
    probe.failed(ProbeSource.CLICKHOUSE, SinkUnavailable("away"))

    scraped = _scraped(probe)

    assert not any(name.startswith(("lag_", "committed_offset", "end_offset", "units")) for name in scraped)
    assert scraped['probe_failures_total{source="kafka"}'] == scraped['probe_failures_total{source="clickhouse"}'] == 1


def test_kafka_is_looked_at_until_told_to_stop_and_connected_to_anew_after_a_failure() -> None:
    probe, health, stop, answers = Probe(60.0), Health(), Event(), iter([None, "away", None, "stop"])
    connected = []

    class Reader:
        def look(self) -> Mapping[Place, Look]:
            answer = next(answers)
            if answer == "away":
                raise KafkaUnavailable("away")
            if answer == "stop":
                stop.set()
            return {FEEDBACK: Look(1_000.0, 10, 10, None, is_owned=True)}

    @contextmanager
    def connect() -> Iterator[LagReader]:
        connected.append(1)
        yield cast("LagReader", Reader())

    watch_lag(probe, health, connect, 0.0, stop)

    assert len(connected) == 2
    assert health.ready()[0]
    assert _scraped(probe)['probe_failures_total{source="kafka"}'] == 1


def test_a_kafka_that_is_away_leaves_the_probe_alive_and_not_ready() -> None:
    probe, health, stop = Probe(60.0), Health(), Event()

    @contextmanager
    def connect() -> Iterator[LagReader]:
        stop.set()
        raise KafkaUnavailable("away")
        yield

    watch_lag(probe, health, connect, 0.0, stop)

    assert health.live()[0]
    assert health.ready() == (False, "waiting for: kafka")


def test_a_clickhouse_that_is_away_is_counted_and_asked_again() -> None:
    probe, stop, asked = Probe(60.0), Event(), []

    class Reader:
        def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False) -> pa.Table:
            del sql, parameters, binary
            asked.append(1)
            if len(asked) == 2:
                stop.set()
            raise SinkUnavailable("away")

    watch_business(probe, Reader(), 0.0, stop)

    assert _scraped(probe)['probe_failures_total{source="clickhouse"}'] == 2
