"""What a unit takes when nothing happens at it."""

import sys

from schemas.topics import SIGNALS
from streams.core.batch import Numbered
from streams.core.hashing import hash_string
from streams.core.signals import Answers, FleetSignals, Flows, NewUnits, Paces, Sign, Strata, UnitSignals, encode
from streams.core.units.stage import UnitsStage, UnitsStages
from streams.core.units.state import UnitsState
from streams.core.units.tables import FLOWS

UNITS = 1_000
BEGIN, DAYS = 20_000, 40
MOST_BYTES = 2_000


def _bytes(state: UnitsState) -> int:
    """Of all tables, with the names and what finds them."""
    names = sum(map(sys.getsizeof, state.units.numbers)) + sys.getsizeof(state.units.numbers)
    return sum(table.nbytes for table in state.tables()) + names


def _tell(stage: UnitsStage, signals: list[UnitSignals | FleetSignals]) -> dict[bytes, bytes | None]:
    first = stage.position(SIGNALS.name)
    stage.apply(SIGNALS.name, [Numbered(first + place, 0, b"", encode(signal)) for place, signal in enumerate(signals)])
    flush = stage.flush()
    assert flush is not None
    stage.acknowledge(flush.sequence)
    return dict(flush.checkpoint)


def _of_unit(number: int) -> UnitSignals:
    """An answer and a flow a day, with the longest name that has one byte a character."""
    days, one = list(range(BEGIN, BEGIN + DAYS)), [1] * DAYS
    keys, times = [number * DAYS + place + 1 for place in range(DAYS)], [day * 86_400_000_000 for day in days]
    names = [f"{key}" for key in keys]
    answers = Answers(keys, one, [int(Sign.COUNTED)] * DAYS, times, days, one, one, keys, keys, keys, keys, one, [9_000] * DAYS, names, names)
    return UnitSignals(f"{number:0128}", answers, Flows(days, *([one] * len(FLOWS))))


def test_a_unit_at_rest_takes_less_than_two_kilobytes_in_memory_and_in_the_checkpoint() -> None:
    stage = UnitsStages(1, {}, 30.0).restore(0, ())
    stage.flush()
    before = _bytes(stage.state)
    units = [_of_unit(number) for number in range(UNITS)]
    days, many, one = list(range(BEGIN, BEGIN + DAYS)), [UNITS] * DAYS, [1] * DAYS
    fleet = FleetSignals(
        0,
        BEGIN + DAYS,
        False,
        NewUnits([hash_string(unit.unit_id) for unit in units], [BEGIN] * UNITS),
        Strata(days, [hash_string("")] * DAYS, one, one, many, many),
        Paces(days, one, one, many),
    )
    checkpoint = _tell(stage, [*units, fleet])
    assert stage.state.answers.count == UNITS * DAYS
    assert _bytes(stage.state) - before > UNITS * MOST_BYTES, "while something happens it takes more"

    # Long after, what was seen is in the evidence alone.
    for day in (BEGIN + DAYS + 200, BEGIN + DAYS + 201):
        checkpoint |= _tell(stage, [FleetSignals(0, day, False)])
    state = stage.state
    assert state.units.count == UNITS
    assert state.units.days[: state.units.count].any(axis=1).all()
    assert not state.answers.count
    assert not state.flows.count
    assert _bytes(state) - before < UNITS * MOST_BYTES
    assert sum(len(value) for value in checkpoint.values() if value is not None) < UNITS * MOST_BYTES
