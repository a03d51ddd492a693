"""The mapped score of an account's newest counted nps response; of equal times the greater ``response_id`` counts (reading R19)."""

import numpy as np

from streams.core.accounts.loyalty import NPS
from streams.core.accounts.state import AccountsState
from streams.core.accounts.tables import ResponseState
from streams.core.batch import Int64s


def raise_to(state: AccountsState, responses: Int64s) -> None:
    """Lets newly counted nps responses, given as rows of the registry, become their account's last."""
    registry, accounts = state.responses, state.accounts
    holders = registry.account[responses].astype(np.int64)
    at = registry.occurred_at[responses]
    # Sorted by time, so that of several responses of one account the last one stays; ties and older ones go one by one.
    order = np.lexsort((at, holders))
    responses, holders, at = responses[order], holders[order], at[order]
    last = np.append(holders[1:] != holders[:-1], True)
    tied = np.zeros(len(at), np.bool_)
    tied[1:] = (holders[1:] == holders[:-1]) & (at[1:] == at[:-1])
    tied[:-1] |= tied[1:]
    tied |= (accounts.last_response[holders] != 0) & (at == accounts.last_at[holders])
    newer = last & ~tied & ((accounts.last_response[holders] == 0) | (at > accounts.last_at[holders]))
    _set(state, holders[newer], responses[newer])
    for row in responses[tied].tolist():
        if _beats(state, row):
            _set(state, registry.account[[row]].astype(np.int64), np.array([row]))


def find_again(state: AccountsState, account: int) -> None:
    """Finds the last score of an account whose last response was taken out."""
    registry, accounts = state.responses, state.accounts
    accounts.last_response[account] = accounts.settled_response[account]
    accounts.last_at[account] = accounts.settled_at[account]
    accounts.last_score[account] = accounts.settled_score[account]
    row = int(accounts.newest_response[account]) - 1
    while row >= 0:
        if registry.state[row] & ResponseState.COUNTED and registry.metric[row] == NPS and _beats(state, row):
            _set(state, np.array([account]), np.array([row]))
        row = int(registry.older[row]) - 1


def settle(state: AccountsState, responses: Int64s) -> None:
    """Keeps, per account, the newest counted nps response of these rows of the registry, which are about to be forgotten."""
    registry, accounts = state.responses, state.accounts
    responses = responses[(registry.state[responses] & ResponseState.COUNTED != 0) & (registry.metric[responses] == NPS)]
    if not len(responses):
        return
    names = registry.response_id[responses].astype(str)
    responses = responses[np.lexsort((names, registry.occurred_at[responses], registry.account[responses]))]
    holders = registry.account[responses].astype(np.int64)
    last = np.append(holders[1:] != holders[:-1], True)
    responses, holders = responses[last], holders[last]
    newer = (accounts.settled_response[holders] == 0) | (registry.occurred_at[responses] >= accounts.settled_at[holders])
    responses, holders = responses[newer], holders[newer]
    accounts.settled_response[holders] = registry.keys[responses]
    accounts.settled_at[holders] = registry.occurred_at[responses]
    accounts.settled_score[holders] = registry.score[responses]
    accounts.touch(holders)


def _beats(state: AccountsState, row: int) -> bool:
    registry, accounts = state.responses, state.accounts
    account = int(registry.account[row])
    held = accounts.last_response[account]
    if not held:
        return True
    if registry.occurred_at[row] != accounts.last_at[account]:
        return bool(registry.occurred_at[row] > accounts.last_at[account])
    holder = int(registry.find(np.array([held], np.uint64))[0])
    return holder < 0 or str(registry.response_id[row]) > str(registry.response_id[holder])


def _set(state: AccountsState, accounts: Int64s, responses: Int64s) -> None:
    table, registry = state.accounts, state.responses
    table.last_response[accounts] = registry.keys[responses]
    table.last_at[accounts] = registry.occurred_at[responses]
    table.last_score[accounts] = registry.score[responses]
    table.touch(accounts)
