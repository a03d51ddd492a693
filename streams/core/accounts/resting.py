"""Which inputs of a partition have nothing more to read for now, and how far the partition has come.

An input that rests must hold up no other, and must not be taken for silent because it is read a little later than they are: after a pause, or
when workers are busy, one input may be years ahead of another within a second. So that there is nothing more to read is worth what was known when
it was found the time before: whatever belongs to that time has long been there to be read. Who rests on is found so anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.enums import Topic
from streams.core.accounts.state import NEVER

CLOCK_TOPICS = frozenset({Topic.FEEDBACK, Topic.INVITATIONS, Topic.TRANSACTIONS})
"""What units are judged by."""


@dataclass(frozen=True, slots=True)
class _Found:
    newest: int
    """The newest event of any input when it was found at rest."""
    before: int | None
    """The same of the time before; None: it was not at rest then."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a partition has come."""

    instant: int | None
    """The time that all inputs have reached; None: it is not known."""
    caught_up: bool
    """It is the newest of any, and all inputs were found at rest since this was told last."""
    is_news: bool
    """Not only what was told last, without anybody having looked since."""


class Resting:
    """The inputs that rest. Times in microseconds since 1970."""

    def __init__(self) -> None:
        self._found: dict[Topic, _Found] = {}
        self.is_untold = False
        """Whether the units stage is to hear of the last look."""

    def look(self, topics: Iterable[Topic], watermarks: Mapping[Topic, int]) -> None:
        """These have nothing more to read, and no others."""
        newest, before = _newest(watermarks), self._found
        self._found = {topic: _Found(newest, before[topic].newest if topic in before else None) for topic in CLOCK_TOPICS.intersection(topics)}
        self.is_untold = bool(self._found or before)

    def wake(self, topic: Topic) -> None:
        """Something came."""
        self._found.pop(topic, None)

    def tell(self, watermarks: Mapping[Topic, int]) -> Reached:
        """How far the partition has come; what was found at rest is told once, since it is not looked at again whenever something else is told."""
        reached = [self._reached(topic, watermarks.get(topic)) for topic in CLOCK_TOPICS]
        known = [instant for instant in reached if instant is not None]
        all_known = len(known) == len(reached)
        instant = min(known) if all_known else NEVER
        all_rest = all_known and self._found.keys() == CLOCK_TOPICS and instant >= _newest(watermarks)
        looked, self.is_untold = self.is_untold, False
        return Reached(None if instant == NEVER else instant, caught_up=all_rest and looked, is_news=looked or not all_rest)

    def _reached(self, topic: Topic, watermark: int | None) -> int | None:
        found = self._found.get(topic)
        vouched = found.before if found is not None else None
        return max((instant for instant in (watermark, vouched) if instant is not None), default=None)


def _newest(watermarks: Mapping[Topic, int]) -> int:
    return max((watermarks[topic] for topic in CLOCK_TOPICS & watermarks.keys()), default=NEVER)
