"""Rivals do what their formulas say, and are tuned to the alarms that they are allowed."""

from datetime import date

import numpy as np
import pytest

from benchmarks.integrity.daily import Daily
from benchmarks.integrity.rivals import Rival, rivals
from benchmarks.integrity.rivals.charts import RISE, BernoulliCusum, ControlChart
from benchmarks.integrity.rivals.midas import score
from benchmarks.integrity.rivals.protocol import BURN_IN, new_findings, tune

DAYS, UNITS = 240, 12


def _stream(seed: int, gamed: int = 0) -> Daily:
    """Units with 3 answers a day, 45 % top; from day 120 on 90 % at the first ``gamed`` units, all from one device."""
    random = np.random.default_rng(seed)
    number = random.poisson(3.0, (UNITS, DAYS))
    unit, day = (places.repeat(number.ravel()) for places in np.indices(number.shape).reshape(2, -1))
    order = np.argsort(day, kind="stable")
    unit, day = unit[order], day[order]
    at_work = (unit < gamed) & (day >= 120)
    n = len(unit)
    top = random.random(n) < np.where(at_work, 0.9, 0.45)
    return Daily(
        units=[f"u{number}" for number in range(UNITS)], start=date(2026, 1, 1), days=DAYS, unit=unit, day=day, top=top,
        share=np.where(top, 1.0, random.choice([0.3, 0.6, 0.8], n)), source=np.where(at_work, unit, 1_000 + np.arange(n)),
        device_repeated=at_work, comment_repeated=np.zeros(n, np.bool_), duration=random.lognormal(9.6, 0.5, n),
        asked=np.full((UNITS, DAYS), 4.0), sold=np.full((UNITS, DAYS), 10.0),
    )  # fmt: skip


def test_midas_is_the_published_score() -> None:
    assert score(10, 20, 5) == pytest.approx(11.25)
    assert score(4, 20, 5) == 0.0
    assert score(1, 1, 1) == 0.0


def test_the_cusum_is_the_sum_that_is_computed_answer_by_answer() -> None:
    stream, threshold, rival = _stream(4, gamed=1), 6.0, BernoulliCusum()
    burn_in = [bool(top) for unit, day, top in zip(stream.unit, stream.day, stream.top, strict=True) if unit == 0 and day < BURN_IN]
    usual = (sum(burn_in) + 1) / (len(burn_in) + 2)
    raised = usual + RISE
    total, sounding = 0.0, []
    for day in range(BURN_IN, DAYS):
        todays = stream.top[(stream.unit == 0) & (stream.day == day)]
        total = max(0.0, total + sum(float(np.log(raised / usual) if top else np.log((1 - raised) / (1 - usual))) for top in todays))
        if total >= threshold:
            sounding.append(day)
            total = 0.0
    assert np.flatnonzero(rival.sounds(rival.statistic(stream), threshold)[0]).tolist() == sounding
    assert sounding


def test_the_chart_is_in_standard_errors_and_speaks_once_a_week() -> None:
    stream = _stream(4)
    statistic = ControlChart().statistic(stream)
    assert set(np.flatnonzero(statistic.any(axis=0)) % 7) == {6}
    day = int(np.flatnonzero(statistic[2])[0])
    week = stream.top[(stream.unit == 2) & (stream.day > day - 7) & (stream.day <= day)]
    burn_in = stream.top[(stream.unit == 2) & (stream.day < BURN_IN)]
    usual = (burn_in.sum() + 1) / (len(burn_in) + 2)
    assert statistic[2, day] == pytest.approx((week.mean() - usual) / np.sqrt(usual * (1 - usual) / len(week)))


def test_sounds_within_sixty_days_of_another_are_one_finding() -> None:
    sounds = np.zeros((1, 200), np.bool_)
    sounds[0, [10, 60, 119, 179]] = True
    assert np.flatnonzero(new_findings(sounds)[0]).tolist() == [10, 179]


@pytest.mark.parametrize("rival", rivals(), ids=lambda rival: rival.name)
def test_tuning_keeps_to_what_is_allowed_and_gives_away_nothing(rival: Rival) -> None:
    clean = [_stream(1), _stream(2)]
    rival.learn(clean)
    for allowed in (1, 6):
        threshold = tune(rival, clean, allowed)

        def found(at: float) -> int:
            return sum(int(new_findings(rival.sounds(rival.statistic(stream), at)).sum()) for stream in clean)

        assert found(threshold) <= allowed < found(threshold * (1 - 1e-6))
        assert tune(rival, clean, allowed) == threshold


@pytest.mark.parametrize("rival", rivals(), ids=lambda rival: rival.name)
def test_what_is_blatant_is_found(rival: Rival) -> None:
    clean = [_stream(1), _stream(2)]
    rival.learn(clean)
    sounds = rival.sounds(rival.statistic(_stream(3, gamed=4)), tune(rival, clean, 2))
    assert sounds[:4, 120:].any(axis=1).sum() >= 3
    assert not sounds[:, :BURN_IN].any()
