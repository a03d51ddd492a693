"""How far the opening of partitions has come, as others see it: a large state takes a while to be read back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streams.metrics.worker import StageMetrics


class Openings:
    """The partitions of a stage that are being opened. ``metrics`` hear of it; None: nobody looks."""

    def __init__(self, metrics: StageMetrics | None = None) -> None:
        self._left: dict[int, int] = {}
        self._metrics = metrics

    @contextmanager
    def of(self, partition: int) -> Iterator[Callable[[int], None]]:
        """While a partition is being opened; to be called with the number of offsets of its checkpoint that are left to read."""

        def tell(left: int) -> None:
            self._left[partition] = left
            self._say()

        tell(0)
        try:
            yield tell
        finally:
            del self._left[partition]
            self._say()

    def _say(self) -> None:
        if self._metrics is not None:
            self._metrics.opening.set(len(self._left))
            self._metrics.recovery_left.set(sum(self._left.values()))
