"""The hash index against a dict."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.hash_index import HashIndex, spread

# Few distinct low bits, so that keys fight for slots.
KEYS = st.integers(0, 2**16).map(lambda n: (n % 7) | (n << 32))


@given(st.lists(st.lists(KEYS, unique=True, max_size=400), max_size=6), st.lists(KEYS, max_size=50))
def test_finds_what_was_inserted_and_nothing_else(batches: list[list[int]], others: list[int]) -> None:
    index, model = HashIndex(), dict[int, int]()
    for batch in batches:
        fresh = [key for key in batch if key not in model]
        rows = np.arange(len(model), len(model) + len(fresh))
        index.insert(np.array(fresh, np.uint64), rows)
        model.update(zip(fresh, rows.tolist(), strict=True))
    asked = [*model, *others]

    assert index.find(np.array(asked, np.uint64)).tolist() == [model.get(key, -1) for key in asked]
    assert len(index) == len(model)


@given(st.dictionaries(KEYS, st.integers(0, 99), max_size=600), st.integers(-1, 100))
def test_forgets_numbers_below_a_bound(content: dict[int, int], bound: int) -> None:
    index = HashIndex(dtype=np.int16)
    index.insert(np.array(list(content), np.uint64), np.array(list(content.values()), np.int64))
    index.drop_below(bound)

    assert index.find(np.array(list(content), np.uint64)).tolist() == [row if row >= bound else -1 for row in content.values()]


def test_spread_keeps_distinct_integers_distinct() -> None:
    values = np.concatenate([np.arange(-50_000, 50_000), 1 << np.arange(20, 62)])

    assert len(np.unique(spread(values))) == len(values)
