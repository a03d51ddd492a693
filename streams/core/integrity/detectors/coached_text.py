"""D4: comments that copy each other, and customers who say that a score was asked for."""

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_rate

PRIOR = Prior(rate=0.03, weight=90.0, margin=0.01)


class CoachedText:
    """Sees coached customers, pasted fakes, and begging that customers report."""

    name = Detector.COACHED_TEXT
    family = Family.TEXT
    words = (
        "{found} of {looked_at} answers that say something repeat another account's words, or say that a score was "
        "asked for; at most {at_most} are usual"
    )

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of the responses that say anything to judge."""
        return judge_rate(day, past, PRIOR, day.comment_told, day.comment_suspect)

    def marks(self, day: UnitDays) -> Bools | None:
        """Responses whose comment or answer says so."""
        return day.comment_told & day.comment_suspect
