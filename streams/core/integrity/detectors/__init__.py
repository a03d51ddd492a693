"""The detectors, one module each. A new one is a module and a line in ``UNIT_DETECTORS``.

Those of ``PLAN_DETECTORS`` look at the units of an incentive plan together, and have a budget of their own.
"""

from streams.core.integrity.detectors.cherry_picking import CherryPicking
from streams.core.integrity.detectors.coached_text import CoachedText
from streams.core.integrity.detectors.fast_forms import FastForms
from streams.core.integrity.detectors.level_shift import LevelShift
from streams.core.integrity.detectors.period_end_push import PeriodEndPush
from streams.core.integrity.detectors.protocol import Judged, UnitDetector
from streams.core.integrity.detectors.regretted_praise import RegrettedPraise
from streams.core.integrity.detectors.response_volume import ResponseVolume
from streams.core.integrity.detectors.shared_contacts import SharedContacts
from streams.core.integrity.detectors.shared_devices import SharedDevices

UNIT_DETECTORS: tuple[UnitDetector, ...] = (
    LevelShift(),
    ResponseVolume(),
    SharedDevices(),
    CoachedText(),
    CherryPicking(),
    FastForms(),
    SharedContacts(),
)
FLEET_DETECTORS: tuple[UnitDetector, ...] = (RegrettedPraise(),)
"""Those that look at the whole fleet as if it were one unit."""
PLAN_DETECTORS: tuple[UnitDetector, ...] = (PeriodEndPush(),)
"""Those that look at all units of an incentive plan as if they were one."""

__all__ = ["FLEET_DETECTORS", "PLAN_DETECTORS", "UNIT_DETECTORS", "Judged", "UnitDetector"]
