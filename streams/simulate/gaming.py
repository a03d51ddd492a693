"""Units that game their scores: which, how, since when. What they do to invitations and responses is in their modules."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from streams.core.batch import Bools, Floats, Int64s
from streams.simulate.company import Company
from streams.simulate.plan import MICROSECONDS_A_DAY

PUSH_DAYS = 5
"""The month-end push fills the last days of a month."""


class Attack(StrEnum):
    """What a unit does to its scores; in the order in which units are given to them."""

    BALLOT_STUFFING = "ballot_stuffing"
    BEGGING = "begging"
    CHERRY_PICKING = "cherry_picking"
    STAFF_FILLS = "staff_fills"
    MONTH_END_PUSH = "month_end_push"
    COACHED_TEXT = "coached_text"
    CONTACT_HIJACK = "contact_hijack"
    BRIBING = "bribing"
    STEALTH_STUFFING = "stealth_stuffing"
    REAL_IMPROVEMENT = "real_improvement"
    """No attack: the unit became better. A detector that calls it gaming is wrong."""


ATTACKS = tuple(Attack)


@dataclass(frozen=True, slots=True)
class Gaming:
    """Per unit: the attack (index into ``ATTACKS``, -1: honest), its start in microseconds since 1970, its strength (1: as published)."""

    attack: Int64s
    since: Int64s
    strength: Floats

    def at_work(self, attack: Attack, unit: Int64s, occurred_at: Int64s) -> Bools:
        """Where the unit does this at that time."""
        return np.asarray((self.attack[unit] == ATTACKS.index(attack)) & (occurred_at >= self.since[unit]))


def assign(company: Company, random: np.random.Generator) -> Gaming:
    """Some of the larger units game, each in one way; most begin in the middle third, every fifth has always done it."""
    units = company.plan.units
    count = max(2, round(units * company.plan.gamed_share)) if company.plan.gamed_share else 0
    larger = np.argsort(-company.unit_weight, kind="stable")[: max(count, int(units * 0.7))]
    chosen = random.choice(larger, count, replace=False)
    attack = np.full(units, -1)
    attack[chosen] = np.arange(count) % len(ATTACKS)
    share = random.uniform(0.33, 0.66, count)
    share[4::5] = 0.0
    since = np.full(units, company.plan.end_us)
    since[chosen] = company.plan.start_us + (share * company.plan.days).astype(np.int64) * MICROSECONDS_A_DAY
    strength = np.zeros(units)
    strength[chosen] = random.choice([0.5, 1.0, 1.0, 2.0], count)
    return Gaming(attack, since, strength)


def end_of_month(occurred_at: Int64s) -> Bools:
    """Whether the instants (microseconds since 1970) lie within the last days of a month in UTC."""
    day = occurred_at.astype("datetime64[us]").astype("datetime64[D]")
    next_month = (day.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.asarray((next_month - day).astype(np.int64) <= PUSH_DAYS)
