"""Survey responses: the highest revision counts, a withdrawal is final, and what was counted before is taken out again.

Most responses arrive once and are counted as columns. Events of a response that is known already, or that stands in a batch more
than once, are followed one by one, in order of arrival.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from schemas.enums import FeedbackType, RejectReason
from schemas.rows import TABLES, Table
from streams.core.accounts import last_score, loyalty
from streams.core.accounts.state import DAY, AccountsState, Horizons, link_responses
from streams.core.accounts.tables import NOBODY, ResponseState
from streams.core.accounts.transactions import transaction_keys
from streams.core.batch import Bools, Decoded, Int64s, Rejected
from streams.core.hashing import UInt64s, combine, hash_strings, salt

RESPONSE = salt("response")
_WITHDRAWAL = list(FeedbackType).index(FeedbackType.WITHDRAWN)
_BLANKED = ("score", "score_mapped", "class", "top_box", "top_two_box", "expected_score", "comment")


def response_keys(account_hashes: UInt64s, response_ids: list[str]) -> UInt64s:
    """Returns the key of each response, which its account and id identify."""
    return combine(combine(account_hashes, hash_strings(response_ids)), RESPONSE)


@dataclass
class _Batch:
    """A batch of feedback on its way; members are indexed like the events."""

    events: Decoded
    keys: UInt64s
    account_hashes: UInt64s
    before: Int64s
    """Newest ``occurred_at`` of the topic before each event."""
    accepted: Bools
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    to_write: list[int] = field(default_factory=list)
    """Events whose row is to be written to the responses, in order."""
    to_blank: set[int] = field(default_factory=set)
    """Those of them that are withdrawn."""
    withdrawals: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of a batch of feedback."""

    accepted: Bools
    """Events that are neither duplicates nor refused, superseded ones included."""
    rejected: list[Rejected]
    duplicates: int
    facts: list[tuple[Table, UInt64s, pa.Table]]
    """Rows to write, with the key of the response of each; a later row of a key replaces an earlier one."""


def apply(state: AccountsState, events: Decoded, account_hashes: UInt64s, before: Int64s, candidates: Bools, horizons: Horizons) -> Feedback:
    """Takes in feedback; ``candidates`` are the events whose ``event_id`` is new, ``before`` the topic's newest time before each."""
    keys = response_keys(account_hashes, events.identity)
    batch = _Batch(events, keys, account_hashes, before, candidates.copy())
    known = state.responses.find(keys)
    repeated = np.zeros(len(keys), np.bool_)
    distinct, counts = np.unique(keys[candidates], return_counts=True)
    if (counts > 1).any():
        repeated[candidates] = np.isin(keys[candidates], distinct[counts > 1])
    simple = candidates & (known < 0) & ~repeated & (events.event_type != _WITHDRAWAL)
    added = _add_all(state, batch, np.flatnonzero(simple))
    for i in np.flatnonzero(candidates & ~simple).tolist():
        _follow(state, batch, i, horizons)
    seen = batch.accepted & ~events.synthetic
    others = np.flatnonzero(seen & ~simple)
    _accounts_of(state, batch, others)
    return Feedback(batch.accepted, batch.rejected, batch.duplicates, _facts(batch, added))


def _accounts_of(state: AccountsState, batch: _Batch, chosen: Int64s) -> Int64s:
    names = batch.events.account_id
    return state.accounts.numbers_of([names[i] for i in chosen.tolist()], batch.account_hashes[chosen], batch.events.occurred_at[chosen])


def _add_all(state: AccountsState, batch: _Batch, chosen: Int64s) -> Int64s:
    """Adds responses that were never heard of; returns the events to write."""
    events = batch.events
    counted = ~events.synthetic[chosen]
    rows = state.responses.append(batch.keys[chosen])
    responses = state.responses
    responses.response_id[rows] = [events.identity[i] for i in chosen.tolist()]
    responses.first_at[rows] = events.occurred_at[chosen]
    responses.account[rows] = NOBODY
    responses.account[rows[counted]] = _accounts_of(state, batch, chosen[counted])
    link_responses(state, rows[counted])
    _describe(state, batch, rows, chosen)
    _count(state, rows[counted])
    return chosen


