"""What counts as evidence, for how long, and that neither flushes nor restarts decide it."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.rows import Table
from schemas.topics import SIGNALS
from streams.core.accounts import AccountsStages
from streams.core.batch import Numbered
from streams.core.chained import ChainedStages
from streams.core.hashing import hash_string
from streams.core.signals import MOST_ANSWERS, NOT_YET, Answers, FleetSignals, Flows, NewUnits, Sign, Signals, UnitSignals, decode, encode
from streams.core.stage import CheckpointRecord, Flush
from streams.core.units.stage import UnitsStages
from streams.stages import signalling_of, units_stages
from tests.streams.core.units.fleet import Row

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = 86_400_000_000
UNIT = hash_string("u")


class Told:
    """An accounts stage, and what it tells; ``days`` are counted from 2026-01-01."""

    def __init__(self) -> None:
        self.stage = AccountsStages(Catalog(), signalling=signalling_of(Catalog())).restore(0, ())
        self._number = 0

    def give(self, topic: Topic, day: float, **fields: object) -> None:
        self._number += 1
        event = {
            "event_id": f"e{self._number}",
            "occurred_at": (START + timedelta(days=day)).isoformat(),
            "account_id": "a",
            "unit_id": "u",
            **fields,
        }
        record = Numbered(self.stage.position(topic), 1_900_000_000_000, str(event["account_id"]).encode(), json.dumps(event).encode())
        self.stage.apply(topic, [record])

    def answer(self, day: float, name: str, revision: int = 1, **fields: object) -> None:
        told = {"event_type": "response.submitted", "response_id": name, "revision": revision, "survey_id": "s", "metric": "nps", "score": 10}
        self.give(Topic.FEEDBACK, day, **{**told, **fields})

    def rest(self, *topics: Topic) -> None:
        """There is nothing more to read of these: said twice, so that nothing that was read in between counts."""
        for _ in range(2):
            self.stage.rest(topics)

    def flush(self) -> list[Signals]:
        flush = self.stage.flush()
        return [decode(signal.value) for signal in flush.signals] if flush is not None else []

    def answers(self) -> list[tuple[str, int, bool]]:
        """Response, revision and whether it counts, of each that is told; the name of one that is taken out is not."""
        told = Answers.concatenated([signals.answers for signals in self.flush() if isinstance(signals, UnitSignals)])
        return list(zip(told.response_id.tolist(), told.revision.tolist(), (told.signs & Sign.COUNTED != 0).tolist(), strict=True))

    def clock(self) -> tuple[int | None, bool]:
        """The clock in days since the start, None where it is not known yet, and whether everything has been read."""
        last = self.flush()[-1]
        assert isinstance(last, FleetSignals)
        assert last.clock is not None
        start = (START - datetime(1970, 1, 1, tzinfo=UTC)).days
        return (None if last.clock == NOT_YET else last.clock - start), last.caught_up


def test_what_comes_a_week_late_is_no_evidence() -> None:
    told = Told()
    told.answer(10, "new")
    told.answer(3, "in time")
    told.answer(2.99, "late")
    assert told.answers() == [("new", 1, True), ("in time", 1, True)]


@pytest.mark.parametrize("together", [True, False])
def test_a_revision_within_three_days_takes_the_place_of_what_it_revises(together: bool) -> None:
    told = Told()
    told.answer(0, "r")
    first = [] if together else told.answers()
    told.answer(3, "r", revision=2)
    assert sorted(first + told.answers()) == [("", 1, False), ("r", 1, True), ("r", 2, True)]


def test_a_later_revision_is_no_evidence_and_neither_are_those_after_it() -> None:
    told = Told()
    told.answer(0, "r")
    told.answer(4, "r", revision=2)
    told.answer(5, "r", revision=3)
    told.give(Topic.FEEDBACK, 6, event_type="response.withdrawn", response_id="r", survey_id="s")
    assert told.answers() == [("r", 1, True)]


@pytest.mark.parametrize(("day", "taken_out"), [(3, True), (4, False)])
def test_a_withdrawal_within_three_days_takes_the_evidence_back(day: int, taken_out: bool) -> None:
    told = Told()
    told.answer(0, "r")
    told.give(Topic.FEEDBACK, day, event_type="response.withdrawn", response_id="r", survey_id="s")
    assert told.answers() == [("r", 1, True), *([("", 1, False)] if taken_out else [])]


def test_the_clock_waits_for_every_topic_that_may_have_more() -> None:
    told = Told()
    told.answer(10, "r")
    assert told.clock() == (None, False)
    told.give(Topic.TRANSACTIONS, 8, event_type="transaction.completed", transaction_id="t", amount=1, currency="EUR")
    assert told.clock() == (None, False)
    told.rest(Topic.INVITATIONS, Topic.ACTIONS)
    assert told.clock() == (8, False)
    told.rest(Topic.INVITATIONS, Topic.TRANSACTIONS)
    assert told.clock() == (10, False)
    told.rest(*Topic)
    assert told.clock() == (10, True)
    assert told.flush() == []
    told.give(Topic.INVITATIONS, 5, event_type="invitation.sent", invitation_id="i")
    assert told.clock() == (5, False)


def test_a_topic_that_rests_vouches_for_what_was_known_when_it_said_so_before() -> None:
    told = Told()
    told.give(Topic.TRANSACTIONS, 8, event_type="transaction.completed", transaction_id="t", amount=1, currency="EUR")
    told.stage.rest([Topic.FEEDBACK, Topic.INVITATIONS])
    assert told.clock() == (None, False), "feedback of these days may be about to be read"
    told.give(Topic.TRANSACTIONS, 90, event_type="transaction.completed", transaction_id="u", amount=1, currency="EUR")
    told.stage.rest([Topic.FEEDBACK, Topic.INVITATIONS])
    assert told.clock() == (8, False)
    told.answer(20, "r")
    assert told.clock() == (8, False)
    told.rest(Topic.FEEDBACK, Topic.INVITATIONS)
    assert told.clock() == (90, False)


def test_who_rests_on_says_so_after_each_look_and_not_without_one() -> None:
    told = Told()
    told.answer(10, "r")
    told.rest(*Topic)
    assert told.clock() == (10, True)
    assert told.flush() == []
    told.give(Topic.COMMUNICATIONS, 10, event_type="communication.sent", message_id="m", channel="email", purpose="service")
    last = told.flush()[-1]
    assert isinstance(last, FleetSignals)
    assert (last.clock, last.caught_up) == (None, False), "nobody looked"
    told.stage.rest(Topic)
    assert told.clock() == (10, True)
    told.stage.rest([Topic.FEEDBACK, Topic.INVITATIONS])
    assert told.clock() == (None, False), "transactions rest no more, and there was none"


def test_many_answers_are_told_in_several_records_and_the_clock_last() -> None:
    told = Told()
    for number in range(2 * MOST_ANSWERS + 1):
        told.answer(0, f"r{number}", account_id=f"a{number}")
    told.rest(*Topic)
    signals = told.flush()
    assert [len(signal.answers) for signal in signals if isinstance(signal, UnitSignals)] == [MOST_ANSWERS, MOST_ANSWERS, 1]
    assert isinstance(signals[-1], FleetSignals)
    assert signals[-1].caught_up


class Judge:
    """A units stage that is fed signals, and what the sink has of it."""

    def __init__(self) -> None:
        self._stages = UnitsStages(1, {}, 30.0)
        self.stage = self._stages.restore(0, ())
        self.findings: dict[str, bool] = {}
        self.flags: dict[str, list[str]] = {}

    def read(self, signals: Sequence[Signals]) -> None:
        first = self.stage.position(SIGNALS.name)
        self.stage.apply(SIGNALS.name, [Numbered(first + place, 0, b"", encode(signal)) for place, signal in enumerate(signals)])

    def flush(self) -> None:
        flush = self.stage.flush()
        assert flush is not None
        self.findings |= {row["finding_id"]: row["standing"] for row in _rows(flush, Table.FINDINGS)}
        self.flags |= {row["response_id"]: row["flags"] for row in _rows(flush, Table.SIGNS)}


def _rows(flush: Flush, table: Table) -> Iterator[Row]:
    yield from flush.cells[table].to_pylist() if table in flush.cells else ()


def _answer(number: int, day: int, signs: Sign = Sign.COUNTED, device: int = 0) -> Answers:
    at = day * DAY + number
    return Answers([number], [1], [signs], [at], [day], [0], [0], [number], [device or number], [0], [0], [0], [-1], [f"a{number}"], [f"r{number}"])


def _told(*answers: Answers) -> UnitSignals:
    return UnitSignals("u", Answers.concatenated(answers), Flows())


@pytest.mark.parametrize("between", [True, False])
def test_no_flag_outlives_a_finding_that_was_taken_back(between: bool) -> None:
    """A finding of open days stands for the time being; then its answers are withdrawn, and the days close at once."""
    begin, attack = 20_000, 20_080
    signals: list[Signals] = []
    numbers = iter(range(1, 10_000))
    gone: list[Answers] = []
    for day in range(begin, attack + 3):
        answers = []
        for place in range(10):
            gamed = day >= attack and place < 6
            signs = Sign.COUNTED | Sign.ASKED_OR_NOT | (Sign.ASKED | Sign.TOP_TWO_BOX if gamed else Sign(0))
            answers.append(_answer(next(numbers), day, signs, device=7 if gamed else 0))
            gone += [_answer(int(answers[-1].key[0]), day, Sign(0))] if gamed else []
        signals += [_told(*answers), FleetSignals(0, day + 1, False, NewUnits([UNIT], [begin]))]
    judge = Judge()
    judge.read(signals[:-2])
    if between:
        judge.flush()
    judge.read(signals[-2:])
    if between:
        judge.flush()
        assert any(judge.findings.values())
        assert any(judge.flags.values())
    judge.read([_told(*gone), FleetSignals(0, attack + 40, False)])
    judge.flush()
    assert not any(judge.findings.values())
    assert not any(judge.flags.values())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_unit_is_as_old_as_its_first_answer_also_where_that_is_taken_back(at_once: bool) -> None:
    judge = Judge()
    signals = [_told(_answer(1, 20_000)), _told(_answer(1, 20_000, Sign(0))), _told(_answer(2, 20_005))]
    for batch in [signals] if at_once else [[one] for one in signals]:
        judge.read(batch)
    assert judge.stage.state.units.first_day[0] == 20_000


@pytest.mark.parametrize("group", [None, "g"])
def test_units_that_get_other_peers_at_a_restart_are_learned_anew(group: str | None) -> None:
    """Twenty days later everybody becomes better, which is no reason to suspect anybody."""
    chance = random.Random(3)
    checkpoint: dict[bytes, CheckpointRecord] = {}
    findings: dict[str, bool] = {}

    def write(flush: Flush | None) -> None:
        assert flush is not None
        for record in flush.checkpoint:
            checkpoint.pop(record.key, None)
            checkpoint[record.key] = record
        findings.update({row["finding_id"]: row["standing"] for row in _rows(flush, Table.FINDINGS)})

    stage = _stages(None).restore(0, ())
    write(stage.flush())
    offset = 0
    for day in range(150):
        if day == 80:
            stage = _stages(group).restore(0, checkpoint.values())
            write(stage.flush())
        records = []
        for number in range(20 * 4):
            event = {
                "event_id": f"e{offset}", "event_type": "response.submitted", "occurred_at": (START + timedelta(days=day)).isoformat(),
                "account_id": f"a{offset}", "unit_id": f"u{number % 20}", "response_id": f"r{offset}", "survey_id": "s", "metric": "nps",
                "score": 10 if chance.random() < (0.4 if day < 100 else 0.75) else 5,
            }  # fmt: skip
            records.append(Numbered(offset, 1_900_000_000_000, f"a{offset}".encode(), json.dumps(event).encode()))
            offset += 1
        stage.apply(Topic.FEEDBACK, records)
        stage.rest(Topic)
        write(stage.flush())
    assert not any(findings.values())


def _stages(group: str | None) -> ChainedStages:
    units = [{"unit_id": f"u{number}", **({"peer_group": group} if group else {})} for number in range(20)]
    catalog = Catalog.model_validate({"units": units})
    return ChainedStages(AccountsStages(catalog, signalling=signalling_of(catalog)), units_stages(catalog, 1))
