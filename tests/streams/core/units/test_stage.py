"""Findings come from what happened, not from how it was read."""

import json

import pytest

from schemas.enums import Detector
from tests.streams.core.units.company import Finding, company, run


@pytest.fixture(scope="module")
def findings() -> set[Finding]:
    """Of one partition, read in order."""
    return run(1, None).findings()


def test_gamed_units_are_found_and_honest_ones_are_not(findings: set[Finding]) -> None:
    simulation, _, _ = company()
    units = {unit["unit_id"]: unit for unit in json.loads(simulation.truth())["units"]}
    gamed = {name for name, unit in units.items() if unit["gaming"]}
    assert len(findings) >= 2
    assert {finding.unit_id for finding in findings} <= gamed


def test_each_finding_says_when_it_began(findings: set[Finding]) -> None:
    for finding in findings:
        assert finding.since <= finding.raised_on <= finding.sounded_on
        assert finding.raised_at // 86_400_000_000 in (finding.raised_on - 1, finding.raised_on)
        assert finding.detector in Detector


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_number_of_partitions_read_in_any_order_gives_the_same(findings: set[Finding], seed: int) -> None:
    assert run(3, seed).findings() == findings


@pytest.mark.parametrize("seed", [4, 5])
def test_records_that_arrive_days_late_and_out_of_order_give_the_same(findings: set[Finding], seed: int) -> None:
    assert run(2, seed, jitter_days=2.0).findings() == findings


@pytest.mark.parametrize("seed", [6, 7])
def test_stages_that_are_lost_and_restored_give_the_same(findings: set[Finding], seed: int) -> None:
    assert run(2, seed, crashes=True).findings() == findings
