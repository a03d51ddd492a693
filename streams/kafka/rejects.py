"""Noticing that most of a stretch is refused: a producer that is broken, or a contract that moved."""

from collections import Counter, deque
from collections.abc import Mapping

from schemas.enums import RejectReason


class RejectWatch:
    """Watches one topic and partition, over the last ``minimum`` records or a little more."""

    def __init__(self, ratio: float, minimum: int) -> None:
        self._ratio = ratio
        self._minimum = minimum
        self._stretch: deque[tuple[int, int]] = deque()
        self._records = 0
        self._rejected = 0
        self.reasons: Counter[RejectReason] = Counter()
        """Why, since the watch began."""

    def add(self, records: int, rejected: Mapping[RejectReason, int]) -> bool:
        """Count a batch; whether more than ``ratio`` of the stretch was refused, which needs ``minimum`` records to tell."""
        refused = sum(rejected.values())
        self.reasons.update(rejected)
        self._stretch.append((records, refused))
        self._records += records
        self._rejected += refused
        while self._records - self._stretch[0][0] >= self._minimum:
            first_records, first_refused = self._stretch.popleft()
            self._records -= first_records
            self._rejected -= first_refused
        return self._records >= self._minimum and self._rejected > self._ratio * self._records
