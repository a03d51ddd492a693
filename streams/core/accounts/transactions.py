"""Purchases and refunds: account sums, ownership, and the revenue of responses that name them."""

from collections.abc import Sequence

import numpy as np

from schemas.enums import TransactionType
from streams.core.accounts import loyalty, ownership
from streams.core.accounts.state import AccountsState, Horizons
from streams.core.accounts.tables import ResponseState
from streams.core.batch import Bools, Decoded, Int64s, ProductLines
from streams.core.hash_index import copies
from streams.core.hashing import UInt64s, combine, hash_strings, salt

TRANSACTION = salt("transaction")
_REFUND = list(TransactionType).index(TransactionType.REFUNDED)


def transaction_keys(account_hashes: UInt64s, transaction_ids: Sequence[str]) -> UInt64s:
    """Returns the key of each transaction, which its account and id identify."""
    return combine(combine(account_hashes, hash_strings(transaction_ids)), TRANSACTION)


def copies_of_known(state: AccountsState, keys: UInt64s, occurred_at: Int64s, since: Int64s) -> Bools:
    """Returns which transactions are copies of one that is known, or of one before in the arrays, whose time is at or after ``since``."""
    rows = state.transactions.find(keys)
    held = np.where(rows >= 0, state.transactions.occurred_at[rows], np.iinfo(np.int64).min)
    return copies(keys, occurred_at, held, since)


def apply(state: AccountsState, events: Decoded, fresh: Int64s, keys: UInt64s, accounts: Int64s, horizons: Horizons) -> None:
    """Takes in new transactions.

    ``fresh`` are their indexes among ``events``; ``keys`` and ``accounts`` go with these, account -1 for test traffic.
    """
    refund = events.event_type[fresh] == _REFUND
    counted = ~events.synthetic[fresh]
    purchase = counted & ~refund
    lines = _Lines(events, fresh)
    _register(state, events, fresh, keys, purchase, lines)
    _sum_up(state, accounts, events.amount[fresh], purchase, counted & refund)
    _settle_responses(state, keys[purchase], events.amount[fresh][purchase], events.occurred_at[fresh][purchase], horizons)
    bought_or_returned = counted[lines.owner]
    sign = np.where(refund, -1, 1)[lines.owner]
    ownership.move(
        state,
        accounts[lines.owner][bought_or_returned],
        lines.products[bought_or_returned],
        (sign * lines.quantities)[bought_or_returned],
    )
    _settle_refunds(state, keys[purchase], horizons.join)
    _give_back(state, events, fresh, keys, accounts, np.flatnonzero(counted & refund & ~lines.given), horizons.join)


def can_be_joined(sold_at: Int64s, named_at: Int64s, horizons: Horizons) -> Bools:
    """Returns which purchases bring their revenue to the responses that name them, by the times of both in microseconds."""
    joined: Bools = (named_at - sold_at <= horizons.join) & (sold_at - named_at <= horizons.named_ahead)
    return joined


class _Lines:
    """The lines of the new transactions that can be owned; ``owner`` is a position in ``fresh``."""

    def __init__(self, events: Decoded, fresh: Int64s) -> None:
        lines = events.lines or ProductLines(np.empty(0, np.int64), [], np.empty(0, np.int64), np.empty(0, np.bool_))
        position = np.full(len(events.account_id), -1, np.int64)
        position[fresh] = np.arange(len(fresh))
        owner = position[lines.event]
        self.given: Bools = np.bincount(owner[owner >= 0], minlength=len(fresh)) > 0
        """Whether the transaction says which products it is about."""
        chosen = np.flatnonzero((owner >= 0) & ~lines.consumable)
        self.owner = owner[chosen]
        self.products = hash_strings([lines.product_id[i] for i in chosen.tolist()])
        self.quantities = lines.quantity[chosen]
        self.counts = np.bincount(self.owner, minlength=len(fresh)).astype(np.int32)


def _register(state: AccountsState, events: Decoded, fresh: Int64s, keys: UInt64s, purchase: Bools, lines: _Lines) -> None:
    table = state.transactions
    rows, _ = table.find_or_append(keys)
    table.purchase[rows] = purchase
    table.amount[rows] = events.amount[fresh]
    table.occurred_at[rows] = events.occurred_at[fresh]
    table.add_lines(rows, lines.counts, lines.products, lines.quantities)
    table.touch(rows)


