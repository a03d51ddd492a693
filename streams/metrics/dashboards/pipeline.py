"""The dashboard for whoever is called: does it flow, is anything lost, late or stuck, and what to do about it."""

from collections.abc import Iterable, Iterator

from schemas.columns import Table
from schemas.enums import FlushStep, LagState, RejectReason, SinkFailure, Stage
from streams.metrics import alerts, declared
from streams.metrics.alerts import (
    BEHIND_SECONDS,
    BURNS,
    DELIVERED,
    FRESH,
    HEARTBEAT_SECONDS,
    HEARTBEATS_MISSED,
    PROMISED_SECONDS,
    RESTARTS,
    SPIKE,
    STALE_SECONDS,
)
from streams.metrics.dashboards.colours import CRITICAL, GREY, ORANGE, PALETTE, SKY, WELL
from streams.metrics.dashboards.model import Dashboard, Kind, Look, Panel, Query, Row, Source, Threshold, Unit, Variable
from streams.metrics.dashboards.runbooks import runbooks
from streams.metrics.declared import Metric
from streams.metrics.rule import RUNBOOKS, of

_WORKERS = f'job="{alerts.WORKER_JOB}"'
_MORE_THAN_NOTHING = (Threshold(1),)


def _of(metric: Metric, suffix: str = "") -> str:
    """The selector of a metric at the stages that the reader has chosen, where it has stages."""
    staged = any(label.name == "stage" for label in metric.labels)
    return of(metric, suffix) + ('{stage=~"$stage"}' if staged else "")


def _rate(metric: Metric, by: str, suffix: str = "") -> str:
    return f"sum by ({by}) (rate({_of(metric, suffix)}[$__rate_interval]))"


def _quantile(share: float, metric: Metric, by: str) -> str:
    return f"histogram_quantile({share:g}, sum by (le, {by}) (rate({_of(metric, '_bucket')}[$__rate_interval])))"


def _set(names: Iterable[str]) -> tuple[Look, ...]:
    """A colour for each of a closed set of series; dashed once the colours are used up."""
    return tuple(Look(name, colour=PALETTE[number % len(PALETTE)], dashed=number >= len(PALETTE)) for number, name in enumerate(names))


def _panel(
    title: str,
    description: str,
    unit: Unit,
    *queries: Query,
    kind: Kind = Kind.SERIES,
    width: int = 8,
    height: int = 8,
    thresholds: tuple[Threshold, ...] = (),
    looks: tuple[Look, ...] = (),
    of_alerts: tuple[str, ...] = (),
    stacked: bool = False,
    low: float | None = 0,
) -> Panel:
    pages = runbooks(of_alerts)
    return Panel(title, description, Source.PROMETHEUS, kind, unit, queries, width, height, thresholds, looks, pages, stacked, low)


def _stat(title: str, description: str, unit: Unit, query: str, *, thresholds: tuple[Threshold, ...], of_alerts: tuple[str, ...]) -> Panel:
    return _panel(
        title, description, unit, Query(query, " ", at_once=True), kind=Kind.STAT, width=4, height=4, thresholds=thresholds, of_alerts=of_alerts
    )


def _fast(budget: float) -> tuple[Threshold, ...]:
    """The shares at which a budget burns too fast, by the windows of an hour and of a day."""
    return (Threshold(BURNS[0].factor * (1 - budget)), Threshold(BURNS[2].factor * (1 - budget), critical=False))


