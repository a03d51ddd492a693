"""The probe: looks again and again, and exports what it saw last."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import Protocol

import structlog
from prometheus_client.metrics_core import Metric as Exported
from prometheus_client.registry import Collector

from schemas.enums import LagState, ProbeSource
from sinks.base import Reader, SinkError
from streams.errors import CandorError
from streams.lag.business import Values, read_business
from streams.lag.reading import LagReader, Place
from streams.lag.rules import Look, Watch
from streams.metrics import declared
from streams.metrics.collectors import Counter, Gauge, Labels, exported, scalar
from streams.metrics.health import Health

_log = structlog.get_logger(__name__)


class Probe(Collector):
    """Tells of the ``sources`` that are looked at.

    Keeps the looks of the last ``window_seconds`` and exports the newest. What it could not see is absent: an old number would look true.
    """

    def __init__(self, window_seconds: float, sources: Sequence[ProbeSource] = tuple(ProbeSource)) -> None:
        self._window_seconds = window_seconds
        self._watches: dict[Place, Watch] = {}
        self._lag: Mapping[Place, tuple[Look, LagState]] | None = None
        self._business: Values | None = None
        self._success: dict[Labels, Gauge] = {(source.value,): Gauge() for source in sources}
        self._failures: dict[Labels, Counter] = {(source.value,): Counter() for source in sources}

    def saw_lag(self, looks: Mapping[Place, Look]) -> Mapping[Place, tuple[Look, LagState]]:
        """A look at all partitions; each with the state that it is in now."""
        self._watches = {place: self._watches.get(place) or Watch(self._window_seconds) for place in looks}
        for place, look in looks.items():
            self._watches[place].add(look)
        self._lag = {place: (watch.last, watch.state) for place, watch in self._watches.items()}
        self._success[ProbeSource.KAFKA,].set(time.time())
        return self._lag

    def saw_business(self, values: Values) -> None:
        """What the tables say."""
        self._business = values
        self._success[ProbeSource.CLICKHOUSE,].set(time.time())

    def failed(self, source: ProbeSource, error: Exception) -> None:
        """It could not look there."""
        _log.warning("probe_failed", source=source.value, error=str(error))
        self._failures[source,].add()
        if source is ProbeSource.KAFKA:
            self._lag = None
        else:
            self._business = None

    def collect(self) -> Iterator[Exported]:
        """What it saw last. Called in other threads: each of the two is replaced as a whole."""
        lag, business = self._lag, self._business
        yield exported(declared.PROBE_SUCCESS, self._success)
        yield exported(declared.PROBE_FAILURES, self._failures)
        if lag is not None:
            yield from _lag_families(lag)
        if business is not None:
            for metric, values in business.items():
                yield scalar(metric, values.items())


def _lag_families(lag: Mapping[Place, tuple[Look, LagState]]) -> Iterator[Exported]:
    series = [((place.stage.value, place.topic, str(place.partition)), look, state) for place, (look, state) in lag.items()]
    yield scalar(declared.LAG_RECORDS, ((labels, look.lag) for labels, look, _ in series))
    yield scalar(declared.LAG_SECONDS, ((labels, look.lag_seconds) for labels, look, _ in series))
    yield scalar(declared.COMMITTED_OFFSET, ((labels, look.committed) for labels, look, _ in series if look.committed is not None))
    yield scalar(declared.END_OFFSET, ((labels, look.end) for labels, look, _ in series))
    yield scalar(declared.LAG_STATE, (((*labels, one.value), float(one is state)) for labels, _, state in series for one in LagState))


class Watcher(Protocol):
    """Whoever is told what a look at Kafka saw."""

    def saw_lag(self, looks: Mapping[Place, Look]) -> object:
        """A look at all partitions."""

    def failed(self, source: ProbeSource, error: Exception) -> None:
        """It could not look there."""


def watch_lag(probe: Watcher, health: Health, connect: Callable[[], AbstractContextManager[LagReader]], interval_seconds: float, stop: Event) -> None:
    """Look at Kafka until told to stop; after a failure connect anew."""
    while not stop.is_set():
        try:
            with connect() as reader:
                while not stop.is_set():
                    probe.saw_lag(reader.look())
                    health.beat()
                    stop.wait(interval_seconds)
        except CandorError as error:
            probe.failed(ProbeSource.KAFKA, error)
            health.beat(("kafka",))
            stop.wait(interval_seconds)


def watch_business(probe: Probe, reader: Reader, interval_seconds: float, stop: Event) -> None:
    """Look at ClickHouse until told to stop."""
    while not stop.is_set():
        try:
            probe.saw_business(read_business(reader))
        except SinkError as error:
            probe.failed(ProbeSource.CLICKHOUSE, error)
        stop.wait(interval_seconds)
