"""What is simulated looks like a company, and the same plan gives the same company."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from yaml import safe_load

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from streams.files import FileRecord, line_of
from streams.simulate import Plan, Simulation, simulate
from streams.simulate.gaming import Attack
from streams.simulate.plan import MIXES, MixName

SMALL = Plan(events=12_000, accounts=600, units=20)


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulate(SMALL)


def _lines(simulation: Simulation) -> bytes:
    return b"".join(line_of(record) for record in simulation.records())


def _events(simulation: Simulation, topic: Topic) -> Iterator[dict[str, Any]]:
    """Events of a topic without copies and without those that are meant to be refused."""
    seen = set()
    for record in simulation.records():
        if record.topic is not topic or record.value is None:
            continue
        try:
            event = json.loads(record.value)
        except ValueError:
            continue
        event_id = str(event.get("event_id", event.get("id")))
        if not event_id.startswith(("again-", "bad-")) and event_id not in seen:
            seen.add(event_id)
            yield event.get("data", event)


def test_the_same_plan_gives_the_same_bytes(small: Simulation) -> None:
    again = simulate(replace(SMALL))

    assert _lines(again) == _lines(small)
    assert again.truth() == small.truth()
    assert again.catalog() == small.catalog()


def test_another_seed_gives_another_company(small: Simulation) -> None:
    assert _lines(simulate(replace(SMALL, seed=2))) != _lines(small)


def test_records_are_in_order_of_arrival_and_events_within_the_simulated_time(small: Simulation) -> None:
    arrivals = [record.timestamp for record in small.records()]
    starts, ends = "2026-01-01T", "2026-07-01T"

    assert arrivals == sorted(arrivals)
    for topic in Topic:
        times = [event["occurred_at"] for event in _events(small, topic)]
        assert times
        assert all(starts <= time < ends for time in times if time.endswith("Z"))


def test_events_come_out_of_order_and_twice(small: Simulation) -> None:
    values = Counter(record.value for record in small.records() if record.value is not None)
    times = [event["occurred_at"] for event in _events(small, Topic.INVITATIONS)]
    renamed = sum(b'"event_id":"again-' in value for value in values)

    assert max(values.values()) > 1
    assert times != sorted(times)
    assert renamed > 0


@pytest.mark.parametrize("events", [2_000, 30_000])
def test_the_wanted_number_of_events_is_met(events: int) -> None:
    assert len(simulate(replace(SMALL, events=events))) == pytest.approx(events, rel=0.05)


def test_every_reason_to_refuse_a_record_but_too_late_occurs(small: Simulation) -> None:
    assert set(small.bad) == set(RejectReason) - {RejectReason.TOO_LATE}


def test_the_mission_mix_is_as_promised() -> None:
    mix = MIXES[MixName.MISSION]
    counted = Counter(record.topic for record in simulate(Plan(events=60_000, accounts=mix.accounts, mix=mix)).records())
    share = {topic: counted[topic] / sum(counted.values()) for topic in Topic}

    assert share[Topic.TRANSACTIONS] == pytest.approx(0.60, abs=0.02)
    assert share[Topic.INVITATIONS] == pytest.approx(0.15, abs=0.02)
    assert share[Topic.FEEDBACK] == pytest.approx(0.12, abs=0.02)
    assert share[Topic.COMMUNICATIONS] == pytest.approx(0.08, abs=0.02)
    assert share[Topic.ACTIONS] + share[Topic.OUTCOMES] + share[Topic.OPERATIONS] == pytest.approx(0.05, abs=0.02)


def test_what_events_refer_to_exists(small: Simulation) -> None:
    transactions = {event["transaction_id"]: event for event in _events(small, Topic.TRANSACTIONS)}
    invitations = {event["invitation_id"] for event in _events(small, Topic.INVITATIONS)}
    responses = {event["response_id"]: event for event in _events(small, Topic.FEEDBACK)}

    for response in responses.values():
        if "transaction_id" in response:
            assert transactions[response["transaction_id"]]["account_id"] == response["account_id"]
        assert response.get("invitation_id") is None or response["invitation_id"] in invitations
    for transaction in transactions.values():
        if "original_transaction_id" in transaction:
            assert transactions[transaction["original_transaction_id"]]["account_id"] == transaction["account_id"]
    assert all(event["response_id"] in responses for event in _events(small, Topic.ACTIONS))


def test_feeling_drives_scores_and_detractors_get_cases(small: Simulation) -> None:
    feeling = dict(zip(small.company.account_ids, small.company.feeling.tolist(), strict=True))
    nps = [event for event in _events(small, Topic.FEEDBACK) if event.get("metric") == "nps"]
    happy = [event["score"] for event in nps if feeling[event["account_id"]] > 0.75]
    unhappy = [event["score"] for event in nps if feeling[event["account_id"]] < 0.5]
    followed = {event["response_id"] for event in _events(small, Topic.ACTIONS)}
    low = {event["response_id"] for event in nps if event.get("revision", 1) == 1 and event["score"] < 7}

    assert sum(happy) / len(happy) > sum(unhappy) / len(unhappy) + 1
    assert len(low & followed) > 0.7 * len(low)


def test_the_truth_names_the_units_that_are_not_honest(small: Simulation) -> None:
    truth = json.loads(small.truth())
    scores = {event["response_id"]: event for event in _events(small, Topic.FEEDBACK) if "score" in event and event.get("revision", 1) == 1}
    units = truth["units"]

    assert {unit["unit_id"] for unit in units} <= set(small.company.unit_ids)
    assert [unit["gaming"] for unit in units if unit["attack"] == Attack.REAL_IMPROVEMENT] in ([], [False])
    touched = [response_id for unit in units for response_id in unit["response_ids"]]
    assert touched
    for unit in units:
        for response_id in unit["response_ids"]:
            event = scores[response_id]
            assert event["unit_id"] == unit["unit_id"]
            assert event["occurred_at"] >= unit["since"].removesuffix("Z")


def test_gaming_units_score_higher_than_their_customers_feel() -> None:
    simulation = simulate(Plan(events=60_000, accounts=2_000, units=12, seed=3))
    responses, gaming = simulation.responses, simulation.gaming
    changed = responses.gamed
    honest = ~changed & (gaming.attack[responses.unit] < 0)
    of_nps = responses.survey <= 1

    assert responses.score[changed & of_nps].mean() > 9.5 > responses.score[honest & of_nps].mean()


def test_the_catalog_can_be_used(small: Simulation) -> None:
    catalog = Catalog.model_validate(safe_load(small.catalog()))

    assert [unit.unit_id for unit in catalog.units] == small.company.unit_ids
    assert {"EUR", "GBP", "USD"} == set(catalog.rates)
    assert len(catalog.consumables) == small.company.consumable.sum()


def test_test_accounts_are_marked_everywhere(small: Simulation) -> None:
    probes = {name for name, test in zip(small.company.account_ids, small.company.test.tolist(), strict=True) if test}

    assert probes
    for topic in (Topic.TRANSACTIONS, Topic.INVITATIONS, Topic.FEEDBACK):
        for event in _events(small, topic):
            assert event.get("synthetic", False) == (event["account_id"] in probes)


def test_another_start_moves_everything() -> None:
    simulation = simulate(Plan(events=1_000, accounts=100, units=4, months=2, start=date(2024, 2, 29)))
    first: FileRecord = next(iter(simulation.records()))

    assert simulation.plan.end == date(2024, 4, 29)
    assert first.timestamp >= 1_709_164_800_000 - 2 * 86_400_000


@pytest.mark.parametrize("wrong", [{"months": 0}, {"accounts": 1}, {"units": 1}, {"events": 0}, {"seed": -1}, {"start": date(1960, 1, 1)}])
def test_a_plan_that_cannot_be_simulated_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(SMALL, **wrong)
