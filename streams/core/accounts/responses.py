"""Survey responses: the highest revision counts, a withdrawal is final, and what was counted before is taken out again.

A batch is taken in by rounds: the first event of each response, then the second of those that have one, and so on. Within a round
every response stands once, so a round is columns; and each response meets its events in order of arrival.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from schemas.enums import FeedbackType, RejectReason
from schemas.rows import TABLES, Table
from streams.core.accounts import last_score, loyalty
from streams.core.accounts.state import DAY, AccountsState, Horizons, link_responses
from streams.core.accounts.tables import NOBODY, ResponseState
from streams.core.accounts.transactions import can_be_joined, transaction_keys
from streams.core.batch import Bools, Decoded, Floats, Int64s, Rejected
from streams.core.hashing import UInt64s, combine, hash_strings, salt
from streams.core.ordering import first_places
from streams.core.signals import LATE_DAYS, REVISION_DAYS

RESPONSE = salt("response")
_WITHDRAWAL = list(FeedbackType).index(FeedbackType.WITHDRAWN)
_BLANKED = ("score", "score_mapped", "class", "top_box", "top_two_box", "expected_score", "comment")
_IN_NUMBERS = ResponseState.COUNTED | ResponseState.JOINED | ResponseState.EVIDENCE
_ANY_WITHDRAWAL = ResponseState.WITHDRAWN | ResponseState.WITHDRAWAL_WAS_SYNTHETIC


def is_late(events: Decoded, before: Int64s) -> Bools:
    """Returns which events came too late to be evidence, or to change it; ``before`` is the topic's newest time before each."""
    late: Bools = before - events.occurred_at > LATE_DAYS * DAY
    return late


