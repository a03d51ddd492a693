"""The accounts stage of one source partition: records in, facts and dead letters and cells out."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Stage, Topic
from schemas.rows import TABLES, Table
from streams.core.accounts import cases, responses, transactions
from streams.core.accounts.forgetting import forget
from streams.core.accounts.projection import account_rows, constant, loyalty_rows
from streams.core.accounts.resting import Resting
from streams.core.accounts.signalling import Signalling
from streams.core.accounts.state import NEVER, AccountsState, Horizons
from streams.core.accounts.tables import NOBODY
from streams.core.batch import Bools, Decoded, Int64s, Rejected, SourceRecord
from streams.core.dead_letters import dead_letter, dead_letter_rows
from streams.core.decoding import decode
from streams.core.hashing import UInt64s, combine, hash_strings, salt
from streams.core.ordering import last_places
from streams.core.signals import UnitSignals, encode
from streams.core.stage import EPOCH_SHIFT, Applied, CheckpointRecord, DeadLetter, Flush, SignalRecord

FACT_TABLES: dict[Topic, Table] = {
    Topic.FEEDBACK: Table.RESPONSES,
    Topic.TRANSACTIONS: Table.TRANSACTIONS,
    Topic.INVITATIONS: Table.INVITATIONS,
    Topic.COMMUNICATIONS: Table.COMMUNICATIONS,
    Topic.ACTIONS: Table.CASES,
    Topic.OUTCOMES: Table.OUTCOMES,
    Topic.OPERATIONS: Table.OPERATIONS,
}
_EVENT = {topic: salt(f"event {topic}") for topic in Topic}
_THING = {topic: salt(f"thing {topic}") for topic in Topic}
_STEPS = (Topic.INVITATIONS, Topic.ACTIONS)
"""Things that happen in steps: the type and the time of a step belong to its identity."""
_CASE = salt("case")


class AccountsStages:
    """Makes accounts stages from checkpoints, all with the same catalog and horizons."""

    def __init__(self, catalog: Catalog, horizons: Horizons | None = None, signalling: Callable[[], Signalling] | None = None) -> None:
        self._catalog = catalog
        self._signalling = signalling
        self._horizons = horizons or Horizons()

    def restore(self, partition: int, checkpoint: Iterable[CheckpointRecord]) -> "AccountsStage":
        """Returns the stage that the records describe, given in log order, under a new owner; no records: an empty one."""
        signalling = self._signalling() if self._signalling is not None else None
        return AccountsStage(partition, self._catalog, self._horizons, AccountsState.restore(checkpoint), signalling)


class AccountsStage:
    """See ``streams.core.stage.PartitionStage``."""

    def __init__(self, partition: int, catalog: Catalog, horizons: Horizons, state: AccountsState, signalling: Signalling | None = None) -> None:
        self.state = state
        self.signalling = signalling
        """Collects what the units stage is to be told; None: it is told nothing."""
        self._partition = partition
        self._catalog = catalog
        self._horizons = horizons
        self._facts: dict[Table, list[tuple[UInt64s, pa.Table]]] = {}
        self._dead_letters: list[DeadLetter] = []
        self._pending = 0
        self._is_first_flush = True
        self._resting = Resting()

    def position(self, topic: str) -> int:
        """Next offset to read; 0 where nothing was read."""
        return self.state.positions.get(Topic(topic), 0)

    def pending(self) -> int:
        """Input records applied since the last flush."""
        return self._pending

    def acknowledge(self, sequence: int) -> None:
        """The cells of this flush are in the sink; kept with the next flush."""
        self.state.acknowledged = max(self.state.acknowledged, sequence)

    def rest(self, topics: Iterable[str]) -> None:
        """See ``PartitionStage``; the units stage hears of it with the next flush."""
        if self.signalling is not None:
            self._resting.look(map(Topic, topics), self.state.watermarks)

    def apply(self, topic: str, records: Sequence[SourceRecord]) -> Applied:
        """Apply records of one topic in offset order; those below ``position(topic)`` are skipped."""
        topic = Topic(topic)
        position = self.position(topic)
        fresh = records if not records or records[0].offset >= position else [record for record in records if record.offset >= position]
        if not fresh:
            return Applied(0, 0, len(records), {}, 0)
        events = decode(topic, fresh, self._catalog)
        rejected = list(events.rejected)
        accepted = duplicates = 0
        behind: Int64s | None = None
        if events.account_id:
            accepted, duplicates, too_late, behind = self._take_in(topic, events)
            rejected = sorted([*rejected, *too_late], key=lambda refused: refused.index)
        self._dead_letters += [dead_letter(Stage.ACCOUNTS, topic, self._partition, fresh[refused.index], refused) for refused in rejected]
        self.state.positions[topic] = fresh[-1].offset + 1
        self._pending += len(fresh)
        self._resting.wake(topic)
        reasons: Counter[RejectReason] = Counter(refused.reason for refused in rejected)
        newest = self.state.watermarks.get(topic)
        return Applied(accepted, duplicates, len(records) - len(fresh), reasons, events.unknown_fields, newest, behind)

    def flush(self) -> Flush | None:
        """All that changed since the last flush, or None; see ``PartitionStage``."""
        if not self._pending and not self._is_first_flush and not self._resting.is_untold:
            return None
        state = self.state
        state.sequence += 1
        version = state.epoch << EPOCH_SHIFT | state.sequence
        facts = {table: self._fact_rows(table, pieces, version) for table, pieces in self._facts.items()}
        if self._dead_letters:
            facts[Table.DEAD_LETTERS] = dead_letter_rows(self._dead_letters, version)
        cells = self._cells(version)
        # What is told is remembered, so the checkpoint comes after it.
        signals = self._signals()
        flush = Flush(
            partition=self._partition,
            sequence=state.sequence,
            facts=facts,
            checkpoint=state.checkpoint(),
            dead_letters=self._dead_letters,
            offsets={topic.value: position for topic, position in state.positions.items()},
            cells=cells,
            records=self._pending,
            signals=signals,
        )
        self._facts, self._dead_letters, self._pending, self._is_first_flush = {}, [], 0, False
        forget(state, self._horizons)
        return flush

    def _signals(self) -> list[SignalRecord]:
        if self.signalling is None:
            return []
        signals = self.signalling.take(self.state, self._partition, self._resting)
        return [SignalRecord(signal.unit_id.encode() if isinstance(signal, UnitSignals) else None, encode(signal)) for signal in signals]

    def _take_in(self, topic: Topic, events: Decoded) -> tuple[int, int, list[Rejected], Int64s]:
        """Applies valid events; returns how many were accepted, how many were duplicates, those that came too late, and how late each was."""
        state, times = self.state, events.occurred_at
        watermark = state.watermarks.get(topic, NEVER)
        before = np.maximum.accumulate(np.concatenate([[watermark], times[:-1]]))
        account_hashes = hash_strings(events.account_id)
        keys = combine(combine(account_hashes, hash_strings(events.event_id)), _EVENT[topic])
        candidates = ~state.identities[topic].copies(keys, times, before - self._horizons.dedupe)
        if topic is Topic.FEEDBACK:
            accepted, duplicates, too_late = self._take_in_feedback(events, account_hashes, before, candidates)
            copies = self._copies_of_refused(events, keys, too_late, ~candidates)
            claimed = candidates & ~np.isin(events.index, [rejected.index for rejected in (*too_late, *copies)])
            state.identities[topic].claim(keys[claimed], times[claimed])
            too_late = [*too_late, *copies]
            duplicates -= len(copies)
        else:
            accepted = self._take_in_others(topic, events, account_hashes, before, candidates)
            duplicates, too_late = len(times) - accepted, []
            state.identities[topic].claim(keys[candidates], times[candidates])
        state.watermarks[topic] = int(max(before[-1], times[-1]))
        return accepted, duplicates, too_late, np.maximum(before - times, 0)

    def _take_in_feedback(self, events: Decoded, account_hashes: UInt64s, before: Int64s, candidates: Bools) -> tuple[int, int, list[Rejected]]:
        feedback = responses.apply(self.state, events, account_hashes, before, candidates, self._horizons)
        if self.signalling is not None:
            self.signalling.answering.add(events, account_hashes, feedback, before)
        for table, keys, rows in feedback.facts:
            self._facts.setdefault(table, []).append((keys, rows))
        return int(feedback.accepted.sum()), feedback.duplicates + int((~candidates).sum()), feedback.rejected

    def _copies_of_refused(self, events: Decoded, keys: UInt64s, too_late: list[Rejected], copies: Bools) -> list[Rejected]:
        """Returns copies, within the batch, of events that came too late: a dead letter claims no identity, so each is one of its own."""
        if not too_late or not copies.any():
            return []
        by_key = {int(keys[np.searchsorted(events.index, refused.index)]): refused for refused in too_late}
        return [
            Rejected(int(events.index[i]), by_key[key].reason, by_key[key].field, by_key[key].message)
            for i, key in zip(np.flatnonzero(copies).tolist(), keys[copies].tolist(), strict=True)
            if key in by_key
        ]

    def _take_in_others(self, topic: Topic, events: Decoded, account_hashes: UInt64s, before: Int64s, candidates: Bools) -> int:
        state = self.state
        # An event whose event_id is known claims nothing more, so the thing that it is about may still come.
        chosen = np.flatnonzero(candidates)
        times, before_each = events.occurred_at[chosen], before[chosen]
        if topic is Topic.TRANSACTIONS:
            things = transactions.transaction_keys(account_hashes, events.identity)
            repeated = transactions.copies_of_known(state, things[chosen], times, before_each - self._horizons.join)
        else:
            things = self._thing_keys(topic, events, account_hashes)
            repeated = state.identities[topic].copies(things[chosen], times, before_each - self._horizons.dedupe)
            state.identities[topic].claim(things[chosen[~repeated]], times[~repeated])
        fresh = chosen[~repeated]
        if not len(fresh):
            return 0
        accounts = self._accounts_of(events, account_hashes, fresh)
        self._update(topic, events, account_hashes, fresh, things[fresh], accounts)
        if self.signalling is not None and topic is Topic.TRANSACTIONS:
            self.signalling.chances.transactions(events, account_hashes, fresh, things[fresh], before)
        elif self.signalling is not None and topic is Topic.INVITATIONS:
            self.signalling.chances.invitations(events, account_hashes, fresh, before)
        rows = events.facts if len(fresh) == events.facts.num_rows else events.facts.take(pa.array(fresh))
        self._facts.setdefault(FACT_TABLES[topic], []).append((things[fresh], rows))
        return len(fresh)

    def _thing_keys(self, topic: Topic, events: Decoded, account_hashes: UInt64s) -> UInt64s:
        keys = combine(combine(account_hashes, hash_strings(events.identity)), _THING[topic])
        if topic in _STEPS:
            keys = combine(keys, events.event_type.astype(np.uint64))
        if topic in _STEPS or topic is Topic.OUTCOMES:
            keys = combine(keys, events.occurred_at.view(np.uint64))
        return keys

    def _accounts_of(self, events: Decoded, account_hashes: UInt64s, fresh: Int64s) -> Int64s:
        """Returns the account of each new event, -1 for test traffic."""
        accounts = np.full(len(fresh), NOBODY, np.int64)
        real = ~events.synthetic[fresh]
        chosen = fresh[real]
        names = events.account_id
        accounts[real] = self.state.accounts.numbers_of([names[i] for i in chosen.tolist()], account_hashes[chosen], events.occurred_at[chosen])
        return accounts

    def _update(self, topic: Topic, events: Decoded, account_hashes: UInt64s, fresh: Int64s, things: UInt64s, accounts: Int64s) -> None:
        real = accounts != NOBODY
        if topic is Topic.TRANSACTIONS:
            transactions.apply(self.state, events, fresh, things, accounts, self._horizons)
        elif topic is Topic.COMMUNICATIONS:
            np.add.at(self.state.accounts.messages, accounts[real], 1)
        elif topic is Topic.ACTIONS:
            chosen = fresh[real]
            names = [events.identity[i] for i in chosen.tolist()]
            keys = combine(combine(account_hashes[chosen], hash_strings(names)), _CASE)
            cases.follow(self.state, keys, accounts[real], events.event_type[chosen], events.occurred_at[chosen])

    def _fact_rows(self, table: Table, pieces: list[tuple[UInt64s, pa.Table]], version: int) -> pa.Table:
        """Returns the rows of a fact table, of each thing the newest."""
        rows = pa.concat_tables([rows for _, rows in pieces])
        if table is Table.RESPONSES:
            keys = np.concatenate([keys for keys, _ in pieces])
            newest = last_places(keys)
            if len(newest) < len(keys):
                rows = rows.take(pa.array(np.sort(newest)))
        rows = rows.append_column("source_partition", constant(self._partition, rows.num_rows, pa.uint32()))
        rows = rows.append_column("version", constant(version, rows.num_rows, pa.uint64()))
        return rows.select(TABLES[table].arrow_schema.names)

    def _cells(self, version: int) -> dict[Table, pa.Table]:
        state = self.state
        cells: dict[Table, pa.Table] = {}
        for kind, table, project in (
            (Table.ACCOUNTS, state.accounts, account_rows),
            (Table.LOYALTY, state.loyalty, loyalty_rows),
        ):
            changed = table.changed()
            table.sequence[changed] = state.sequence
            if self._is_first_flush:
                changed = np.flatnonzero(table.sequence[: table.count] > state.acknowledged)
            if len(changed):
                cells[kind] = project(state, changed, self._partition, version)
        return cells
