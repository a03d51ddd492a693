"""Units from day to day: what stays silent, what sounds, and what becomes of it."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from schemas.enums import Detector
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors import PLAN_DETECTORS, UNIT_DETECTORS, UnitDetector, pairs_of
from streams.core.integrity.detectors.level_shift import LevelShift
from streams.core.integrity.evidence import ACTIVE_DAYS, Alarm, Evidence
from streams.simulate.unit_days import FIRST_DAY, Rates, days

UNITS = 120
BUDGET = 5_000.0
RAISED = {
    Detector.LEVEL_SHIFT: ("top", 0.75),
    Detector.SHARED_DEVICES: ("device", 0.3),
    Detector.SHARED_CONTACTS: ("contact", 0.3),
    Detector.COACHED_TEXT: ("comment", 0.4),
    Detector.FAST_FORMS: ("fast", 0.4),
    Detector.CHERRY_PICKING: ("unasked", 0.9),
}


def _alarms(evidence: Evidence, stream: object) -> list[Alarm]:
    return [alarm for day in stream for alarm in evidence.add_day(np.arange(UNITS), day, BUDGET)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("correlation", [0.001, 0.1])
def test_clean_units_stay_silent_as_long_as_was_promised(correlation: float) -> None:
    """Over 300 days 120 units may raise 300 * 120 / 5,000 = 7.2 false alarms in expectation; 14 or more have probability 0.015 then."""
    rates = Rates(correlation=correlation)
    alarms = _alarms(Evidence.nothing(UNITS), days(np.random.default_rng(7), UNITS, 300, 3.0, rates))
    assert len(alarms) < 14


@pytest.mark.parametrize("detector", RAISED)
def test_each_detector_sounds_at_what_it_looks_for_and_says_since_when(detector: Detector) -> None:
    field, rate = RAISED[detector]
    rates, since = Rates(), 120
    stream = days(np.random.default_rng(8), UNITS, 240, 3.0, rates, replace(rates, **{field: rate}), since)
    alarms = _alarms(Evidence.nothing(UNITS), stream)
    first: dict[int, Alarm] = {}
    for alarm in alarms:
        if alarm.detector is detector and alarm.day >= FIRST_DAY + since:
            first.setdefault(alarm.row, alarm)
    caught = [alarm for row, alarm in first.items() if row < UNITS // 2]
    assert len(caught) >= 0.9 * (UNITS // 2)
    assert np.median([abs(alarm.since - FIRST_DAY - since) for alarm in caught]) <= 14
    assert all(alarm.log_e >= np.log(2 * BUDGET) for alarm in caught)


def test_every_detector_of_rates_is_tried_here() -> None:
    assert {detector.name for detector in UNIT_DETECTORS} == {*RAISED, Detector.RESPONSE_VOLUME}


def test_too_many_responses_sound() -> None:
    generator = np.random.default_rng(9)
    evidence = Evidence.nothing(UNITS)
    assert not [a for a in _alarms(evidence, days(generator, UNITS, 120, 4.0, Rates())) if a.detector is Detector.RESPONSE_VOLUME]
    stuffed = (replace(day, day=day.day + 120) for day in days(generator, UNITS, 60, 14.0, Rates()))
    caught = {alarm.row for alarm in _alarms(evidence, stuffed) if alarm.detector is Detector.RESPONSE_VOLUME}
    assert len(caught) >= 0.9 * UNITS


def test_more_responses_to_more_chances_are_nothing_special() -> None:
    generator = np.random.default_rng(9)
    evidence = Evidence.nothing(UNITS)
    _alarms(evidence, days(generator, UNITS, 120, 4.0, Rates()))
    campaign = (replace(day, day=day.day + 120, opportunities=np.full(UNITS, 3.5)) for day in days(generator, UNITS, 60, 14.0, Rates()))
    assert not [alarm for alarm in _alarms(evidence, campaign) if alarm.detector is Detector.RESPONSE_VOLUME]


def test_more_responses_are_nothing_special_where_all_get_more() -> None:
    generator = np.random.default_rng(9)
    evidence = Evidence.nothing(UNITS)
    _alarms(evidence, days(generator, UNITS, 120, 4.0, Rates()))
    lottery = (replace(day, day=day.day + 120, swelling=np.full(UNITS, 3.5)) for day in days(generator, UNITS, 60, 14.0, Rates()))
    assert not [alarm for alarm in _alarms(evidence, lottery) if alarm.detector is Detector.RESPONSE_VOLUME]


def test_the_first_responses_are_no_swelling() -> None:
    """Sales were told for months before the survey began."""
    generator, evidence = np.random.default_rng(9), Evidence.nothing(UNITS)
    _alarms(evidence, days(generator, UNITS, 60, 0.0, Rates()))
    begun = (replace(day, day=day.day + 60) for day in days(generator, UNITS, 60, 9.0, Rates()))
    assert not [alarm for alarm in _alarms(evidence, begun) if alarm.detector is Detector.RESPONSE_VOLUME]


def test_alarms_of_one_affair_belong_to_one_finding() -> None:
    rates = Rates()
    stream = days(np.random.default_rng(8), UNITS, 300, 3.0, rates, replace(rates, device=0.5), 100)
    alarms = [alarm for alarm in _alarms(Evidence.nothing(UNITS), stream) if alarm.detector is Detector.SHARED_DEVICES and alarm.row < UNITS // 2]
    by_unit: dict[int, list[Alarm]] = {}
    for alarm in alarms:
        by_unit.setdefault(alarm.row, []).append(alarm)
    assert max(len(sounded) for sounded in by_unit.values()) > 3
    for sounded in by_unit.values():
        assert {alarm.raised_on for alarm in sounded} == {sounded[0].day}
        assert all(later.day - earlier.day < ACTIVE_DAYS for earlier, later in itertools.pairwise(sounded))


def test_what_is_suspected_is_not_learned() -> None:
    """Two hundred days of stuffing do not become the new normal."""
    rates = Rates()
    evidence = Evidence.nothing(UNITS)
    _alarms(evidence, days(np.random.default_rng(8), UNITS, 300, 3.0, rates, replace(rates, device=0.6), 100))
    column = [detector.name for detector in UNIT_DETECTORS].index(Detector.SHARED_DEVICES)
    learned = evidence.hits[:, column] / evidence.answers[:, column]
    assert learned[: UNITS // 2].max() < 0.15


BEGGING = replace(Rates(), top=0.62, comment=0.14)
"""Some more top scores, and some who tell: each too little to be seen soon by itself."""


def _sounded(evidence: Evidence, detectors: Sequence[UnitDetector]) -> list[int]:
    """Days after the hundredth until the first alarm at each unit that is gamed."""
    first: dict[int, int] = {}
    for day in days(np.random.default_rng(11), UNITS, 220, 3.0, replace(Rates(), correlation=0.02), replace(BEGGING, correlation=0.02), 100):
        for alarm in evidence.add_day(np.arange(UNITS), day, BUDGET, detectors):
            if day.day >= FIRST_DAY + 100:
                first.setdefault(alarm.row, day.day - FIRST_DAY - 100)
    return [first.get(row, 1_000) for row in range(UNITS // 2)]


def test_two_signs_that_are_weak_alone_are_seen_as_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    as_pairs = np.array(_sounded(Evidence.nothing(UNITS), UNIT_DETECTORS))
    monkeypatch.setattr("streams.core.integrity.detectors._PAIRS", ())
    alone = np.array(_sounded(Evidence.nothing(UNITS), UNIT_DETECTORS))

    assert (as_pairs <= 60).sum() > 1.5 * (alone <= 60).sum() > 0


def test_what_only_the_pleased_say_makes_no_pair_sound() -> None:
    """Signs among top scores alone, and days that are alike: the promise is of 36 alarms, in expectation and at most."""
    generator, evidence, alarms = np.random.default_rng(5), Evidence.nothing(UNITS), 0
    for day in days(np.random.default_rng(12), UNITS, 300, 3.0, Rates(correlation=0.1, between=0.02)):
        told = day.comment_told & day.top_box & (generator.random(len(day.unit)) < Rates().comment / Rates().top)
        alarms += len(evidence.add_day(np.arange(UNITS), replace(day, comment_suspect=told), 1_000.0))
    assert alarms < 36


def test_units_that_have_long_been_better_than_their_peers_do_not_sound() -> None:
    """They differ more than in most companies; a quarter of what is promised is not reached all the same."""
    evidence, generator = Evidence.nothing(UNITS, (LevelShift(),)), np.random.default_rng(8)
    stream = days(generator, UNITS, 300, 1.2, Rates(correlation=0.02, between=0.1))
    alarms = sum(len(evidence.add_day(np.arange(UNITS), day, 1_000.0, (LevelShift(),))) for day in stream)
    assert alarms < UNITS * 300 / 1_000 / 4


def test_a_pardon_forgets_what_the_detector_was_part_of() -> None:
    evidence = Evidence.nothing(2)
    evidence.log_evidence[:] = 3.0
    pair = pairs_of(UNIT_DETECTORS)[0]
    evidence.pardon(1, pair[1], FIRST_DAY)

    assert (evidence.log_evidence[0] == 3.0).all()
    forgotten = np.isneginf(evidence.log_evidence[1]).all(axis=1)
    assert np.flatnonzero(forgotten).tolist() == [pair[1], len(UNIT_DETECTORS)]


def _pushed(generator: np.random.Generator, plans: int, units: int, days_: int, share: float) -> Iterator[UnitDays]:
    """Plans of so many units; on the last five of thirty days so many of the answers below the top become top scores."""
    for day in days(generator, plans, days_, 2.4 * units, Rates(correlation=0.02)):
        pushed = day.pushing[day.unit] & (generator.random(len(day.unit)) < share)
        yield replace(day, top_box=day.top_box | pushed)


def test_a_push_at_the_end_of_periods_is_seen_over_all_units_of_a_plan() -> None:
    """Twenty plans of eight units, by the third month end, where six in ten answers below the top are pushed; and no plan where none is."""
    plans = 20
    for share, least, most in ((0.6, 18, 20), (0.0, 0, 0)):
        evidence = Evidence.nothing(plans, PLAN_DETECTORS)
        sounded = {
            alarm.row
            for day in _pushed(np.random.default_rng(6), plans, 8, 90, share)
            for alarm in evidence.add_day(np.arange(plans), day, 30.0 * plans, PLAN_DETECTORS)
        }
        assert least <= len(sounded) <= most


def test_units_do_not_touch_each_other() -> None:
    """A unit alone gives what it gives among others."""
    stream = list(days(np.random.default_rng(3), UNITS, 100, 3.0, Rates(), replace(Rates(), top=0.8), 40))
    together, alone = Evidence.nothing(UNITS), Evidence.nothing(1)
    for day in stream:
        together.add_day(np.arange(UNITS), day, BUDGET)
        mine = day.unit == 5
        columns = {name: getattr(day, name) for name in day.__dataclass_fields__}
        per_response = {name: value[mine] for name, value in columns.items() if isinstance(value, np.ndarray) and len(value) == len(day.unit)}
        per_unit = {name: columns[name][5:6] for name in ("opportunities", "swelling", "risky", "risky_unasked", "asked_share", "pushing")}
        alone.add_day(np.arange(1), replace(day, **{**per_response, **per_unit, "unit": np.zeros(int(mine.sum()), np.int64), "units": 1}), BUDGET)
    for name, array in vars(alone).items():
        np.testing.assert_allclose(array[0], vars(together)[name][5])


def test_a_unit_of_few_answers_is_learned_all_the_same() -> None:
    """One answer every other day: by the time there are enough to judge, the process has moved up by as many ticks, and goes on to learn."""
    generator = np.random.default_rng(4)
    evidence = Evidence.nothing(1)
    sounded: set[Detector] = set()
    for day in days(generator, 1, 1_000, 0.5, Rates(between=0.0), replace(Rates(), top=0.97), 600):
        # The first half of one unit is none, so it is gamed by hand.
        gamed = replace(day, top_box=day.top_box | (generator.random(len(day.top_box)) < 0.9)) if day.day >= 20_600 else day
        sounded |= {alarm.detector for alarm in evidence.add_day(np.arange(1), gamed, 1_800.0)}
    column = [detector.name for detector in UNIT_DETECTORS].index(Detector.LEVEL_SHIFT)
    assert evidence.answers[0, column] > 150
    assert Detector.LEVEL_SHIFT in sounded
