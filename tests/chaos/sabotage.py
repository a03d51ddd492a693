"""A worker with a fault built in, for tests that prove that trials notice: ``python -m tests.chaos.sabotage``.

``CHAOS_SABOTAGE`` names what is taken out of the real worker; empty: nothing. ``CHAOS_MOMENT`` is ``moment:count:signal``: at its ``count``-th such
moment the worker sends itself that signal (KILL, or STOP to become a zombie), so that the worst time is hit every time.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
from aiokafka import AIOKafkaProducer

from schemas.rows import Table
from sinks.base import SinkUnavailable
from sinks.clickhouse import ClickHouse
from sinks.retry import RetryingSink
from streams.commands import main
from streams.core.accounts.stage import AccountsStage
from streams.core.identities import Identities
from streams.core.stage import CheckpointRecord, Flush
from streams.kafka import owner
from streams.kafka.flushing import Flushing, Slot
from streams.kafka.owner import PartitionOwner
from streams.kafka.sinking import SinkWriter, concatenated

HIT = "hit at the worst moment"
"""What the worker says last, in its log."""
CELLS = {Table.ACCOUNTS, Table.LOYALTY}
FINDINGS = {Table.UNITS, Table.FINDINGS, Table.SIGNS, Table.JUDGED}


class Sabotage(StrEnum):
    """What is taken out of the worker."""

    NO_TRANSACTION = "checkpoint and dead letters are written outside of the transaction"
    CONSTANT_VERSION = "every row has the same version"
    FACTS_LAST = "the transaction is committed before the facts are in the sink"
    CELLS_ONCE = "a new owner does not project again what may be missing"
    NO_DEDUPE = "nothing is ever recognised as seen before"
    NO_RETRY = "an insert that failed is taken for done"
    OTHER_RETRY = "an insert that is tried again has other keys"
    NO_CHECKPOINT = "a new owner begins with an empty state, whatever the database holds"
    UNREAD_ANSWERS = "dead letters are sent without asking whether they were taken"


class Moment(StrEnum):
    """When the worker can be hit."""

    FACTS = "facts"
    """Before facts go to the sink."""
    BEGIN = "begin"
    """Before a transaction that has dead letters."""
    LETTERS = "letters"
    """In the transaction, between the checkpoint and the dead letters."""
    COMMIT = "commit"
    """When everything was sent and the transaction is not committed."""
    CELLS = "cells"
    """Between the commit and the cells of accounts."""
    FINDINGS = "findings"
    """Between the commit and the cells of units."""


class _Trigger:
    def __init__(self, setting: str) -> None:
        moment, _, rest = setting.partition(":")
        count, _, name = rest.partition(":")
        self._moment = moment
        self._left = int(count or 0)
        self._signal = signal.Signals[f"SIG{name}"] if name else signal.SIGKILL

    def at(self, moment: Moment) -> None:
        """Called at each moment."""
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.write(sys.stderr.fileno(), HIT.encode() + b"\n")
                os.kill(os.getpid(), self._signal)


def _patched(where: Any, name: str, make: Callable[[Any], Any]) -> None:
    setattr(where, name, make(getattr(where, name)))


def _set_moments(trigger: _Trigger) -> None:
    _patched(SinkWriter, "insert", lambda original: _insert_at(trigger, original))
    _patched(PartitionOwner, "_transaction", lambda original: _begin_at(trigger, original))
    _patched(PartitionOwner, "_send", lambda original: _send_at(trigger, original))
    _patched(AIOKafkaProducer, "commit_transaction", lambda original: _commit_at(trigger, original))


def _insert_at(trigger: _Trigger, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def wrapped(writer: SinkWriter, tables: dict[Table, pa.Table]) -> None:
        if tables:
            trigger.at(Moment.CELLS if tables.keys() & CELLS else Moment.FINDINGS if tables.keys() & FINDINGS else Moment.FACTS)
        await original(writer, tables)

    return wrapped


def _begin_at(trigger: _Trigger, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def wrapped(self: PartitionOwner, flush: Flush) -> None:
        if flush.dead_letters:
            trigger.at(Moment.BEGIN)
        await original(self, flush)

    return wrapped


def _send_at(trigger: _Trigger, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapped(self: PartitionOwner, topic: str, partition: int, records: Iterable[Any]) -> Any:
        records = list(records)
        if topic.endswith("dead_letters") and records:
            await self._producer.flush()
            trigger.at(Moment.LETTERS)
        return await original(self, topic, partition, records)

    return wrapped


def _commit_at(trigger: _Trigger, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def wrapped(producer: AIOKafkaProducer) -> None:
        trigger.at(Moment.COMMIT)
        await original(producer)

    return wrapped


def _no_transaction() -> None:
    plain: dict[str, AIOKafkaProducer] = {}

    def send(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(self: PartitionOwner, topic: str, partition: int, records: Iterable[Any]) -> Any:
            if not plain:
                plain["producer"] = AIOKafkaProducer(**self._ownership.client, max_request_size=4 * 1_048_576)
                await plain["producer"].start()
            transactional, self._producer = self._producer, plain["producer"]
            try:
                sent = await original(self, topic, partition, records)
                await asyncio.gather(*sent)
                return sent
            finally:
                self._producer = transactional

        return wrapped

    _patched(PartitionOwner, "_send", send)


def _constant_version() -> None:
    def insert(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def wrapped(writer: SinkWriter, tables: dict[Table, pa.Table]) -> None:
            changed = {}
            for table, rows in tables.items():
                place = rows.schema.get_field_index("version")
                changed[table] = rows.set_column(place, "version", pa.array(np.ones(rows.num_rows, np.uint64)))
            await original(writer, changed)

        return wrapped

    _patched(SinkWriter, "insert", insert)


def _facts_last() -> None:
    async def round_(self: Flushing, slots: Callable[[], Iterable[Slot]]) -> list[Flush]:
        async with self._one_at_a_time:
            taken = await self._take(list(slots()))
            written = await asyncio.gather(*(self._write(slot, one) for slot, one in taken))
            await self._sink.insert(concatenated(one.flush.facts for _, one in taken))
            await self._project([slot for slot in slots() if slot.unprojected])
            return [flush for flush in written if flush is not None]

    _patched(Flushing, "round", lambda _: round_)


def _cells_once() -> None:
    def flush(original: Callable[[AccountsStage], Flush | None]) -> Callable[[AccountsStage], Flush | None]:
        def wrapped(stage: AccountsStage) -> Flush | None:
            first = stage._is_first_flush
            result = original(stage)
            return replace(result, cells={}) if first and result is not None else result

        return wrapped

    _patched(AccountsStage, "flush", flush)


def _no_dedupe() -> None:
    _patched(Identities, "copies", lambda _: lambda _self, hashes, _times, _since: np.zeros(len(hashes), np.bool_))


def _no_retry() -> None:
    def insert(_original: Callable[..., None]) -> Callable[..., None]:
        def wrapped(self: RetryingSink, table: Table, rows: pa.Table) -> None:
            try:
                self._sink.insert(table, rows)
            except SinkUnavailable:
                return

        return wrapped

    _patched(RetryingSink, "insert", insert)


def _other_retry() -> None:
    tried: set[int] = set()
    kept: list[pa.Table] = []

    def insert(original: Callable[..., None]) -> Callable[..., None]:
        def wrapped(self: ClickHouse, table: Table, rows: pa.Table) -> None:
            again = id(rows) in tried
            tried.add(id(rows))
            kept.append(rows)  # so that no other table gets its id
            if again and table is Table.LOYALTY:
                place = rows.schema.get_field_index("generation")
                other = pa.array(rows.column("generation").to_numpy() + np.uint64(1_000_000))
                rows = rows.set_column(place, "generation", other)
            original(self, table, rows)

        return wrapped

    _patched(ClickHouse, "insert", insert)


def _no_checkpoint() -> None:
    async def nothing(*_: object) -> list[CheckpointRecord]:
        return []

    async def unchecked(*_: object, **__: object) -> None:
        """Else the owner notices that the database holds rows, and refuses."""

    _patched(owner, "read_checkpoint", lambda _: nothing)
    _patched(owner, "_check", lambda _: unchecked)


def _unread_answers() -> None:
    plain: dict[str, AIOKafkaProducer] = {}

    def send(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(self: PartitionOwner, topic: str, partition: int, records: Iterable[Any]) -> Any:
            if not topic.endswith("dead_letters"):
                return await original(self, topic, partition, records)
            if not plain:
                plain["producer"] = AIOKafkaProducer(**self._ownership.client, request_timeout_ms=1_500)
                await plain["producer"].start()
            for key, value, headers in records:
                sent = await plain["producer"].send(topic, value, key, partition=partition, headers=list(headers))
                sent.add_done_callback(lambda future: future.cancelled() or future.exception())
            return []

        return wrapped

    _patched(PartitionOwner, "_send", send)


SABOTAGES: dict[Sabotage, Callable[[], None]] = {
    Sabotage.NO_TRANSACTION: _no_transaction,
    Sabotage.CONSTANT_VERSION: _constant_version,
    Sabotage.FACTS_LAST: _facts_last,
    Sabotage.CELLS_ONCE: _cells_once,
    Sabotage.NO_DEDUPE: _no_dedupe,
    Sabotage.NO_RETRY: _no_retry,
    Sabotage.OTHER_RETRY: _other_retry,
    Sabotage.NO_CHECKPOINT: _no_checkpoint,
    Sabotage.UNREAD_ANSWERS: _unread_answers,
}


if __name__ == "__main__":
    chosen = os.environ.get("CHAOS_SABOTAGE")
    if chosen:
        SABOTAGES[Sabotage[chosen]]()
    _set_moments(_Trigger(os.environ.get("CHAOS_MOMENT", "")))
    sys.argv = ["candor", "worker"]
    main()
