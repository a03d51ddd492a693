"""Recording and alert rules for Prometheus, made from the declared metrics, so that no rule asks for a series that nobody exports.

Rules by their kind: what is down pages at once; budgets are watched over two windows each, a long one that tells that it matters and a short one that
tells that it still goes on (Site Reliability Workbook, chapter 5); nothing pages on a handful of records.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from schemas.enums import LagState, OpenCase, RejectReason, ScoreWindow, Stage, Topic, UnitState
from streams.metrics import declared
from streams.metrics.declared import Metric
from streams.metrics.rule import RUNBOOKS, Alert, Pace, Severity, Team, of

WORKER_JOB = "candor-worker"
PROBE_JOB = "candor-lag"
PROMISED_SECONDS = 60.0
"""Records are promised to be in the tables within so long of being appended."""
DELIVERED, FRESH = 0.999, 0.99
"""Shares that are promised: of records that can be used, and of live records that are in time."""
BEHIND_SECONDS = 300
"""Records that wait for longer are told, if what is left does not become less."""
HEARTBEAT_SECONDS, HEARTBEATS_MISSED = 180.0, 3
"""A heartbeat that passed so long ago, and so many of them since, is told."""
STALE_SECONDS = 300
"""A worker that holds records and has committed nothing for longer is told; a probe that has seen nothing for longer too."""
SPIKE = 20
"""More dead letters of a reason than this in 15 minutes are told."""
RESTARTS = 3
"""So many starts in 15 minutes are told."""
_FEWEST = 100
"""Fewer records than this in the long window spend no budget."""
_BACKLOG = 1_000
"""Fewer records than this are read while they come, and hold no heartbeat up."""
_MISTAKEN = 0.02
"""Share of customers who may say by mistake that they were asked for a score, before anybody is told."""
_DRIFT = (RejectReason.UNKNOWN_TYPE, RejectReason.UNKNOWN_VERSION, RejectReason.MISSING_FIELD, RejectReason.INVALID_FIELD)


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget of 30 days is spent, and over which windows that is seen."""

    factor: float
    long: str
    short: str
    hold: str
    severity: Severity


BURNS = (
    Burn(14.4, "1h", "5m", "2m", Severity.CRITICAL),
    Burn(6.0, "6h", "30m", "15m", Severity.CRITICAL),
    Burn(3.0, "1d", "2h", "1h", Severity.WARNING),
    Burn(1.0, "3d", "6h", "3h", Severity.WARNING),
)
_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


def _down(pace: Pace) -> Iterator[Alert]:
    up = f'up{{job="{WORKER_JOB}"}}'
    yield Alert("CandorWatchdog", "vector(1)", Severity.NONE, "Always firing: its absence at the receiver means that alerting is broken.")
    yield Alert(
        "CandorWorkerDown",
        f"absent({up}) or sum by (job) ({up}) == 0",
        Severity.CRITICAL,
        "No worker of job {{ $labels.job }} answers.",
        "5m",
        # Until the probe has seen that partitions are read again: what follows from it is not told meanwhile.
        "5m",
    )
    yield Alert(
        "CandorWorkerCrashLooping",
        f'changes(process_start_time_seconds{{job="{WORKER_JOB}"}}[{pace.of("15m")}]) >= {RESTARTS}',
        Severity.CRITICAL,
        "The worker at {{ $labels.instance }} started {{ $value }} times in 15 minutes.",
        "1m",
    )


def _fenced(pace: Pace) -> Iterator[Alert]:
    yield Alert(
        "CandorWorkerFenced",
        # Moments are counted, not partitions: many may be lost at once, and are read back.
        f"count_over_time((sum by (instance, stage) (increase({of(declared.LOST)}[{pace.of('5m')}])) > 0)[{pace.of('15m')}:{pace.of('5m')}]) >= 3",
        Severity.WARNING,
        "The worker at {{ $labels.instance }} loses its partitions of stage {{ $labels.stage }} to others again and again.",
        "5m",
    )


