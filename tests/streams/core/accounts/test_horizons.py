"""What is forgotten, and when, changes no number: not through flushes, nor restarts, nor topics that are read at different speeds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.rows import Table
from streams.core.accounts import AccountsStage, AccountsStages
from streams.core.stage import CheckpointRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = AccountsStages(Catalog())


@dataclass(frozen=True, slots=True)
class Given:
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass
class Run:
    """A stage with its checkpoint; ``days`` are counted from 2026-01-01."""

    stage: AccountsStage = field(default_factory=lambda: STAGES.restore(0, []))
    log: list[CheckpointRecord] = field(default_factory=list)
    cells: dict[tuple[date, int], Decimal] = field(default_factory=dict)

    def give(self, topic: Topic, day: float, **fields: object) -> None:
        at = START + timedelta(days=day)
        offset = self.stage.position(topic)
        event = {"event_id": f"{topic}-{offset}", "occurred_at": at.isoformat(), "account_id": "a", "unit_id": "u", **fields}
        self.stage.apply(topic, [Given(offset, round(at.timestamp() * 1000), b"a", json.dumps(event).encode())])

    def sale(self, day: float, name: str, **fields: object) -> None:
        self.give(
            Topic.TRANSACTIONS, day, **{"event_type": "transaction.completed", "transaction_id": name, "amount": 10, "currency": "EUR", **fields}
        )

    def response(self, day: float, name: str, **fields: object) -> None:
        self.give(
            Topic.FEEDBACK,
            day,
            **{"event_type": "response.submitted", "response_id": name, "survey_id": "s", "metric": "nps", "score": 9, **fields},
        )

    def flush(self) -> None:
        """Write the checkpoint, and keep the newest copy of every cell, as the sink does."""
        flush = self.stage.flush()
        if flush is None:
            return
        self.log += flush.checkpoint
        self.stage.acknowledge(flush.sequence)
        for row in flush.cells[Table.LOYALTY].to_pylist() if Table.LOYALTY in flush.cells else ():
            self.cells[row["day"], row["generation"]] = row["revenue"]

    @property
    def revenue(self) -> Decimal:
        """What the views show."""
        return sum(self.cells.values(), Decimal(0))

    def restart(self) -> None:
        self.flush()
        self.stage = STAGES.restore(0, self.log)


@pytest.mark.parametrize("flushing", [False, True])
def test_a_revision_keeps_the_revenue_of_a_purchase_that_is_forgotten(flushing: bool) -> None:
    run = Run()
    run.sale(0, "t")
    run.response(390, "r", transaction_id="t")
    for day in (391, 415, 419):
        run.sale(day, f"later-{day}")
        run.response(day, f"other-{day}")
        if flushing:
            run.flush()
    run.response(420, "r", transaction_id="t", revision=2, score=2)
    run.flush()

    assert run.revenue == 10


@pytest.mark.parametrize("flushing", [False, True])
def test_a_topic_that_is_read_first_does_not_forget_what_the_other_still_needs(flushing: bool) -> None:
    run = Run()
    for day in range(0, 800, 8):
        run.sale(day, f"t-{day}")
        if flushing:
            run.flush()
    for day in range(0, 800, 8):
        run.response(day + 1, f"r-{day}", transaction_id=f"t-{day}")
        if flushing:
            run.flush()
    run.flush()

    assert run.revenue == 1000


@pytest.mark.parametrize("restarting", [False, True])
def test_a_late_purchase_survives_a_restart(restarting: bool) -> None:
    run = Run()
    for day in range(0, 900, 10):
        run.sale(day, f"t-{day}")
        run.response(day, f"r-{day}")
        run.flush()
    assert "transactions" in run.stage.state.forgotten
    run.sale(5, "late")
    if restarting:
        run.restart()
    run.response(880, "names-it", transaction_id="late")
    run.flush()

    assert run.revenue == 10


def test_who_waits_for_what_never_comes_is_forgotten() -> None:
    run = Run()
    for day in range(0, 1_300, 10):
        run.response(day, f"r-{day}", transaction_id=f"never-{day}")
        run.give(
            Topic.TRANSACTIONS,
            day,
            event_type="transaction.refunded",
            transaction_id=f"refund-{day}",
            original_transaction_id=f"never-{day}",
            amount=1,
            currency="EUR",
        )
        run.flush()
    state = run.stage.state

    # Responses are remembered for 800 days and refunds for 400; a tenth of a table more until forgetting is worth it.
    assert len(state.awaiting_purchase) == state.responses.count < 95
    assert len(state.awaiting_original) == state.refunds.count < 50
    run.sale(1_295, "never-1290")
    run.flush()
    assert run.revenue == 10


def test_a_dead_letter_of_the_table_is_the_record_as_it_was() -> None:
    stage = STAGES.restore(0, [])
    stage.apply(Topic.FEEDBACK, [Given(0, 0, b"\xff", b"\x00\xfe", (("h", b"\x00\xff"), ("none", None), ("empty", b"")))])
    flush = stage.flush()

    assert flush is not None
    row = flush.facts[Table.DEAD_LETTERS].to_pylist()[0]
    assert (row["key"], row["value"], row["header_names"], row["header_values"]) == (
        b"\xff",
        b"\x00\xfe",
        ["h", "none", "empty"],
        [b"\x00\xff", None, b""],
    )