def _now() -> Iterator[Panel]:
    yield _stat(
        "Workers that answer", "Workers that Prometheus reached at its last scrape.", Unit.NUMBER, f"sum(up{{{_WORKERS}}}) or vector(0)",
        thresholds=(Threshold(1, below=True),), of_alerts=("CandorWorkerDown", "CandorWorkerCrashLooping"),
    )  # fmt: skip
    yield _stat(
        "Oldest record that waits", "Age of the oldest record that the workers have not read yet, over all topics. Event files bring old ones.",
        Unit.SECONDS, f"max({_of(declared.LAG_SECONDS)})",
        thresholds=(Threshold(BEHIND_SECONDS, critical=False),), of_alerts=("CandorConsumerLagging", "CandorProbeFailing"),
    )  # fmt: skip
    yield _stat(
        "Partitions stuck", "Topics and partitions that stand still with records left, that nobody owns, or whose position went back.", Unit.NUMBER,
        f'sum({declared.LAG_STATE.exported}{{stage=~"$stage",state=~"{LagState.STALLED}|{LagState.STOPPED}|{LagState.REWOUND}"}})',
        thresholds=_MORE_THAN_NOTHING, of_alerts=("CandorConsumerStalled", "CandorConsumerStopped", "CandorConsumerRewound"),
    )  # fmt: skip
    yield _stat(
        "Refused, last hour", f"Share of the records of the last hour that became dead letters; {1 - DELIVERED:.1%} may, over 30 days.", Unit.SHARE,
        "candor:dead_letters:ratio_rate1h", thresholds=_fast(DELIVERED), of_alerts=("CandorDeliveryBudgetBurn",),
    )  # fmt: skip
    yield _stat(
        "Late, last hour",
        f"Share of the live records of the last hour that took {PROMISED_SECONDS:g} seconds or more into the tables; {1 - FRESH:.0%} may, over 30 "
        f"days.",
        Unit.SHARE, "candor:slow_records:ratio_rate1h", thresholds=_fast(FRESH), of_alerts=("CandorFreshnessBudgetBurn",),
    )  # fmt: skip
    yield _stat(
        "Tables that wait", "Tables with an insert that waits for ClickHouse to come back, at any worker.", Unit.NUMBER,
        f"sum(max by (table) ({_of(declared.SINK_AWAY)}))", thresholds=_MORE_THAN_NOTHING, of_alerts=("CandorSinkAway",),
    )  # fmt: skip
    yield _panel(
        "Alerts that fire",
        "Alerts of Candor that fire now. CandorWatchdog always does: if it is not here, alerting is broken. A click on a name opens the page "
        "about it.",
        Unit.TEXT,
        Query('sum by (alertname, severity, team) (ALERTS{alertname=~"Candor.+",alertstate="firing"})', at_once=True),
        kind=Kind.TABLE, width=24, height=6, low=None,
        looks=(Look("alertname", link=f"{RUNBOOKS}/${{__value.text}}.md"), Look("Value", unit=Unit.NUMBER)),
    )  # fmt: skip


def _flow() -> Iterator[Panel]:
    yield _panel(
        "Records", "Records a second that went through each stage, whatever became of them.", Unit.PER_SECOND,
        Query(_rate(declared.RECORDS, "stage"), "{{stage}}"), looks=_set(Stage),
    )  # fmt: skip
    yield _panel(
        "What became of them", "Records a second: counted, copies of what counts already, applied before (after a restart), or dead letters.",
        Unit.PER_SECOND,
        *(
            Query(f"sum(rate({_of(metric)}[$__rate_interval]))", name)
            for name, metric in (
                ("counted", declared.ACCEPTED), ("copies", declared.DUPLICATES), ("applied before", declared.REPLAYED), ("refused", declared.REFUSED),
            )
        ),
        looks=(Look("counted", colour=WELL), Look("copies", colour=SKY), Look("applied before", colour=GREY), Look("refused", colour=CRITICAL)),
    )  # fmt: skip
    yield _panel(
        "Out of order", "By how much the own time of half, and of 99 in 100, of the events lies before the newest of their topic and partition.",
        Unit.SECONDS,
        Query(f"histogram_quantile(0.5, sum by (le) (rate({_of(declared.LATENESS, '_bucket')}[$__rate_interval])))", "half"),
        Query(f"histogram_quantile(0.99, sum by (le) (rate({_of(declared.LATENESS, '_bucket')}[$__rate_interval])))", "99 in 100"),
        looks=_set(("half", "99 in 100")),
    )  # fmt: skip


