"""The stage, fed in any batches, cut off at any moment and restored, leaves the same rows as the oracle computes from the records alone."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.catalog import Catalog as StageCatalog
from schemas.enums import Topic
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from streams.core.accounts.stage import AccountsStages
from streams.core.stage import CheckpointRecord, DeadLetter, Flush, PartitionStage, StageFactory
from tests.chaos.compare import differences, letter_differences, read_views
from tests.chaos.stream import BERLIN, SAO_PAULO, StreamOptions, again, generate
from tests.oracle.records import Catalog, Record, Row
from tests.oracle.tables import tables


@dataclass(frozen=True, slots=True)
class Given:
    """A record as a Kafka client gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Feed:
    """Feeds one partition as the worker does: facts, then the checkpoint, then cells; and crashes between any two of these."""

    def __init__(self, factory: StageFactory, partition: int, records: Sequence[Record], rng: random.Random, crashes: float) -> None:
        self._factory = factory
        self._partition = partition
        self._rng = rng
        self._crashes = crashes
        self._inputs: dict[Topic, list[Given]] = defaultdict(list)
        for record in sorted(records, key=lambda record: record.offset):
            self._inputs[Topic(record.topic)].append(Given(record.offset, record.timestamp_ms, record.key, record.value, record.headers))
        self._log: list[CheckpointRecord] = []
        self.inserted: dict[Table, list[pa.Table]] = defaultdict(list)
        self.dead_letters: list[DeadLetter] = []

    def run(self) -> None:
        """All records, however often it has to begin again."""
        rng = self._rng
        stage = self._restored()
        while rest := [topic for topic, records in self._inputs.items() if stage.position(topic) < len(records)]:
            topic = rng.choice(rest)
            # Sometimes a little of what was read before comes once more.
            start = max(0, stage.position(topic) - rng.choice([0, 0, 0, 3]))
            stage.apply(topic, self._inputs[topic][start : start + rng.choice([1, 2, 7, 40, 400])])
            lost = rng.random() < self._crashes / 2 or (rng.random() < 0.2 and not self._flushed(stage, stage.flush()))
            if lost:
                stage = self._restored()
        while not self._flushed(stage, stage.flush()):
            stage = self._restored()
            for topic, records in self._inputs.items():
                stage.apply(topic, records[stage.position(topic) :])

    def _restored(self) -> PartitionStage:
        if self._rng.random() < 0.5:
            self._log = _compacted(self._log)
        while True:
            stage = self._factory.restore(self._partition, self._log)
            first = stage.flush()
            if self._log:
                assert first is not None
            if self._flushed(stage, first):
                return stage

    def _flushed(self, stage: PartitionStage, flush: Flush | None) -> bool:
        """Whether the flush was written without a crash."""
        if flush is None:
            return True
        for table, rows in flush.facts.items():
            self.inserted[table].append(rows)
        if self._rng.random() < self._crashes:
            return False
        self._log += flush.checkpoint
        self.dead_letters += flush.dead_letters
        if self._rng.random() < self._crashes:
            return False
        for table, rows in flush.cells.items():
            self.inserted[table].append(rows)
        if self._rng.random() < self._crashes:
            return False
        if self._rng.random() < 0.7:
            stage.acknowledge(flush.sequence)
        return True


def _compacted(log: list[CheckpointRecord]) -> list[CheckpointRecord]:
    last = {record.key: place for place, record in enumerate(log)}
    return [record for place, record in enumerate(log) if last[record.key] == place and record.value is not None]


def left_behind(clickhouse: ClickHouse, records: list[Record], catalog: Catalog, seed: int, crashes: float) -> tuple[dict[str, list[Row]], list[Row]]:
    """The rows of all views, and the dead letters, after feeding every partition."""
    rng = random.Random(seed)
    inserted: dict[Table, list[pa.Table]] = defaultdict(list)
    letters: list[DeadLetter] = []
    known = stage_catalog(catalog)
    # Months of views are in the catalog's time zone; workers write it before anything else.
    write_catalog(clickhouse, known)
    factory = AccountsStages(known)
    for partition in sorted({record.partition for record in records}):
        feed = Feed(factory, partition, [record for record in records if record.partition == partition], rng, crashes)
        feed.run()
        letters += feed.dead_letters
        for table, parts in feed.inserted.items():
            inserted[table] += parts
    for table in Table:
        clickhouse.command(f"TRUNCATE TABLE {table.value}")
        if inserted[table]:
            rng.shuffle(inserted[table])
            clickhouse.insert(table, pa.concat_tables(inserted[table]))
    return read_views(clickhouse), [as_row(letter) for letter in letters]


