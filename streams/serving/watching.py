"""Looking at Kafka and ClickHouse again and again, each in a thread of its own, and keeping what was seen last."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from threading import Event, Thread
from typing import Generic, TypeVar

import structlog

from schemas.enums import LagState, ProbeSource
from sinks.base import SinkError
from sinks.clickhouse import ClickHouse
from streams.errors import CandorError
from streams.lag.probe import watch_lag
from streams.lag.reading import LagReader, Place
from streams.lag.rules import Look, Watch
from streams.metrics.health import Health
from streams.reporting import Asked, Parts, ReportSource, parts
from streams.serving.intake import Intake, Stream

_log = structlog.get_logger(__name__)
_WINDOW_SECONDS = 120.0
"""By which the state of a partition is judged, as candor lag --serve does."""
_NEWEST = """
SELECT finding_id, unit_id, plan_id, toString(detector) AS detector, state, since, raised_at, length(response_ids) AS responses, decision
FROM findings ORDER BY raised_at DESC, finding_id LIMIT 20
"""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[_T]):
    """What was seen last, and what is wrong since."""

    value: _T | None = None
    at: float | None = None
    """When it was seen, in seconds since 1970."""
    problem: str | None = None
    failing_since: float | None = None
    """When it first could not be seen again."""


class Last(Generic[_T]):
    """Written by one thread, read by any: what it holds is replaced as a whole."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.seen: Seen[_T] = Seen()

    def saw(self, value: _T) -> None:
        """It is as it should be."""
        self.seen = Seen(value, self._clock())

    def failed(self, problem: str) -> None:
        """It cannot be seen; what was seen before is kept."""
        before = self.seen
        if before.problem != problem:
            _log.warning("not_seen", error=problem)
        self.seen = replace(before, problem=problem, failing_since=self._clock() if before.failing_since is None else before.failing_since)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinding:
    """A finding in a list."""

    finding_id: str
    unit_id: str | None
    plan_id: str | None
    detector: str
    state: str
    since: date
    raised_at: datetime
    responses: int
    decision: str | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The report, ready to be shown, and how long it took."""

    parts: Parts
    seconds: float


class Watching:
    """Everything that the page shows, as it was seen last. Made and read without asking anybody; ``start`` begins to look."""

    def __init__(self) -> None:
        self.stream: Last[Stream] = Last()
        self.findings: Last[tuple[NewFinding, ...]] = Last()
        self.pictures: Last[Pictures] = Last()
        self._intake = Intake()
        self._watches: dict[Place, Watch] = {}

    def saw_lag(self, looks: Mapping[Place, Look]) -> None:
        """A look at all partitions."""
        self._watches = {place: self._watches.get(place) or Watch(_WINDOW_SECONDS) for place in looks}
        seen: dict[Place, tuple[Look, LagState]] = {}
        for place, look in looks.items():
            self._watches[place].add(look)
            seen[place] = (look, self._watches[place].state)
        self.stream.saw(self._intake.saw(seen))

    def failed(self, source: ProbeSource, error: Exception) -> None:
        """Kafka could not be looked at."""
        del source
        self.stream.failed(str(error))

    def start(
        self,
        clickhouse: ClickHouse,
        pictured: Callable[[], ReportSource],
        kafka: Callable[[], AbstractContextManager[LagReader]],
        asked: Asked,
        stop: Event,
        *,
        look_seconds: float,
        picture_seconds: float,
    ) -> None:
        """Look until told to stop, in threads that end with the process. Pictures are made from ``pictured``, which may read copies of views."""

        def draw() -> Pictures:
            began = time.monotonic()
            source = pictured()
            made = parts(source.numbers(source.scope(asked)))
            return Pictures(made, time.monotonic() - began)

        def list_newest() -> tuple[NewFinding, ...]:
            return tuple(NewFinding(**row) for row in clickhouse.query(_NEWEST).to_pylist())

        for name, work in (
            ("stream", lambda: watch_lag(self, Health(), kafka, look_seconds, stop)),
            ("findings", lambda: _keep(self.findings, list_newest, look_seconds, stop)),
            ("pictures", lambda: _keep(self.pictures, draw, picture_seconds, stop)),
        ):
            Thread(target=work, name=name, daemon=True).start()


def _keep(last: Last[_T], look: Callable[[], _T], seconds: float, stop: Event) -> None:
    """Look again and again; what goes wrong is said, and tried again after a tenth of the time, but not more than once a second."""
    while not stop.is_set():
        try:
            last.saw(look())
        except (SinkError, CandorError) as error:
            last.failed(str(error))
            stop.wait(max(1.0, seconds / 10))
        else:
            stop.wait(seconds)
