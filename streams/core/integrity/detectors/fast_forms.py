"""D6: forms filled in faster than customers do."""

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_rate

PRIOR = Prior(rate=0.05, weight=60.0, margin=0.015)


class FastForms:
    """Sees staff who fill in forms by themselves."""

    name = Detector.FAST_FORMS
    family = Family.TIMING
    words = (
        "{found} of {looked_at} forms were filled in faster than 19 of 20 used to be, or with the same answer to every question; "
        "at most {at_most} are usual"
    )

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of responses below the fleet's fifth percentile for their survey and channel, or with the same answer throughout."""
        return judge_rate(day, past, PRIOR, day.duration_known, day.fast, day.expected_fast)

    def marks(self, day: UnitDays) -> Bools | None:
        """Responses that were so fast."""
        return day.duration_known & day.fast
