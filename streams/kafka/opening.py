"""How far the opening of partitions has come, as others see it: a large state takes a while to be read back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streams.metrics.worker import StageMetrics


class Openings:
    """The partitions of a stage that are being opened. ``metrics`` hear of it; None: nobody looks."""

    def __init__(self, metrics: StageMetrics | None = None) -> None:
        # One that was lost may be opened anew while an earlier opening of it has not ended.
        self._under_way: dict[object, tuple[int, int]] = {}
        self._metrics = metrics

    @contextmanager
    def of(self, partition: int) -> Iterator[Callable[[int], None]]:
        """While a partition is being opened; to be called with the number of offsets of its checkpoint that are left to read."""
        opening = object()

        def tell(left: int) -> None:
            self._under_way[opening] = partition, left
            self._say()

        tell(0)
        try:
            yield tell
        finally:
            del self._under_way[opening]
            self._say()

    def _say(self) -> None:
        if self._metrics is not None:
            self._metrics.opening.set(len({partition for partition, _ in self._under_way.values()}))
            self._metrics.recovery_left.set(sum(left for _, left in self._under_way.values()))
