"""What the accounts stage remembers of one source partition, table by table.

Instants are microseconds since 1970 (UTC), money is ten-thousandths of the base currency, quantities are millionths,
sums of scores are billionths: integers, so that sums do not depend on the order of events.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.core.batch import Floats, Int64s
from streams.core.hashing import UInt64s
from streams.core.state_table import Columns, StateTable, Strings

Int32s = npt.NDArray[np.int32]
Int8s = npt.NDArray[np.int8]
NOBODY = -1
"""Stands for the account of test traffic, which is never created."""


class AccountTable(StateTable):
    """One row per account, never forgotten; a row's number is the account's number."""

    NAME = "accounts"
    DENSE = True
    COLUMNS: ClassVar[Columns] = {
        "account_id": np.object_,
        "hash": np.uint64,
        "first_seen": np.int64,
        "last_seen": np.int64,
        "revenue": np.int64,
        "refunds": np.int64,
        "transactions": np.int64,
        "products_owned": np.int64,
        "responses": np.int64,
        "open_cases": np.int64,
        "messages": np.int64,
        "last_response": np.uint64,
        "last_at": np.int64,
        "last_score": np.float64,
        "settled_response": np.uint64,
        "settled_at": np.int64,
        "settled_score": np.float64,
        "sequence": np.int64,
    }
    DERIVED: ClassVar[Columns] = {"newest_response": np.int64}
    account_id: Strings
    hash: UInt64s
    first_seen: Int64s
    last_seen: Int64s
    revenue: Int64s
    refunds: Int64s
    transactions: Int64s
    products_owned: Int64s
    responses: Int64s
    open_cases: Int64s
    messages: Int64s
    last_response: UInt64s
    """Key of the response that ``last_score`` is of; 0: none."""
    last_at: Int64s
    last_score: Floats
    settled_response: UInt64s
    """Key of the newest counted nps response among those that nothing can change any more and that are forgotten; 0: none."""
    settled_at: Int64s
    settled_score: Floats
    sequence: Int64s
    """The flush that wrote the row's newest values."""
    newest_response: Int64s
    """Row of the account's newest response in the registry plus 1, the head of its chain; 0: none."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}

    def numbers_of(self, account_ids: list[str], hashes: UInt64s, occurred_at: Int64s) -> Int64s:
        """Returns the number of each account, adding those that are new, and widens when each was seen."""
        numbers = self.numbers
        found = [numbers.get(account_id, NOBODY) for account_id in account_ids]
        rows = np.array(found, np.int64)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            self._add(account_ids, hashes, occurred_at, unknown)
            rows[unknown] = [numbers[account_ids[i]] for i in unknown.tolist()]
        np.minimum.at(self.first_seen, rows, occurred_at)
        np.maximum.at(self.last_seen, rows, occurred_at)
        self.touch(rows)
        return rows

    def _add(self, account_ids: list[str], hashes: UInt64s, occurred_at: Int64s, unknown: Int64s) -> None:
        first = {account_ids[i]: i for i in reversed(unknown.tolist())}
        rows = self.append_dense(len(first))
        self.numbers.update(zip(first, rows.tolist(), strict=True))
        where = np.fromiter(first.values(), np.int64, len(first))
        self.account_id[rows] = list(first)
        self.hash[rows] = hashes[where]
        self.first_seen[rows] = self.last_seen[rows] = occurred_at[where]

    def _load(self, picked: pa.Table) -> None:  # noqa: ARG002  # the columns are enough
        self.numbers = {account_id: row for row, account_id in enumerate(self.account_id[: self.count].tolist())}


class UnitTable(StateTable):
    """The names of units, never forgotten; a row's number stands for the unit."""

    NAME = "units"
    DENSE = True
    COLUMNS: ClassVar[Columns] = {"unit_id": np.object_}
    unit_id: Strings

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}

    def numbers_of(self, unit_ids: list[str]) -> Int32s:
        """Returns the number of each unit, adding those that are new."""
        numbers = self._numbers
        unknown = [unit_id for unit_id in dict.fromkeys(unit_ids) if unit_id not in numbers]
        if unknown:
            rows = self.append_dense(len(unknown))
            self.unit_id[rows] = unknown
            numbers.update(zip(unknown, rows.tolist(), strict=True))
        return np.fromiter((numbers[unit_id] for unit_id in unit_ids), np.int32, len(unit_ids))

    def _load(self, picked: pa.Table) -> None:  # noqa: ARG002  # the columns are enough
        self._numbers = {unit_id: row for row, unit_id in enumerate(self.unit_id[: self.count].tolist())}


