"""D8: more top scores in the last days of a period that is paid for than in the rest of it."""

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_counts

PRIOR = Prior(rate=0.5, weight=60.0, margin=0.01, standard_errors=0.5)
FEWEST_ANSWERS = 40.0
"""With fewer answers on the other days of late nothing is judged."""


class PeriodEndPush:
    """Sees pushes before bonus day, over all units of an incentive plan together: at a single unit five days a month are too few.

    The unit that it is shown is the plan. It learns on the other days only, and judges on the last ones only.
    """

    name = Detector.PERIOD_END_PUSH
    family = Family.TIMING
    words = "{found} of {looked_at} answers in the last days of a period were top scores, where the rest of the periods lets expect at most {at_most}"

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of top scores of the plan's units on a last day, against the rest of the periods before it."""
        everything = np.ones(len(day.unit), np.bool_)
        answers, hits = day.per_unit(everything), day.per_unit(day.top_box)
        at_the_end = np.where(day.pushing, answers, 0)
        judged = judge_counts(past, PRIOR, np.where(day.pushing, hits, 0), at_the_end, PRIOR.rate * at_the_end)
        judged.log_ratios[past.answers < FEWEST_ANSWERS] = 0.0
        learned = np.where(day.pushing, 0, answers).astype(np.float64)
        return Judged(np.where(day.pushing, 0.0, hits), learned, PRIOR.rate * learned, judged.baseline, judged.log_ratios, judged.counts)

    def marks(self, day: UnitDays) -> Bools | None:
        """None: a top score at the end of a month is no sign by itself."""
        del day
        return None
