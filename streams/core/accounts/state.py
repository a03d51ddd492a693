"""All that the accounts stage remembers of one source partition, and how it goes into a checkpoint and back."""

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from typing import TypeVar

import msgspec
import numpy as np

from schemas.enums import Topic
from streams.core.accounts.asking import PurchaseTable
from streams.core.accounts.praising import PraiseTable
from streams.core.accounts.tables import (
    AccountTable,
    CaseTable,
    LoyaltyTable,
    OwnershipTable,
    PendingRefundTable,
    ResponseState,
    ResponseTable,
    TransactionTable,
    UnitTable,
)
from streams.core.batch import Int64s
from streams.core.identities import Identities
from streams.core.segments import META_KEY, SegmentLog, check_format, load, meta_of, newest_values
from streams.core.stage import CheckpointRecord
from streams.core.state_table import StateTable

DAY = 86_400_000_000
"""Microseconds."""
FORMAT = 5
"""Of the checkpoint; raised when older code could not read it, or what it holds means something else."""
SETTLED = "settled"
"""Name of the settled responses in the checkpoint."""
NEVER = -(2**62)
"""Before every instant."""
_Table = TypeVar("_Table", bound=StateTable)


@dataclass(frozen=True, slots=True)
class Horizons:
    """How long things are remembered, in event time: microseconds behind the newest ``occurred_at`` of the topic."""

    dedupe: int = 35 * DAY
    revision: int = 400 * DAY
    join: int = 3_650 * DAY

    @property
    def named_ahead(self) -> int:
        """How long before a purchase a response may name it: no longer than the response is remembered."""
        return min(self.join, self.revision)

    @property
    def cells(self) -> int:
        """Cells stay until no revision can reach them any more."""
        return self.revision + self.dedupe


class Meta(msgspec.Struct):
    """Where a checkpoint stands; written with every flush, in the same transaction as the segments that it lists."""

    format: int
    epoch: int
    sequence: int
    acknowledged: int
    positions: dict[str, int]
    watermarks: dict[str, int]
    segments: dict[str, dict[int, int]]
    """Number of chunks of each live segment, by table and segment."""
    forgotten: dict[str, tuple[int, int]]
    """Up to which time tables and identities have been forgotten, and in which flush."""


