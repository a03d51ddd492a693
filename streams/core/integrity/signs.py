"""Signs on single responses that only show beside earlier responses of the same unit."""

from itertools import pairwise

import numpy as np

from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s, combine
from streams.core.integrity.text.fingerprints import NEAR, NO_FINGERPRINT, distances
from streams.core.ordering import order_by, packed

NOTHING = np.uint64(0)
"""Hash of a device or contact that is not known."""


def used_by_others(unit: Int64s, thing: UInt64s, account: UInt64s, time: Int64s, look_back: int) -> Bools:
    """Which responses came from a thing (a device, a contact) that another account had used at the same unit at most ``look_back`` earlier.

    Any order of the responses gives the same; of equal times the one with the smaller account hash is the earlier. Unknown things are not shared.
    """
    found = np.zeros(len(unit), np.bool_)
    known = np.flatnonzero(thing != NOTHING)
    if not len(known):
        return found
    there = combine(unit[known].view(np.uint64), thing[known])
    order = order_by(there, time[known], account[known])
    there, rows = there[order], known[order]
    same_thing = np.append(False, there[1:] == there[:-1])
    account, time = account[rows], time[rows]
    same_account = same_thing & np.append(False, account[1:] == account[:-1])
    # A run is a stretch of one account; whoever used the thing last before it ended the run before.
    run_starts = np.flatnonzero(~same_account)
    run = np.cumsum(~same_account) - 1
    follows = same_thing[run_starts]
    used_before = np.where(follows, time[np.maximum(run_starts - 1, 0)], np.iinfo(np.int64).min // 2)
    found[rows] = time - used_before[run] <= look_back
    return found


def nearly_repeated(unit: Int64s, mark: UInt64s, account: UInt64s, time: Int64s, look_back: int, judged: Bools) -> Bools:
    """Which of the ``judged`` responses have a comment that nearly repeats one that another account wrote at the unit at most ``look_back`` earlier.

    ``mark`` is the fingerprint of the comment. The same order rule as for things.
    """
    found = np.zeros(len(unit), np.bool_)
    told = np.flatnonzero(mark != NO_FINGERPRINT)
    if not len(told):
        return found
    told = told[order_by(packed(np.stack([unit[told], time[told]])), account[told])]
    bounds = [0, *(np.flatnonzero(np.diff(unit[told])) + 1).tolist(), len(told)]
    for start, end in pairwise(bounds):
        rows = told[start:end]
        at = np.flatnonzero(judged[rows])
        if not len(at):
            continue
        # Few are near, whatever else holds of them.
        which, earlier = np.divmod(np.flatnonzero(distances(mark[rows[at]][:, None], mark[rows][None, :]) <= NEAR), len(rows))
        later = at[which]
        copied = (earlier < later) & (account[rows[later]] != account[rows[earlier]]) & (time[rows[later]] - time[rows[earlier]] <= look_back)
        found[rows[later[copied]]] = True
    return found
