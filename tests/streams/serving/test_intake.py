"""What came in, minute by minute and topic by topic, against a count of the records themselves."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.enums import LagState, Stage
from streams.lag.reading import Place
from streams.lag.rules import Look
from streams.serving.intake import MINUTES, Intake, Stream

START = 1_767_225_600.0


def looks(at: float, ends: Mapping[str, tuple[int, ...]], behind: int = 0) -> dict[Place, tuple[Look, LagState]]:
    """A look at topics of the accounts stage by the ends of their partitions."""
    return {
        Place(Stage.ACCOUNTS, topic, partition): (Look(at, end - behind, end, at - 30 if behind else None, is_owned=True), LagState.OK)
        for topic, partitions in ends.items()
        for partition, end in enumerate(partitions)
    }


@given(st.lists(st.tuples(st.floats(0.5, 200), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=60))
def test_what_came_in_is_what_was_written_between_looks(steps: list[tuple[float, int, int]]) -> None:
    intake, at, ends = Intake(), START, [100, 7]
    came: list[tuple[float, int]] = []
    seen = intake.saw(looks(at, {"feedback": tuple(ends)}))
    for wait, one, other in steps:
        at += wait
        ends = [ends[0] + one, ends[1] + other]
        came.append((at, one + other))
        seen = intake.saw(looks(at, {"feedback": tuple(ends)}))
    oldest = max(START // 60 * 60, at // 60 * 60 - 60 * (MINUTES - 1))
    wanted = {oldest + 60 * number: 0 for number in range(int((at // 60 * 60 - oldest) / 60) + 1)}
    for when, records in came:
        if when // 60 * 60 in wanted:
            wanted[when // 60 * 60] += records
    assert {minute.start: minute.records for minute in seen.minutes} == wanted
    times = [START, *(when for when, _ in came)]
    (topic,) = seen.topics
    for told, seconds in ((topic.last_minute, 60), (topic.last_minutes, 60 * MINUTES)):
        first = max((when for when in times if when <= at - seconds), default=START)
        assert told == sum(records for when, records in came if when > first)


def _last(*seen: dict[Place, tuple[Look, LagState]]) -> Stream:
    intake = Intake()
    return [intake.saw(one) for one in seen][-1]


def test_lag_is_that_of_all_partitions_and_the_state_is_the_worst() -> None:
    seen = looks(START, {"feedback": (10, 20), "actions": (5,)}, behind=3)
    place = Place(Stage.ACCOUNTS, "feedback", 1)
    seen[place] = (seen[place][0], LagState.STALLED)
    feedback, actions = _last(seen).topics
    assert (feedback.behind, feedback.seconds, feedback.state) == (6, 30.0, LagState.STALLED)
    assert (actions.behind, actions.state) == (3, LagState.OK)


def test_a_topic_that_was_made_anew_counts_from_there_on() -> None:
    stream = _last(looks(START, {"feedback": (1000,)}), looks(START + 1, {"feedback": (4,)}), looks(START + 2, {"feedback": (9,), "new": (50,)}))
    assert [(topic.topic, topic.last_minute) for topic in stream.topics] == [("feedback", 5), ("new", 0)]
    assert sum(minute.records for minute in stream.minutes) == 5


@pytest.mark.parametrize("stage", Stage)
def test_only_inputs_are_intake(stage: Stage) -> None:
    def look(at: float, end: int) -> dict[Place, tuple[Look, LagState]]:
        return {Place(stage, "t", 0): (Look(at, end, end, None, is_owned=True), LagState.OK)}

    assert sum(minute.records for minute in _last(look(START, 0), look(START + 1, 9)).minutes) == (9 if stage is Stage.ACCOUNTS else 0)
