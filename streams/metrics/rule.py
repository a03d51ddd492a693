"""What an alert rule is made of: who hears of it, how fast time runs for it, and selectors of declared metrics alone."""

from dataclasses import dataclass, field
from enum import StrEnum

from streams.metrics.declared import Kind, Metric

RUNBOOKS = "https://candor.invalid/runbooks"
"""Where ``docs/runbooks`` is published; nowhere, until whoever runs Candor does."""
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


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

    def rule(self, pace: "Pace") -> dict[str, object]:
        """As Prometheus reads it."""
        holds = {name: pace.of(value) for name, value in (("for", self.hold), ("keep_firing_for", self.keep)) if value}
        labels = {"severity": self.severity.value, "team": self.team.value, **self.labels}
        return {
            "alert": self.name,
            "expr": self.expr,
            **holds,
            "labels": labels,
            "annotations": {"summary": self.summary, "runbook_url": self.runbook},
        }


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time runs for the rules: 1 as they are shipped; ``n``: every duration is the ``n``-th part, for tests on processes that run."""

    faster: float = 1.0

    def of(self, duration: str) -> str:
        """A duration in Prometheus's notation, such as 15m; the empty one stays empty."""
        if not duration or self.faster == 1:
            return duration
        return f"{round(1_000 * int(duration[:-1]) * _SECONDS[duration[-1]] / self.faster)}ms"

    def seconds(self, seconds: float) -> str:
        """Seconds as a number of an expression."""
        return f"{seconds / self.faster:g}"


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
