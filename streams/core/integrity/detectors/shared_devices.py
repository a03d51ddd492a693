"""D3: several accounts answer for the unit from one device."""

from schemas.enums import Detector, Family
from streams.core.batch import Bools
from streams.core.integrity.baselines import Past, Prior
from streams.core.integrity.days import UnitDays
from streams.core.integrity.detectors.protocol import Judged, judge_rate

PRIOR = Prior(rate=0.03, weight=60.0, margin=0.015)


class SharedDevices:
    """Sees ballots stuffed from few devices. Kiosks, tills and interviewers on the phone are left out: their devices are meant to be shared."""

    name = Detector.SHARED_DEVICES
    family = Family.IDENTITY
    words = (
        "{found} of {looked_at} answers from personal devices came from one that another account had used for this "
        "unit within 30 days; at most {at_most} are usual"
    )

    def judge(self, day: UnitDays, past: Past) -> Judged:
        """Share of responses from personal devices whose device another account used here before."""
        return judge_rate(day, past, PRIOR, day.personal & day.device_known, day.device_repeated)

    def marks(self, day: UnitDays) -> Bools | None:
        """Responses from such devices."""
        return day.personal & day.device_known & day.device_repeated
