"""D7: top scores of customers who then give the purchase back."""

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_counts

PRIOR = Prior(rate=0.04, weight=60.0, margin=0.01)
FEWEST_ANSWERS = 60.0
"""Fewer top scores than this say too little of how often praise is regretted; until then nothing is judged."""
OTHERS_WEIGHT = 50.0
"""What other customers of the day did is believed by n / (n + this), n of their answers."""


class RegrettedPraise:
    """Sees scores that were inflated: praise that customers do not stand by. At a single unit too few purchases are given back to tell.

    The unit that it is shown is the fleet.
    """

    name = Detector.REGRETTED_PRAISE
    family = Family.BEHAVIOUR
    words = (
        "{found} of {looked_at} purchases that customers had given a top score for were given back within 30 days, where other customers of the time "
        "and the time before let expect at most {at_most}"
    )

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of praised purchases that were given back, against the other purchases that were answered about on the same day."""
        praise = day.praise
        others = (praise.others_regretted + PRIOR.rate * OTHERS_WEIGHT) / (praise.others + OTHERS_WEIGHT)
        # Never below what it used to be: where all give back less, so do those who praise, but not by as many points.
        expected = np.maximum(others, past.expected / np.maximum(past.answers, 1.0))
        judged = judge_counts(past, PRIOR, praise.regretted, praise.praised, expected * praise.praised)
        judged.log_ratios[past.answers < FEWEST_ANSWERS] = 0.0
        return judged

    def marks(self, day: UnitDays) -> Bools | None:
        """None: customers may change their minds."""
        del day
        return None
