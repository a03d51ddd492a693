"""The metrics of a worker: one registry a process, a set of numbers for each stage and each table."""

import platform
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric as Exported
from prometheus_client.registry import Collector

from schemas.columns import Table
from schemas.enums import FlushStep, RejectReason, SinkFailure, Stage, Topic
from streams.metrics import declared
from streams.metrics.collectors import counters, gauges, histograms, scalar


class BuildInfo(Collector):
    """What runs here."""

    def collect(self) -> Iterator[Exported]:
        """One series that is 1."""
        yield scalar(declared.BUILD, [((version("candor"), platform.python_version()), 1.0)])


def new_registry() -> CollectorRegistry:
    """A registry of our own that tells of the process and of the build, and of nothing else that may be loaded in the process."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(BuildInfo())
    return registry


class StageMetrics:
    """What one stage of a worker counts. Each member is one series, or one for each value of the label that is left."""

    def __init__(self, metrics: "WorkerMetrics", stage: Stage) -> None:
        self.records = metrics.records.of(stage)
        self.accepted = metrics.accepted.of(stage)
        self.duplicates = metrics.duplicates.of(stage)
        self.replayed = metrics.replayed.of(stage)
        self.dead_letters = {reason: metrics.dead_letters.of(stage, reason) for reason in RejectReason}
        self.unknown_fields = metrics.unknown_fields.of(stage)
        self.apply_seconds = metrics.apply_seconds.of(stage)
        self.flush_seconds = {step: metrics.flush_seconds.of(stage, step) for step in FlushStep}
        self.flushes = metrics.flushes.of(stage)
        self.committed = metrics.committed.of(stage)
        self.checkpoint_records = metrics.checkpoint_records.of(stage)
        self.checkpoint_bytes = metrics.checkpoint_bytes.of(stage)
        self.last_commit = metrics.last_commit.of(stage)
        self.uncommitted = metrics.uncommitted.of(stage)
        self.inbox = metrics.inbox.of(stage)
        self.partitions = metrics.partitions.of(stage)
        self.paused = metrics.paused.of(stage)
        self.pauses = metrics.pauses.of(stage)
        self.rebalances = metrics.rebalances.of(stage)
        self.lost = metrics.lost.of(stage)
        self.opening = metrics.opening.of(stage)
        self.recovery_left = metrics.recovery_left.of(stage)
        self.deleted = metrics.deleted.of(stage)
        self.recovered_records = metrics.recovered_records.of(stage)
        self.recovered_bytes = metrics.recovered_bytes.of(stage)
        self.recovery_seconds = metrics.recovery_seconds.of(stage)
        self.latency = metrics.latency.of(stage)
        self.watermark = {topic: metrics.watermark.of(topic) for topic in Topic}
        self.lateness = {topic: metrics.lateness.of(topic) for topic in Topic}


class TableMetrics:
    """What is counted of one table of the sink."""

    def __init__(self, metrics: "WorkerMetrics", table: Table) -> None:
        self.rows = metrics.sink_rows.of(table)
        self.inserts = metrics.sink_inserts.of(table)
        self.failures = {failure: metrics.sink_failures.of(table, failure) for failure in SinkFailure}
        self.retries = metrics.sink_retries.of(table)
        self.seconds = metrics.sink_seconds.of(table)
        self.away = metrics.sink_away.of(table)


class WorkerMetrics:
    """All that a worker exports; see ``streams.metrics.declared``."""

    def __init__(self) -> None:
        registry = self.registry = new_registry()
        self.records = counters(declared.RECORDS, registry)
        self.accepted = counters(declared.ACCEPTED, registry)
        self.duplicates = counters(declared.DUPLICATES, registry)
        self.replayed = counters(declared.REPLAYED, registry)
        self.dead_letters = counters(declared.REFUSED, registry)
        self.unknown_fields = counters(declared.UNKNOWN_FIELDS, registry)
        self.apply_seconds = histograms(declared.APPLY_SECONDS, registry)
        self.flush_seconds = histograms(declared.FLUSH_SECONDS, registry)
        self.flushes = counters(declared.FLUSHES, registry)
        self.committed = counters(declared.COMMITTED, registry)
        self.checkpoint_records = counters(declared.CHECKPOINT_RECORDS, registry)
        self.checkpoint_bytes = counters(declared.CHECKPOINT_BYTES, registry)
        self.last_commit = gauges(declared.LAST_COMMIT, registry)
        self.uncommitted = gauges(declared.UNCOMMITTED, registry)
        self.inbox = gauges(declared.INBOX, registry)
        self.partitions = gauges(declared.PARTITIONS, registry)
        self.paused = gauges(declared.PAUSED, registry)
        self.pauses = counters(declared.PAUSES, registry)
        self.rebalances = counters(declared.REBALANCES, registry)
        self.lost = counters(declared.LOST, registry)
        self.opening = gauges(declared.OPENING, registry)
        self.recovery_left = gauges(declared.RECOVERY_LEFT, registry)
        self.deleted = counters(declared.DELETED, registry)
        self.recovered_records = counters(declared.RECOVERED_RECORDS, registry)
        self.recovered_bytes = counters(declared.RECOVERED_BYTES, registry)
        self.recovery_seconds = histograms(declared.RECOVERY_SECONDS, registry)
        self.watermark = gauges(declared.WATERMARK, registry)
        self.lateness = histograms(declared.LATENESS, registry)
        self.latency = histograms(declared.LATENCY, registry)
        self.sink_rows = counters(declared.SINK_ROWS, registry)
        self.sink_inserts = counters(declared.SINK_INSERTS, registry)
        self.sink_failures = counters(declared.SINK_FAILURES, registry)
        self.sink_retries = counters(declared.SINK_RETRIES, registry)
        self.sink_seconds = histograms(declared.SINK_SECONDS, registry)
        self.sink_away = gauges(declared.SINK_AWAY, registry)
        self.tables = {table: TableMetrics(self, table) for table in Table}

    def stage(self, stage: Stage) -> StageMetrics:
        """The numbers of one stage."""
        return StageMetrics(self, stage)
