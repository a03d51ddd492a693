"""What came in during the last minutes, and how far workers are behind, topic by topic: from looks at the partitions."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from schemas.enums import LagState, Stage
from schemas.topics import SIGNALS
from streams.lag.reading import Place
from streams.lag.rules import Look, worst

MINUTES = 15
"""How far back the page looks."""
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class TopicNow:
    """One topic as one stage reads it."""

    stage: Stage
    topic: str
    last_minute: int
    """Records that came in during the last 60 seconds, markers of transactions included."""
    last_minutes: int
    """The same of the last ``MINUTES`` minutes, or since the page began to look."""
    behind: int
    """Records that the stage has not read."""
    seconds: float
    """Age of the oldest of them."""
    state: LagState

    @property
    def is_internal(self) -> bool:
        """Whether workers alone write to it, which they do also while nothing comes in."""
        return self.topic == SIGNALS.name


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of the clock; ``records`` came in during it to all input topics."""

    start: float
    """In seconds since 1970."""
    records: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream at a look."""

    at: float
    since: float
    """Of the first look."""
    topics: tuple[TopicNow, ...]
    minutes: tuple[Minute, ...]
    """The last ones, in order, the first and the last of them perhaps in part."""


@dataclass(slots=True)
class Intake:
    """The ends of topics over the last minutes. Not shared by threads."""

    _since: float | None = None
    _ends: deque[tuple[float, Mapping[tuple[Stage, str], int]]] = field(default_factory=deque)
    _minutes: dict[float, int] = field(default_factory=dict)

    def saw(self, looks: Mapping[Place, tuple[Look, LagState]]) -> Stream:
        """Take in a look at all partitions; times must not go back. Where a topic was made anew, it counts from there on."""
        at = max(look.at for look, _ in looks.values())
        self._since = at if self._since is None else self._since
        ends: dict[tuple[Stage, str], int] = {}
        for place, (look, _) in looks.items():
            ends[place.stage, place.topic] = ends.get((place.stage, place.topic), 0) + look.end
        newest = at // _MINUTE * _MINUTE
        if self._ends:
            before = self._ends[-1][1]
            came = sum(_came(before, ends, of) for of in ends if of[0] is Stage.ACCOUNTS)
            self._minutes[newest] = self._minutes.get(newest, 0) + came
        self._ends.append((at, ends))
        while len(self._ends) > 1 and self._ends[1][0] <= at - MINUTES * _MINUTE:
            self._ends.popleft()
        kept = [newest - place * _MINUTE for place in reversed(range(MINUTES)) if newest - place * _MINUTE >= self._since // _MINUTE * _MINUTE]
        self._minutes = {start: self._minutes.get(start, 0) for start in kept}
        return Stream(at, self._since, tuple(self._topics(looks, at)), tuple(Minute(start, records) for start, records in self._minutes.items()))

    def _topics(self, looks: Mapping[Place, tuple[Look, LagState]], at: float) -> Sequence[TopicNow]:
        of: dict[tuple[Stage, str], list[tuple[Look, LagState]]] = {}
        for place, seen in looks.items():
            of.setdefault((place.stage, place.topic), []).append(seen)
        return [
            TopicNow(
                stage,
                topic,
                self._since_then((stage, topic), at - _MINUTE),
                self._since_then((stage, topic), at - MINUTES * _MINUTE),
                sum(look.lag for look, _ in seen),
                max(look.lag_seconds for look, _ in seen),
                worst(state for _, state in seen),
            )
            for (stage, topic), seen in of.items()
        ]

    def _since_then(self, of: tuple[Stage, str], then: float) -> int:
        """What came after a moment, from the last look before it on."""
        first = max((place for place, (at, _) in enumerate(self._ends) if at <= then), default=0)
        looks = [ends for _, ends in self._ends][first:]
        return sum(_came(before, after, of) for before, after in pairwise(looks))


def _came(before: Mapping[tuple[Stage, str], int], after: Mapping[tuple[Stage, str], int], of: tuple[Stage, str]) -> int:
    return max(0, after.get(of, 0) - before.get(of, after.get(of, 0)))
