"""Recording and alert rules for Prometheus, made from the declared metrics, so that no rule asks for a series that nobody exports.

Rules by their kind: what is down pages at once; budgets are watched over two windows each, a long one that tells that it matters and a short one that
tells that it still goes on (Site Reliability Workbook, chapter 5); nothing pages on a handful of records.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import yaml

from schemas.enums import LagState, RejectReason, ScoreWindow, Stage, UnitState
from streams.metrics import declared
from streams.metrics.declared import Kind, Metric

WORKER_JOB = "candor-worker"
PROBE_JOB = "candor-lag"
RUNBOOKS = "https://candor.invalid/runbooks"
"""Where ``docs/runbooks`` is published; nowhere, until whoever runs Candor does."""
PROMISED_SECONDS = 60.0
"""Records are promised to be in the tables within so long of being appended."""
DELIVERED, FRESH = 0.999, 0.99
"""Shares that are promised: of records that can be used, and of live records that are in time."""
BEHIND_SECONDS = 300
"""Records that wait for longer are told, if what is left does not become less."""
STALE_SECONDS = 300
"""A worker that holds records and has committed nothing for longer is told; a probe that has seen nothing for longer too."""
SPIKE = 20
"""More dead letters of a reason than this in 15 minutes are told."""
RESTARTS = 3
"""So many starts in 15 minutes are told."""
_FEWEST = 100
"""Fewer records than this in the long window spend no budget."""
_DRIFT = (RejectReason.UNKNOWN_TYPE, RejectReason.UNKNOWN_VERSION, RejectReason.MISSING_FIELD, RejectReason.INVALID_FIELD)


class Severity(StrEnum):
    """Who hears of it and when."""

    CRITICAL = "critical"
    """Somebody is woken."""
    WARNING = "warning"
    """Somebody looks during the day."""
    NONE = "none"
    """Nobody; it says that alerting works."""


class Team(StrEnum):
    """Who can do something about it."""

    PLATFORM = "platform"
    CX = "cx"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert rule."""

    name: str
    expr: str
    severity: Severity
    summary: str
    hold: str = ""
    """How long it must be so before it fires."""
    keep: str = ""
    """How long it stays once it is not so any more."""
    team: Team = Team.PLATFORM
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def runbook(self) -> str:
        """Where the page about it is."""
        return f"{RUNBOOKS}/{self.name}.md"

    def rule(self) -> dict[str, object]:
        """As Prometheus reads it."""
        holds = {name: value for name, value in (("for", self.hold), ("keep_firing_for", self.keep)) if value}
        labels = {"severity": self.severity.value, "team": self.team.value, **self.labels}
        return {
            "alert": self.name,
            "expr": self.expr,
            **holds,
            "labels": labels,
            "annotations": {"summary": self.summary, "runbook_url": self.runbook},
        }


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


def of(metric: Metric, suffix: str = "", **labels: str) -> str:
    """The selector of a metric; raises ``ValueError`` where a label or its value is none that it has."""
    known = {label.name: label.values for label in metric.labels}
    for name, value in labels.items():
        if name == "le":
            if metric.kind is not Kind.HISTOGRAM or float(value) not in metric.buckets:
                raise ValueError(f"{metric.name} has no limit {value}")
        elif not set(value.removeprefix("~").split("|")) <= set(known.get(name, ())):
            raise ValueError(f"{metric.name} has no {name}={value}")
    # A value with a tilde in front is several, with bars between.
    matchers = ",".join(f'{name}=~"{value[1:]}"' if value.startswith("~") else f'{name}="{value}"' for name, value in labels.items())
    return f"{metric.exported}{suffix}" + (f"{{{matchers}}}" if matchers else "")


def _down() -> Iterator[Alert]:
    up = f'up{{job="{WORKER_JOB}"}}'
    yield Alert("CandorWatchdog", "vector(1)", Severity.NONE, "Always firing: its absence at the receiver means that alerting is broken.")
    yield Alert(
        "CandorWorkerDown",
        f"absent({up}) or sum by (job) ({up}) == 0",
        Severity.CRITICAL,
        "No worker of job {{ $labels.job }} answers.",
        "5m",
    )
    yield Alert(
        "CandorWorkerCrashLooping",
        f'changes(process_start_time_seconds{{job="{WORKER_JOB}"}}[15m]) >= {RESTARTS}',
        Severity.CRITICAL,
        "The worker at {{ $labels.instance }} started {{ $value }} times in 15 minutes.",
        "1m",
    )


def _lag() -> Iterator[Alert]:
    def partitions(state: LagState) -> str:
        return f"sum by (stage, topic) ({of(declared.LAG_STATE, state=state.value)}) > 0"

    where = "{{ $value }} partitions of {{ $labels.topic }}, stage {{ $labels.stage }}"
    yield Alert("CandorConsumerStalled", partitions(LagState.STALLED), Severity.CRITICAL, f"Workers have {where}, and do not read on.", "5m")
    yield Alert("CandorConsumerStopped", partitions(LagState.STOPPED), Severity.CRITICAL, f"No worker has {where}, where records wait.", "5m")
    yield Alert("CandorConsumerRewound", partitions(LagState.REWOUND), Severity.CRITICAL, f"Positions went back in {where}.")
    yield Alert(
        "CandorConsumerLagging",
        f"max by (stage, topic) ({of(declared.LAG_SECONDS)}) > {BEHIND_SECONDS} and deriv(candor:lag_records:sum[15m]) >= 0",
        Severity.WARNING,
        "Workers fall behind on {{ $labels.topic }}, stage {{ $labels.stage }}: the oldest record waits {{ $value | humanizeDuration }}.",
        "15m",
        "10m",
    )
    success = of(declared.PROBE_SUCCESS)
    yield Alert(
        "CandorProbeFailing",
        f"absent({of(declared.PROBE_SUCCESS, source='kafka')}) or time() - max by (source) ({success}) > {STALE_SECONDS}",
        Severity.WARNING,
        "candor lag has not seen {{ $labels.source }} for 5 minutes: alerts about it cannot fire.",
        "5m",
    )


