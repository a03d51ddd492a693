"""What happened at units on one day, as detectors look at it: columns over responses and over units."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streams.core.batch import Bools, Floats, Int64s


class Praise(NamedTuple):
    """Answers of the day, ``REGRET_DAYS`` before, on which it can be told whether people stand by them; one entry per unit."""

    praised: Int64s
    """Top scores that name a purchase."""
    regretted: Int64s
    """Those of them whose purchase was given back since."""
    others: Int64s
    """Other scores that name a purchase."""
    others_regretted: Int64s


def no_praise(units: int) -> Praise:
    """Nothing to tell of so many units."""
    return Praise(*(np.zeros(units, np.int64) for _ in Praise._fields))


@dataclass(frozen=True, slots=True)
class UnitDays:
    """One local day of all units that have something to judge on it.

    Columns over responses have one entry per counted response of the day, columns over units one per unit; ``unit`` leads from the
    first to the second.
    """

    day: int
    """Days since 1970-01-01."""
    units: int
    """How many units there are."""
    unit: Int64s
    """Of each response: position of its unit, from 0 to ``units`` - 1."""
    top_box: Bools
    expected_top: Floats
    """Probability of the top box for this metric and channel at peers, on this very day; NaN where there are no peers."""
    personal: Bools
    """The device is the customer's own kind: neither a kiosk, nor a till in the store, nor that of an interviewer on the phone."""
    device_known: Bools
    device_repeated: Bools
    """Another account answered for this unit from the same device within the look-back."""
    contact_known: Bools
    contact_suspect: Bools
    """Another account answered for this unit from the same contact within the look-back, or the contact is one of staff."""
    comment_told: Bools
    """There is a comment that is long enough to judge, or that speaks of begging, or an answer to whether a score was asked for."""
    comment_suspect: Bools
    """The comment nearly repeats an earlier one of the unit, or says that a score was asked for; or the customer says so."""
    duration_known: Bools
    fast: Bools
    """Faster than all but five in a hundred of the same survey and channel, or the same answer to at least four questions where few give that."""
    expected_fast: Floats
    """Share of such forms that the other units let expect: of fast ones at least five in a hundred, and of those with the same answer throughout."""
    opportunities: Floats
    """Of each unit: chances to be answered in the last days, as a multiple of what is usual there.

    1 as long as that is not known, NaN where nothing is told of sales and invitations.
    """
    swelling: Floats
    """Of each unit: how many times as many answers as ever the others got on this day, at least 1."""
    risky: Int64s
    """Of each unit: transactions with trouble whose time to be invited has passed on this day."""
    risky_unasked: Int64s
    """Those of them whose customer was not reached by an invitation."""
    asked_share: Floats
    """Of each unit: share of its other transactions whose customers were reached; NaN where there are none."""
    pushing: Bools
    """Of each unit: whether the day is among the last of a period that is paid for."""
    praise: Praise
    """Of each unit: of the whole fleet only, where the fleet is the unit."""

    def per_unit(self, marked: Bools) -> Int64s:
        """How many of the marked responses each unit has."""
        return np.bincount(self.unit[marked], minlength=self.units).astype(np.int64)

    def sums(self, values: Floats) -> Floats:
        """Sum over the responses of each unit."""
        return np.bincount(self.unit, weights=values, minlength=self.units).astype(np.float64)
