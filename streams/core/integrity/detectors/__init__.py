"""The detectors, one module each. A new one is a module and a line in ``UNIT_DETECTORS``.

Detectors of pooled evidence, over the units of an incentive plan or over the fleet, have a clock of their own and are in ``pooled``.
"""

from streams.core.integrity.detectors.cherry_picking import CherryPicking
from streams.core.integrity.detectors.coached_text import CoachedText
from streams.core.integrity.detectors.fast_forms import FastForms
from streams.core.integrity.detectors.level_shift import LevelShift
from streams.core.integrity.detectors.protocol import Judged, UnitDetector
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

__all__ = ["UNIT_DETECTORS", "Judged", "UnitDetector"]
