"""Orders of whole arrays, by NumPy's vectorised sorts.

``numpy.unique`` goes through a hash table, or a stable sort where positions are asked for, and ``numpy.lexsort`` through a stable sort of each key:
60 to 250 ns a value, where the sorts below take 6 to 15.
"""

import numpy as np
import numpy.typing as npt

from streams.core.batch import Bools, Int64s
from streams.core.hashing import UInt64s

_LARGEST_PACKED = 2**62


def distinct(values: Int64s) -> Int64s:
    """Returns the values, each once, ascending."""
    ordered = np.sort(values)
    return np.asarray(ordered[begins(ordered)])


def are_distinct(values: Int64s | UInt64s) -> bool:
    """Whether no value is there twice."""
    ordered = np.sort(values)
    return not (ordered[1:] == ordered[:-1]).any()


def first_places(values: Int64s | UInt64s) -> Int64s:
    """Returns where each distinct value stands first, the values ascending."""
    return _chosen_of_each(values, np.minimum)


def last_places(values: Int64s | UInt64s) -> Int64s:
    """Returns where each distinct value stands last, the values ascending."""
    return _chosen_of_each(values, np.maximum)


def order_by(first: Int64s | UInt64s, *others: Int64s | UInt64s) -> Int64s:
    """Returns the order in which the first values ascend; among equals the next ones. Fast where few of the first are equal.

    Which of those that are equal in everything comes first is open.
    """
    order = np.argsort(first)
    ordered = first[order]
    tied = np.zeros(len(order), np.bool_)
    tied[1:] = ordered[1:] == ordered[:-1]
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    if len(places):
        rows = order[places]
        order[places] = rows[np.lexsort((*(other[rows] for other in reversed(others)), first[rows]))]
    return order


def packed(parts: Int64s) -> Int64s:
    """Returns a number for each key (first axis its parts), which ascend as the keys do, by their first part, then the next."""
    number = np.zeros(parts.shape[1], np.int64)
    if not len(number):
        return number
    span = 1
    for part in parts:
        low, values = int(part.min()), part
        width = int(part.max()) - low + 1
        if span * width > _LARGEST_PACKED:
            # Hashes, most likely, of which few may differ.
            values, number = (np.unique(each, return_inverse=True)[1] for each in (part, number))
            low, width, span = 0, int(values.max()) + 1, int(number.max()) + 1
        number = number * width + (values - low)
        span *= width
    return number


def runs(keys: Int64s) -> tuple[Int64s, Int64s]:
    """Returns an order in which equal keys (first axis their parts) stand together, ascending, and where each of them begins in it."""
    return grouped(packed(keys))


def grouped(values: Int64s | UInt64s) -> tuple[Int64s, Int64s]:
    """Returns an order in which equal values stand together, ascending, and where each of them begins in it."""
    order = np.argsort(values)
    return order, np.flatnonzero(begins(values[order]))


def begins(ordered: npt.NDArray[np.signedinteger] | UInt64s) -> Bools:
    """Whether each of these ordered values differs from the one before."""
    differs = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=differs[1:])
    return differs


def _chosen_of_each(values: Int64s | UInt64s, chosen: np.ufunc) -> Int64s:
    order, starts = grouped(values)
    return order if len(starts) == len(order) else np.asarray(chosen.reduceat(order, starts))
