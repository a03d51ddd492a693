"""Chances to be answered, as the units stage is told of them: purchases, invitations, and refunds of what was praised.

Batches are only kept until they are asked for: what is told of a purchase does not depend on the order in which it and its invitations come.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.enums import InvitationType, SuppressionReason, TransactionType
from streams.core.accounts.asking import NUMBERS, Difference, Step
from streams.core.accounts.responses import may_be_evidence
from streams.core.accounts.state import AccountsState
from streams.core.accounts.sums import Sums
from streams.core.accounts.transactions import transaction_keys
from streams.core.batch import Bools, Decoded, Int64s
from streams.core.hashing import UInt64s
from streams.core.ordering import are_distinct

_STEPS = {
    InvitationType.SAMPLED: Step.SAMPLED, InvitationType.SUPPRESSED: Step.QUARANTINED, InvitationType.SENT: Step.SENT,
    InvitationType.BOUNCED: Step.BOUNCED,
}  # fmt: skip
_NO_STEP = -1
_STEP_OF_KIND = np.array([list(Step).index(_STEPS[kind]) if kind in _STEPS else _NO_STEP for kind in InvitationType])
_SENT, _QUARANTINED = (list(Step).index(step) for step in (Step.SENT, Step.QUARANTINED))
_COMPLETED = list(TransactionType).index(TransactionType.COMPLETED)


class _Sold(NamedTuple):
    unit_id: pa.ChunkedArray
    risky: Bools
    key: UInt64s
    day: Int64s


class _Invited(NamedTuple):
    unit_id: pa.ChunkedArray
    names: list[str | None]
    account_hash: UInt64s
    step: Int64s
    """Positions in ``Step``."""
    day: Int64s


class Chances:
    """Collects between two flushes."""

    def __init__(self) -> None:
        self._sold: list[_Sold] = []
        self._invited: list[_Invited] = []
        self._given_back: list[tuple[UInt64s, Int64s]] = []

    def transactions(self, events: Decoded, account_hashes: UInt64s, fresh: Int64s, keys: UInt64s, before: Int64s) -> None:
        """Keeps new transactions; ``keys`` are theirs, ``before`` is the topic's newest time before each event."""
        in_time, completed = may_be_evidence(events, before)[fresh], events.event_type[fresh] == _COMPLETED
        unit_ids = events.facts.column("unit_id")
        sold = in_time & completed & unit_ids.is_valid().to_numpy()[fresh]
        at = fresh[sold]
        if len(at):
            # No risk is no list, or an empty one.
            risks = pc.list_value_length(events.facts.column("risk_flags")).fill_null(0).to_numpy()[at]
            days = events.day[at].astype(np.int64)
            self._sold.append(_Sold(unit_ids.take(pa.array(at)), risks > 0, keys[sold], days))
        at = fresh[in_time & ~completed]
        names = [events.transaction_id[i] for i in at.tolist()]
        naming = np.flatnonzero([name is not None for name in names])
        if len(naming):
            purchases = transaction_keys(account_hashes[at[naming]], [names[i] or "" for i in naming.tolist()])
            self._given_back.append((purchases, events.occurred_at[at[naming]]))

    def invitations(self, events: Decoded, account_hashes: UInt64s, fresh: Int64s, before: Int64s) -> None:
        """Keeps the steps that are taken by new invitations."""
        steps = _STEP_OF_KIND[events.event_type[fresh]]
        by_rule = pc.equal(events.facts.column("suppression_reason"), SuppressionReason.QUARANTINE).fill_null(False).to_numpy()[fresh]
        taken = may_be_evidence(events, before)[fresh] & (steps != _NO_STEP) & ((steps != _QUARANTINED) | by_rule)
        at = fresh[taken]
        if not len(at):
            return
        unit_id, names = (events.facts.column(name).take(pa.array(at)) for name in ("unit_id", "transaction_id"))
        days = events.day[at].astype(np.int64)
        self._invited.append(_Invited(unit_id, names.to_pylist(), account_hashes[at], steps[taken], days))

    def take_refunds(self, state: AccountsState) -> Mapping[int, Int64s]:
        """Takes what was given back into the state, once; returns the difference of praise, by day."""
        given_back, self._given_back = self._given_back, []
        if not given_back:
            return {}
        purchases, times = (np.concatenate(columns) for columns in zip(*given_back, strict=True))
        return state.praised_purchases.refunded(purchases, times)

    def take_flows(self, state: AccountsState) -> tuple[Int64s, Int64s]:
        """Takes all into the state, once; returns units and days (first axis), and the difference of the numbers of ``Flows``."""
        sums = Sums(2, 1 + len(NUMBERS))
        sold, self._sold = self._sold, []
        keys = np.concatenate([np.empty(0, np.uint64), *(batch.key for batch in sold)])
        if len(keys) and are_distinct(keys):
            _sell(sums, state, sold)
        else:
            # Past the horizons a copy is sold again; what was told the first time is then what there is to compare with.
            for batch in sold:
                _sell(sums, state, [batch])
        invited, self._invited = self._invited, []
        if invited:
            self._take_invitations(sums, state, invited)
        return sums.take()

    def _take_invitations(self, sums: Sums, state: AccountsState, invited: list[_Invited]) -> None:
        steps, days = (np.concatenate([getattr(batch, name) for batch in invited]) for name in ("step", "day"))
        sent = steps == _SENT
        if sent.any():
            units = _units_of(state, [batch.unit_id for batch in invited])[sent]
            numbers = np.zeros((1 + len(NUMBERS), len(units)), np.int64)
            numbers[0] = 1
            sums.add((units, days[sent]), tuple(numbers))
        names = [name for batch in invited for name in batch.names]
        naming = np.flatnonzero([name is not None for name in names])
        if not len(naming):
            return
        hashes = np.concatenate([batch.account_hash for batch in invited])[naming]
        keys = transaction_keys(hashes, [names[i] or "" for i in naming.tolist()])
        _add(sums, state, state.asked_purchases.invited(keys, days[naming], steps[naming]))


def _sell(sums: Sums, state: AccountsState, sold: list[_Sold]) -> None:
    """Takes in purchases, each of which is given once."""
    risky, keys, days = (np.concatenate(columns) for columns in zip(*(batch[1:] for batch in sold), strict=True))
    units = _units_of(state, [batch.unit_id for batch in sold])
    _add(sums, state, state.asked_purchases.sold(keys, units, days, risky))


def _add(sums: Sums, state: AccountsState, difference: Difference) -> None:
    table, rows = state.asked_purchases, difference.rows
    units, days = table.unit[rows].astype(np.int64), table.day[rows].astype(np.int64)
    sums.add((units, days), (np.zeros(len(rows), np.int64), *difference.numbers.T))


def _units_of(state: AccountsState, unit_ids: list[pa.ChunkedArray]) -> Int64s:
    """Returns the number of each unit."""
    # Few units are named many times.
    named = pa.chunked_array([chunk for column in unit_ids for chunk in column.chunks]).combine_chunks().dictionary_encode()
    numbers: Int64s = state.units.numbers_of(named.dictionary.to_pylist()).astype(np.int64)[named.indices.to_numpy()]
    return numbers
