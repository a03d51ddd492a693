"""What is forgotten, and when, changes no number: not through flushes, nor restarts, nor topics that are read at different speeds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from schemas.events.values import EARLIEST_MICROSECONDS, LATEST_MICROSECONDS
from schemas.rows import Table
from streams.core.accounts import AccountsStage, AccountsStages, Horizons
from streams.core.accounts.state import DAY
from streams.core.dead_letters import KEPT_OF_LARGER, LARGEST_LETTER
from streams.core.stage import CheckpointRecord, DeadLetter
from streams.stages import signalling_of

START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = AccountsStages(Catalog(), Horizons(join=400 * DAY))


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
    letters: list[DeadLetter] = field(default_factory=list)

    def give(self, topic: Topic, day: float, **fields: object) -> None:
        at = START + timedelta(days=day)
        offset = self.stage.position(topic)
        event = {"event_id": f"{topic}-{offset}", "occurred_at": at.isoformat(), "account_id": "a", "unit_id": "u", **fields}
        key = str(event["account_id"]).encode()
        self.stage.apply(topic, [Given(offset, round(at.timestamp() * 1000), key, json.dumps(event).encode())])

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
        self.letters += flush.dead_letters
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
    run.sale(500, "late")
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

    # Both are remembered for 435 days; a tenth of a table more until forgetting is worth it.
    assert len(state.awaiting_purchase) == state.responses.count < 55
    assert len(state.awaiting_original) == state.refunds.count < 55
    run.sale(1_295, "never-1290")
    run.flush()
    assert run.revenue == 10


BATCHINGS = pytest.mark.parametrize("batching", ["one flush", "flushes", "restarts"])


class Years(Run):
    """Feedback once in five days, over years, flushed as ``batching`` says after each."""

    def __init__(self, batching: str) -> None:
        super().__init__()
        self._batching = batching
        self._passed = 0

    def until(self, day: int) -> None:
        """Let time pass."""
        for filler in range(self._passed + 5, day, 5):
            self.response(filler, f"filler-{filler}", account_id="b")
            self.sale(filler, f"filler-{filler}", account_id="b")
            self._end()
        self._passed = max(self._passed, day)

    def _end(self) -> None:
        if self._batching == "flushes":
            self.flush()
        elif self._batching == "restarts":
            self.restart()

    def account(self) -> tuple[int, float | None, int]:
        """Responses, last score and owned products of the account."""
        self._end()
        self.flush()
        accounts = self.stage.state.accounts
        row = accounts.numbers["a"]
        score = float(accounts.last_score[row]) if accounts.last_response[row] else None
        return int(accounts.responses[row]), score, int(accounts.products_owned[row])


@BATCHINGS
def test_a_revision_or_withdrawal_of_what_was_forgotten_is_too_late(batching: str) -> None:
    run = Years(batching)
    run.response(0, "r", score=3)
    run.until(2_000)
    run.response(2_000, "r", revision=2, score=9)
    run.response(2_000, "r", event_type="response.withdrawn")

    assert run.account() == (1, 3.0, 0)
    assert [letter.reason for letter in run.letters] == [RejectReason.TOO_LATE] * 2


@BATCHINGS
def test_a_withdrawal_is_final_however_long_ago(batching: str) -> None:
    run = Years(batching)
    run.response(0, "r", score=3)
    run.response(300, "r", event_type="response.withdrawn")
    run.until(900)
    run.response(900, "r", revision=2, score=9)

    assert run.account() == (0, None, 0)
    assert [letter.reason for letter in run.letters] == [RejectReason.TOO_LATE]


@BATCHINGS
def test_the_last_score_falls_back_to_a_response_that_was_forgotten(batching: str) -> None:
    run = Years(batching)
    run.response(0, "first", score=2)
    run.response(1, "second", score=3)
    run.until(1_500)
    run.response(1_500, "third", score=9)
    assert run.account() == (3, 9.0, 0)
    run.response(1_505, "third", event_type="response.withdrawn")

    assert run.account() == (2, 3.0, 0)


@BATCHINGS
def test_an_identity_is_known_by_its_own_age(batching: str) -> None:
    """A copy in all but its time, 50 days later: the identity is past its horizon, and so it counts."""
    run = Years(batching)
    run.response(10, "r", event_id="same")
    run.until(60)
    run.response(60, "other", event_id="same")
    run.response(61, "third", event_id="same")

    assert run.account()[0] == 2


@BATCHINGS
@pytest.mark.parametrize(("days", "revenue"), [(400, 10), (401, 0)])
def test_purchases_are_joined_within_their_horizon_and_not_beyond(batching: str, days: int, revenue: int) -> None:
    run = Years(batching)
    run.sale(0, "t", products=[{"product_id": "p"}])
    run.until(days)
    run.response(days, "r", transaction_id="t")
    run.give(
        Topic.TRANSACTIONS, days, event_type="transaction.refunded", transaction_id="back", original_transaction_id="t", amount=10, currency="EUR"
    )

    assert run.account()[2] == (0 if revenue else 1)
    run.flush()
    assert run.revenue == revenue


def test_a_revision_is_judged_by_the_revision_that_counts_whichever_came_first() -> None:
    for order in ((1, 2), (2, 1)):
        run = Run()
        for revision in order:
            run.response({1: 0, 2: 30}[revision], "r", revision=revision)
        run.response(420, "r", revision=3, score=0)
        run.flush()

        assert run.letters == []
        assert float(run.stage.state.accounts.last_score[0]) == 0.0


def test_identities_before_1970_outlive_a_restart() -> None:
    run = Run()
    long_ago = -20_500
    run.response(long_ago, "r", event_id="same")
    run.restart()
    run.response(long_ago, "r", event_id="same")

    assert run.stage.flush() is not None
    assert int(run.stage.state.accounts.responses[0]) == 1


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


def test_of_a_value_that_no_topic_takes_whole_the_beginning_is_kept() -> None:
    """A record that was small only as long as it was compressed."""
    stage = STAGES.restore(0, [])
    whole, larger = b"w" * LARGEST_LETTER, b"z" * (LARGEST_LETTER + 1)
    stage.apply(Topic.FEEDBACK, [Given(0, 0, b"a", whole), Given(1, 0, b"a", larger)])
    flush = stage.flush()

    assert flush is not None
    assert [letter.value for letter in flush.dead_letters] == [whole, larger[:KEPT_OF_LARGER]]
    assert flush.dead_letters[1].message.endswith("of 62,914,561 bytes the first 1,048,576 are kept")


@pytest.mark.parametrize(
    ("timestamp", "shown"),
    [(2**62, LATEST_MICROSECONDS), (-(2**62), EARLIEST_MICROSECONDS), (-1, -1_000), (1_790_000_000_000_000, LATEST_MICROSECONDS)],
)
def test_timestamps_that_clickhouse_cannot_show_are_cut_in_the_table_only(timestamp: int, shown: int) -> None:
    stage = STAGES.restore(0, [])
    stage.apply(Topic.FEEDBACK, [Given(0, timestamp, b"a", b"{")])
    flush = stage.flush()

    assert flush is not None
    assert flush.dead_letters[0].timestamp == timestamp
    assert flush.facts[Table.DEAD_LETTERS].column("timestamp").cast(pa.int64()).to_pylist() == [shown]


@pytest.mark.parametrize("kinds", [("invitation",), ("sale",), ("sale", "invitation"), ("sale", "one invitation")])
def test_what_was_asked_after_purchases_is_forgotten_also_where_the_other_side_never_comes(kinds: tuple[str, ...]) -> None:
    run = Run(AccountsStages(Catalog(), signalling=signalling_of(Catalog())).restore(0, []))
    held = []
    for day in range(0, 1_200, 4):
        if "sale" in kinds:
            run.sale(day, f"t{day}")
        if "invitation" in kinds or ("one invitation" in kinds and not day):
            run.give(Topic.INVITATIONS, day, event_type="invitation.sent", invitation_id=f"i{day}", transaction_id=f"t{day}")
        run.flush()
        held.append(run.stage.state.asked_purchases.count)
    assert max(held) < (12 if kinds == ("sale", "invitation") else 130)