def _refused() -> Iterator[Panel]:
    yield _panel(
        "Dead letters by reason", "Dead letters of the last 15 minutes, by reason. `candor dlq list` shows them; they can be sent again after a fix.",
        Unit.NUMBER, Query(f"sum by (reason) (increase({_of(declared.REFUSED)}[15m]))", "{{reason}}"),
        thresholds=(Threshold(SPIKE, critical=False),), looks=_set(RejectReason), of_alerts=("CandorDeadLetterSpike", "CandorSchemaDrift"),
    )  # fmt: skip
    yield _panel(
        "Budget of dead letters",
        f"Share of records refused, over four windows. {1 - DELIVERED:.1%} for 30 days spends the budget; the lines are {BURNS[0].factor:g} and "
        f"{BURNS[2].factor:g} times that.",
        Unit.SHARE, *(Query(f"candor:dead_letters:ratio_rate{burn.long}", burn.long) for burn in BURNS),
        thresholds=_fast(DELIVERED), looks=_set(burn.long for burn in BURNS), of_alerts=("CandorDeliveryBudgetBurn",),
    )  # fmt: skip
    yield _panel(
        "Unknown fields and pauses",
        "Fields of the last hour that are not of the contract; and topics and partitions that stand still because most of a stretch was refused.",
        Unit.NUMBER,
        Query(f"sum(increase({_of(declared.UNKNOWN_FIELDS)}[1h]))", "unknown fields"),
        Query(f"sum({_of(declared.PAUSED)})", "paused now"),
        Query(f"sum(increase({_of(declared.PAUSES)}[1h]))", "pauses in the hour"),
        looks=(Look("unknown fields", colour=WELL), Look("paused now", colour=CRITICAL), Look("pauses in the hour", colour=ORANGE)),
        of_alerts=("CandorUnknownFields", "CandorPaused"),
    )  # fmt: skip


