"""How a consumer group stands with a partition, judged from a few looks at it: Burrow's rules, for whoever looks from outside.

No threshold of records is in them, so they fit a topic of ten records a day and one of a million. They differ from Burrow's (evaluator/caching.go) in
two ways. Burrow reads every commit and calls a group stopped that commits nothing; a probe sees positions and members, so stopped is who has no
member on the partition. And a position that went back is told even where nothing is left to read, since workers never go back.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from schemas.enums import LagState

_ENOUGH = 0.9
"""The share of the window that looks must span: the first and the last may take their time."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a partition."""

    at: float
    """In seconds since 1970."""
    committed: int | None
    """Next offset that the group will read; None where it has committed none."""
    end: int
    """Next offset that will be written."""
    waiting_since: float | None
    """Kafka timestamp, in seconds since 1970, of the oldest record that is left; None: none is left, also where markers of transactions are."""
    is_owned: bool
    """Whether a member of the group has the partition."""
    first: int = 0
    """First offset that the partition still has."""

    @property
    def lag(self) -> int:
        """Offsets that are left; 0 where no record is."""
        return 0 if self.waiting_since is None else max(self.end - max(self.committed or 0, self.first), 1)

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest record that is left."""
        return 0.0 if self.waiting_since is None else max(self.at - self.waiting_since, 0.0)


def judge(looks: Sequence[Look], window_seconds: float) -> LagState:
    """The state at the last of the looks, which are in order and at least one.

    Those of the window count, and the last one before it: how things stood when it began.
    """
    last = looks[-1]
    looks = looks[max((place for place, look in enumerate(looks) if look.at <= last.at - window_seconds), default=0) :]
    if any(_went_back(before, after) for before, after in pairwise(looks)):
        return LagState.REWOUND
    if any(look.lag == 0 for look in looks):
        return LagState.OK
    if len(looks) < 2 or last.at - looks[0].at < _ENOUGH * window_seconds:
        return LagState.UNKNOWN
    if looks[0].committed == last.committed:
        return LagState.STALLED if any(look.is_owned for look in looks) else LagState.STOPPED
    if all(before.lag <= after.lag for before, after in pairwise(looks)):
        return LagState.LAGGING
    return LagState.OK


def _went_back(before: Look, after: Look) -> bool:
    if after.end < before.end:
        return True
    return before.committed is not None and (after.committed is None or after.committed < before.committed)


@dataclass(slots=True)
class Watch:
    """The looks at one partition that still count."""

    window_seconds: float
    looks: deque[Look] = field(default_factory=deque)

    def add(self, look: Look) -> None:
        """Look once more, and forget what counts no more."""
        self.looks.append(look)
        while len(self.looks) > 1 and self.looks[1].at <= look.at - self.window_seconds:
            self.looks.popleft()

    @property
    def last(self) -> Look:
        """The newest look; there must be one."""
        return self.looks[-1]

    @property
    def state(self) -> LagState:
        """As of the newest look."""
        return judge(tuple(self.looks), self.window_seconds)


_WORST = (LagState.OK, LagState.UNKNOWN, LagState.LAGGING, LagState.REWOUND, LagState.STALLED, LagState.STOPPED)


def worst(states: Iterable[LagState]) -> LagState:
    """The one that most needs somebody; none: ok."""
    return max(states, key=_WORST.index, default=LagState.OK)
