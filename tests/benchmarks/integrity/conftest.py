"""Small clean companies."""

from datetime import date

import pytest

from benchmarks.integrity.companies import MIX
from benchmarks.integrity.events import Event, decode, is_read
from streams.files import FileRecord
from streams.simulate import Plan, simulate

START = date(2026, 1, 1)
FROM_DAY = date(2026, 2, 1)
UNIT = "unit-001"


@pytest.fixture(scope="package")
def records() -> list[FileRecord]:
    """Three months of four units."""
    simulation = simulate(Plan(seed=3, start=START, months=3, units=4, accounts=600, events=24_000, mix=MIX, gamed_share=0.0))
    assert (simulation.gaming.attack < 0).all()
    return [record for record in simulation.records() if is_read(record)]


@pytest.fixture(scope="package")
def events(records: list[FileRecord]) -> list[Event]:
    """The same, decoded, without those that are meant to be refused."""
    decoded = (event for event in map(decode, records) if event is not None and "unit_id" in event.fields)
    return [event for event in decoded if not event.fields["event_id"].startswith("bad-")]