class LoyaltyTable(StateTable):
    """Partial sums of counted responses, per local day, unit, channel and metric."""

    NAME = "loyalty"
    COLUMNS: ClassVar[Columns] = {
        "day": np.int32,
        "unit": np.int32,
        "channel": np.int8,
        "metric": np.int8,
        "generation": np.int64,
        "n": np.int64,
        "promoters": np.int64,
        "passives": np.int64,
        "detractors": np.int64,
        "top_box": np.int64,
        "top_two_box": np.int64,
        "score_sum": np.int64,
        "score_sum_squares": np.int64,
        "revenue": np.int64,
        "sequence": np.int64,
    }
    day: Int32s
    unit: Int32s
    channel: Int8s
    metric: Int8s
    generation: Int64s
    """The flush at which the cell was opened: a cell that had been forgotten is opened anew beside its old row, and both are summed."""
    n: Int64s
    promoters: Int64s
    passives: Int64s
    detractors: Int64s
    top_box: Int64s
    top_two_box: Int64s
    score_sum: Int64s
    score_sum_squares: Int64s
    revenue: Int64s
    sequence: Int64s


class ResponseState:
    """Bits that say what is known of a response."""

    SUBMITTED = np.uint8(1)
    COUNTED = np.uint8(2)
    SYNTHETIC = np.uint8(4)
    WITHDRAWN = np.uint8(8)
    WITHDRAWAL_WAS_SYNTHETIC = np.uint8(16)
    JOINED = np.uint8(32)
    """The purchase that it names is known and its revenue is counted."""
    EVIDENCE = np.uint8(64)
    """The units stage was told of it in time."""
    STANDS = np.uint8(128)
    """An earlier revision stays evidence, since it was changed too late: no later one is."""


class ResponseTable(StateTable):
    """The newest revision of each response, for as long as revisions are accepted; what was counted for it can be taken out again."""

    NAME = "responses"
    COLUMNS: ClassVar[Columns] = {
        "response_id": np.object_,
        "account": np.int32,
        "unit": np.int32,
        "day": np.int32,
        "channel": np.int8,
        "metric": np.int8,
        "state": np.uint8,
        "revision": np.int64,
        "given_at": np.int64,
        "occurred_at": np.int64,
        "score": np.float64,
        "transaction": np.uint64,
        "named_at": np.int64,
        "revenue": np.int64,
    }
    DERIVED: ClassVar[Columns] = {"older": np.int64}
    response_id: Strings
    account: Int32s
    unit: Int32s
    day: Int32s
    channel: Int8s
    metric: Int8s
    state: npt.NDArray[np.uint8]
    revision: Int64s
    given_at: Int64s
    """When the highest revision was given; of a response that was never submitted, when it was withdrawn."""
    occurred_at: Int64s
    score: Floats
    transaction: UInt64s
    """Key of the transaction that it names; 0: none."""
    named_at: Int64s
    """When it was first named, by this revision or by those before it that named the same."""
    revenue: Int64s
    older: Int64s
    """Row of the next response of the same account plus 1; 0: none."""


