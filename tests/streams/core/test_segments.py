"""State tables, their checkpoints, and identities, against plain dictionaries."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.accounts.state import AccountsState
from streams.core.identities import TICK, Identities
from streams.core.segments import CHUNK_BYTES, FAN_IN, CheckpointUnreadable, SegmentLog, decode, encode, fold, load
from streams.core.stage import CheckpointRecord
from streams.core.state_table import Columns, StateTable, Strings
from streams.core.units.state import UnitsState


class Names(StateTable):
    NAME = "names"
    COLUMNS: ClassVar[Columns] = {"name": np.object_, "score": np.float64, "grid": (np.float64, (3, 2))}
    name: Strings
    score: npt.NDArray[np.float64]
    grid: npt.NDArray[np.float64]


GRID = np.arange(6.0).reshape(3, 2)
Content = dict[int, tuple[str | None, float]]
WRITES = st.dictionaries(st.integers(0, 60), st.tuples(st.none() | st.text(max_size=5), st.floats(0, 1)), max_size=40)
STEPS = st.lists(st.tuples(WRITES, st.none() | st.sets(st.integers(0, 60), max_size=30)), max_size=25)


def put(table: Names, model: Content, writes: Content) -> None:
    if not writes:
        return
    rows, _ = table.find_or_append(np.array(list(writes), np.uint64))
    table.name[rows] = np.array([name for name, _ in writes.values()], np.object_)
    table.score[rows] = [score for _, score in writes.values()]
    table.grid[rows] = table.score[rows, None, None] + GRID
    table.touch(rows)
    model.update(writes)


def content(table: Names) -> Content:
    np.testing.assert_array_equal(table.grid[: table.count], table.score[: table.count, None, None] + GRID)
    rows = zip(table.keys, table.name, table.score, strict=True)
    return {int(key): (name, float(score)) for key, name, score in list(rows)[: table.count]}


@settings(deadline=None)
@given(STEPS)
def test_a_table_restored_from_its_checkpoint_is_the_same(steps: list[tuple[Content, set[int] | None]]) -> None:
    """Whatever is written, forgotten and folded; and once restored it goes on like the first."""
    table, model, topic = Names(), Content(), dict[bytes, bytes]()
    log = SegmentLog(table)
    for number, (writes, forgotten) in enumerate(steps, 1):
        put(table, model, writes)
        keep_in_step(topic, log.write(number))
        restored = Names.from_arrow(load("names", log.chunks, topic))

        assert content(restored) == content(table) == model
        assert len(topic) == sum(log.chunks.values())
        if forgotten is not None:
            # Forgotten rows leave the checkpoint only with their segment, so nothing else may be lost with them.
            for key in forgotten:
                model.pop(key, None)
            table.keep(np.array([int(key) not in forgotten for key in table.keys[: table.count]], np.bool_))
            log.recount()
            restored.keep(np.array([int(key) in model for key in restored.keys[: restored.count]], np.bool_))
            table, log = restored, SegmentLog(restored, log.chunks)
            put(table, model, dict(model))


def keep_in_step(topic: dict[bytes, bytes], records: list[CheckpointRecord]) -> None:
    for key, value in records:
        if value is None:
            del topic[key]
        else:
            topic[key] = value


def test_the_number_of_segments_stays_small() -> None:
    table, topic, random = Names(), dict[bytes, bytes](), np.random.default_rng(7)
    log = SegmentLog(table)
    most = 0
    for number in range(1, 400):
        rows, _ = table.find_or_append(np.unique(random.integers(0, 50_000, 300)).astype(np.uint64))
        table.touch(rows)
        keep_in_step(topic, log.write(number))
        most = max(most, len(log.chunks))

    assert most <= 4 * FAN_IN
    assert len(topic) == sum(log.chunks.values())


def test_a_full_size_class_and_empty_segments_are_folded() -> None:
    small = dict.fromkeys(range(FAN_IN), 10)

    assert fold(small | {99: 500_000, 100: 0}) == [100, *range(FAN_IN)]
    assert fold(dict.fromkeys(range(FAN_IN - 1), 10)) == []


def test_chunks_are_bounded_and_hold_every_row() -> None:
    table = Names()
    rows, _ = table.find_or_append(np.arange(3_000, dtype=np.uint64))
    table.name[rows] = np.array([chr(65 + i % 26) * (i if i < 2_000 else 5) for i in range(3_000)], np.object_)
    chunks = list(encode(table.to_arrow(rows)))

    assert len(chunks) > 1
    assert all(chunk_rows.nbytes <= CHUNK_BYTES for chunk_rows in (decode([chunk]) for chunk in chunks))
    assert decode(chunks)["name"].to_pylist() == table.name[rows].tolist()


CLAIMS = st.lists(st.tuples(st.integers(0, 300), st.integers(-20, 30)), max_size=60)


@settings(deadline=None)
@given(st.lists(st.tuples(CLAIMS, st.integers(-30, 20)), max_size=25))
def test_identities_are_known_by_their_own_time_whenever_they_are_forgotten(steps: list[tuple[list[tuple[int, int]], int]]) -> None:
    """Times in ticks, before and after 1970; what is copied is asked one by one of a plain dictionary."""
    identities, model, topic, oldest = Identities("seen"), dict[int, int](), dict[bytes, bytes](), -30
    for number, (events, since) in enumerate(steps, 1):
        oldest = max(oldest, since)
        hashes, times = np.array([value for value, _ in events], np.uint64), np.array([time * TICK for _, time in events], np.int64)
        expected = []
        for value, time in events:
            copy = model.get(value, -100) >= oldest
            expected.append(copy)
            if not copy:
                model[value] = max(model.get(value, -100), time)
        copies = identities.copies(hashes, times, np.full(len(events), oldest * TICK))
        identities.claim(hashes[~copies], times[~copies])
        identities.forget(oldest * TICK)
        keep_in_step(topic, identities.write(number))
        chunks = {n: segment.chunks for n, segment in identities.segments.items()}
        restored = Identities.restore("seen", load("seen", chunks, topic), chunks, oldest * TICK)
        everything = np.array(list(model), np.uint64)
        known = [time >= oldest for time in model.values()]

        assert copies.tolist() == expected
        for either in (identities, restored):
            assert either.copies(everything, np.zeros(len(everything), np.int64), np.full(len(everything), oldest * TICK)).tolist() == known
        assert len(topic) == sum(chunks.values())


def test_a_checkpoint_that_lacks_a_chunk_is_not_taken_for_whole() -> None:
    (chunk,) = encode(pa.RecordBatch.from_pydict({"key": pa.array([1], pa.int64())}))

    with pytest.raises(CheckpointUnreadable, match="lacks names/2/1"):
        list(load("names", {2: 2}, {b"names/2/0": chunk}))


@pytest.mark.parametrize("state", [AccountsState, UnitsState])
def test_records_without_the_one_that_says_what_they_are_are_no_empty_checkpoint(state: type[AccountsState] | type[UnitsState]) -> None:
    assert not state.restore([]).positions
    with pytest.raises(CheckpointUnreadable, match="lacks the record"):
        state.restore([CheckpointRecord(b"accounts/0/0", b"")])