def stage_catalog(catalog: Catalog) -> StageCatalog:
    """The same catalog as the product knows it."""
    return StageCatalog.model_validate(
        {
            "timezone": catalog.timezone,
            "base_currency": catalog.base_currency,
            "fx_rates": dict(catalog.fx_rates),
            "products": [{"product_id": product, "consumable": True} for product in catalog.consumable_products],
        }
    )


def as_row(letter: DeadLetter) -> Row:
    """A dead letter in the oracle's words."""
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "timestamp_ms": letter.timestamp,
        "reason": letter.reason.value,
        "field": letter.field,
        "key": letter.key,
        "value": letter.value,
        "headers": list(letter.headers),
    }


def check(clickhouse: ClickHouse, records: list[Record], catalog: Catalog, seed: int, crashes: float = 0.15) -> None:
    """Fails with the first differences."""
    expected = tables(records, catalog)
    found, letters = left_behind(clickhouse, records, catalog, seed, crashes)
    problems = differences(expected, found) + letter_differences(expected["dead_letters"], letters)
    assert not problems, "\n".join(problems)


SEEDS = st.integers(0, 2**32 - 1)
PARTITIONS = st.just(10)
"""Each has stages, accounts and crashes of its own. Many at once, since what takes time is the views, whatever they have to add up."""
THOROUGH = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def options(partitions: int, events: int = 125, accounts: int = 6) -> StreamOptions:
    """So many events and accounts in each partition."""
    return StreamOptions(events=events * partitions, accounts=accounts * partitions, units=5, partitions=partitions)


@THOROUGH
@given(seed=SEEDS, catalog=st.sampled_from([BERLIN, SAO_PAULO]), shuffled=st.booleans(), twice=st.booleans(), partitions=PARTITIONS)
@example(seed=1, catalog=BERLIN, shuffled=False, twice=True, partitions=2)
@example(seed=2, catalog=SAO_PAULO, shuffled=True, twice=True, partitions=2)
def test_a_month_gives_the_rows_of_the_oracle_in_any_order_and_any_batches(
    served: ClickHouse, seed: int, catalog: Catalog, shuffled: bool, twice: bool, partitions: int
) -> None:
    records = generate(seed, replace(options(partitions), catalog=catalog, shuffled=shuffled))
    check(served, again(records) if twice else records, catalog, seed)


@THOROUGH
@given(seed=SEEDS, days=st.sampled_from([60, 200, 390]), shuffled=st.booleans(), partitions=PARTITIONS)
# The newest response is withdrawn: feedback is owed as of the one before.
@example(seed=4_294_967_293, days=200, shuffled=False, partitions=2)
def test_a_year_gives_the_rows_of_the_oracle_with_what_is_forgotten(
    served: ClickHouse, seed: int, days: int, shuffled: bool, partitions: int
) -> None:
    records = generate(seed, replace(options(partitions), days=days, shuffled=shuffled))
    check(served, records, BERLIN, seed)


@THOROUGH
@given(seed=SEEDS, shuffled=st.booleans(), partitions=PARTITIONS)
# A case is due in the last hour of a month in UTC, and in the next month in Berlin.
@example(seed=1, shuffled=False, partitions=2)
def test_years_give_the_rows_of_the_oracle_with_what_is_too_late(served: ClickHouse, seed: int, shuffled: bool, partitions: int) -> None:
    """In order of arrival, with transactions, which are joined within a horizon of their own; and in any order, without."""
    records = generate(seed, replace(options(partitions, events=200), days=800, shuffled=shuffled, copies=0.0))
    given_ = [record for record in records if not shuffled or record.topic != "transactions"]
    assert shuffled or any(row["reason"] == "too_late" for row in tables(given_, BERLIN)["dead_letters"].values())
    check(served, given_, BERLIN, seed)


@settings(max_examples=2, deadline=None)
@given(seed=SEEDS)
def test_few_accounts_with_many_events_each_give_the_rows_of_the_oracle(served: ClickHouse, seed: int) -> None:
    records = generate(seed, replace(options(3, events=600, accounts=3), units=2))
    check(served, records, BERLIN, seed, crashes=0.3)


def test_one_batch_gives_the_rows_of_the_oracle(served: ClickHouse) -> None:
    records = generate(7, StreamOptions(events=3_000, accounts=200, partitions=1, large=True))
    check(served, records, BERLIN, 7, crashes=0.0)
