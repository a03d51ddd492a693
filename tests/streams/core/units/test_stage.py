"""Findings come from what happened, not from how it was read."""

import json
import random
import re
from collections import defaultdict
from datetime import date

import pytest

from schemas.catalog import Catalog, IncentivePlan
from schemas.enums import Detector, Topic
from schemas.rows import TABLES, Table
from streams.core.batch import Numbered
from streams.core.signals import CLOSING_DAYS, IDLE_DAYS, FleetSignals
from streams.core.units.intake import take_in_fleet
from tests.chaos.stream import generate
from tests.chaos.trial import plan
from tests.oracle.records import Record as Sent
from tests.streams.core.units.company import company, run
from tests.streams.core.units.fleet import Fleet


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
        since, until = finding["since"], finding["raised_on"]
        when = f"n {since}" if since == until else f"rom {since} to {until}"
        assert f"{when} {finding['found']:,.0f} " in finding["evidence"]
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
    assert fleet.sink.keys() == {Table.FINDINGS, Table.SIGNS, Table.UNITS, Table.JUDGED}
    for table, found in fleet.sink.items():
        for row in found.values():
            assert row.keys() == {column.name for column in TABLES[table].columns}
    assert all(re.fullmatch(r".+/[a-z_]+/\d{4}-\d\d-\d\d", row["finding_id"]) for row in fleet.sink[Table.FINDINGS].values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_number_of_partitions_read_in_any_order_gives_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(3, seed), fleet)


@pytest.mark.parametrize(("seed", "crashes"), [(13, False), (16, True)])
def test_whoever_rested_before_everything_came_at_once_is_waited_for(fleet: Fleet, seed: int, crashes: bool) -> None:
    assert _same(run(3, seed, rested=True, crashes=crashes), fleet)


def test_what_is_vouched_for_is_where_the_foremost_was_the_time_before() -> None:
    """Of two partitions, one rests while the other goes on."""
    fleet = Fleet(Catalog(), 2)

    def tell(partition: int, day: int, *, caught_up: bool) -> tuple[int, int] | None:
        take_in_fleet(fleet.units[0].state, [FleetSignals(partition, day, caught_up)])
        reached = fleet.units[0]._reached()
        return reached and (reached.judgeable + 1, reached.closable + 1 + CLOSING_DAYS)

    assert tell(0, 10, caught_up=True) is None, "of the other nothing is known"
    assert tell(1, 40, caught_up=False) == (10, 10)
    assert tell(0, 10, caught_up=True) == (10, 10), "the time before nobody was at 40"
    assert tell(1, 90, caught_up=False) == (10, 10)
    assert tell(0, 10, caught_up=True) == (40, 40 - IDLE_DAYS)
    take_in_fleet(fleet.units[0].state, [FleetSignals(0, None, caught_up=False)])
    assert tell(1, 91, caught_up=False) == (40, 40 - IDLE_DAYS), "nobody looked"
    assert tell(0, 10, caught_up=True) == (90, 90 - IDLE_DAYS)
    assert tell(0, 12, caught_up=False) == (12, 12)
    assert tell(0, 12, caught_up=True) == (12, 12)
    assert tell(0, 12, caught_up=True) == (91, 91 - IDLE_DAYS)
    assert tell(1, 91, caught_up=True) == (91, 91 - IDLE_DAYS)
    assert fleet.units[0]._reached() == (90, 91 - IDLE_DAYS - CLOSING_DAYS - 1, True)


@pytest.mark.parametrize("seed", [4, 5])
def test_records_that_arrive_days_late_and_out_of_order_give_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(2, seed, jitter_days=2.0), fleet)


@pytest.mark.parametrize("seed", [6, 7])
def test_stages_that_are_lost_with_what_the_sink_had_not_got_give_the_same(fleet: Fleet, seed: int) -> None:
    assert _same(run(2, seed, crashes=True), fleet)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 14])
def test_topics_may_be_read_in_any_order_to_each_other(seed: int) -> None:
    """Everything that makes counting hard: revisions, withdrawals, copies, invitations before their purchases, topics far ahead of others."""
    options = plan(seed).stream
    records = generate(seed, options)
    plans = (IncentivePlan(plan_id="bonus", units=tuple(f"u-{number}" for number in range(9)), period="month"),)
    money = {"base_currency": options.catalog.base_currency, "fx_rates": options.catalog.fx_rates}
    catalog = Catalog(timezone=options.catalog.timezone, **money, incentive_plans=plans)
    chance = random.Random(seed)

    expected = _read(records, catalog, None)
    assert any(row["flags"] for row in expected.flags().values())
    for _ in range(2):
        assert _same(_read(records, catalog, chance), expected)


def _read(records: list[Sent], catalog: Catalog, chance: random.Random | None) -> Fleet:
    """Each topic of a partition in order; ``chance`` chooses which goes on, and when stages flush."""
    fleet = Fleet(catalog, 4)
    lanes: dict[tuple[int, Topic], list[Numbered]] = defaultdict(list)
    for sent in records:
        lanes[sent.partition, Topic(sent.topic)].append(Numbered(sent.offset, sent.timestamp_ms, sent.key, sent.value, sent.headers))
    while left := [lane for lane, waiting in lanes.items() if waiting]:
        lane = chance.choice(left) if chance else left[0]
        size = chance.randint(1, 100) if chance else len(lanes[lane])
        fleet.feed(lane[0], ((lane[1], record) for record in lanes[lane][:size]))
        del lanes[lane][:size]
        if chance and chance.random() < 0.3:
            fleet.tell(lane[0])
        if chance and chance.random() < 0.3:
            fleet.hear(chance.randrange(4))
    for partition, topic in chance.sample([(p, topic) for p in range(4) for topic in Topic], 4 * len(Topic)) if chance else ():
        fleet.accounts[partition].rest([topic])
        if chance and chance.random() < 0.5:
            fleet.tell(partition)
            fleet.hear(chance.randrange(4))
    fleet.end()
    return fleet
