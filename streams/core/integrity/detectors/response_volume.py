"""D2: more responses than the flow of sales and invitations lets expect."""

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity import counts
from streams.core.integrity.baselines import STANDARD_ERRORS, Past
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import COMPONENTS, Counts, Judged

LIFTS = tuple(np.geomspace(1.3, 6.0, COMPONENTS).tolist())
SIZE = 4.0
"""Days vary as a negative binomial of this size: a day of ten has a standard deviation of 5.9 instead of 3.2."""
PRIOR_DAYS = 14.0
"""Fewer days than this say too little of what is usual; until then nothing is judged. They are counted from the first answer on."""
MARGIN = 0.05


class ResponseVolume:
    """Sees ballots being stuffed, whatever they say."""

    name = Detector.RESPONSE_VOLUME
    family = Family.VOLUME
    words = "{found} answers came, where sales, invitations, other units and the time before let expect at most {at_most}"

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """The day's number against the mean of the days before, times how many more chances to answer there were, or how many more answers elsewhere.

        Where nothing is told of chances, growth and stuffing look the same, and nothing is judged.
        """
        told = ~np.isnan(day.opportunities)
        chances = np.maximum(np.where(told, day.opportunities, 1.0), 1.0)
        responses = np.bincount(day.unit, minlength=day.units).astype(np.int64)
        usual = past.hits / np.maximum(past.answers, 1.0)
        error = STANDARD_ERRORS * np.sqrt((usual + usual**2 / SIZE) / np.maximum(past.answers, 1.0))
        baseline = np.maximum((usual * (1.0 + MARGIN) + error) * np.maximum(chances, day.swelling), 0.05)
        ratios = counts.log_ratios(responses, baseline, SIZE, LIFTS)
        ratios[(past.answers < PRIOR_DAYS) | ~told] = 0.0
        # Its history counts days as answers and responses as hits, brought to usual chances.
        scaled = np.where(told, responses / chances, 0.0)
        learned = told & ((past.hits > 0) | (responses > 0))
        counted = Counts(responses.astype(np.float64), responses.astype(np.float64), baseline)
        return Judged(scaled, learned.astype(np.float64), np.zeros(day.units), baseline, ratios, counted)

    def marks(self, day: UnitDays) -> Bools | None:
        """None: a number is not seen on single responses."""
        del day
        return None