def may_be_evidence(events: Decoded, before: Int64s) -> Bools:
    """Returns which events units may be judged by: those that came in time and are no test traffic; ``before`` as for ``is_late``."""
    return ~events.synthetic & ~is_late(events, before)


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
    late: Bools
    """See ``is_late``."""
    accepted: Bools
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    to_write: list[Int64s] = field(default_factory=list)
    """Events whose row is to be written to the responses, in order."""
    to_blank: list[Int64s] = field(default_factory=list)
    """Those of them that are withdrawn."""
    withdrawals: list[Int64s] = field(default_factory=list)
    changes: list["TakenOut | Counted"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TakenOut:
    """Responses that cease to count as they were; one entry each."""

    event: Int64s
    """Index of the event that does it."""
    key: UInt64s
    revision: Int64s
    unit: Int64s
    day: Int64s
    metric: Int64s
    channel: Int64s
    score: Floats
    purchase: UInt64s
    """Key of the transaction that it names; 0 where it names none."""
    told: Bools
    """The units stage had been told of it, and this comes in time to take it back there."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Responses that begin to count; one entry each."""

    event: Int64s
    """Index of the event that describes it."""
    key: UInt64s
    unit: Int64s
    purchase: UInt64s
    """Key of the transaction that it names; 0 where it names none."""
    told: Bools
    """They are evidence: they came in time, and no earlier revision is evidence for good."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of a batch of feedback."""

    accepted: Bools
    """Events that are neither duplicates nor refused, superseded ones included."""
    rejected: list[Rejected]
    duplicates: int
    facts: list[tuple[Table, UInt64s, pa.Table]]
    """Rows to write, with the key of the response of each; a later row of a key replaces an earlier one."""
    changes: list[TakenOut | Counted]
    """What ceased and began to count, in order."""


def apply(state: AccountsState, events: Decoded, account_hashes: UInt64s, before: Int64s, candidates: Bools, horizons: Horizons) -> Feedback:
    """Takes in feedback; ``candidates`` are the events whose ``event_id`` is new, ``before`` the topic's newest time before each."""
    keys = response_keys(account_hashes, events.identity)
    batch = _Batch(events, keys, account_hashes, before, is_late(events, before), candidates.copy())
    for chosen in _rounds(keys, np.flatnonzero(candidates)):
        _take_in(state, batch, chosen, horizons)
    batch.rejected.sort(key=lambda refused: refused.index)
    return Feedback(batch.accepted, batch.rejected, batch.duplicates, _facts(batch), batch.changes)


def _rounds(keys: UInt64s, chosen: Int64s) -> Iterator[Int64s]:
    """Yields the first event of each response, then the second, and so on, each in order of arrival."""
    while len(chosen):
        first = np.sort(first_places(keys[chosen]))
        yield chosen[first]
        chosen = np.delete(chosen, first)


def _take_in(state: AccountsState, batch: _Batch, chosen: Int64s, horizons: Horizons) -> None:
    """Takes in one round."""
    events, responses = batch.events, state.responses
    rows = responses.find(batch.keys[chosen])
    refused = _refuse(state, batch, chosen, rows, horizons)
    if refused.any():
        chosen, rows = chosen[~refused], rows[~refused]
    new = rows < 0
    if new.any():
        rows[new] = added = responses.append(batch.keys[chosen[new]])
        responses.response_id[added] = [events.identity[i] for i in chosen[new].tolist()]
        responses.given_at[added] = events.occurred_at[chosen[new]]
        responses.account[added] = NOBODY
    accounts = np.full(len(chosen), NOBODY, np.int64)
    real = ~events.synthetic[chosen]
    accounts[real] = _accounts_of(state, batch, chosen[real])
    withdrawal = events.event_type[chosen] == _WITHDRAWAL
    if withdrawal.any():
        _withdraw(state, batch, chosen[withdrawal], rows[withdrawal])
    submitted = responses.state[rows] & ResponseState.SUBMITTED != 0
    newest = ~withdrawal & (~submitted | (events.revision[chosen] > responses.revision[rows]))
    _submit(state, batch, chosen[newest], rows[newest], accounts[newest], horizons)


def _accounts_of(state: AccountsState, batch: _Batch, chosen: Int64s) -> Int64s:
    names = batch.events.account_id
    return state.accounts.numbers_of([names[i] for i in chosen.tolist()], batch.account_hashes[chosen], batch.events.occurred_at[chosen])


def _refuse(state: AccountsState, batch: _Batch, chosen: Int64s, rows: Int64s, horizons: Horizons) -> Bools:
    """Returns which events are copies, or came too late for the response that they are about."""
    events, responses = batch.events, state.responses
    newest = np.maximum(batch.before[chosen], events.occurred_at[chosen])
    known, held = rows >= 0, responses.state[rows]
    late = np.where(known, newest - responses.given_at[rows] > horizons.revision, state.settled.held(batch.keys[chosen]))
    same = (held & ResponseState.SUBMITTED != 0) & (events.revision[chosen] == responses.revision[rows])
    copy = known & ~late & np.where(events.event_type[chosen] == _WITHDRAWAL, held & _ANY_WITHDRAWAL != 0, same)
    refused: Bools = copy | late
    batch.accepted[chosen[refused]] = False
    batch.duplicates += int(copy.sum())
    for at in np.flatnonzero(late).tolist():
        reach = horizons.revision // DAY
        message = f"the response was given more than {reach} days before the newest feedback; revisions and withdrawals reach back {reach} days"
        batch.rejected.append(Rejected(int(events.index[chosen[at]]), RejectReason.TOO_LATE, "response_id", message))
    return refused


def _withdraw(state: AccountsState, batch: _Batch, chosen: Int64s, rows: Int64s) -> None:
    responses = state.responses
    batch.withdrawals.append(chosen)
    responses.touch(rows)
    synthetic = batch.events.synthetic[chosen]
    responses.state[rows[synthetic]] |= ResponseState.WITHDRAWAL_WAS_SYNTHETIC
    # Of a response that was never submitted the withdrawal is all that can be shown, also where it is test traffic.
    alone = chosen[responses.state[rows] & ResponseState.SUBMITTED == 0]
    batch.to_write.append(alone)
    batch.to_blank.append(alone)
    chosen, rows = chosen[~synthetic], rows[~synthetic]
    _take_out(state, batch, rows, chosen)
    responses.state[rows] |= ResponseState.WITHDRAWN


def _submit(state: AccountsState, batch: _Batch, chosen: Int64s, rows: Int64s, accounts: Int64s, horizons: Horizons) -> None:
    """Makes these events the newest revisions of their responses."""
    responses = state.responses
    joined = responses.state[rows] & ResponseState.JOINED != 0
    purchase, revenue, named_at = responses.transaction[rows], responses.revenue[rows], responses.named_at[rows]
    _take_out(state, batch, rows, chosen)
    _describe(state, batch, rows, chosen)
    # A revision that names the same purchase keeps its revenue; the purchase itself may be forgotten by now.
    same = (responses.transaction[rows] == purchase) & (purchase != 0)
    responses.named_at[rows[same]] = np.minimum(responses.named_at[rows], named_at)[same]
    kept = joined & same
    responses.revenue[rows[kept]] = revenue[kept]
    responses.state[rows[kept]] |= ResponseState.JOINED
    batch.to_write.append(chosen)
    withdrawn = responses.state[rows] & ResponseState.WITHDRAWN != 0
    batch.to_blank.append(chosen[withdrawn])
    counted = ~withdrawn & (accounts != NOBODY)
    unlinked = counted & (responses.account[rows] == NOBODY)
    responses.account[rows[unlinked]] = accounts[unlinked]
    link_responses(state, rows[unlinked])
    _count(state, rows[counted], horizons)
    told = ~batch.late[chosen] & (responses.state[rows] & ResponseState.STANDS == 0)
    responses.state[rows[counted & told]] |= ResponseState.EVIDENCE
    of = rows[counted]
    units = responses.unit[of].astype(np.int64)
    batch.changes.append(Counted(chosen[counted], batch.keys[chosen[counted]], units, responses.transaction[of], told[counted]))


def _describe(state: AccountsState, batch: _Batch, rows: Int64s, chosen: Int64s) -> None:
    """Sets the rows to what these events say, not counted."""
    events, responses = batch.events, state.responses
    responses.unit[rows] = state.units.numbers_of([events.unit_id[i] for i in chosen.tolist()])
    responses.day[rows] = events.day[chosen]
    responses.channel[rows] = events.channel[chosen]
    responses.metric[rows] = events.metric[chosen]
    responses.revision[rows] = events.revision[chosen]
    responses.occurred_at[rows] = responses.given_at[rows] = responses.named_at[rows] = events.occurred_at[chosen]
    responses.score[rows] = events.score[chosen]
    responses.revenue[rows] = 0
    kept = responses.state[rows] & (_ANY_WITHDRAWAL | ResponseState.STANDS)
    responses.state[rows] = kept | ResponseState.SUBMITTED | events.synthetic[chosen] * ResponseState.SYNTHETIC
    names = [events.transaction_id[i] for i in chosen.tolist()]
    responses.transaction[rows] = 0
    naming = np.array([name is not None for name in names], np.bool_)
    if naming.any():
        hashes = batch.account_hashes[chosen[naming]]
        responses.transaction[rows[naming]] = transaction_keys(hashes, [name for name in names if name is not None])
    responses.touch(rows)


def _count(state: AccountsState, rows: Int64s, horizons: Horizons) -> None:
    """Counts responses, given once each, that were not counted."""
    responses = state.responses
    responses.state[rows] |= ResponseState.COUNTED
    _join(state, rows, horizons)
    loyalty.count(state, rows, 1)
    holders = responses.account[rows].astype(np.int64)
    np.add.at(state.accounts.responses, holders, 1)
    state.accounts.touch(holders)
    last_score.raise_to(state, rows[responses.metric[rows] == loyalty.NPS])


def _join(state: AccountsState, rows: Int64s, horizons: Horizons) -> None:
    """Gives responses the revenue of the purchase that they name, or lets them wait for it."""
    responses = state.responses
    naming = rows[(responses.transaction[rows] != 0) & (responses.state[rows] & ResponseState.JOINED == 0)]
    if not len(naming):
        return
    purchases = state.transactions.find(responses.transaction[naming])
    known = (purchases >= 0) & state.transactions.purchase[purchases]
    joined = known & can_be_joined(state.transactions.occurred_at[purchases], responses.named_at[naming], horizons)
    responses.revenue[naming[joined]] = state.transactions.amount[purchases[joined]]
    responses.state[naming[joined]] |= ResponseState.JOINED
    waiting = naming[~known]
    for transaction, key in zip(responses.transaction[waiting].tolist(), responses.keys[waiting].tolist(), strict=True):
        state.awaiting_purchase.setdefault(transaction, []).append(key)


def _take_out(state: AccountsState, batch: _Batch, rows: Int64s, events: Int64s) -> None:
    """Takes those responses, given once each, that are counted out of every number that held them, because of these events."""
    responses, accounts = state.responses, state.accounts
    counted = responses.state[rows] & ResponseState.COUNTED != 0
    rows, events = rows[counted], events[counted]
    if not len(rows):
        return
    evidence = responses.state[rows] & ResponseState.EVIDENCE != 0
    too_late = batch.late[events] | (batch.events.day[events] > responses.day[rows] + REVISION_DAYS)
    responses.state[rows[evidence & too_late]] |= ResponseState.STANDS
    batch.changes.append(
        TakenOut(
            events,
            responses.keys[rows],
            responses.revision[rows],
            responses.unit[rows].astype(np.int64),
            responses.day[rows].astype(np.int64),
            responses.metric[rows].astype(np.int64),
            responses.channel[rows].astype(np.int64),
            responses.score[rows],
            responses.transaction[rows],
            evidence & ~too_late,
        )
    )
    loyalty.count(state, rows, -1)
    responses.state[rows] &= ~_IN_NUMBERS
    holders = responses.account[rows].astype(np.int64)
    np.subtract.at(accounts.responses, holders, 1)
    accounts.touch(holders)
    for holder in holders[accounts.last_response[holders] == responses.keys[rows]].tolist():
        last_score.find_again(state, holder)


def _facts(batch: _Batch) -> list[tuple[Table, UInt64s, pa.Table]]:
    facts, keys = batch.events.facts, batch.keys
    written: list[tuple[Table, UInt64s, pa.Table]] = []
    chosen = np.concatenate([np.empty(0, np.int64), *batch.to_write])
    if len(chosen):
        rows = facts if np.array_equal(chosen, np.arange(facts.num_rows)) else facts.take(pa.array(chosen))
        withdrawn = np.isin(chosen, np.concatenate([np.empty(0, np.int64), *batch.to_blank]))
        written.append((Table.RESPONSES, keys[chosen], blank(rows, withdrawn) if withdrawn.any() else rows))
    taken_back = np.concatenate([np.empty(0, np.int64), *batch.withdrawals])
    if len(taken_back):
        names = [column.name for column in TABLES[Table.WITHDRAWALS].columns if column.name in facts.schema.names]
        written.append((Table.WITHDRAWALS, keys[taken_back], facts.select(names).take(pa.array(taken_back))))
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
