"""From records to columns: valid events as facts and as what the stage computes with, and a reason for every other record."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.catalog import Catalog
from schemas.enums import FeedbackType, Topic, TransactionType
from schemas.events import IDENTITIES
from streams.core.batch import Decoded, Int64s, SourceRecord
from streams.core.decoding.facts import closed_codes, common_columns, facts, line_columns, score_columns
from streams.core.decoding.parsed import Parsed, parse
from streams.core.decoding.reading import Batch, read
from streams.core.decoding.structs import structs_of
from streams.core.decoding.times import local_days

_REFUNDED = list(TransactionType).index(TransactionType.REFUNDED)


def decode(topic: Topic, records: Sequence[SourceRecord], catalog: Catalog) -> Decoded:
    """The events in records of one topic and partition, in order; everything that can be refused without state is refused.

    Pure: the same records and catalog give the same result. ``rejected`` is in order of arrival too.
    """
    batch = read(topic, records, catalog)
    if topic is Topic.FEEDBACK:
        # A withdrawal may carry anything; its examination leaves only what is its own.
        kinds = batch.columns["event_type"]
        withdrawals = [row for row, kind in enumerate(kinds) if kind == FeedbackType.WITHDRAWN.value and batch.index[row] not in batch.examined]
        batch.take_out(batch.examine_rows(withdrawals))
    parsed = parse(batch)
    while parsed.suspect.any():
        suspect = np.flatnonzero(parsed.suspect).tolist()
        refused = batch.examine_rows(suspect)
        batch.take_out(refused)
        if len(refused) < len(suspect):
            # Some were let through, in another form than they came in.
            parsed = parse(batch)
        else:
            parsed.keep(batch, ~parsed.suspect)
    batch.rejected.sort(key=attrgetter("index"))
    return _decoded(batch, parsed)


def _decoded(batch: Batch, parsed: Parsed) -> Decoded:
    topic, count = batch.topic, len(batch)
    occurred_at = parsed.instants["occurred_at"][0]
    days = local_days(occurred_at, batch.catalog.timezone)
    columns = batch.columns
    flags = columns["synthetic"]
    synthetic = np.array([flag is True for flag in flags], np.bool_) if True in flags else np.zeros(count, np.bool_)
    index = np.array(batch.index, np.int64)
    records = batch.records
    offsets = np.fromiter([records[row].offset for row in batch.index], np.int64, count)
    computed = common_columns(batch, parsed, days, synthetic, offsets)
    extra = _EXTRAS[topic](batch, parsed, computed) if topic in _EXTRAS else {}
    return Decoded(
        topic=topic,
        facts=facts(batch, parsed, computed),
        index=index,
        account_id=parsed.account_id,
        event_id=columns["event_id"],
        identity=columns[IDENTITIES[topic]],
        event_type=parsed.event_type,
        occurred_at=occurred_at,
        synthetic=synthetic,
        rejected=batch.rejected,
        unknown_fields=sum(batch.unknown_fields.values()),
        day=days,
        **extra,
    )


def _feedback(batch: Batch, parsed: Parsed, computed: dict[str, pa.Array]) -> dict[str, Any]:
    scores = parsed.scores
    assert scores is not None  # parse reads the scores of all feedback
    revision = _revisions(batch.columns["revision"])
    revision[scores.withdrawn] = 0
    more, mapped = score_columns(scores, revision)
    computed |= more
    channel = structs_of(batch.topic).rules["channel"]
    return {
        "revision": revision,
        "unit_id": batch.columns["unit_id"],
        "channel": closed_codes(batch.columns["channel"], channel),
        "metric": scores.metric,
        "score": mapped,
        "transaction_id": batch.columns["transaction_id"],
    }


def _revisions(values: list[int | None]) -> Int64s:
    revisions: Int64s = pa.array(values, pa.int64()).fill_null(1).to_numpy().copy()
    return revisions


def _transactions(batch: Batch, parsed: Parsed, computed: dict[str, pa.Array]) -> dict[str, Any]:
    assert parsed.lines is not None  # parse reads the lines of all transactions
    more, lines = line_columns(parsed.lines, batch.catalog.consumables)
    computed |= more
    originals = batch.columns["original_transaction_id"]
    if originals.count(None) < len(originals):
        originals = [original if code == _REFUNDED else None for original, code in zip(originals, parsed.event_type.tolist(), strict=True)]
    return {"transaction_id": originals, "amount": parsed.money["amount"].base, "lines": lines}


_EXTRAS = {Topic.FEEDBACK: _feedback, Topic.TRANSACTIONS: _transactions}
