"""What looks at a partition are taken for."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.enums import LagState
from streams.lag.rules import Look, Watch, judge, worst

WINDOW = 60.0
EVERY = 15.0


def _looks(*positions: tuple[int | None, int], owned: bool = True) -> list[Look]:
    """One look every 15 seconds: position and end; the records are ten minutes old."""
    return [
        Look(1_000.0 + EVERY * number, committed, end, 400.0 if end > (committed or 0) else None, owned)
        for number, (committed, end) in enumerate(positions)
    ]


@pytest.mark.parametrize(
    ("looks", "state"),
    [
        pytest.param(_looks((10, 10)), LagState.OK, id="a single look at nothing left"),
        pytest.param(_looks((10, 20)), LagState.UNKNOWN, id="a single look at something left"),
        pytest.param(_looks((10, 20), (10, 20), (10, 20)), LagState.UNKNOWN, id="half a window"),
        pytest.param(_looks(*[(10, 20)] * 5), LagState.STALLED, id="somebody has it and does not read"),
        pytest.param(_looks(*[(10, 20)] * 5, owned=False), LagState.STOPPED, id="nobody has it"),
        pytest.param(_looks(*[(None, 20)] * 5, owned=False), LagState.STOPPED, id="nobody ever read it"),
        pytest.param(_looks(*[(10, 10)] * 5, owned=False), LagState.OK, id="nobody has it and nothing is there"),
        pytest.param(_looks((10, 20), (20, 40), (30, 60), (40, 80), (50, 100)), LagState.LAGGING, id="reads, and falls behind"),
        pytest.param(_looks((10, 20), (20, 30), (30, 40), (40, 50), (50, 60)), LagState.LAGGING, id="reads, and never gains"),
        pytest.param(_looks((10, 90), (20, 90), (30, 90), (40, 90), (50, 90)), LagState.OK, id="catches up"),
        pytest.param(_looks((10, 20), (20, 40), (30, 45), (40, 80), (50, 100)), LagState.OK, id="gained once"),
        pytest.param(_looks((10, 10), (10, 20), (10, 20), (10, 20), (10, 20)), LagState.OK, id="nothing was left a minute ago"),
        pytest.param(_looks((30, 40), (20, 40), (25, 40), (30, 40), (35, 40)), LagState.REWOUND, id="the position went back"),
        pytest.param(_looks((30, 40), (None, 40)), LagState.REWOUND, id="the position was deleted"),
        pytest.param(_looks((40, 40), (40, 10)), LagState.REWOUND, id="the topic was made anew"),
        pytest.param(_looks((None, 20), (5, 20), (20, 20)), LagState.OK, id="the first position is none that went back"),
    ],
)
def test_states(looks: list[Look], state: LagState) -> None:
    assert judge(looks, WINDOW) is state


def test_what_is_older_than_the_window_counts_nothing() -> None:
    watch = Watch(WINDOW)
    for look in _looks((30, 40), (20, 40), *[(20, 40)] * 3):
        watch.add(look)
    before = watch.state
    watch.add(replace(watch.last, at=watch.last.at + EVERY))
    assert (before, watch.state) == (LagState.REWOUND, LagState.STALLED)
    assert len(watch.looks) == 5


def test_markers_of_transactions_are_no_lag() -> None:
    """Behind the last record of a transaction stands a marker, so a reader that is done is never at the end."""
    look = Look(1_000.0, 10, 11, None, is_owned=True)

    assert (look.lag, look.lag_seconds) == (0, 0.0)
    assert judge([replace(look, at=1_000.0 + EVERY * number) for number in range(5)], WINDOW) is LagState.OK


def test_lag_is_told_in_offsets_and_as_the_age_of_the_oldest_record() -> None:
    look = Look(1_000.0, 10, 30, 940.0, is_owned=True)

    assert (look.lag, look.lag_seconds) == (20, 60.0)
    assert replace(look, committed=None).lag == 30
    assert replace(look, committed=None, first=25).lag == 5
    assert replace(look, first=25).lag == 5
    assert replace(look, waiting_since=1_005.0).lag_seconds == 0


_POSITION = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(deadline=None)
@given(st.lists(_POSITION, min_size=1, max_size=6), st.booleans(), st.integers(0, 1_000))
def test_only_differences_count(positions: list[tuple[int, int]], owned: bool, more: int) -> None:
    """A partition that has held more records for years is judged the same."""
    moved = [(committed + more, end + more) for committed, end in positions]

    assert judge(_looks(*positions, owned=owned), WINDOW) is judge(_looks(*moved, owned=owned), WINDOW)


@settings(deadline=None)
@given(st.lists(_POSITION, min_size=1, max_size=8), st.booleans())
def test_no_alarm_while_nothing_is_left(positions: list[tuple[int, int]], owned: bool) -> None:
    """A look at nothing left within the window is well, unless something went back."""
    looks = _looks(*sorted((committed, committed) for committed, _ in positions), owned=owned)

    assert judge(looks, WINDOW) is LagState.OK


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=5), st.booleans())
def test_who_reads_on_is_neither_stalled_nor_stopped_and_who_does_not_is_never_lagging(steps: list[tuple[int, int]], owned: bool) -> None:
    committed, end, positions = 0, 100, []
    for read, written in steps:
        positions.append((committed, end))
        committed, end = committed + read, end + written
    state = judge(_looks(*positions, owned=owned), WINDOW)
    moved = positions[0][0] != positions[-1][0]

    assert state is not LagState.REWOUND
    assert (state in {LagState.STALLED, LagState.STOPPED}) == (not moved)
    if state is LagState.LAGGING:
        assert positions[-1][1] - positions[-1][0] >= positions[0][1] - positions[0][0]


def test_the_worst_state_is_the_one_that_most_needs_somebody() -> None:
    assert worst([]) is LagState.OK
    assert worst([LagState.OK, LagState.LAGGING, LagState.UNKNOWN]) is LagState.LAGGING
    assert worst(LagState) is LagState.STOPPED


@settings(deadline=None)
@given(st.floats(0.1, 59.0), st.floats(0.0, 0.9))
def test_whatever_the_pace_of_the_looks_a_state_is_known_after_two_windows(every: float, jitter: float) -> None:
    """Looks do not come at the ends of a window."""
    watch, at = Watch(WINDOW), 1_000.0
    while at < 1_000.0 + 2 * WINDOW:
        watch.add(Look(at, 10, 20, 400.0, is_owned=True))
        at += every * (1 + jitter)

    assert watch.state is LagState.STALLED