def _left() -> Iterator[dict[str, object]]:
    yield {"record": "candor:lag_records:sum", "expr": f"sum by (stage, topic) ({of(declared.LAG_RECORDS)})"}


def _ratios() -> Iterator[dict[str, object]]:
    stage = Stage.ACCOUNTS.value
    for window in _WINDOWS:
        refused, taken = of(declared.REFUSED, stage=stage), of(declared.RECORDS, stage=stage)
        expr = f"sum(rate({refused}[{window}])) / (sum(rate({taken}[{window}])) > 0)"
        yield {"record": f"candor:dead_letters:ratio_rate{window}", "expr": expr}
        in_time, all_ = of(declared.LATENCY, "_bucket", stage=stage, le=str(PROMISED_SECONDS)), of(declared.LATENCY, "_count", stage=stage)
        expr = f"1 - sum(rate({in_time}[{window}])) / (sum(rate({all_}[{window}])) > 0)"
        yield {"record": f"candor:slow_records:ratio_rate{window}", "expr": expr}


def _burns() -> Iterator[Alert]:
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
                f"and sum(increase({events}[{burn.long}])) > {_FEWEST}",
                burn.severity,
                f"{{{{ $value | humanizePercentage }}}} of {what}: over {burn.long} the budget is spent {burn.factor:g} times too fast.",
                burn.hold,
                labels={"long": burn.long, "short": burn.short},
            )


def _records() -> Iterator[Alert]:
    yield Alert(
        "CandorDeadLetterSpike",
        f"sum by (stage, reason) (increase({of(declared.REFUSED)}[15m])) > {SPIKE}",
        Severity.WARNING,
        "{{ $value | humanize }} dead letters in 15 minutes, {{ $labels.reason }}, at stage {{ $labels.stage }}.",
        "5m",
    )
    drifted = of(declared.REFUSED, reason="~" + "|".join(_DRIFT))
    yield Alert(
        "CandorSchemaDrift",
        f"sum by (stage, reason) (increase({drifted}[30m])) > 0",
        Severity.WARNING,
        "A producer leaves the contract: {{ $value | humanize }} records in 30 minutes, {{ $labels.reason }}, at stage {{ $labels.stage }}.",
        "10m",
        "30m",
    )
    unknown = of(declared.UNKNOWN_FIELDS)
    yield Alert(
        "CandorUnknownFields",
        f"sum by (stage) (increase({unknown}[1h])) > 0 unless sum by (stage) (increase({unknown}[1d] offset 1h)) > 0",
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
    )


def _sink() -> Iterator[Alert]:
    yield Alert(
        "CandorSinkFailing",
        f"sum by (table, failure) (rate({of(declared.SINK_FAILURES)}[5m])) > 0",
        Severity.WARNING,
        "Inserts into {{ $labels.table }} fail, {{ $labels.failure }}.",
        "5m",
    )
    yield Alert(
        "CandorSinkAway",
        f"count by (job) (max by (job, table) ({of(declared.SINK_AWAY)}) == 1) > 0",
        Severity.CRITICAL,
        "ClickHouse does not answer workers of job {{ $labels.job }}: inserts into {{ $value }} tables wait.",
        "5m",
    )
    yield Alert(
        "CandorCheckpointStale",
        f"time() - {of(declared.LAST_COMMIT)} > {STALE_SECONDS} and min_over_time({of(declared.UNCOMMITTED)}[5m]) > 0",
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


_NOTHING: tuple[dict[str, object], ...] = ()
GROUPS: Sequence[tuple[str, Sequence[dict[str, object]], Sequence[Alert]]] = (
    ("candor-workers", _NOTHING, tuple(_down())),
    ("candor-lag", tuple(_left()), tuple(_lag())),
    ("candor-budgets", tuple(_ratios()), tuple(_burns())),
    ("candor-records", _NOTHING, tuple(_records())),
    ("candor-sink", _NOTHING, tuple(_sink())),
    ("candor-business", _NOTHING, tuple(_business())),
)
"""Name, what is recorded, and alerts. Rules of a group are evaluated in order, so an alert sees what was recorded at the same moment."""
ALERTS: Sequence[Alert] = tuple(alert for _, _, alerts in GROUPS for alert in alerts)


def rules_file() -> str:
    """The text of ``deploy/prometheus/candor.rules.yml``."""
    groups = [{"name": name, "rules": [*recorded, *(alert.rule() for alert in alerts)]} for name, recorded, alerts in GROUPS]
    head = f"# Generated by: candor contracts. Replace {RUNBOOKS} by where you publish docs/runbooks.\n"
    return head + yaml.safe_dump({"groups": groups}, sort_keys=False, width=150, allow_unicode=True)
