"""Rivals that watch the share of top scores, or the mean score, of each unit by itself."""

import numpy as np

from benchmarks.integrity.daily import Daily
from benchmarks.integrity.rivals.protocol import BURN_IN, WEEK, Plain, judged_only, rolling
from streams.core.batch import Bools, Floats

RISE = 0.15
"""The rise of the share of top scores that the CUSUM is made for."""
PAST_DAYS = 90
_LEAST_ANSWERS = 5.0


def _usual_share(stream: Daily) -> Floats:
    """Share of top scores in the burn-in, drawn a little to one half where there are few answers."""
    top, answers = stream.per_day(stream.top)[:, :BURN_IN].sum(axis=1), stream.per_day()[:, :BURN_IN].sum(axis=1)
    return np.asarray((top + 1) / (answers + 2))


class BernoulliCusum(Plain):
    """S = max(0, S + log likelihood ratio of the day's answers), from the unit's share in the burn-in to a share that is 0.15 higher.

    It begins anew at an alarm.
    """

    name = "Bernoulli CUSUM"

    def statistic(self, stream: Daily) -> Floats:
        """The increments; what they add up to depends on the threshold."""
        usual = np.clip(_usual_share(stream), 0.02, 0.97)[:, None]
        raised = np.minimum(usual + RISE, 0.99)
        answers, top = stream.per_day(), stream.per_day(stream.top)
        increments = top * np.log(raised / usual) + (answers - top) * np.log((1 - raised) / (1 - usual))
        increments[:, :BURN_IN] = 0.0
        return np.asarray(increments)

    def sounds(self, statistic: Floats, threshold: float) -> Bools:
        """Where the sum reaches the threshold."""
        sounding = np.zeros(statistic.shape, np.bool_)
        total = np.zeros(len(statistic))
        for day in range(BURN_IN, statistic.shape[1]):
            total = np.maximum(total + statistic[:, day], 0.0)
            sounding[:, day] = total >= max(threshold, 1e-9)
            total[sounding[:, day]] = 0.0
        return sounding


class ZScore(Plain):
    """Mean score of the last seven days against that of the ninety before them, in standard errors."""

    name = "z-score rule"

    def statistic(self, stream: Daily) -> Floats:
        """Standard errors above the past."""
        n, one, two = stream.per_day(), stream.per_day(stream.share), stream.per_day(stream.share**2)
        recent_n, recent = rolling(n, WEEK), rolling(one, WEEK)
        past_n, past_one, past_two = (rolling(values, WEEK + PAST_DAYS) - rolling(values, WEEK) for values in (n, one, two))
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = past_one / past_n
            variance = np.maximum(past_two / past_n - mean**2, 1e-4)
            z = (recent / recent_n - mean) / np.sqrt(variance * (1 / recent_n + 1 / past_n))
        return judged_only(np.where(recent_n >= _LEAST_ANSWERS, z, 0.0))


class ControlChart(Plain):
    """p-chart: share of top scores of each whole week against the burn-in's, in standard errors of the week; 3 is the rule of thumb."""

    name = "control chart (p)"

    def statistic(self, stream: Daily) -> Floats:
        """Standard errors above the centre line, on the last day of each week."""
        usual = np.clip(_usual_share(stream), 0.02, 0.98)[:, None]
        n, top = rolling(stream.per_day(), WEEK), rolling(stream.per_day(stream.top), WEEK)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (top / n - usual) / np.sqrt(usual * (1 - usual) / n)
        ends = np.arange(stream.days) % WEEK == WEEK - 1
        return judged_only(np.where((n >= _LEAST_ANSWERS) & ends, z, 0.0))
