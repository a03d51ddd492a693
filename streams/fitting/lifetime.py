"""What an account will be worth: expected purchases times expected value times margin, discounted."""

import numpy as np

from streams.core.batch import Floats
from streams.fitting.purchases import Histories, PurchaseModel

WEEKS = 52
"""How far ahead accounts are valued, and a year of the discount rate."""
NEWCOMER_WEEKS = 104
"""How far ahead it is told what a new customer will do."""
DISCOUNT_A_YEAR = 0.10


def purchases_ahead(model: PurchaseModel, histories: Histories) -> tuple[Floats, Floats]:
    """Purchase days expected of each customer within 52 weeks: plain, and each week's discounted from its end to now."""
    alive = model.probability_alive(histories)
    # Of those who are alive, what is expected depends on frequency and age alone, and these come in few pairs.
    pairs, which = np.unique(np.column_stack((histories.frequency, histories.age)), axis=0, return_inverse=True)
    weeks = np.arange(1, WEEKS + 1, dtype=np.float64)
    until = model.expected_purchases(pairs[:, 0], pairs[:, 1], weeks)
    within = np.diff(until, axis=1, prepend=0.0)
    discounted = within @ _discount(weeks)
    position = which.reshape(-1)
    return alive * until[position, -1], alive * discounted[position]


def purchases_of_new(model: PurchaseModel) -> tuple[Floats, Floats, Floats]:
    """Of whoever has just bought for the first time, an entry for each of the next 104 weeks.

    How many weeks, purchase days expected within them, and the same with each week's discounted from its end to now.
    """
    weeks = np.arange(1, NEWCOMER_WEEKS + 1, dtype=np.float64)
    until = model.expected_of_new(weeks)
    return weeks, until, np.cumsum(np.diff(until, prepend=0.0) * _discount(weeks))


def _discount(weeks: Floats) -> Floats:
    return np.asarray((1 + DISCOUNT_A_YEAR) ** (-weeks / WEEKS))
