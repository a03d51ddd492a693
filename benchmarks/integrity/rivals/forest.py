"""Isolation Forest over weeks of units."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import IsolationForest

from benchmarks.integrity.daily import Daily
from benchmarks.integrity.rivals.protocol import BURN_IN, WEEK, judged_only, rolling
from streams.core.batch import Bools, Floats

TREES = 200
FAST_SHARE = 5.0
"""Per cent of the forms of clean streams that are faster."""


class Forest:
    """Scikit-learn's forest, grown on clean streams; each day is its last seven days, beside what was usual at the unit in the burn-in."""

    name = "Isolation Forest"

    def __init__(self) -> None:
        self._forest = IsolationForest(n_estimators=TREES, random_state=0)
        self._fast = 0.0

    def learn(self, clean: Sequence[Daily]) -> None:
        """Grows the forest."""
        durations = np.concatenate([stream.duration for stream in clean])
        told = durations[~np.isnan(durations)]
        self._fast = float(np.percentile(told, FAST_SHARE)) if len(told) else 0.0
        self._forest.fit(np.concatenate([self._features(stream)[:, BURN_IN:].reshape(-1, 6) for stream in clean]))

    def statistic(self, stream: Daily) -> Floats:
        """How short the paths are: 0 as everywhere, at most 1."""
        features = self._features(stream)
        found = -self._forest.score_samples(features.reshape(-1, features.shape[2]))
        return judged_only(np.asarray(found).reshape(features.shape[:2]))

    def sounds(self, statistic: Floats, threshold: float) -> Bools:
        """Where paths are shorter."""
        return np.asarray(statistic >= threshold)

    def _features(self, stream: Daily) -> Floats:
        """Units, days, features: answers, top scores, repeated devices, repeated words, fast forms, invitations a purchase."""
        n = stream.per_day()
        recent = rolling(n, WEEK)
        burn_in = max(min(BURN_IN, stream.days), 1)
        usual = n[:, :burn_in].sum(axis=1, keepdims=True)
        top = stream.per_day(stream.top)
        shares = [
            rolling(stream.per_day(marked), WEEK) / np.maximum(recent, 1.0)
            for marked in (stream.device_repeated, stream.comment_repeated, stream.duration < self._fast)
        ]
        asked, sold = rolling(stream.asked, WEEK), rolling(stream.sold, WEEK)
        return np.stack(
            [
                recent / np.maximum(usual / burn_in * WEEK, 0.5),
                rolling(top, WEEK) / np.maximum(recent, 1.0) - top[:, :burn_in].sum(axis=1, keepdims=True) / np.maximum(usual, 1.0),
                *shares,
                asked / np.maximum(sold, 1.0),
            ],
            axis=2,
        )
