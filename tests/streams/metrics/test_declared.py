"""The declared metrics keep to the conventions of the field, and are all that a worker exports."""

import itertools
import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from schemas.enums import RejectReason, Stage
from streams.metrics.declared import BUILD, PROBE, WORKER, Kind, Metric
from streams.metrics.worker import WorkerMetrics

EVERY = tuple(dict.fromkeys((*WORKER, *PROBE)))


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_names_say_unit_and_kind(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert not re.search("milli|micro|minutes|hours|kilo", metric.name)
    assert metric.help.endswith(".")
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    assert all(one < other for one, other in itertools.pairwise(metric.buckets))
    assert not {label.name for label in metric.labels} & {"unit", "unit_id", "account", "account_id", "tenant", "customer", "le", "instance", "job"}


def test_names_are_unique_and_none_is_that_of_a_series_of_another() -> None:
    names = [metric.name for metric in EVERY]
    series = [name + suffix for name in names for suffix in ("", "_bucket", "_sum", "_count")]

    assert len(set(series)) == len(series)


def test_a_worker_exports_what_is_declared_and_what_the_process_says_of_itself() -> None:
    families = {family.name: family for family in text_string_to_metric_families(generate_latest(WorkerMetrics().registry).decode())}

    ours = {name for name in families if not name.startswith("process_")}
    assert ours == {metric.exported.removesuffix("_total") for metric in WORKER}
    assert "process_start_time_seconds" in families
    for metric in WORKER:
        family = families[metric.exported.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind.value, metric.help)


def test_workers_export_no_series_of_a_partition_and_few_in_all() -> None:
    """So that two workers never say different things about the same partition, and a scrape stays cheap."""
    text = generate_latest(WorkerMetrics().registry).decode()

    assert not re.search(r'\bpartition="', text)
    assert sum(not line.startswith("#") for line in text.splitlines()) < 1_000


def test_all_values_of_labels_are_of_closed_sets() -> None:
    assert all(label.values for metric in WORKER if metric is not BUILD for label in metric.labels)


def test_two_workers_in_one_process_count_apart() -> None:
    one, other = WorkerMetrics(), WorkerMetrics()
    one.stage(Stage.ACCOUNTS).dead_letters[RejectReason.MALFORMED].add(3)

    assert one.dead_letters.of("accounts", "malformed").read() == 3
    assert other.dead_letters.of("accounts", "malformed").read() == 0
