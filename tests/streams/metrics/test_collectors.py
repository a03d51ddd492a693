"""Numbers are exported as they were counted, from the first scrape on."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics.collectors import Counter, Histogram, counters, gauges, histograms
from streams.metrics.declared import Kind, Label, Metric

_COLOUR = Label("colour", ("red", "green"))
_SIZE = Label("size", ("s", "m", "l"))
_LIMITS = (0.0, 1.0, 60.0)


def _scraped(registry: CollectorRegistry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


def test_every_combination_is_there_before_anything_happens() -> None:
    registry = CollectorRegistry()
    counters(Metric("balls_total", Kind.COUNTER, "Balls.", (_COLOUR, _SIZE)), registry)
    gauges(Metric("lamps", Kind.GAUGE, "Lamps."), registry)

    scraped = _scraped(registry)

    assert len(scraped) == 7
    assert set(scraped.values()) == {0.0}
    assert ("candor_balls_total", (("colour", "red"), ("size", "m"))) in scraped
    assert ("candor_lamps", ()) in scraped


def test_a_value_outside_of_its_set_is_a_bug() -> None:
    family = counters(Metric("balls_total", Kind.COUNTER, "Balls.", (_COLOUR,)), CollectorRegistry())

    with pytest.raises(KeyError):
        family.of("u-1")


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1e6), st.sampled_from(_LIMITS)), max_size=50), st.integers(0, 50))
def test_a_histogram_counts_what_lies_at_or_below_each_limit(values: list[float], alone: int) -> None:
    """However the values are handed over."""
    registry = CollectorRegistry()
    histogram = histograms(Metric("wait_seconds", Kind.HISTOGRAM, "Waits.", (), _LIMITS), registry).of()
    for value in values[:alone]:
        histogram.observe(value)
    histogram.observe_all(np.array(values[alone:], np.float64))

    scraped = _scraped(registry)

    for limit in (*_LIMITS, math.inf):
        assert scraped["candor_wait_seconds_bucket", (("le", str(limit).replace("inf", "+Inf")),)] == sum(value <= limit for value in values)
    assert scraped["candor_wait_seconds_count", ()] == len(values)
    assert scraped["candor_wait_seconds_sum", ()] == pytest.approx(sum(values))


def test_threads_lose_nothing() -> None:
    counter, histogram = Counter(), Histogram(_LIMITS)

    def work(_: int) -> None:
        for _ in range(2_000):
            counter.add(2)
            histogram.observe(1.0)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert counter.read() == 32_000
    assert histogram.read() == ([0, 16_000, 16_000, 16_000], 16_000.0)