def _lag() -> Iterator[Panel]:
    topics = declared.LAG_SECONDS.labels[1].values
    yield _panel(
        "Oldest record that waits, by topic", "Age of the oldest record that is not read, by its Kafka timestamp.", Unit.SECONDS,
        Query(f"max by (topic) ({_of(declared.LAG_SECONDS)})", "{{topic}}"),
        thresholds=(Threshold(BEHIND_SECONDS, critical=False),), looks=_set(topics), of_alerts=("CandorConsumerLagging",),
    )  # fmt: skip
    yield _panel(
        "Records that wait, by topic",
        "Offsets between the workers' position and the end. There is no threshold: what matters is whether it falls; and what Kafka deleted unread.",
        Unit.NUMBER, Query(f"sum by (topic) ({_of(declared.LAG_RECORDS)})", "{{topic}}"), Query(f"sum({_of(declared.DELETED)})", "deleted unread"),
        looks=(*_set(topics), Look("deleted unread", colour=CRITICAL, dashed=True)),
        of_alerts=("CandorConsumerLagging", "CandorConsumerStalled", "CandorRecordsDeleted"),
    )  # fmt: skip
    yield _panel(
        "States of partitions",
        "Topics and partitions by what the probe sees: ok, lagging, stalled, stopped, rewound, or not watched long enough yet.",
        Unit.NUMBER, Query(f"sum by (state) ({_of(declared.LAG_STATE)})", "{{state}}"), stacked=True, looks=_set(LagState),
        of_alerts=("CandorConsumerStalled", "CandorConsumerStopped", "CandorConsumerRewound"),
    )  # fmt: skip
    yield _panel(
        "Time to the tables", f"Seconds from a live record's Kafka timestamp to its row in ClickHouse. {PROMISED_SECONDS:g} are promised.",
        Unit.SECONDS,
        Query(_quantile(0.5, declared.LATENCY, "stage"), "{{stage}}: half"),
        Query(_quantile(0.99, declared.LATENCY, "stage"), "{{stage}}: 99 in 100"),
        thresholds=(Threshold(PROMISED_SECONDS, critical=False),),
        looks=_set(f"{stage}: {name}" for stage in Stage for name in ("half", "99 in 100")), of_alerts=("CandorFreshnessBudgetBurn",),
    )  # fmt: skip
    yield _panel(
        "Budget of late records",
        f"Share of live records that took {PROMISED_SECONDS:g} seconds or more, over four windows. {1 - FRESH:.0%} for 30 days spends the budget.",
        Unit.SHARE, *(Query(f"candor:slow_records:ratio_rate{burn.long}", burn.long) for burn in BURNS),
        thresholds=_fast(FRESH), looks=_set(burn.long for burn in BURNS), of_alerts=("CandorFreshnessBudgetBurn",),
    )  # fmt: skip
    yield _panel(
        "What the probe sees", "Seconds since `candor lag` last read all it wanted. What it cannot see it does not export.", Unit.SECONDS,
        Query(f"time() - max by (source) ({_of(declared.PROBE_SUCCESS)} > 0)", "{{source}}"),
        Query(f"sum(increase({_of(declared.PROBE_FAILURES)}[1h]))", "failures in the hour"),
        thresholds=(Threshold(STALE_SECONDS, critical=False),),
        looks=(*_set(declared.PROBE_SUCCESS.labels[0].values), Look("failures in the hour", unit=Unit.NUMBER, colour=CRITICAL, right=True)),
        of_alerts=("CandorProbeFailing",),
    )  # fmt: skip
    yield _panel(
        "Heartbeats",
        "Test events through all of the pipeline, where `candor lag` sends them: how long ago the newest was taken, and arrived; when that is "
        "told; and how long the newest took from Kafka to ClickHouse.",
        Unit.SECONDS,
        Query(f"time() - max({_of(declared.HEARTBEAT_SENT)} > 0)", "Kafka took one"),
        Query(f"time() - max({_of(declared.HEARTBEAT)})", "one arrived"),
        Query(f"clamp_min({HEARTBEATS_MISSED} * max({_of(declared.HEARTBEAT_INTERVAL)}), {HEARTBEAT_SECONDS:g})", "is told"),
        Query(f"max({_of(declared.HEARTBEAT_LATENCY)})", "time to the table"),
        looks=(
            *_set(("Kafka took one", "one arrived")),
            Look("is told", colour=CRITICAL, dashed=True),
            Look("time to the table", colour=ORANGE, right=True),
        ),
        of_alerts=("CandorHeartbeatStale",),
    )  # fmt: skip


def _writing() -> Iterator[Panel]:
    yield _panel(
        "Flush, by step", "Seconds of 99 in 100 flushes, by step: taking the changes, facts, the Kafka transaction, cells.", Unit.SECONDS,
        Query(_quantile(0.99, declared.FLUSH_SECONDS, "step"), "{{step}}"), looks=_set(FlushStep),
    )  # fmt: skip
    yield _panel(
        "Rows into ClickHouse", "Rows a second that ClickHouse acknowledged, by table.", Unit.PER_SECOND,
        Query(_rate(declared.SINK_ROWS, "table"), "{{table}}"), stacked=True, looks=_set(Table),
    )  # fmt: skip
    yield _panel(
        "Failed inserts", "Inserts a second that failed, each attempt counted: ClickHouse was away, or refused. Workers try again.", Unit.PER_SECOND,
        Query(_rate(declared.SINK_FAILURES, "failure"), "{{failure}}"),
        Query(f"sum(rate({_of(declared.SINK_RETRIES)}[$__rate_interval]))", "retries"),
        looks=(*_set(SinkFailure), Look("retries", colour=GREY)), of_alerts=("CandorSinkFailing", "CandorSinkAway"),
    )  # fmt: skip
    yield _panel(
        "Time of inserts and of applying", "Seconds of 99 in 100 acknowledged inserts, and of 99 in 100 batches through the stages.", Unit.SECONDS,
        Query(f"histogram_quantile(0.99, sum by (le) (rate({_of(declared.SINK_SECONDS, '_bucket')}[$__rate_interval])))", "insert"),
        Query(f"histogram_quantile(0.99, sum by (le) (rate({_of(declared.APPLY_SECONDS, '_bucket')}[$__rate_interval])))", "apply"),
        looks=_set(("insert", "apply")),
    )  # fmt: skip
    yield _panel(
        "Rows an insert", "Mean number of rows of an acknowledged insert. Many inserts of few rows cost ClickHouse more than they bring.",
        Unit.NUMBER,
        Query(
            f"sum(rate({_of(declared.SINK_ROWS)}[$__rate_interval])) / (sum(rate({_of(declared.SINK_INSERTS)}[$__rate_interval])) > 0)", "rows",
        ),
        looks=_set(("rows",)),
    )  # fmt: skip
    yield _panel(
        "Flushes", "Committed flushes a second, counted per partition, and the records that they cover.", Unit.PER_SECOND,
        Query(f"sum(rate({_of(declared.FLUSHES)}[$__rate_interval]))", "flushes"),
        Query(f"sum(rate({_of(declared.COMMITTED)}[$__rate_interval]))", "records"),
        looks=(Look("flushes", colour=WELL), Look("records", colour=ORANGE, right=True)),
    )  # fmt: skip


