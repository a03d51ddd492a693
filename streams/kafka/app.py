"""The Faust application: membership, assignment and delivery, and nothing else of it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import faust
from faust.app.base import BootStrategy
from faust.types import TP, StreamT

from streams.kafka.batches import Batch, BatchScheduler, BatchSchema
from streams.kafka.shell import Shell
from streams.kafka.transport import BatchConsumer, BatchTransport, Reading

_EVENTS_BUFFERED = 32
"""Batches, not records, between Faust and the inbox."""


class _Boot(BootStrategy):
    """We have producers of our own, one per partition, and no use for Faust's."""

    enable_kafka_producer = False


class CandorApp(faust.App):
    """A Faust app that keeps nothing on disk."""

    BootStrategy = _Boot

    async def on_first_start(self) -> None:
        """Nothing: Faust would make folders for tables, and there are none."""


def make_app(reading: Reading, shell: Shell, topics: Sequence[str], fail: Callable[[BaseException], None]) -> CandorApp:
    """An app with one agent that hands whole batches of these topics to the shell."""
    app = CandorApp(
        reading.group,
        broker=[f"aiokafka://{server}" for server in reading.client["bootstrap_servers"]],
        store="memory://",
        autodiscover=False,
        ConsumerScheduler=BatchScheduler,
        stream_buffer_maxsize=_EVENTS_BUFFERED,
        # What was delivered and not applied is read again, so nothing has to be waited for.
        stream_wait_empty=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        web_enabled=False,
        broker_session_timeout=reading.session_timeout_ms / 1000,
        broker_request_timeout=max(40.0, reading.session_timeout_ms / 1000 + 1),
        broker_rebalance_timeout=reading.rebalance_timeout_ms / 1000,
    )
    app.transport = BatchTransport(app, reading, shell)
    # Without acks Faust keeps no account of offsets at all.
    inputs = app.topic(*topics, schema=BatchSchema(), acks=False)

    async def take(stream: StreamT[Batch]) -> None:
        try:
            async for event in cast("faust.Stream[Batch]", stream).noack().events():
                await shell.deliver(event.value)
        except Exception as error:  # noqa: BLE001  # Faust would start the agent anew, without what it was doing
            fail(error)

    app.agent(inputs, name="batches")(take)
    _connect(app, shell, len(topics), fail)
    return app


def consumer_of(app: CandorApp) -> BatchConsumer:
    """The consumer of the app; made at the first call."""
    consumer = app.consumer
    assert isinstance(consumer, BatchConsumer)
    return consumer


def _connect(app: CandorApp, shell: Shell, topics: int, fail: Callable[[BaseException], None]) -> None:
    """Tell the shell of rebalances. Faust waits for each of these before it goes on."""

    async def guarded(work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  # Faust would log it and go on
            fail(error)

    async def on_revoked(*_arguments: object, **_options: object) -> None:
        await guarded(shell.revoked())

    async def on_assigned(*_arguments: object, **_options: object) -> None:
        # Not in Faust's signal of that name: there the coordinator waits without heartbeats, and opening takes as long as the state is large.
        await guarded(shell.assigned(complete_partitions(consumer_of(app).assignment(), topics)))

    app.on_partitions_revoked.connect(on_revoked, weak=False)
    app.on_rebalance_complete.connect(on_assigned, weak=False)


def complete_partitions(assignment: set[TP], topics: int) -> set[int]:
    """The partition numbers that are assigned of every topic, of so many; raises ``RuntimeError`` where one is assigned of some inputs only."""
    partitions = {partition.partition for partition in assignment}
    if len(assignment) != len(partitions) * topics:
        raise RuntimeError(f"the inputs are not assigned together: {sorted(assignment)}")
    return partitions
