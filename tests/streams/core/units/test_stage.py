"""Findings come from what happened, not from how it was read."""

import json

import pytest

from schemas.enums import Detector
from tests.streams.core.units.company import Finding, Fleet, company, run


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """One partition, read in order."""
    return run(1, None)


@pytest.fixture(scope="module")
def findings(fleet: Fleet) -> set[Finding]:
    """Of one partition, read in order."""
    return fleet.findings()


def _same(one: Fleet, other: Fleet) -> bool:
    assert one.findings() == other.findings()
    assert one.flags == other.flags
    return True


def test_gamed_units_are_found_and_honest_ones_are_not(findings: set[Finding]) -> None:
    simulation, _, _ = company()
    units = {unit["unit_id"]: unit for unit in json.loads(simulation.truth())["units"]}
    gamed = {name for name, unit in units.items() if unit["gaming"]}
    assert len(findings) >= 2
    assert {finding.unit_id for finding in findings} <= gamed


def test_flagged_responses_are_those_that_were_gamed(fleet: Fleet) -> None:
    """Some are not: a customer of a unit that is suspected may well use a device twice, or be fast."""
    simulation, _, _ = company()
    gamed = {(unit["unit_id"], response) for unit in json.loads(simulation.truth())["units"] for response in unit["response_ids"]}
    assert len(fleet.flags) >= 10
    assert len(fleet.flags.keys() & gamed) >= 0.8 * len(fleet.flags)


def test_each_finding_says_when_it_began(findings: set[Finding]) -> None:
    for finding in findings:
        assert finding.since <= finding.raised_on <= finding.sounded_on
        assert finding.raised_at // 86_400_000_000 in (finding.raised_on - 1, finding.raised_on)
        assert finding.detector in Detector


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_number_of_partitions_read_in_any_order_gives_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(3, seed), fleet)


@pytest.mark.parametrize("seed", [4, 5])
def test_records_that_arrive_days_late_and_out_of_order_give_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(2, seed, jitter_days=2.0), fleet)


@pytest.mark.parametrize("seed", [6, 7])
def test_stages_that_are_lost_and_restored_give_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(2, seed, crashes=True), fleet)
