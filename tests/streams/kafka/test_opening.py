"""What is being opened is told while it is, and no longer."""

import pytest

from schemas.enums import Stage
from streams.kafka.opening import Openings
from streams.metrics.worker import WorkerMetrics


def test_partitions_that_are_being_opened_and_what_is_left_of_them_are_told() -> None:
    metrics = WorkerMetrics().stage(Stage.ACCOUNTS)
    openings = Openings(metrics)

    def told() -> tuple[float, float]:
        return metrics.opening.read(), metrics.recovery_left.read()

    with openings.of(0) as first, openings.of(3) as second:
        assert told() == (2, 0)
        first(100)
        second(50)
        assert told() == (2, 150)
        first(10)
        assert told() == (2, 60)
    assert told() == (0, 0)


def test_a_partition_that_is_opened_anew_before_an_earlier_opening_ended_is_one() -> None:
    metrics = WorkerMetrics().stage(Stage.ACCOUNTS)
    openings = Openings(metrics)

    with openings.of(0) as first:
        first(100)
        with openings.of(0) as again:
            again(30)
            assert (metrics.opening.read(), metrics.recovery_left.read()) == (1, 130)
        assert (metrics.opening.read(), metrics.recovery_left.read()) == (1, 100)
    assert (metrics.opening.read(), metrics.recovery_left.read()) == (0, 0)


def test_an_opening_that_fails_is_over() -> None:
    metrics = WorkerMetrics().stage(Stage.UNITS)

    def fail() -> None:
        with Openings(metrics).of(1) as tell:
            tell(7)
            raise OSError("Kafka is away")

    with pytest.raises(OSError, match="Kafka is away"):
        fail()
    assert (metrics.opening.read(), metrics.recovery_left.read()) == (0, 0)
