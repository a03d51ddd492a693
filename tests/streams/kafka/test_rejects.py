"""When most of a stretch is refused."""

from schemas.enums import RejectReason
from streams.kafka.rejects import RejectWatch

BAD = RejectReason.MALFORMED


def test_a_few_refused_records_are_life() -> None:
    watch = RejectWatch(0.5, 100)
    assert not any(watch.add(10, {BAD: 5}) for _ in range(50))


def test_a_stretch_that_is_too_short_tells_nothing() -> None:
    watch = RejectWatch(0.5, 100)
    assert not watch.add(99, {BAD: 99})


def test_more_than_the_ratio_of_a_stretch_is_noticed() -> None:
    watch = RejectWatch(0.5, 100)
    assert not watch.add(60, {BAD: 60})
    assert watch.add(40, {})
    assert watch.reasons == {BAD: 60}


def test_good_records_of_long_ago_do_not_hide_bad_ones() -> None:
    watch = RejectWatch(0.5, 100)
    for _ in range(1000):
        assert not watch.add(10, {})
    assert [watch.add(10, {BAD: 10}) for _ in range(10)].index(True) == 5


def test_a_ratio_of_one_never_tells() -> None:
    watch = RejectWatch(1.0, 10)
    assert not any(watch.add(10, {BAD: 10}) for _ in range(50))
