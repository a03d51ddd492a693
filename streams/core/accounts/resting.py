"""Which inputs of a partition have nothing more to read for now, and how far the partition has come.

An input that rests must hold up no other, and must not be taken for silent because it is read a little later than they are: after a pause, or
when workers are busy, one input may be years ahead of another within a second. So a claim that there is nothing more to read is worth what was
known when the claim before it was made: whatever belongs to that time has long been there to be read. Who rests on makes the claim anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.enums import Topic
from streams.core.accounts.state import NEVER

CLOCK_TOPICS = frozenset({Topic.FEEDBACK, Topic.INVITATIONS, Topic.TRANSACTIONS})
"""What units are judged by."""


@dataclass(frozen=True, slots=True)
class _Claim:
    newest: int
    """The newest event of any input when the claim was made."""
    before: int | None
    """The same of the claim before it; None: there was none."""


class Resting:
    """The claims that stand. Times in microseconds since 1970."""

    def __init__(self) -> None:
        self._claims: dict[Topic, _Claim] = {}
        self._renewed: set[Topic] = set()

    def claim(self, topics: Iterable[Topic], watermarks: Mapping[Topic, int]) -> bool:
        """There is nothing more to read of these; returns whether others should hear of it: once all that rest have said so again."""
        newest = _newest(watermarks)
        claimed = CLOCK_TOPICS.intersection(topics)
        for topic in claimed:
            before = self._claims.get(topic)
            self._claims[topic] = _Claim(newest, None if before is None else before.newest)
        self._renewed |= claimed
        if not claimed or self._renewed < self._claims.keys():
            return False
        self._renewed.clear()
        return True

    def wake(self, topic: Topic) -> None:
        """Something came."""
        self._claims.pop(topic, None)
        self._renewed.discard(topic)

    def reached(self, watermarks: Mapping[Topic, int]) -> tuple[int | None, bool]:
        """Returns the time that all inputs have reached, None where it is not known, and whether it is the newest of any and all of them rest."""
        reached = [self._reached(topic, watermarks.get(topic)) for topic in CLOCK_TOPICS]
        known = [instant for instant in reached if instant is not None]
        all_told = len(known) == len(reached)
        instant = min(known) if all_told else NEVER
        caught_up = all_told and self._claims.keys() == CLOCK_TOPICS and instant >= _newest(watermarks)
        return (None if instant == NEVER else instant), caught_up

    def _reached(self, topic: Topic, watermark: int | None) -> int | None:
        claim = self._claims.get(topic)
        vouched = claim.before if claim is not None else None
        return max((instant for instant in (watermark, vouched) if instant is not None), default=None)


def _newest(watermarks: Mapping[Topic, int]) -> int:
    return max((watermarks[topic] for topic in CLOCK_TOPICS & watermarks.keys()), default=NEVER)
