"""Numbers that are counted in one thread and read in another, for a registry of our own.

Those of ``prometheus_client`` take one observation at a time and export when each series began; here whole batches are observed at once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, product
from threading import Lock
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Exported
from prometheus_client.registry import Collector

from streams.metrics.declared import Kind, Metric

Labels = tuple[str, ...]


class Counter:
    """A number that only grows."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = Lock()
        self._value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count so many more."""
        with self._lock:
            self._value += amount

    def read(self) -> float:
        """The number."""
        return self._value


class Gauge:
    """A number that is as it is."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0.0

    def set(self, value: float) -> None:
        """It is now this."""
        self._value = float(value)

    def read(self) -> float:
        """The number."""
        return self._value


class Histogram:
    """How often values lay below each of several limits; a value that equals a limit lies below it."""

    __slots__ = ("_counts", "_limits", "_lock", "_sum")

    def __init__(self, limits: tuple[float, ...]) -> None:
        self._limits = limits
        self._lock = Lock()
        self._counts = [0] * (len(limits) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        place = bisect_left(self._limits, value)
        with self._lock:
            self._counts[place] += 1
            self._sum += value

    def observe_all(self, values: npt.NDArray[np.float64]) -> None:
        """Count many values."""
        places = np.bincount(np.searchsorted(self._limits, values), minlength=len(self._counts)).tolist()
        total = float(values.sum())
        with self._lock:
            self._counts = [before + more for before, more in zip(self._counts, places, strict=True)]
            self._sum += total

    def read(self) -> tuple[list[int], float]:
        """How many values lay below each limit, infinity being the last, and their sum: both of one moment."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        return list(accumulate(counts)), total


class _Value(Protocol):
    """A counter, a gauge or a histogram."""


V = TypeVar("V", bound=_Value)


class Family(Collector, Generic[V]):
    """All series of one metric; they are there from the start, so that a rate never begins with a jump that nobody sees."""

    def __init__(self, metric: Metric, series: Mapping[Labels, V]) -> None:
        self.metric = metric
        self._series = series

    def of(self, *labels: str) -> V:
        """The series with these values of the labels, in their declared order; raises ``KeyError`` where a value is not of its set."""
        return self._series[labels]

    def collect(self) -> Iterator[Exported]:
        """What is exported now."""
        yield exported(self.metric, self._series)


def counters(metric: Metric, registry: CollectorRegistry) -> Family[Counter]:
    """A series for each combination of the labels' values."""
    return _registered(Family(metric, {labels: Counter() for labels in combinations(metric)}), registry)


def gauges(metric: Metric, registry: CollectorRegistry) -> Family[Gauge]:
    """A series for each combination of the labels' values."""
    return _registered(Family(metric, {labels: Gauge() for labels in combinations(metric)}), registry)


def histograms(metric: Metric, registry: CollectorRegistry) -> Family[Histogram]:
    """A series for each combination of the labels' values."""
    return _registered(Family(metric, {labels: Histogram(metric.buckets) for labels in combinations(metric)}), registry)


def _registered(family: Family[V], registry: CollectorRegistry) -> Family[V]:
    registry.register(family)
    return family


def combinations(metric: Metric) -> Iterator[Labels]:
    """Every combination of the labels' values."""
    return product(*(label.values for label in metric.labels))


def exported(metric: Metric, series: Mapping[Labels, _Value]) -> Exported:
    """The family as ``prometheus_client`` writes it."""
    names = [label.name for label in metric.labels]
    if metric.kind is Kind.HISTOGRAM:
        family = HistogramMetricFamily(metric.exported, metric.help, labels=names)
        limits = [*map(str, metric.buckets), "+Inf"]
        for labels, value in series.items():
            assert isinstance(value, Histogram)
            counts, total = value.read()
            family.add_metric(labels, list(zip(limits, counts, strict=True)), total)
        return family
    return scalar(metric, ((labels, value.read()) for labels, value in series.items() if isinstance(value, Counter | Gauge)))


def scalar(metric: Metric, values: Iterable[tuple[Labels, float]]) -> Exported:
    """A family of plain numbers."""
    names = [label.name for label in metric.labels]
    if metric.kind is Kind.COUNTER:
        family: CounterMetricFamily | GaugeMetricFamily = CounterMetricFamily(metric.exported, metric.help, labels=names)
    else:
        family = GaugeMetricFamily(metric.exported, metric.help, labels=names)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
