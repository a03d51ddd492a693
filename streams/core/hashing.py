"""Identities as 64-bit hashes.

xxh3 and the finaliser below never change between processes, machines or releases, so hashes can be kept in checkpoints.
Of ``n`` identities held at once two collide with probability ``n**2 / 2**65``: 3e-5 for 30 million.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xxhash

UInt64s = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)


def hash_string(value: str) -> int:
    """Returns the xxh3 hash of the string's UTF-8 bytes, as ``hash_strings`` does of many."""
    return xxhash.xxh3_64_intdigest(value.encode())


def hash_strings(values: Sequence[str]) -> UInt64s:
    """Returns the xxh3 hash of each string's UTF-8 bytes."""
    return np.fromiter(map(xxhash.xxh3_64_intdigest, map(str.encode, values)), np.uint64, len(values))


def scramble(values: UInt64s) -> UInt64s:
    """Returns a bijection of the values whose low bits depend on all bits (the finaliser of MurmurHash3)."""
    x = values ^ (values >> _SHIFT)
    x *= _FIRST
    x ^= x >> _SHIFT
    x *= _SECOND
    x ^= x >> _SHIFT
    return x


def combine(first: UInt64s, second: UInt64s | np.uint64) -> UInt64s:
    """Returns a hash of each pair; the order of the two matters."""
    return scramble(first * _GOLDEN + second)


def salt(name: str) -> np.uint64:
    """Returns the constant that keeps identities of one kind apart from those of another."""
    return np.uint64(hash_string(name))
