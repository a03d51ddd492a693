"""Alive is who turns, ready is who lacks nothing."""

from streams.metrics.health import Health


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_before_its_loop_begins_it_is_alive_and_not_ready() -> None:
    health = Health(5.0, _Clock())

    assert health.live()[0]
    assert not health.ready()[0]


def test_a_loop_that_stands_still_is_not_alive_and_so_not_ready_until_it_turns_again() -> None:
    clock = _Clock()
    health = Health(5.0, clock)
    health.beat()
    clock.now += 4.9
    assert health.live()[0]
    assert health.ready() == (True, "ready")
    clock.now += 0.2
    assert not health.live()[0]
    assert not health.ready()[0]
    health.beat()
    assert health.live()[0]
    assert health.ready()[0]


def test_what_is_missing_is_named() -> None:
    health = Health(5.0, _Clock())
    health.beat(("assignment of accounts", "clickhouse"))

    assert health.ready() == (False, "waiting for: assignment of accounts, clickhouse")
    assert health.live()[0]
