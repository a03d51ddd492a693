"""What others would use in Candor's place, on the same streams."""

from benchmarks.integrity.rivals.charts import BernoulliCusum, ControlChart, ZScore
from benchmarks.integrity.rivals.forest import Forest
from benchmarks.integrity.rivals.midas import Midas
from benchmarks.integrity.rivals.protocol import Rival


def rivals() -> tuple[Rival, ...]:
    """All of them, having learned nothing yet."""
    return (BernoulliCusum(), ZScore(), ControlChart(), Forest(), Midas())


__all__ = ["Rival", "rivals"]
