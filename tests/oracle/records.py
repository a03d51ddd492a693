"""What the oracle is given: records as Kafka returns them, and the part of the catalog that numbers depend on."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal

Row = dict[str, object]
Rows = dict[tuple[object, ...], Row]

INPUT_TOPICS = ("feedback", "transactions", "invitations", "communications", "actions", "outcomes", "operations")


class Approximate(float):
    """A number that the product computes from rounded sums, or by a series: it agrees to the fifth decimal."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an input topic; ``topic`` is without the prefix."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey and its follow-up plan."""

    programme: str = ""
    owner: str = ""
    classes: frozenset[str] = frozenset({"detractor"})
    within: timedelta = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hours that count, local time."""

    weekdays: frozenset[int]
    """Monday 1 to Sunday 7."""
    opens: time
    closes: time
    holidays: frozenset[date]


@dataclass(frozen=True, slots=True)
class Policy:
    """How fast a case must reach the customer."""

    within: timedelta
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """Timezone, money, products, units, plans; without a catalog the base currency is EUR, days are UTC and no product is consumable."""

    timezone: str = "UTC"
    base_currency: str = "EUR"
    fx_rates: dict[str, Decimal] = field(default_factory=dict)
    """Price of 1 unit of each currency in the base currency."""
    consumable_products: frozenset[str] = frozenset()
    peer_groups: dict[str, str] = field(default_factory=dict)
    """Peer group of each unit that has one."""
    surveys: dict[str, Survey] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    """By trigger."""

    def rate(self, currency: str) -> Decimal | None:
        """Price of 1 ``currency`` in the base currency; None where the catalog has none (R31)."""
        return Decimal(1) if currency == self.base_currency else self.fx_rates.get(currency)


@dataclass(frozen=True, slots=True)
class Horizons:
    """How far back identities are remembered, responses can be changed and purchases can be joined, in event time."""

    dedupe: timedelta = timedelta(days=35)
    revision: timedelta = timedelta(days=400)
    join: timedelta = timedelta(days=3_650)
