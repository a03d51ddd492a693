"""The detectors, one module each. A new one is a module and a line in ``UNIT_DETECTORS``.

Those of ``PLAN_DETECTORS`` look at the units of an incentive plan together, and have a budget of their own.
"""

from collections.abc import Sequence

from schemas.enums import Detector
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

_PAIRS = ((Detector.LEVEL_SHIFT, Detector.COACHED_TEXT), (Detector.LEVEL_SHIFT, Detector.RESPONSE_VOLUME))
"""Whoever begs moves scores and is reported, and whoever adds answers moves scores and their number: each a little, so that neither is much."""


def pairs_of(detectors: Sequence[UnitDetector]) -> list[tuple[int, int]]:
    """Positions of those that are also looked at as pairs.

    The second of a pair judges what the first takes as given: what is said beside scores, and scores beside the number of answers, must not hang
    together further than their baselines have room for.
    """
    places = {detector.name: place for place, detector in enumerate(detectors)}
    return [(places[first], places[second]) for first, second in _PAIRS if first in places and second in places]


__all__ = ["FLEET_DETECTORS", "PLAN_DETECTORS", "UNIT_DETECTORS", "Judged", "UnitDetector", "pairs_of"]
