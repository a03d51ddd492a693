"""Findings come from what happened, not from how it was read."""

import json
import re
from datetime import date

import pytest

from schemas.enums import Detector
from schemas.rows import TABLES, Table
from tests.streams.core.units.company import Fleet, company, run


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """One partition, read in order."""
    return run(1, None)


def _same(one: Fleet, other: Fleet) -> bool:
    assert one.findings() == other.findings()
    assert one.flags() == other.flags()
    assert one.verdicts() == other.verdicts()
    return True


def _gamed() -> dict[str, set[str]]:
    """The responses that were gamed, of each unit that did."""
    simulation, _, _ = company()
    return {unit["unit_id"]: set(unit["response_ids"]) for unit in json.loads(simulation.truth())["units"] if unit["gaming"]}


def test_gamed_units_are_found_and_honest_ones_are_not(fleet: Fleet) -> None:
    findings = fleet.findings().values()
    assert len(findings) >= 2
    assert {finding["unit_id"] for finding in findings} <= _gamed().keys()
    assert {unit["unit_id"] for unit in fleet.verdicts().values() if unit["state"] != "clear"} <= _gamed().keys()


def test_flagged_responses_are_those_that_were_gamed(fleet: Fleet) -> None:
    """Some are not: a customer of a unit that is suspected may well use a device twice, or be fast."""
    flagged = {row["response_id"] for row in fleet.flags().values() if row["flags"]}
    assert len(flagged) >= 10
    assert len(flagged & set().union(*_gamed().values())) >= 0.8 * len(flagged)


def test_a_flag_names_signs_that_the_answer_carries(fleet: Fleet) -> None:
    rows = fleet.flags().values()
    assert all(set(row["flags"]) <= set(row["signs"]) for row in rows)
    assert any(row["signs"] and not row["flags"] for row in rows)


def test_each_finding_says_when_it_began_and_what_was_seen(fleet: Fleet) -> None:
    for finding in fleet.findings().values():
        assert finding["since"] <= finding["raised_on"] <= finding["sounded_on"]
        assert abs((finding["raised_at"].date() - finding["raised_on"]).days) <= 1
        assert finding["detector"] in list(Detector)
        assert finding["at_most"] < finding["found"] <= finding["looked_at"]
        assert f"rom {finding['since']} to {finding['raised_on']} {finding['found']:,.0f} " in finding["evidence"]
        assert "{" not in finding["evidence"]


def test_each_unit_is_judged_and_suspects_say_why(fleet: Fleet) -> None:
    simulation, _, _ = company()
    verdicts = {row["unit_id"]: row for row in fleet.verdicts().values()}
    assert verdicts.keys() == set(simulation.company.unit_ids)
    assert {"clear", "suspect"} <= {row["state"] for row in verdicts.values()}
    for row in verdicts.values():
        assert (row["since"] is None) == (row["state"] == "clear") == (not row["families"])
        assert (len(row["families"]) > 1) == (row["state"] == "suspect")
        assert row["since"] is None or isinstance(row["since"], date)


def test_rows_are_as_declared(fleet: Fleet) -> None:
    assert fleet.sink.keys() == {Table.FINDINGS, Table.SIGNS, Table.UNITS}
    for table, found in fleet.sink.items():
        for row in found.values():
            assert row.keys() == {column.name for column in TABLES[table].columns}
    assert all(re.fullmatch(r".+/[a-z_]+/\d{4}-\d\d-\d\d", row["finding_id"]) for row in fleet.sink[Table.FINDINGS].values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_number_of_partitions_read_in_any_order_gives_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(3, seed), fleet)


@pytest.mark.parametrize("seed", [4, 5])
def test_records_that_arrive_days_late_and_out_of_order_give_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(2, seed, jitter_days=2.0), fleet)


@pytest.mark.parametrize("seed", [6, 7])
def test_stages_that_are_lost_with_what_the_sink_had_not_got_give_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(2, seed, crashes=True), fleet)