@dataclass
class AccountsState:
    """The state of one source partition."""

    accounts: AccountTable = field(default_factory=AccountTable)
    units: UnitTable = field(default_factory=UnitTable)
    loyalty: LoyaltyTable = field(default_factory=LoyaltyTable)
    responses: ResponseTable = field(default_factory=ResponseTable)
    transactions: TransactionTable = field(default_factory=TransactionTable)
    refunds: PendingRefundTable = field(default_factory=PendingRefundTable)
    cases: CaseTable = field(default_factory=CaseTable)
    ownership: OwnershipTable = field(default_factory=OwnershipTable)
    asked_purchases: PurchaseTable = field(default_factory=PurchaseTable)
    praised_purchases: PraiseTable = field(default_factory=PraiseTable)
    identities: dict[Topic, Identities] = field(default_factory=lambda: {topic: Identities(identities_name(topic)) for topic in Topic})
    settled: Identities = field(default_factory=lambda: Identities(SETTLED))
    """Keys of responses that nothing can change any more and that are forgotten; kept for ever, so that whatever comes for one is too late."""
    epoch: int = 1
    sequence: int = 0
    """Of the last flush."""
    acknowledged: int = 0
    positions: dict[Topic, int] = field(default_factory=dict)
    watermarks: dict[Topic, int] = field(default_factory=dict)
    """Newest ``occurred_at`` of each input topic."""
    forgotten: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Up to which time rows of a table have been forgotten, and in which flush: later segments hold rows that came after that."""
    awaiting_purchase: dict[int, list[int]] = field(default_factory=dict)
    """Keys of counted responses, by the key of the transaction that they name and that is not known yet."""
    awaiting_original: dict[int, list[int]] = field(default_factory=dict)
    """Keys of refunds without products, by the key of the purchase that they give back and that is not known yet."""

    segments: InitVar[dict[str, dict[int, int]] | None] = None
    """Chunks of each live segment of the checkpoint that this was restored from, by table and segment."""

    def __post_init__(self, segments: dict[str, dict[int, int]] | None) -> None:
        self.logs = [SegmentLog(table, (segments or {}).get(table.NAME)) for table in self.tables()]

    def tables(self) -> list[StateTable]:
        """Every table that is kept in checkpoints."""
        return [
            self.accounts, self.units, self.loyalty, self.responses, self.transactions, self.refunds, self.cases, self.ownership,
            self.asked_purchases, self.praised_purchases,
        ]  # fmt: skip

    @property
    def nbytes(self) -> int:
        """Bytes of memory of the arrays; strings and the dictionaries of names are not counted."""
        return sum(table.nbytes for table in self.tables()) + sum(held.nbytes for held in (*self.identities.values(), self.settled))

    def checkpoint(self) -> list[CheckpointRecord]:
        """Returns the records that bring the checkpoint up to date with this state; the meta record comes last."""
        records: list[CheckpointRecord] = []
        for log in self.logs:
            records += log.write(self.sequence)
        segments = {log.table.NAME: log.chunks for log in self.logs}
        for identities in (*self.identities.values(), self.settled):
            records += identities.write(self.sequence)
            segments[identities.name] = {number: segment.chunks for number, segment in identities.segments.items()}
        meta = Meta(
            FORMAT,
            self.epoch,
            self.sequence,
            self.acknowledged,
            {topic.value: position for topic, position in self.positions.items()},
            {topic.value: watermark for topic, watermark in self.watermarks.items()},
            segments,
            self.forgotten,
        )
        return [*records, CheckpointRecord(META_KEY, msgspec.json.encode(meta))]

    @classmethod
    def restore(cls, checkpoint: Iterable[CheckpointRecord]) -> "AccountsState":
        """Returns the state that the records describe, given in log order, with the epoch raised by one; no records: an empty state."""
        records = newest_values(checkpoint)
        written = meta_of(records)
        if written is None:
            return cls()
        meta = msgspec.json.decode(written, type=Meta)
        check_format(meta.format, FORMAT)
        return cls._from_meta(meta, records)

    @classmethod
    def _from_meta(cls, meta: Meta, records: dict[bytes, bytes]) -> "AccountsState":
        def table(kind: type[_Table]) -> _Table:
            return kind.from_arrow(load(kind.NAME, meta.segments.get(kind.NAME, {}), records))

        def seen(name: str) -> Identities:
            segments = meta.segments.get(name, {})
            return Identities.restore(name, load(name, segments, records), segments, meta.forgotten.get(name, (NEVER, 0))[0])

        state = cls(
            accounts=table(AccountTable),
            units=table(UnitTable),
            loyalty=table(LoyaltyTable),
            responses=table(ResponseTable),
            transactions=table(TransactionTable),
            refunds=table(PendingRefundTable),
            cases=table(CaseTable),
            ownership=table(OwnershipTable),
            asked_purchases=table(PurchaseTable),
            praised_purchases=table(PraiseTable),
            identities={topic: seen(identities_name(topic)) for topic in Topic},
            settled=seen(SETTLED),
            epoch=meta.epoch + 1,
            sequence=meta.sequence,
            acknowledged=meta.acknowledged,
            positions={Topic(topic): position for topic, position in meta.positions.items()},
            watermarks={Topic(topic): watermark for topic, watermark in meta.watermarks.items()},
            forgotten=meta.forgotten,
            segments=meta.segments,
        )
        state._forget_again()
        chain_responses(state)
        state.await_again()
        return state

    def _forget_again(self) -> None:
        """Drops rows that had been forgotten and still stand in a segment beside live ones."""
        unknown = self.loyalty.sequence > self.acknowledged
        for table, times in (
            (self.responses, self.responses.given_at),
            (self.transactions, self.transactions.occurred_at),
            (self.refunds, self.refunds.occurred_at),
            (self.asked_purchases, self.asked_purchases.seen_at()),
            (self.praised_purchases, self.praised_purchases.seen_at),
            (self.loyalty, np.where(unknown, -NEVER, self.loyalty.day.astype(np.int64) * DAY)),
        ):
            if table.NAME in self.forgotten:
                before, sequence = self.forgotten[table.NAME]
                table.keep((times[: table.count] >= before) | (table.home[: table.count] > sequence))
        for log in self.logs:
            log.recount()

    def await_again(self) -> None:
        """Lists anew who waits for which purchase."""
        self.awaiting_purchase.clear()
        self.awaiting_original.clear()
        responses, refunds = self.responses, self.refunds
        state = responses.state[: responses.count]
        waiting = (state & (ResponseState.COUNTED | ResponseState.JOINED) == ResponseState.COUNTED) & (responses.transaction[: responses.count] != 0)
        for row in np.flatnonzero(waiting).tolist():
            self.awaiting_purchase.setdefault(int(responses.transaction[row]), []).append(int(responses.keys[row]))
        for row in np.flatnonzero(~refunds.settled[: refunds.count]).tolist():
            self.awaiting_original.setdefault(int(refunds.original[row]), []).append(int(refunds.keys[row]))


def identities_name(topic: Topic) -> str:
    """Returns the name of a topic's identities in the checkpoint."""
    return f"identities.{topic}"


def chain_responses(state: AccountsState) -> None:
    """Links the responses of each account anew, newest row first."""
    state.accounts.newest_response[:] = 0
    link_responses(state, np.flatnonzero(state.responses.account[: state.responses.count] >= 0))


def link_responses(state: AccountsState, rows: Int64s) -> None:
    """Puts rows of responses, each given once, at the head of their account's chain."""
    if not len(rows):
        return
    responses, accounts = state.responses, state.accounts
    rows = rows[np.argsort(responses.account[rows], kind="stable")]
    account = responses.account[rows]
    same = account[1:] == account[:-1]
    responses.older[rows] = accounts.newest_response[account]
    responses.older[rows[1:][same]] = rows[:-1][same] + 1
    last = np.append(~same, True)
    accounts.newest_response[account[last]] = rows[last] + 1