def _checkpoints() -> Iterator[Panel]:
    yield _panel(
        "Age of the last commit", "Seconds since each worker committed a flush. It grows while nothing comes in: see what is held.", Unit.SECONDS,
        Query(f"time() - ({_of(declared.LAST_COMMIT)} > 0)", "{{instance}} {{stage}}"), thresholds=(Threshold(STALE_SECONDS),),
        of_alerts=("CandorCheckpointStale",),
    )  # fmt: skip
    yield _panel(
        "Records that are held", "Records read and not committed, and of these the ones not applied yet, by stage.", Unit.NUMBER,
        Query(f"sum by (stage) ({_of(declared.UNCOMMITTED)})", "{{stage}}: not committed"),
        Query(f"sum by (stage) ({_of(declared.INBOX)})", "{{stage}}: not applied"),
        looks=_set(f"{stage}: {name}" for stage in Stage for name in ("not committed", "not applied")), of_alerts=("CandorCheckpointStale",),
    )  # fmt: skip
    yield _panel(
        "Into the checkpoint topics", "Bytes a second before compression, and records a second.", Unit.BYTES_PER_SECOND,
        Query(f"sum(rate({_of(declared.CHECKPOINT_BYTES)}[$__rate_interval]))", "bytes"),
        Query(f"sum(rate({_of(declared.CHECKPOINT_RECORDS)}[$__rate_interval]))", "records"),
        looks=(Look("bytes", colour=WELL), Look("records", unit=Unit.PER_SECOND, colour=ORANGE, right=True)),
    )  # fmt: skip
    yield _panel(
        "Who owns what", "Partitions of the inputs at each worker. The sum is their number; less means that somebody's are not handed out.",
        Unit.NUMBER,
        Query(f"sum by (instance) ({_of(declared.PARTITIONS)})", "{{instance}}"), stacked=True, of_alerts=("CandorConsumerStopped",),
    )  # fmt: skip
    yield _panel(
        "Changes of who owns what", "In the last hour: rebalances as workers saw them, and states that were thrown away and read again.", Unit.NUMBER,
        Query(f"sum(increase({_of(declared.REBALANCES)}[1h]))", "rebalances"), Query(f"sum(increase({_of(declared.LOST)}[1h]))", "lost"),
        looks=(Look("rebalances", colour=WELL), Look("lost", colour=CRITICAL)), of_alerts=("CandorWorkerFenced",),
    )  # fmt: skip
    yield _panel(
        "Being opened", "Partitions that workers are opening, and offsets of their checkpoints that are still to be read: it falls while they are.",
        Unit.NUMBER,
        Query(f"sum({_of(declared.OPENING)})", "partitions"), Query(f"sum({_of(declared.RECOVERY_LEFT)})", "left"),
        looks=(Look("partitions", colour=WELL), Look("left", colour=ORANGE, right=True)), of_alerts=("CandorConsumerStalled",),
    )  # fmt: skip
    yield _panel(
        "Reading back", "Seconds of 99 in 100 openings of a partition, and how much of the checkpoint was read for them, records and bytes a second.",
        Unit.SECONDS,
        Query(f"histogram_quantile(0.99, sum by (le) (rate({_of(declared.RECOVERY_SECONDS, '_bucket')}[$__rate_interval])))", "seconds"),
        Query(f"sum(rate({_of(declared.RECOVERED_RECORDS)}[$__rate_interval]))", "records"),
        Query(f"sum(rate({_of(declared.RECOVERED_BYTES)}[$__rate_interval]))", "bytes"),
        looks=(
            Look("seconds", colour=WELL), Look("records", unit=Unit.PER_SECOND, colour=ORANGE, right=True),
            Look("bytes", unit=Unit.BYTES_PER_SECOND, colour=GREY, right=True),
        ),
    )  # fmt: skip