def _lag(pace: Pace) -> Iterator[Alert]:
    def partitions(state: LagState) -> str:
        return f"sum by (stage, topic) ({of(declared.LAG_STATE, state=state.value)}) > 0"

    where = "{{ $value }} partitions of {{ $labels.topic }}, stage {{ $labels.stage }}"
    yield Alert("CandorConsumerStalled", partitions(LagState.STALLED), Severity.CRITICAL, f"Workers have {where}, and do not read on.", "5m")
    yield Alert("CandorConsumerStopped", partitions(LagState.STOPPED), Severity.CRITICAL, f"No worker has {where}, where records wait.", "5m")
    yield Alert("CandorConsumerRewound", partitions(LagState.REWOUND), Severity.CRITICAL, f"Positions went back in {where}.")
    # As long as the workers that saw it run: a counter that is above 0 at its first scrape never increases.
    deleted = "Kafka deleted up to {{ $value }} records of stage {{ $labels.stage }} before they were read."
    yield Alert("CandorRecordsDeleted", f"sum by (stage) ({of(declared.DELETED)}) > 0", Severity.CRITICAL, deleted)
    yield Alert(
        "CandorConsumerLagging",
        f"max by (stage, topic) ({of(declared.LAG_SECONDS)}) > {pace.seconds(BEHIND_SECONDS)} "
        f"and deriv(candor:lag_records:sum[{pace.of('15m')}]) >= 0",
        Severity.WARNING,
        "Workers fall behind on {{ $labels.topic }}, stage {{ $labels.stage }}: the oldest record waits {{ $value | humanizeDuration }}.",
        "15m",
        "10m",
    )
    yield Alert(
        "CandorProbeFailing",
        f"absent({of(declared.PROBE_SUCCESS, source='kafka')}) "
        f"or time() - max by (source) ({of(declared.PROBE_SUCCESS)}) > {pace.seconds(STALE_SECONDS)}",
        Severity.WARNING,
        "candor lag has not seen {{ $labels.source }} for 5 minutes: alerts about it cannot fire.",
        "5m",
    )


def _heartbeat(pace: Pace) -> Iterator[Alert]:
    """Silent where none is sent: there are no series then."""

    def older(metric: Metric, share: float) -> str:
        interval = f"max({of(declared.HEARTBEAT_INTERVAL)})"
        return f"time() - max({of(metric)}) > clamp_min({share * HEARTBEATS_MISSED:g} * {interval}, {pace.seconds(share * HEARTBEAT_SECONDS)})"

    stale = older(declared.HEARTBEAT, 1)
    # The newest that Kafka took is younger than the newest that passed by one, or it is the same.
    not_taken = older(declared.HEARTBEAT_SENT, (HEARTBEATS_MISSED - 1) / HEARTBEATS_MISSED)
    # One that waits behind a backlog on which workers work is late, and nothing is broken.
    left = f'candor:lag_records:sum{{stage="{Stage.ACCOUNTS}",topic="{Topic.OPERATIONS}"}}'
    works = f"({left} > {_BACKLOG} and deriv({left}[{pace.of('5m')}]) < 0)"
    yield Alert(
        "CandorHeartbeatStale",
        f'label_replace({stale} and {not_taken}, "place", "kafka", "", "") '
        f'or on () label_replace({stale} unless on () {works}, "place", "pipeline", "", "")',
        Severity.CRITICAL,
        '{{ if eq $labels.place "kafka" }}Kafka takes no heartbeats{{ else }}Heartbeats do not get from Kafka to ClickHouse{{ end }}: '
        "the newest that can be queried was sent {{ $value | humanizeDuration }} ago.",
        # Alerts that name the cause come first, and inhibit this one.
        "6m",
    )


_LEFT: dict[str, object] = {"record": "candor:lag_records:sum", "expr": f"sum by (stage, topic) ({of(declared.LAG_RECORDS)})"}


def _ratios(pace: Pace) -> Iterator[dict[str, object]]:
    stage = Stage.ACCOUNTS.value
    for window in _WINDOWS:
        refused, taken = of(declared.REFUSED, stage=stage), of(declared.RECORDS, stage=stage)
        expr = f"sum(rate({refused}[{pace.of(window)}])) / (sum(rate({taken}[{pace.of(window)}])) > 0)"
        yield {"record": f"candor:dead_letters:ratio_rate{window}", "expr": expr}
        in_time, all_ = of(declared.LATENCY, "_bucket", stage=stage, le=str(PROMISED_SECONDS)), of(declared.LATENCY, "_count", stage=stage)
        expr = f"1 - sum(rate({in_time}[{pace.of(window)}])) / (sum(rate({all_}[{pace.of(window)}])) > 0)"
        yield {"record": f"candor:slow_records:ratio_rate{window}", "expr": expr}


