"""D5: customers who had trouble are not asked."""

import numpy as np

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_counts

PRIOR = Prior(rate=0.5, weight=40.0, margin=0.02, standard_errors=0.5)


class CherryPicking:
    """Sees invitations that were suppressed, and contacts that were misreported, where a bad score had to be expected."""

    name = Detector.CHERRY_PICKING
    family = Family.SELECTION
    words = "{found} of {looked_at} customers who had trouble were not asked, where the other customers of the time let expect at most {at_most}"

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of troubled transactions that were not asked, against the unit's other transactions of the time."""
        unasked = np.where(np.isnan(day.asked_share), PRIOR.rate, 1.0 - day.asked_share)
        return judge_counts(past, PRIOR, day.risky_unasked, day.risky, unasked * day.risky)

    def marks(self, day: UnitDays) -> Bools | None:
        """None: who was not asked did not answer."""
        del day
        return None
