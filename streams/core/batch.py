"""What goes into a stage and what comes out of decoding: whole batches of one topic and partition, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.enums import RejectReason, Topic

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class SourceRecord(Protocol):
    """A record as Kafka clients give it; ``timestamp`` is in milliseconds since 1970."""

    @property
    def offset(self) -> int:
        """Position in its partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970."""

    @property
    def key(self) -> bytes | None:
        """Key, as bytes."""

    @property
    def value(self) -> bytes | None:
        """Value, as bytes."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Headers, in order."""


class Numbered(msgspec.Struct, gc=False):
    """A record that gets its offset from whoever reads without Kafka."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be used: where it stands in its batch, why, and what was found."""

    index: int
    reason: RejectReason
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ProductLines:
    """The product lines of a batch of transactions, flat; ``event`` is the index of the event that a line belongs to.

    ``quantity`` is in millionths (rounded half-even); ``consumable`` holds the line's or the catalog's word.
    """

    event: Int64s
    product_id: list[str]
    quantity: Int64s
    consumable: Bools


@dataclass(frozen=True, slots=True)
class Decoded:
    """Valid events of one topic and partition, in order of arrival, and the records that were refused.

    ``facts`` holds one row per valid event with the columns of the topic's fact table, but ``source_partition`` and
    ``version``. The other members are what the stage computes with, one entry per valid event, so that nothing is read back
    out of Arrow: ids as Python strings, instants in microseconds since 1970 (UTC), money in ten-thousandths of the base currency.
    Members that the topic does not have are empty.
    """

    topic: Topic
    facts: pa.Table
    index: Int64s
    """Index of each valid event in the records that were decoded."""
    account_id: list[str]
    event_id: list[str]
    identity: list[str]
    """The thing's own id: response_id, transaction_id, invitation_id, message_id, case_id, outcome_id or observation_id."""
    event_type: npt.NDArray[np.int8]
    """Index of the event type among the members of the topic's event type enum."""
    occurred_at: Int64s
    synthetic: Bools
    rejected: list[Rejected]
    unknown_fields: int = 0
    """How many fields, over all valid events, are not of the contract."""
    # feedback
    revision: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    day: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """Local date of occurred_at, in days since 1970-01-01."""
    unit_id: list[str] = field(default_factory=list)
    channel: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    """Index of the channel in ``Channel``."""
    metric: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    """Index of the metric in ``Metric``; -1 on a withdrawal."""
    score: Floats = field(default_factory=lambda: np.empty(0, np.float64))
    """Mapped to the metric's default scale; NaN on a withdrawal."""
    transaction_id: list[str | None] = field(default_factory=list)
    """Of feedback: the transaction that it names. Of a refund: its original."""
    # transactions
    amount: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    """In the base currency, ten-thousandths."""
    lines: ProductLines | None = None