def _describe(state: AccountsState, batch: _Batch, rows: Int64s, chosen: Int64s) -> None:
    """Sets the rows to what these events say, not counted."""
    events, responses = batch.events, state.responses
    responses.unit[rows] = state.units.numbers_of([events.unit_id[i] for i in chosen.tolist()])
    responses.day[rows] = events.day[chosen]
    responses.channel[rows] = events.channel[chosen]
    responses.metric[rows] = events.metric[chosen]
    responses.revision[rows] = events.revision[chosen]
    responses.occurred_at[rows] = events.occurred_at[chosen]
    responses.score[rows] = events.score[chosen]
    responses.revenue[rows] = 0
    kept = responses.state[rows] & (ResponseState.WITHDRAWN | ResponseState.WITHDRAWAL_WAS_SYNTHETIC)
    responses.state[rows] = kept | ResponseState.SUBMITTED | events.synthetic[chosen] * ResponseState.SYNTHETIC
    names = [events.transaction_id[i] for i in chosen.tolist()]
    responses.transaction[rows] = 0
    naming = np.array([name is not None for name in names], np.bool_)
    if naming.any():
        hashes = batch.account_hashes[chosen[naming]]
        responses.transaction[rows[naming]] = transaction_keys(hashes, [name for name in names if name is not None])
    responses.touch(rows)


def _count(state: AccountsState, rows: Int64s) -> None:
    """Counts responses, given once each, that were not counted."""
    responses = state.responses
    responses.state[rows] |= ResponseState.COUNTED
    _join(state, rows)
    loyalty.count(state, rows, 1)
    holders = responses.account[rows].astype(np.int64)
    np.add.at(state.accounts.responses, holders, 1)
    state.accounts.touch(holders)
    last_score.raise_to(state, rows[responses.metric[rows] == loyalty.NPS])


def _join(state: AccountsState, rows: Int64s) -> None:
    """Gives responses the revenue of the purchase that they name, or lets them wait for it."""
    responses = state.responses
    naming = rows[responses.transaction[rows] != 0]
    if not len(naming):
        return
    purchases = state.transactions.find(responses.transaction[naming])
    joined = (purchases >= 0) & state.transactions.purchase[purchases]
    responses.revenue[naming[joined]] = state.transactions.amount[purchases[joined]]
    responses.state[naming[joined]] |= ResponseState.JOINED
    waiting = naming[~joined]
    for transaction, key in zip(responses.transaction[waiting].tolist(), responses.keys[waiting].tolist(), strict=True):
        state.awaiting_purchase.setdefault(transaction, []).append(key)


def _take_out(state: AccountsState, row: int) -> None:
    """Takes a counted response out of every number that held it."""
    responses, accounts = state.responses, state.accounts
    rows = np.array([row])
    holder = int(responses.account[row])
    loyalty.count(state, rows, -1)
    responses.state[row] &= ~(ResponseState.COUNTED | ResponseState.JOINED)
    accounts.responses[holder] -= 1
    accounts.touch(np.array([holder]))
    if accounts.last_response[holder] == responses.keys[row]:
        last_score.find_again(state, holder)


def _follow(state: AccountsState, batch: _Batch, i: int, horizons: Horizons) -> None:
    """Takes in one event of a response that may be known."""
    events, responses = batch.events, state.responses
    row = int(responses.find(batch.keys[i : i + 1])[0])
    withdrawal = bool(events.event_type[i] == _WITHDRAWAL)
    if row >= 0:
        if _is_copy(state, batch, i, row, withdrawal, horizons):
            batch.accepted[i] = False
            batch.duplicates += 1
            return
        newest = max(int(batch.before[i]), int(events.occurred_at[i]))
        if newest - int(responses.first_at[row]) > horizons.revision:
            batch.accepted[i] = False
            batch.rejected.append(_too_late(batch, i, int(responses.first_at[row]), newest, horizons))
            return
    else:
        row = int(responses.append(batch.keys[i : i + 1])[0])
        responses.response_id[row] = events.identity[i]
        responses.first_at[row] = events.occurred_at[i]
        responses.account[row] = NOBODY
        responses.touch(np.array([row]))
    if withdrawal:
        _withdraw(state, batch, i, row)
    elif not responses.state[row] & ResponseState.SUBMITTED or events.revision[i] > responses.revision[row]:
        _revise(state, batch, i, row)