def _sum_up(state: AccountsState, accounts: Int64s, amounts: Int64s, purchase: Bools, refund: Bools) -> None:
    table = state.accounts
    np.add.at(table.revenue, accounts[purchase], amounts[purchase])
    np.add.at(table.transactions, accounts[purchase], 1)
    np.subtract.at(table.revenue, accounts[refund], amounts[refund])
    np.add.at(table.refunds, accounts[refund], amounts[refund])


def _settle_responses(state: AccountsState, keys: UInt64s, amounts: Int64s, times: Int64s, horizons: Horizons) -> None:
    """Gives responses that had been waiting for a purchase its revenue."""
    waiting = state.awaiting_purchase
    sales = zip(keys.tolist(), amounts.tolist(), times.tolist(), strict=True)
    known = [(response, *sale) for sale in sales for response in waiting.pop(sale[0], ())]
    if not known:
        return
    responses = state.responses
    rows = responses.find(np.array([response for response, _, _, _ in known], np.uint64))
    named = np.array([key for _, key, _, _ in known], np.uint64)
    paid, sold_at = (np.array([sale[place] for sale in known], np.int64) for place in (2, 3))
    # A response may have been revised to name another purchase, withdrawn or forgotten since; and revised to name the same one again.
    unsettled = responses.state[rows] & (ResponseState.COUNTED | ResponseState.JOINED) == ResponseState.COUNTED
    unsettled &= (rows >= 0) & (responses.transaction[rows] == named)
    unsettled &= can_be_joined(sold_at, responses.named_at[rows], horizons)
    rows, first = np.unique(rows[unsettled], return_index=True)
    paid = paid[unsettled][first]
    responses.revenue[rows] = paid
    responses.state[rows] |= ResponseState.JOINED
    responses.touch(rows)
    loyalty.add_revenue(state, rows, paid)


def _give_back(state: AccountsState, events: Decoded, fresh: Int64s, keys: UInt64s, accounts: Int64s, refunds: Int64s, horizon: int) -> None:
    """Handles refunds that name no products: all lines of the original go back if the amounts are equal; it may not be known yet."""
    refunds = refunds[[events.transaction_id[i] is not None for i in fresh[refunds].tolist()]] if len(refunds) else refunds
    if not len(refunds):
        return
    names = [events.transaction_id[i] or "" for i in fresh[refunds].tolist()]
    holders = accounts[refunds]
    originals = transaction_keys(state.accounts.hash[holders], names)
    amounts = events.amount[fresh[refunds]]
    rows = state.transactions.find(originals)
    known = (rows >= 0) & (np.abs(state.transactions.occurred_at[rows] - events.occurred_at[fresh[refunds]]) <= horizon)
    _take_all_lines(state, holders[known], rows[known], amounts[known])
    unknown = np.flatnonzero(rows < 0)
    table = state.refunds
    pending, _ = table.find_or_append(keys[refunds[unknown]])
    table.account[pending], table.original[pending] = holders[unknown], originals[unknown]
    table.amount[pending], table.occurred_at[pending] = amounts[unknown], events.occurred_at[fresh[refunds[unknown]]]
    table.settled[pending] = False
    table.touch(pending)
    for refund, original in zip(keys[refunds[unknown]].tolist(), originals[unknown].tolist(), strict=True):
        state.awaiting_original.setdefault(original, []).append(refund)


def _settle_refunds(state: AccountsState, keys: UInt64s, horizon: int) -> None:
    """Gives back what refunds that arrived before their purchase were about."""
    if not state.awaiting_original:
        return
    table = state.refunds
    for key in keys.tolist():
        waiting = state.awaiting_original.pop(key, None)
        if not waiting:
            continue
        refunds = table.find(np.array(waiting, np.uint64))
        refunds = refunds[refunds >= 0]
        table.settled[refunds] = True
        table.touch(refunds)
        original = state.transactions.find(np.array([key], np.uint64))
        refunds = refunds[np.abs(table.occurred_at[refunds] - state.transactions.occurred_at[original]) <= horizon]
        originals = np.repeat(original, len(refunds))
        _take_all_lines(state, table.account[refunds].astype(np.int64), originals, table.amount[refunds])


def _take_all_lines(state: AccountsState, accounts: Int64s, originals: Int64s, amounts: Int64s) -> None:
    """Takes all lines of purchases, given as rows, from accounts, where the amounts are equal."""
    table = state.transactions
    whole = table.purchase[originals] & (table.amount[originals] == amounts)
    owner, products, quantities = table.lines_of(originals[whole])
    ownership.move(state, accounts[whole][owner], products, -quantities)
