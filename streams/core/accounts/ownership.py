"""Which products an account owns: bought minus given back is above 0 (readings R21 to R23)."""

import numpy as np

from streams.core.accounts.state import AccountsState
from streams.core.batch import Int64s
from streams.core.hashing import UInt64s, combine
from streams.core.ordering import distinct


def move(state: AccountsState, accounts: Int64s, products: UInt64s, quantities: Int64s) -> None:
    """Adds quantities, in millionths and negative where given back, to what accounts hold, and counts anew what they own."""
    if not len(accounts):
        return
    ownership = state.ownership
    rows, added = ownership.find_or_append(combine(state.accounts.hash[accounts], products))
    if len(added):
        ownership.account[rows] = accounts
    each = distinct(rows)
    owned_before = ownership.quantity[each] > 0
    np.add.at(ownership.quantity, rows, quantities)
    ownership.touch(each)
    change = (ownership.quantity[each] > 0).astype(np.int64) - owned_before
    holders = ownership.account[each].astype(np.int64)
    np.add.at(state.accounts.products_owned, holders, change)
    state.accounts.touch(holders)
