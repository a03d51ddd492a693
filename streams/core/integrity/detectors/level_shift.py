"""D1: more top scores than before, and than peers had on the same days."""

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_rate

PRIOR = Prior(rate=0.5, weight=30.0, margin=0.01, standard_errors=0.35)
"""Peers count for little, since honest units differ, some by a correlation of 0.1: to be better than they are is no change."""
FEWEST_ANSWERS = 30.0
"""Fewer answers than this say too little of how the unit compares with its peers; until then nothing is judged."""


class LevelShift:
    """Sees begging, bribing and posters; sees real improvement just as well, so that by itself it is no more than a reason to look."""

    name = Detector.LEVEL_SHIFT
    family = Family.SCORE
    words = "{found} of {looked_at} answers were top scores, where other units and the time before let expect at most {at_most}"

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Each response is held against what peers gave on the same day for the same metric and channel; without peers it is left out."""
        known = ~np.isnan(day.expected_top)
        judged = judge_rate(day, past, PRIOR, known, day.top_box, np.where(known, day.expected_top, 0.0))
        judged.log_ratios[past.answers < FEWEST_ANSWERS] = 0.0
        return judged

    def marks(self, day: UnitDays) -> Bools | None:
        """None: a top score by itself is no sign."""
        del day
        return None
