"""D9: several accounts answer from one contact, or from a contact of staff."""

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_rate

PRIOR = Prior(rate=0.02, weight=60.0, margin=0.01)


class SharedContacts:
    """Sees invitations that were led to contacts of the unit's own."""

    name = Detector.SHARED_CONTACTS
    family = Family.IDENTITY
    words = (
        "{found} of {looked_at} answers came from a contact that another account had used for this unit within 30 "
        "days, or from one of staff; at most {at_most} are usual"
    )

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of the responses whose contact is known."""
        return judge_rate(day, past, PRIOR, day.contact_known, day.contact_suspect)

    def marks(self, day: UnitDays) -> Bools | None:
        """Responses from such contacts."""
        return day.contact_known & day.contact_suspect
