"""Follow-up cases: a case is open unless its newest event resolved or confirmed it (reading R27)."""

import numpy as np
import numpy.typing as npt

from schemas.enums import CaseType
from streams.core.accounts.state import AccountsState
from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s
from streams.core.ordering import distinct

_CLOSING = [list(CaseType).index(kind) for kind in (CaseType.RESOLVED, CaseType.CONFIRMED)]
_RANKS = 8


def follow(state: AccountsState, keys: UInt64s, accounts: Int64s, event_type: npt.NDArray[np.int8], occurred_at: Int64s) -> None:
    """Takes in events of cases, in any order; equal times count in the order of ``CaseType``."""
    cases = state.cases
    rows, added = cases.find_or_append(keys)
    if len(added):
        cases.account[rows] = accounts
        cases.newest[added] = np.iinfo(np.int64).min
    each = distinct(rows)
    open_before = _is_open(cases.newest[each])
    np.maximum.at(cases.newest, rows, occurred_at * _RANKS + event_type)
    cases.touch(each)
    change = _is_open(cases.newest[each]).astype(np.int64) - open_before
    holders = cases.account[each].astype(np.int64)
    np.add.at(state.accounts.open_cases, holders, change)
    state.accounts.touch(holders)


def _is_open(newest: Int64s) -> Bools:
    is_open: Bools = (newest != np.iinfo(np.int64).min) & ~np.isin(newest % _RANKS, _CLOSING)
    return is_open
