"""What to simulate: how large, how long, which kinds of event, from which seed."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

MICROSECONDS_A_DAY = 86_400_000_000


class MixName(StrEnum):
    """Which kinds of event there are how many of."""

    COMPANY = "company"
    MISSION = "mission"


class Mix(NamedTuple):
    """How much of everything there is, as expected numbers a purchase unless it says otherwise."""

    accounts: int
    """Accounts where the plan does not say."""
    eligible: float
    """Share of the purchases that are a chance to ask."""
    sampled: float
    """Share of the chances that are used; the rest ends as eligible."""
    spontaneous: float
    """Reviews and kiosk ratings, without invitation."""
    messages: float
    """Marketing and service messages."""
    case_share: float
    """Share of the detractors that get a follow-up case."""
    observations: float
    """Operational measurements."""
    outcomes: float
    """Measurements of value that customers got."""


MIXES: dict[MixName, Mix] = {
    MixName.COMPANY: Mix(5_000, 0.40, 0.70, 0.06, 0.45, 0.9, 0.12, 0.03),
    MixName.MISSION: Mix(50_000, 0.056, 0.9, 0.188, 0.155, 0.14, 0.034, 0.023),
}


@dataclass(frozen=True)
class Plan:
    """One simulation. ``events`` is aimed at, and met within a few per cent."""

    seed: int = 1
    start: date = date(2026, 1, 1)
    months: int = 6
    accounts: int = 5_000
    units: int = 60
    events: int = 200_000
    mix: Mix = MIXES[MixName.COMPANY]
    gamed_share: float = 0.15
    """Share of the units that game their scores; 0: all are honest."""

    def __post_init__(self) -> None:
        """Raise ``ValueError`` naming the setting that cannot be simulated."""
        for name, least, most in (("months", 1, 120), ("accounts", 10, 10_000_000), ("units", 2, 100_000), ("events", 100, 100_000_000)):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} must be between {least:,} and {most:,}, got {value:,}")
        if not 0 <= self.gamed_share <= 0.5:
            raise ValueError(f"gamed_share must be between 0 and 0.5, got {self.gamed_share}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if not date(1970, 1, 1) <= self.start <= date(2200, 1, 1):
            raise ValueError(f"start must be between 1970-01-01 and 2200-01-01, got {self.start}")

    @property
    def start_us(self) -> int:
        """Midnight UTC of the first day, in microseconds since 1970."""
        return int(datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC).timestamp()) * 1_000_000

    @property
    def end(self) -> date:
        """The first day that is not simulated."""
        month = self.start.month - 1 + self.months
        year, month = self.start.year + month // 12, month % 12 + 1
        return date(year, month, min(self.start.day, calendar.monthrange(year, month)[1]))

    @property
    def days(self) -> int:
        """How many days are simulated."""
        return (self.end - self.start).days

    @property
    def end_us(self) -> int:
        """Midnight UTC after the last day, in microseconds since 1970."""
        return self.start_us + self.days * MICROSECONDS_A_DAY
