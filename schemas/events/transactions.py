"""Events of the topic transactions: purchases and refunds."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.enums import AcquisitionReason, TransactionType
from schemas.events.base import Event, Record
from schemas.events.fields import Currency, Flag, Id, Kind, Money, Quantity, Shape, Texts

PRODUCT_LINES = 1_000
"""Most product lines that one transaction can have."""


class ProductLine(Record):
    """One line of a transaction."""

    product_id: Id
    """The product."""
    quantity: Quantity = 1.0
    """How many; fractions are allowed."""
    amount: Money | None = None
    """What was paid for the line, in the transaction's currency."""
    consumable: Flag = False
    """True: used up, so it is never owned."""


class Transaction(Event):
    """A movement of money."""

    transaction_id: Id
    """Identity of this movement of money within its account."""
    original_transaction_id: Id | None = None
    """On a refund: the purchase that it gives back."""
    amount: Money
    """What was paid, after discount; a refund counts negative."""
    currency: Currency
    """ISO 4217; the catalog must have its rate."""
    discount: Money = Field(default=0, validate_default=True)
    """Discount, in currency."""
    cost: Money | None = None
    """What it cost us, in currency; absent: margin is unknown, not 0."""
    products: Annotated[tuple[ProductLine, ...], Field(max_length=PRODUCT_LINES), Shape(Kind.LINES, limit=PRODUCT_LINES)] = ()
    """Product lines."""
    is_new_customer: Flag | None = None
    """Default: this account has no earlier transaction."""
    acquisition_reason: AcquisitionReason = AcquisitionReason.UNKNOWN
    """Why the customer came."""
    referrer_account_id: Id | None = None
    """The account that referred this one."""
    recurring: Flag = False
    """A recurring charge."""
    risk_flags: Texts = ()
    """Signs of trouble, for example long_wait, complaint, defect, late_delivery."""


class TransactionCompleted(Transaction):
    """A purchase."""

    event_type: Literal[TransactionType.COMPLETED]


class TransactionRefunded(Transaction):
    """A refund."""

    event_type: Literal[TransactionType.REFUNDED]