def _burns(pace: Pace) -> Iterator[Alert]:
    stage = Stage.ACCOUNTS.value
    budgets = (
        ("CandorDeliveryBudgetBurn", "candor:dead_letters", DELIVERED, of(declared.RECORDS, stage=stage), "records become dead letters"),
        (
            "CandorFreshnessBudgetBurn",
            "candor:slow_records",
            FRESH,
            of(declared.LATENCY, "_count", stage=stage),
            f"live records reach the tables after {PROMISED_SECONDS:g} seconds or more",
        ),
    )
    for name, ratio, promise, events, what in budgets:
        for burn in BURNS:
            limit = f"({burn.factor:g} * {1 - promise:.3g})"
            yield Alert(
                name,
                f"{ratio}:ratio_rate{burn.long} > {limit} and {ratio}:ratio_rate{burn.short} > {limit} "
                f"and sum(increase({events}[{pace.of(burn.long)}])) > {_FEWEST}",
                burn.severity,
                f"{{{{ $value | humanizePercentage }}}} of {what}: over {burn.long} the budget is spent {burn.factor:g} times too fast.",
                burn.hold,
                labels={"long": burn.long, "short": burn.short},
            )


def _records(pace: Pace) -> Iterator[Alert]:
    yield Alert(
        "CandorDeadLetterSpike",
        f"sum by (stage, reason) (increase({of(declared.REFUSED)}[{pace.of('15m')}])) > {SPIKE}",
        Severity.WARNING,
        "{{ $value | humanize }} dead letters in 15 minutes, {{ $labels.reason }}, at stage {{ $labels.stage }}.",
        "5m",
    )
    drifted = of(declared.REFUSED, reason="~" + "|".join(_DRIFT))
    yield Alert(
        "CandorSchemaDrift",
        f"sum by (stage, reason) (increase({drifted}[{pace.of('30m')}])) > 0",
        Severity.WARNING,
        "A producer leaves the contract: {{ $value | humanize }} records in 30 minutes, {{ $labels.reason }}, at stage {{ $labels.stage }}.",
        "10m",
        "30m",
    )
    unknown = of(declared.UNKNOWN_FIELDS)
    yield Alert(
        "CandorUnknownFields",
        f"sum by (stage) (increase({unknown}[{pace.of('1h')}])) > 0 "
        f"unless sum by (stage) (increase({unknown}[{pace.of('1d')}] offset {pace.of('1h')})) > 0",
        Severity.WARNING,
        "Events bring fields that are not of the contract, at stage {{ $labels.stage }}, and the day before brought none.",
        "10m",
        "1h",
    )
    yield Alert(
        "CandorPaused",
        f"sum by (stage) ({of(declared.PAUSED)}) > 0",
        Severity.CRITICAL,
        "{{ $value }} topics and partitions of stage {{ $labels.stage }} stand still, since most of their records are refused.",
        "1m",
        # Until the probe has seen that somebody reads on: what this keeps back would be told meanwhile.
        "5m",
    )


def _sink(pace: Pace) -> Iterator[Alert]:
    yield Alert(
        "CandorSinkFailing",
        f"sum by (table, failure) (rate({of(declared.SINK_FAILURES)}[{pace.of('5m')}])) > 0",
        Severity.WARNING,
        "Inserts into {{ $labels.table }} fail again and again, {{ $labels.failure }}.",
        "5m",
    )
    yield Alert(
        "CandorSinkAway",
        f"count by (job) (max by (job, table) ({of(declared.SINK_AWAY)}) == 1) > 0",
        Severity.CRITICAL,
        "ClickHouse does not answer workers of job {{ $labels.job }}, or takes nothing: inserts into {{ $value }} tables wait.",
        "5m",
        # Until the failures have left the window of CandorSinkFailing.
        "6m",
    )
    yield Alert(
        "CandorCheckpointStale",
        f"time() - {of(declared.LAST_COMMIT)} > {pace.seconds(STALE_SECONDS)} and min_over_time({of(declared.UNCOMMITTED)}[{pace.of('5m')}]) > 0",
        Severity.CRITICAL,
        "The worker at {{ $labels.instance }} has committed nothing of stage {{ $labels.stage }} for 5 minutes, and holds records.",
        "2m",
    )


def _business() -> Iterator[Alert]:
    yield Alert(
        "CandorGamingSuspected",
        f"sum by (detector) ({of(declared.FINDINGS_OPEN, state=UnitState.SUSPECT.value)}) > 0",
        Severity.WARNING,
        "{{ $value }} findings of {{ $labels.detector }} make units suspect, and nobody has decided about them.",
        "10m",
        team=Team.CX,
    )

    def window(metric: Metric, one: ScoreWindow) -> str:
        return of(metric, window=one.value)

    before, last = window(declared.NPS, ScoreWindow.BEFORE), window(declared.NPS, ScoreWindow.LAST)
    down, up = f"({before} - {window(declared.NPS_LOW, ScoreWindow.BEFORE)})", f"({window(declared.NPS_HIGH, ScoreWindow.LAST)} - {last})"
    yield Alert(
        "CandorScoreDown",
        # The interval of a difference of two independent estimates from theirs (MOVER; Zou and Donner, Statistics in Medicine 27, 2008).
        f"{before} - ignoring (window) {last} > sqrt({down} ^ 2 + ignoring (window) {up} ^ 2) "
        f"and ignoring (window) {window(declared.NPS_N, ScoreWindow.BEFORE)} >= {_FEWEST} "
        f"and ignoring (window) {window(declared.NPS_N, ScoreWindow.LAST)} >= {_FEWEST}",
        Severity.WARNING,
        "NPS ({{ $labels.variant }}) of the newest 28 days is {{ $value | humanize }} points below the 28 days before: more than chance.",
        "1h",
        "6h",
        Team.CX,
    )