class TransactionTable(StateTable):
    """Purchases and refunds, for as long as responses and refunds may name them, with the product lines that can be owned."""

    NAME = "transactions"
    COLUMNS: ClassVar[Columns] = {"purchase": np.bool_, "amount": np.int64, "occurred_at": np.int64, "first_line": np.int64, "lines": np.int32}
    purchase: npt.NDArray[np.bool_]
    """A completed transaction that counts; False for refunds and test traffic."""
    amount: Int64s
    occurred_at: Int64s
    first_line: Int64s
    lines: Int32s

    def __init__(self) -> None:
        super().__init__()
        self._products: UInt64s = np.empty(0, np.uint64)
        self._quantities: Int64s = np.empty(0, np.int64)
        self._line_count = 0

    def add_lines(self, rows: Int64s, counts: Int32s, products: UInt64s, quantities: Int64s) -> None:
        """Sets the lines of rows; lines come in the order of the rows, ``counts`` of each."""
        total = self._line_count + len(products)
        if total > len(self._products):
            spare = np.zeros(max(total, len(self._products) * 3 // 2) - self._line_count, np.int64)
            self._products = np.concatenate([self._products[: self._line_count], spare.view(np.uint64)])
            self._quantities = np.concatenate([self._quantities[: self._line_count], spare])
        self._products[self._line_count : total] = products
        self._quantities[self._line_count : total] = quantities
        self.first_line[rows] = self._line_count + np.cumsum(counts) - counts
        self.lines[rows] = counts
        self._line_count = total

    def lines_of(self, rows: Int64s) -> tuple[Int64s, UInt64s, Int64s]:
        """Returns the lines of these rows: position of the row in ``rows``, product hash and quantity of each line."""
        counts = self.lines[rows].astype(np.int64)
        owner = np.repeat(np.arange(len(rows)), counts)
        lines = np.arange(len(owner)) + np.repeat(self.first_line[rows] - (np.cumsum(counts) - counts), counts)
        return owner, self._products[lines], self._quantities[lines]

    def to_arrow(self, rows: Int64s) -> pa.RecordBatch:
        """Returns these rows with their lines, for the checkpoint."""
        batch = super().to_arrow(rows)
        _, products, quantities = self.lines_of(rows)
        offsets = pa.array(np.concatenate([[0], np.cumsum(self.lines[rows])]).astype(np.int32))
        batch = batch.append_column("products", pa.ListArray.from_arrays(offsets, pa.array(products)))
        return batch.append_column("quantities", pa.ListArray.from_arrays(offsets, pa.array(quantities)))

    def _load(self, picked: pa.Table) -> None:
        rows = np.arange(self.count)
        products = picked["products"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        quantities = picked["quantities"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        self.add_lines(rows, self.lines[rows].copy(), products, quantities)

    def _before_keep(self, rows: Int64s) -> None:
        _, products, quantities = self.lines_of(rows)
        self._line_count = 0
        self._products, self._quantities = products[:0], quantities[:0]
        self.add_lines(rows, self.lines[rows].copy(), products, quantities)


class PendingRefundTable(StateTable):
    """Refunds without products whose purchase has not arrived yet; ``settled`` once it has."""

    NAME = "refunds"
    COLUMNS: ClassVar[Columns] = {"account": np.int32, "original": np.uint64, "amount": np.int64, "occurred_at": np.int64, "settled": np.bool_}
    account: Int32s
    original: UInt64s
    amount: Int64s
    occurred_at: Int64s
    settled: npt.NDArray[np.bool_]


class CaseTable(StateTable):
    """The newest event of each follow-up case."""

    NAME = "cases"
    COLUMNS: ClassVar[Columns] = {"account": np.int32, "newest": np.int64}
    account: Int32s
    newest: Int64s
    """Its ``occurred_at`` times 8 plus the rank of its type, so that the greatest is the newest."""


class OwnershipTable(StateTable):
    """Bought minus given back, per account and product."""

    NAME = "ownership"
    COLUMNS: ClassVar[Columns] = {"account": np.int32, "quantity": np.int64}
    account: Int32s
    quantity: Int64s