def _is_copy(state: AccountsState, batch: _Batch, i: int, row: int, withdrawal: bool, horizons: Horizons) -> bool:
    if batch.before[i] - batch.events.occurred_at[i] > horizons.revision:
        return False
    held = int(state.responses.state[row])
    if withdrawal:
        return bool(held & (ResponseState.WITHDRAWN | ResponseState.WITHDRAWAL_WAS_SYNTHETIC))
    return bool(held & ResponseState.SUBMITTED) and int(batch.events.revision[i]) == int(state.responses.revision[row])


def _too_late(batch: _Batch, i: int, first_at: int, newest: int, horizons: Horizons) -> Rejected:
    days = (newest - first_at) // DAY
    message = f"the response was given {days} days before the newest feedback; revisions and withdrawals reach back {horizons.revision // DAY} days"
    return Rejected(int(batch.events.index[i]), RejectReason.TOO_LATE, "response_id", message)


def _withdraw(state: AccountsState, batch: _Batch, i: int, row: int) -> None:
    responses = state.responses
    batch.withdrawals.append(i)
    responses.touch(np.array([row]))
    if batch.events.synthetic[i]:
        responses.state[row] |= ResponseState.WITHDRAWAL_WAS_SYNTHETIC
        return
    if responses.state[row] & ResponseState.COUNTED:
        _take_out(state, row)
    responses.state[row] |= ResponseState.WITHDRAWN
    if not responses.state[row] & ResponseState.SUBMITTED:
        batch.to_write.append(i)


def _revise(state: AccountsState, batch: _Batch, i: int, row: int) -> None:
    responses = state.responses
    rows, chosen = np.array([row]), np.array([i])
    if responses.state[row] & ResponseState.COUNTED:
        _take_out(state, row)
    _describe(state, batch, rows, chosen)
    batch.to_write.append(i)
    if responses.state[row] & ResponseState.WITHDRAWN:
        batch.to_blank.add(i)
    elif not batch.events.synthetic[i]:
        if responses.account[row] == NOBODY:
            responses.account[rows] = _accounts_of(state, batch, chosen)
            link_responses(state, rows)
        _count(state, rows)


def _facts(batch: _Batch, added: Int64s) -> list[tuple[Table, UInt64s, pa.Table]]:
    facts = batch.events.facts
    written: list[tuple[Table, UInt64s, pa.Table]] = []
    if len(added):
        rows = facts if len(added) == facts.num_rows else facts.take(pa.array(added))
        written.append((Table.RESPONSES, batch.keys[added], rows))
    if batch.to_write:
        rows = facts.take(pa.array(batch.to_write))
        withdrawn = np.array([i in batch.to_blank for i in batch.to_write])
        written.append((Table.RESPONSES, batch.keys[batch.to_write], blank(rows, withdrawn) if withdrawn.any() else rows))
    if batch.withdrawals:
        names = [column.name for column in TABLES[Table.WITHDRAWALS].columns if column.name in facts.schema.names]
        rows = facts.select(names).take(pa.array(batch.withdrawals))
        written.append((Table.WITHDRAWALS, batch.keys[batch.withdrawals], rows))
    return written


def blank(rows: pa.Table, withdrawn: Bools) -> pa.Table:
    """Returns the rows, without score, answers and comment where withdrawn."""
    for name in (*_BLANKED, "answers", "competitor_scores"):
        empty: list[object] | None = None if name in _BLANKED else []
        values = [empty if taken else value for value, taken in zip(rows.column(name).to_pylist(), withdrawn.tolist(), strict=True)]
        rows = _with(rows, name, pa.array(values, rows.schema.field(name).type))
    return _with(rows, "withdrawn", pa.array(withdrawn))


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)