def _resources() -> Iterator[Panel]:
    yield _panel(
        "Processor", "Share of one core that each worker takes.", Unit.SHARE,
        Query(f"rate(process_cpu_seconds_total{{{_WORKERS}}}[$__rate_interval])", "{{instance}}"),
    )  # fmt: skip
    yield _panel(
        "Memory", "Resident memory of each worker: the state of its partitions is in it.", Unit.BYTES,
        Query(f"process_resident_memory_bytes{{{_WORKERS}}}", "{{instance}}"),
    )  # fmt: skip
    yield _panel(
        "Open files and starts", "Of each worker: open files, and how often it started in the last 15 minutes.", Unit.NUMBER,
        Query(f"process_open_fds{{{_WORKERS}}}", "{{instance}}: files"),
        Query(f"changes(process_start_time_seconds{{{_WORKERS}}}[15m])", "{{instance}}: starts"),
        of_alerts=("CandorWorkerCrashLooping",),
    )  # fmt: skip
    yield _panel(
        "Starts in 15 minutes", "The most that any worker started. A worker that cannot go on exits and is started again.", Unit.NUMBER,
        Query(f"max(changes(process_start_time_seconds{{{_WORKERS}}}[15m]))", " ", at_once=True), kind=Kind.STAT, thresholds=(Threshold(RESTARTS),),
        of_alerts=("CandorWorkerCrashLooping",),
    )  # fmt: skip
    yield _panel(
        "What runs", "Versions of Candor and of Python, and how many processes run each.", Unit.TEXT,
        Query(f"count by (job, version, python) ({_of(declared.BUILD)})", at_once=True), kind=Kind.TABLE, low=None,
        looks=(Look("Value", unit=Unit.NUMBER),),
    )  # fmt: skip
    yield _panel(
        "Newest event, by topic", "How long ago the newest event that any worker has seen of each topic happened.", Unit.SECONDS,
        Query(f"time() - max by (topic) ({_of(declared.WATERMARK)} > 0)", "{{topic}}"), looks=_set(declared.WATERMARK.labels[0].values), low=None,
    )  # fmt: skip


PIPELINE = Dashboard(
    "candor-pipeline",
    "Candor pipeline",
    "For whoever is called: does it flow, is anything lost, late or stuck. Lines where alerts begin are those of the alert rules.",
    (
        Row("What needs somebody", tuple(_now())),
        Row("Flow", tuple(_flow())),
        Row("Dead letters", tuple(_refused())),
        Row("Lag and latency", tuple(_lag())),
        Row("Flush and ClickHouse", tuple(_writing())),
        Row("Checkpoints and ownership", tuple(_checkpoints())),
        Row("Resources", tuple(_resources())),
    ),
    (Variable("stage", "Stage", Source.PROMETHEUS, f"label_values({declared.RECORDS.exported}, stage)"),),
    links=(("Runbooks", RUNBOOKS),),
)
