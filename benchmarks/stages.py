"""What the units stage costs beside the accounts stage, in process: ``python -m benchmarks.stages``.

The same batches go through an accounts stage that tells nobody anything, and through one that tells units stages, in turns, so that whatever else the
machine does touches both alike. Left out is what the whole path adds: Kafka and the sink, which ``python -m benchmarks`` measures.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import yaml
from aiokafka.partitioner import murmur2

from benchmarks import machine
from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.topics import SIGNALS
from streams.core.accounts import AccountsStages
from streams.core.batch import Numbered
from streams.core.stage import Flush, PartitionStage
from streams.simulate import Plan, simulate
from streams.simulate.plan import MIXES, MixName
from streams.stages import signalling_of, units_stages

ACCOUNTS = 50_000
PARTITIONS = 4
FLUSHES_OF_ACCOUNTS = 5
"""The worker flushes units a fifth as often."""
Batch = dict[Topic, list[Numbered]]
_T = TypeVar("_T")


class Bench:
    """Stages of all partitions, and the seconds of processor time that each kind took."""

    def __init__(self, catalog: Catalog) -> None:
        self.seconds = {"alone": 0.0, "telling": 0.0, "units": 0.0}
        telling = AccountsStages(catalog, signalling=signalling_of(catalog))
        self._alone = [AccountsStages(catalog).restore(partition, ()) for partition in range(PARTITIONS)]
        self._telling = [telling.restore(partition, ()) for partition in range(PARTITIONS)]
        units = units_stages(catalog, PARTITIONS)
        self._units = [units.restore(partition, ()) for partition in range(PARTITIONS)]
        self._signals: list[list[Numbered]] = [[] for _ in range(PARTITIONS)]

    def apply(self, partition: int, batch: Batch) -> None:
        """Applies a batch to both accounts stages of a partition."""
        for topic, records in batch.items():
            for kind, stages in (("alone", self._alone), ("telling", self._telling)):
                self._timed(kind, stages[partition].apply, topic, records)

    def flush(self, *, resting: bool = False) -> None:
        """Flushes the accounts stages; ``resting``: nothing more comes."""
        for kind, stages in (("alone", self._alone), ("telling", self._telling)):
            for stage in stages:
                if resting:
                    stage.rest(Topic)
                self._send(self._flush(kind, stage))

    def judge(self) -> None:
        """Lets the units stages read what they were told since the last time, and flush."""
        for partition, stage in enumerate(self._units):
            first = stage.position(SIGNALS.name)
            self._timed("units", stage.apply, SIGNALS.name, self._signals[partition][first:])
            self._flush("units", stage)

    def _send(self, flush: Flush | None) -> None:
        for unit_id, value in flush.signals if flush is not None else ():
            for receiver in range(PARTITIONS) if unit_id is None else [_partition_of(unit_id)]:
                self._signals[receiver].append(Numbered(len(self._signals[receiver]), 0, unit_id, value))

    def _flush(self, kind: str, stage: PartitionStage) -> Flush | None:
        flush = self._timed(kind, stage.flush)
        if flush is not None:
            stage.acknowledge(flush.sequence)
        return flush

    def _timed(self, kind: str, work: Callable[..., _T], *arguments: object) -> _T:
        begun = time.thread_time()
        done = work(*arguments)
        self.seconds[kind] += time.thread_time() - begun
        return done


def measure(events: int, batch: int, batches: int) -> str:
    """Returns what each kind of stage took a record; so many records of a partition are applied at once, so many times a flush."""
    simulation = simulate(Plan(events=events, accounts=ACCOUNTS, mix=MIXES[MixName.MISSION]))
    lanes: list[list[tuple[Topic, Numbered]]] = [[] for _ in range(PARTITIONS)]
    offsets: dict[tuple[int, Topic], int] = defaultdict(int)
    for record in simulation.records():
        partition = _partition_of(record.key or b"")
        offset = offsets[partition, record.topic]
        offsets[partition, record.topic] += 1
        lanes[partition].append((record.topic, Numbered(offset, record.timestamp, record.key, record.value, record.headers)))
    bench = Bench(Catalog.model_validate(yaml.safe_load(simulation.catalog())))
    for flushes, at in enumerate(range(0, max(map(len, lanes)), batch * batches), 1):
        for partition, lane in enumerate(lanes):
            for begin in range(at, at + batch * batches, batch):
                bench.apply(partition, _by_topic(lane[begin : begin + batch]))
        bench.flush()
        if flushes % FLUSHES_OF_ACCOUNTS == 0:
            bench.judge()
    # Each says so until all have said so twice since the last of them came so far.
    for _ in range(4):
        bench.flush(resting=True)
    bench.judge()
    alone, telling, units = (seconds / sum(map(len, lanes)) * 1e6 for seconds in bench.seconds.values())
    return (
        f"{batches} batches of {batch:,} records a flush and partition: accounts alone {alone:.1f} us of CPU a record, telling units {telling:.1f}, "
        f"judging them {units:.1f}: the units stage adds {100 * ((telling + units) / alone - 1):.0f} %"
    )


def _by_topic(records: Sequence[tuple[Topic, Numbered]]) -> Batch:
    batch: Batch = defaultdict(list)
    for topic, record in records:
        batch[topic].append(record)
    return batch


def _partition_of(key: bytes) -> int:
    return int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)


def main() -> None:
    """Prints the machine, then the figure for large batches, as when catching up, and for small ones."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000, help="records of the mission mix")
    events: int = arguments.parse_args().events
    print(machine.describe(), flush=True)
    for batch in (5_000, 1_500):
        print(measure(events, batch, 3), flush=True)


if __name__ == "__main__":
    main()