def _answering() -> Iterator[Alert]:
    def number(metric: Metric, one: ScoreWindow) -> str:
        # A sum has no labels, so that windows can be compared.
        return f"sum({of(metric, window=one.value)})"

    before, last, sent, answered = ScoreWindow.BEFORE, ScoreWindow.LAST, declared.SENT_INVITATIONS, declared.ANSWERED_INVITATIONS
    fell = f"{number(answered, last)} / {number(sent, last)} / ({number(answered, before)} / {number(sent, before)})"
    # Two independent Poisson counts: the logarithm of their ratio has the variance 1 / a + 1 / b.
    chance = f"exp(-1.96 * sqrt(1 / ({number(answered, last)} + 1) + 1 / {number(answered, before)}))"
    yield Alert(
        "CandorResponseRateCollapsed",
        f"{fell} < 0.5 and {fell} < {chance} and {number(sent, last)} >= {_FEWEST} and {number(sent, before)} >= {_FEWEST}",
        Severity.WARNING,
        "Customers answer {{ $value | humanizePercentage }} as often as in the 28 days before: less than half, and more than chance.",
        "1h",
        "6h",
        Team.CX,
    )
    said, asked = (number(metric, last) for metric in (declared.SCORE_QUESTIONS, declared.ASKED_FOR_SCORE))
    yield Alert(
        "CandorBeggingReported",
        # The lower end of what a count of so many can come from.
        f"{asked} / {said} > 0 and ({asked} - 1.96 * sqrt({asked} + 1)) / {said} > {_MISTAKEN:g}",
        Severity.WARNING,
        "{{ $value | humanizePercentage }} of the customers who were asked about it in the newest 28 days say that somebody wanted a certain score.",
        "10m",
        "6h",
        Team.CX,
    )
    yield Alert(
        "CandorFollowUpOverdue",
        f"{of(declared.OPEN_CASES, state=OpenCase.OVERDUE.value)} > 0",
        Severity.WARNING,
        "{{ $value }} follow-up cases are open, nobody has contacted the customer, and contact was due.",
        "1h",
        team=Team.CX,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in order, so that an alert sees what was recorded at the same moment."""

    name: str
    recorded: Sequence[dict[str, object]]
    alerts: Sequence[Alert]


def groups(pace: Pace) -> Sequence[Group]:
    """All rules at a pace."""
    return (
        Group("candor-workers", (), (*_down(pace), *_fenced(pace))),
        Group("candor-lag", (_LEFT,), (*_lag(pace), *_heartbeat(pace))),
        Group("candor-budgets", tuple(_ratios(pace)), tuple(_burns(pace))),
        Group("candor-records", (), tuple(_records(pace))),
        Group("candor-sink", (), tuple(_sink(pace))),
        Group("candor-business", (), (*_business(), *_answering())),
    )


_SHIPPED = Pace()
ALERTS: Sequence[Alert] = tuple(alert for group in groups(_SHIPPED) for alert in group.alerts)


def rules_file(pace: Pace = _SHIPPED, own: Mapping[str, Pace] | None = None) -> str:
    """The text of ``deploy/prometheus/candor.rules.yml``, or its variant in which time runs faster; names keep the durations that are shipped.

    ``own`` are the paces of alerts, by name, for which it runs faster still.
    """
    own = own or {}
    variants = {one: {(alert.name, alert.hold): alert for group in groups(one) for alert in group.alerts} for one in {pace, *own.values()}}

    def rule(alert: Alert) -> dict[str, object]:
        its = own.get(alert.name, pace)
        return variants[its][alert.name, alert.hold].rule(its)

    written = [{"name": group.name, "rules": [*group.recorded, *map(rule, group.alerts)]} for group in groups(pace)]
    head = f"# Generated by: candor contracts. Replace {RUNBOOKS} by where you publish docs/runbooks.\n"
    return head + yaml.safe_dump({"groups": written}, sort_keys=False, width=150, allow_unicode=True)
