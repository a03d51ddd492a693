"""The worker between Faust and the stages: who owns what, what is applied when, and what happens when something fails."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import structlog
from aiokafka.errors import IllegalStateError, KafkaError
from faust.types import TP

from streams.kafka.applying import Work, apply_all, count, count_opened
from streams.kafka.batches import Batch
from streams.kafka.core import Core
from streams.kafka.flushing import Flushing, Outgoing, Slot
from streams.kafka.identity import check_positions
from streams.kafka.inbox import Inbox, Taken
from streams.kafka.owner import Ownership, OwnershipLost, PartitionOwner
from streams.kafka.pace import Pace
from streams.kafka.progress import Counts, Progress
from streams.kafka.rejects import RejectWatch
from streams.kafka.sinking import SinkWriter
from streams.kafka.transport import BatchConsumer
from streams.kafka.waiting import set_within
from streams.metrics.worker import StageMetrics, WorkerMetrics

_log = structlog.get_logger(__name__)


class Shell:
    """Feeds stages with batches and writes what they flush. All methods run in the event loop; stages run in ``core``, that of the worker."""

    def __init__(
        self,
        ownership: Ownership,
        sink: SinkWriter,
        pace: Pace,
        fail: Callable[[BaseException], None],
        metrics: StageMetrics | None = None,
        core: Core | None = None,
    ) -> None:
        self._metrics = WorkerMetrics().stage(ownership.stage) if metrics is None else metrics
        self._ownership = ownership
        self._sink = sink
        self._pace = pace
        self._fail = fail
        self._compute = (core or Core()).compute
        self._inbox = Inbox(pace.inbox_records, pace.inbox_bytes)
        self._slots: dict[int, Slot] = {}
        self._flushing = Flushing(sink, self._compute, self._lose, self._metrics)
        self._counts = Counts()
        self._consumer: BatchConsumer | None = None
        self._suspended = True
        self._looked_at = time.monotonic()
        """When what was found at rest last was flushed; at first nothing rests yet."""
        self._generation = self._tickets = 0
        self._work = asyncio.Event()
        self._flush_wanted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reseeking: dict[int, bool] = {}
        """Partitions whose positions are being sought, and whether that must be done once more, since something was asked meanwhile."""
        self._floors: dict[int, dict[str, int]] = {}
        """First offset of each input at the broker, by partition, as it was seen last: below it nothing can be read, and what was lost was told."""

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self, consumer: BatchConsumer) -> None:
        """Begin to apply and to flush whatever is delivered."""
        self._consumer = consumer
        self._spawn(self._apply_for_ever())
        self._spawn(self._flush_for_ever())

    async def drain(self, seconds: float) -> bool:
        """Take nothing more, and commit what was applied; whether that was done in time."""
        self._suspend()
        return await self._flush_within(seconds)

    async def close(self) -> None:
        """Let go of all partitions and of the threads of the sink."""
        self._suspend()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(slot.owner.close() for slot in self._slots.values()))
        self._slots.clear()
        self._sink.close()

    def progress(self) -> Progress:
        """What was done so far."""
        return self._counts.progress(
            partitions=tuple(sorted(self._slots)),
            waiting=self._inbox.total_records,
            lag=self._lag(),
            paused=tuple(f"{topic}-{slot.partition}" for slot in self._slots.values() for topic in sorted(slot.paused)),
            sink_away=self._sink.away,
        )

    def observe(self) -> tuple[str, ...]:
        """Tell the metrics how things stand; what keeps the stage from working is returned."""
        metrics, waiting = self._metrics, self._inbox.total_records
        metrics.inbox.set(waiting)
        metrics.uncommitted.set(waiting + sum(slot.pending + slot.writing for slot in self._slots.values()))
        metrics.partitions.set(len(self._slots))
        metrics.paused.set(sum(len(slot.paused) for slot in self._slots.values()))
        missing = {f"assignment of {self._ownership.stage}": self._suspended, "clickhouse": self._sink.away}
        return tuple(name for name, is_missing in missing.items() if is_missing)

    def _spawn(self, work: Awaitable[None]) -> None:
        async def watched() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001  # whatever it is, going on would be guessing
                self._fail(error)

        task = asyncio.get_running_loop().create_task(watched())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- delivery -----------------------------------------------------------------------------------------------------

    async def deliver(self, batch: Batch) -> None:
        """Take a batch from the agent; waits while the inbox is full, which makes Faust stop fetching."""
        await self._inbox.wait_for_room()
        if self._suspended:
            return
        taken = self._inbox.offer(batch, time.monotonic())
        if taken is Taken.KEPT:
            self._work.set()
        elif taken is Taken.GAP:
            _log.info("delivery_gap", topic=batch.topic, partition=batch.partition, position=batch.start)
            self._reseek_soon(batch.partition)

    async def _apply_for_ever(self) -> None:
        while True:
            slot, wait = self._next_to_apply()
            if slot is None:
                self._work.clear()
                await set_within(self._work, wait)
                continue
            taken = self._inbox.take(slot.partition, self._pace.apply_records)
            slot.pending += sum(len(records) for _, records in taken)
            self._count(slot, await self._compute(apply_all, slot.owner.stage, self._ownership.prefix, taken, slot.arrivals))
            for name, _ in taken:
                slot.busy_at[name] = time.monotonic()
            if slot.pending >= self._pace.flush_records:
                self._flush_wanted.set()

    def _next_to_apply(self) -> tuple[Slot | None, float | None]:
        """The partition that waits longest and is worth a call, or how long until one is."""
        now = time.monotonic()
        wait: float | None = None
        best: tuple[float, Slot] | None = None
        for slot in () if self._suspended else self._slots.values():
            since = self._inbox.waiting_since(slot.partition)
            # A partition whose next flush is full waits for the one that is being written.
            if since is None or slot.pending >= self._pace.flush_records:
                continue
            left = since + self._pace.linger - now
            if left > 0 and self._inbox.records(slot.partition) < self._pace.apply_records:
                wait = left if wait is None else min(wait, left)
            elif best is None or since < best[0]:
                best = since, slot
        return (best[1] if best else None), wait

    def _count(self, slot: Slot, work: Work) -> None:
        count(self._metrics, work)
        for topic, records, result in work.applied:
            self._counts.add(result)
            watch = slot.watches.setdefault(topic, RejectWatch(self._pace.reject_ratio, self._pace.reject_minimum))
            if watch.add(records - result.replayed, result.rejected) and topic not in slot.paused:
                self._pause(slot, topic, watch)

    # -- flushing -----------------------------------------------------------------------------------------------------

    async def _flush_for_ever(self) -> None:
        while True:
            begun = time.monotonic()
            if looked := begun - self._looked_at >= self._pace.idle:
                await self._let_rest(begun)
            await self._flush()
            if looked:
                self._looked_at = time.monotonic()
            # Where rounds are slow, flushing without a pause would leave the core less and less time for more and more small flushes.
            left = max(begun + self._pace.flush_interval - time.monotonic(), self._pace.flush_interval / 2)
            await set_within(self._flush_wanted, left)

    async def _let_rest(self, now: float) -> None:
        """Tell the stages which inputs are idle: nothing came for a while, nothing more is there, and all that was there is applied.

        All are looked at together, and told together, so that the next stage need not be flushed for each.
        """
        for slot in list(self._slots.values()) if not self._suspended else ():
            silent = slot.silent(self._inputs(slot.partition, slot.paused), self._pace.idle, now)
            with suppress(KafkaError):  # taken away this moment, or the broker is away: looked at again later
                ended = await self._faust.ended(silent) if silent else {}
                # What was taken and is still on its way has not been kept yet, or has not been applied.
                applied = {tp.topic for tp, end in ended.items() if self._inbox.reached(tp.topic, tp.partition) == end}
                await self._compute(slot.owner.stage.rest, [name.removeprefix(self._ownership.prefix) for name in applied])

    async def _flush(self) -> None:
        self._flush_wanted.clear()
        for flush in await self._flushing.round(lambda: list(self._slots.values())):
            self._counts.flushes += 1
            self._counts.committed += flush.records
        self._work.set()

    async def _flush_within(self, seconds: float) -> bool:
        """Flush, but do not wait for ever: what is under way then goes on, and fences keep it harmless."""
        if self._sink.away:
            return False
        flush = asyncio.ensure_future(self._flush())
        done, _ = await asyncio.wait({flush}, timeout=seconds)
        if not done:
            _log.warning("flush_not_in_time", seconds=seconds)
            self._spawn(flush)
            return False
        flush.result()
        return True

    # -- ownership ----------------------------------------------------------------------------------------------------

    def _suspend(self) -> None:
        self._suspended = True
        self._generation += 1
        for partition in self._slots:
            self._inbox.drop(partition)

    async def revoked(self) -> None:
        """A rebalance begins: commit what was applied; which partitions stay is not known yet."""
        self._metrics.rebalances.add()
        self._suspend()
        await self._flush_within(self._pace.revoke_patience)

    async def assigned(self, partitions: set[int]) -> None:
        """A rebalance ended with these source partitions: close what left, keep what stays, open what is new."""
        self._ownership.check_partitions(partitions)
        # One of its own, so that whoever is still reopening a partition under an earlier assignment leaves it to us.
        self._generation += 1
        generation = self._generation
        leaving = [self._slots.pop(partition) for partition in set(self._slots) - partitions]
        for slot in leaving:
            self._inbox.drop(slot.partition)
        await asyncio.gather(*(slot.owner.close() for slot in leaving))
        await asyncio.gather(*(self._open(partition, generation) for partition in sorted(partitions - set(self._slots))))
        if generation == self._generation:
            self._suspended = False

    async def _open(self, partition: int, generation: int) -> bool:
        """Open a partition, however long its broker is away, unless the assignment changes meanwhile."""
        wait = 0.2
        while generation == self._generation:
            begun = time.monotonic()
            try:
                slot = await self._opened(partition)
            except (KafkaError, OwnershipLost) as error:
                _log.warning("partition_not_opened", stage=self._ownership.stage.value, partition=partition, error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(wait)
                wait = min(2 * wait, 5.0)
                continue
            if generation != self._generation:
                await slot.owner.close()
                return False
            # What was on its way to an earlier owner must not reach this one, which stands where its checkpoint says.
            self._inbox.drop(partition)
            self._slots[partition] = slot
            seconds = time.monotonic() - begun
            count_opened(self._metrics, slot.owner.recovered, seconds)
            _log.info("partition_opened", stage=self._ownership.stage.value, partition=partition, seconds=round(seconds, 2))
            return True
        return False

    async def _opened(self, partition: int) -> Slot:
        owner, first = await PartitionOwner.open(self._ownership, partition, self._compute)
        try:
            await self._look_for_floors(owner)
            return Slot(owner, [Outgoing(first)] if first is not None else [])
        except BaseException:
            await owner.close()
            raise

    def _lose(self, slot: Slot, error: OwnershipLost) -> None:
        """The state of a partition is no longer certain: throw it away, and read it again if the partition is still ours."""
        if self._slots.get(slot.partition) is not slot:
            return
        _log.warning("partition_lost", stage=self._ownership.stage.value, partition=slot.partition, error=str(error))
        self._counts.lost_ownerships += 1
        self._metrics.lost.add()
        del self._slots[slot.partition]
        self._inbox.drop(slot.partition)
        self._faust.pause_partitions(self._inputs(slot.partition))
        self._spawn(self._reopen(slot, self._generation))

    async def _reopen(self, slot: Slot, generation: int) -> None:
        await slot.owner.close()
        await asyncio.sleep(self._pace.reopen_delay)
        if await self._open(slot.partition, generation):
            self._faust.resume_partitions(self._inputs(slot.partition))
            with suppress(IllegalStateError):  # taken away this moment; the next assignment seeks
                await self._seek([self._slots[slot.partition]])

    # -- positions ----------------------------------------------------------------------------------------------------

    async def seek_owned(self) -> None:
        """Seek all owned partitions to where their states stand; Faust asks for it before it delivers under a new assignment."""
        owned = {partition for slot in self._slots.values() for partition in self._inputs(slot.partition, slot.paused)}
        self._faust.pause_partitions(self._faust.assignment() - owned)
        await self._seek(list(self._slots.values()))
        # One that was lost during the rebalance is paused still, and was opened by ``assigned``.
        self._faust.resume_partitions(owned)

    async def _seek(self, slots: Sequence[Slot]) -> None:
        self._tickets += 1
        ticket = self._tickets
        # Asked in the core's thread, so that a batch is either in the position or read again.
        asked = [(slot, await self._compute(slot.owner.positions)) for slot in slots]
        targets = {
            TP(topic, slot.partition): max(position, self._floors[slot.partition].get(topic, 0))
            for slot, positions in asked
            # One that was lost meanwhile must not decide where its successor reads.
            if self._slots.get(slot.partition) is slot
            for topic, position in positions.items()
            if topic.removeprefix(self._ownership.prefix) not in slot.paused
        }
        for partition, position in targets.items():
            self._inbox.expect(partition.topic, partition.partition, ticket, position)
        await self._faust.begin(targets, ticket)

    def lost_position(self, partition: TP, offset: int) -> None:
        """The broker has nothing at a position: find out what it has, and read on there."""
        _log.warning("position_out_of_range", topic=partition.topic, partition=partition.partition, offset=offset)
        self._reseek_soon(partition.partition)

    def _reseek_soon(self, partition: int) -> None:
        under_way = partition in self._reseeking
        self._reseeking[partition] = True
        if not under_way:
            self._spawn(self._reseek(partition))

    async def _reseek(self, partition: int) -> None:
        try:
            while self._reseeking[partition] and (slot := self._slots.get(partition)):
                self._reseeking[partition] = False
                await self._look_for_floors(slot.owner)
                await self._seek([slot])
        except KafkaError as error:
            # Either a rebalance, which seeks anyway, or the broker is away: the next gap or error brings us here again.
            _log.info("reseek_failed", partition=partition, error=f"{type(error).__name__}: {error}")
        finally:
            del self._reseeking[partition]

    async def _look_for_floors(self, owner: PartitionOwner) -> None:
        """Tells once what was deleted unread. Raises ``KafkaError``, ``ProblemFound``."""
        limits = await self._faust.limits(sorted(self._inputs(owner.partition)))
        floors, ends = ({partition.topic: offset for partition, offset in found.items()} for found in limits)
        told, self._floors[owner.partition] = self._floors.get(owner.partition, {}), floors
        self._metrics.deleted.add(check_positions(await self._compute(owner.positions), floors, ends, self._ownership.checkpoint_topic, told))

    def _inputs(self, partition: int, without: Iterable[str] = ()) -> set[TP]:
        left_out = set(without)
        return {TP(self._ownership.prefix + topic, partition) for topic in self._ownership.inputs if topic not in left_out}

    @property
    def _faust(self) -> BatchConsumer:
        assert self._consumer is not None
        return self._consumer

    def _lag(self) -> int:
        lag = 0
        for slot in self._slots.values():
            for topic in self._ownership.inputs:
                end = self._faust.highwater(TP(self._ownership.prefix + topic, slot.partition))
                lag += max(end - slot.owner.stage.position(topic), 0)
        return lag

    # -- refused stretches --------------------------------------------------------------------------------------------

    def _pause(self, slot: Slot, topic: str, watch: RejectWatch) -> None:
        slot.paused.add(topic)
        self._metrics.pauses.add()
        name = self._ownership.prefix + topic
        self._inbox.drop(slot.partition, name)
        self._faust.pause_partitions({TP(name, slot.partition)})
        _log.error(
            "paused_because_most_is_refused",
            topic=name,
            partition=slot.partition,
            reasons={reason.value: count for reason, count in watch.reasons.most_common()},
            what_to_do="see `candor dlq list`; fix the producer or the catalog; then restart the worker or send it SIGHUP",
        )

    async def resume_paused(self) -> None:
        """Go on with what was paused, and watch anew."""
        for slot in self._slots.values():
            if slot.paused:
                _log.info("resumed", partition=slot.partition, topics=sorted(slot.paused))
                slot.watches.clear()
                slot.paused.clear()
                self._faust.resume_partitions(self._inputs(slot.partition))
                self._reseek_soon(slot.partition)
