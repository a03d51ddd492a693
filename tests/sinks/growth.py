"""Purchases, messages, cases and outcomes for tests of the views."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.rows import rows

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
Line = tuple[str, float, bool]
"""Product, quantity, consumable."""


def sale(account_id: str, transaction_id: str, month: int, amount: object = 10, **values: object) -> Mapping[str, object]:
    """A purchase at noon of the tenth of a month of 2026; 13 is January 2027."""
    at = datetime(2026 + (month - 1) // 12, (month - 1) % 12 + 1, 10, 12, tzinfo=UTC)
    plain: dict[str, object] = {
        "account_id": account_id,
        "transaction_id": transaction_id,
        "event_type": "transaction.completed",
        "occurred_at": at,
        "day": at.date(),
        "amount": Decimal(str(amount)),
        "amount_base": Decimal(str(amount)),
        "discount": Decimal(0),
        "synthetic": False,
        "is_new_customer": None,
        "acquisition_reason": "unknown",
        "referrer_account_id": None,
        "original_transaction_id": None,
        "product_ids": [],
        "product_quantities": [],
        "product_amounts": [],
        "product_consumable": [],
    }
    return plain | values


def refund(account_id: str, transaction_id: str, month: int, amount: object = 10, **values: object) -> Mapping[str, object]:
    """Money given back."""
    return sale(account_id, transaction_id, month, amount, event_type="transaction.refunded", **values)


def lines(*given: Line) -> Mapping[str, object]:
    """Product lines of a transaction."""
    return {
        "product_ids": [product for product, _, _ in given],
        "product_quantities": [quantity for _, quantity, _ in given],
        "product_amounts": [None for _ in given],
        "product_consumable": [consumable for _, _, consumable in given],
    }


def moved(clickhouse: ClickHouse, *transactions: Mapping[str, object]) -> None:
    """Insert purchases and refunds."""
    clickhouse.insert(Table.TRANSACTIONS, rows(Table.TRANSACTIONS, *transactions))


def message(message_id: str, offers: Sequence[str] = (), purpose: str = "sell", hours: float = 0, **values: object) -> Mapping[str, object]:
    """A message to account ``a`` so many hours after noon of March the tenth."""
    at = NOON + timedelta(hours=hours)
    plain = {"account_id": "a", "message_id": message_id, "occurred_at": at, "day": at.date(), "purpose": purpose, "synthetic": False}
    return plain | {"offer_product_ids": list(offers)} | values


def sent(clickhouse: ClickHouse, *messages: Mapping[str, object]) -> None:
    """Insert messages."""
    clickhouse.insert(Table.COMMUNICATIONS, rows(Table.COMMUNICATIONS, *messages))


def step(name: str, hours: float, case_id: str = "c", **values: object) -> Mapping[str, object]:
    """A step of a case of account ``a``."""
    at = NOON + timedelta(hours=hours)
    return {
        "account_id": "a", "case_id": case_id, "event_type": f"case.{name}", "occurred_at": at, "day": at.date(), "synthetic": False, **values
    }  # fmt: skip


def stepped(clickhouse: ClickHouse, *steps: Mapping[str, object]) -> None:
    """Insert steps of cases."""
    clickhouse.insert(Table.CASES, rows(Table.CASES, *steps))


def outcome(outcome_id: str, baseline: float, current: float, target: float, **values: object) -> Mapping[str, object]:
    """An outcome of account ``a``, measured at noon of March the tenth."""
    plain: dict[str, object] = {
        "account_id": "a",
        "outcome_id": outcome_id,
        "event_id": outcome_id,
        "occurred_at": NOON,
        "day": NOON.date(),
        "baseline": baseline,
        "current": current,
        "target": target,
        "weight": 1.0,
        "value_amount_base": None,
        "claimed_amount_base": None,
        "attested_by": "customer",
        "synthetic": False,
    }
    return plain | values


def measured(clickhouse: ClickHouse, *outcomes: Mapping[str, object]) -> None:
    """Insert outcomes."""
    clickhouse.insert(Table.OUTCOMES, rows(Table.OUTCOMES, *outcomes))


def month(number: int) -> date:
    """The first day of a month of 2026; 13 is January 2027."""
    return date(2026 + (number - 1) // 12, (number - 1) % 12 + 1, 1)
