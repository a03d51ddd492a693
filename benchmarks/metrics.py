"""What counting and scraping cost: ``python -m benchmarks.metrics``. Processor time of the accounts stage with and without, in turns."""

import statistics
import sys
import time
from collections.abc import Callable
from itertools import groupby

from prometheus_client import generate_latest

from schemas.catalog import Catalog
from schemas.enums import Stage, Topic
from streams.core.accounts.stage import AccountsStages
from streams.core.batch import Numbered
from streams.core.stage import PartitionStage
from streams.kafka.applying import Arrivals, apply_all, count
from streams.metrics.worker import StageMetrics, WorkerMetrics
from streams.simulate import Plan, simulate

AT_ONCE = 20_000
Batches = list[tuple[Topic, list[Numbered]]]


def batches(events: int) -> Batches:
    """Records of a simulated company, in the sizes in which a worker takes them; their timestamps are of now, so that all are live."""
    now = int(time.time() * 1000)
    offsets = dict.fromkeys(Topic, 0)
    found: Batches = []
    records = sorted(simulate(Plan(events=events, accounts=max(1_000, events // 20))).records(), key=lambda record: record.topic)
    for topic, group in groupby(records, key=lambda record: record.topic):
        part: list[Numbered] = []
        for record in group:
            part.append(Numbered(offsets[topic], now, record.key, record.value, record.headers))
            offsets[topic] += 1
        found += [(topic, part[first : first + AT_ONCE]) for first in range(0, len(part), AT_ONCE)]
    return found


def with_metrics(stage: PartitionStage, work: Batches, metrics: StageMetrics) -> None:
    arrivals = Arrivals()
    for topic, records in work:
        count(metrics, apply_all(stage, "", [(topic, records)], arrivals))
        stage.flush()
        metrics.latency.observe_all((time.time() * 1000 - arrivals.take()) / 1000)


def without(stage: PartitionStage, work: Batches, metrics: StageMetrics) -> None:
    del metrics
    for topic, records in work:
        stage.apply(topic, records)
        stage.flush()


def cost(run: Callable[[PartitionStage, Batches, StageMetrics], None], work: Batches) -> float:
    """Processor seconds."""
    stage = AccountsStages(Catalog()).restore(0, [])
    metrics = WorkerMetrics().stage(Stage.ACCOUNTS)
    begun = time.process_time()
    run(stage, work, metrics)
    return time.process_time() - begun


def counting_alone(work: Batches) -> float:
    """Processor seconds of what is added to the stage, and of nothing else."""
    stage = AccountsStages(Catalog()).restore(0, [])
    metrics, arrivals, spent = WorkerMetrics().stage(Stage.ACCOUNTS), Arrivals(), 0.0
    for topic, records in work:
        done = apply_all(stage, "", [(topic, records)], Arrivals())
        stage.flush()
        begun = time.process_time()
        arrivals.add(records, 0, time.time() * 1000)
        count(metrics, done)
        metrics.latency.observe_all((time.time() * 1000 - arrivals.take()) / 1000)
        spent += time.process_time() - begun
    return spent


def main(events: int = 100_000, rounds: int = 9) -> None:
    work = batches(events)
    total = sum(len(records) for _, records in work)
    pairs = []
    for turn in range(rounds):
        first, second = (without, with_metrics) if turn % 2 else (with_metrics, without)
        spent = {first: cost(first, work), second: cost(second, work)}
        pairs.append((spent[without], spent[with_metrics]))
    plain = statistics.median(alone for alone, _ in pairs) / total * 1e6
    more = [(counted - alone) / total * 1e6 for alone, counted in pairs]
    print(
        f"the stage: {plain:.2f} µs a record; with counting {statistics.median(more):+.2f} µs ({min(more):+.2f} to {max(more):+.2f}, {rounds} pairs)"
    )
    print(f"the counting alone: {statistics.median(counting_alone(work) for _ in range(3)) / total * 1e6:.3f} µs a record")
    registry = WorkerMetrics().registry
    text, times = b"", []
    for _ in range(200):
        begun = time.process_time()
        text = generate_latest(registry)
        times.append(time.process_time() - begun)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    print(f"a scrape: {statistics.median(times) * 1000:.1f} ms of processor time, {series} series, {len(text) / 1024:.0f} KiB")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
