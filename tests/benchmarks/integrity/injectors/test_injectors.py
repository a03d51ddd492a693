"""What holds of every injector, and what each of them does."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import pytest

from benchmarks.integrity.events import Event, is_submission, midnight, scale_of
from benchmarks.integrity.injectors import INJECTORS, Injector, Kind
from benchmarks.integrity.injectors.protocol import answers
from benchmarks.integrity.judging import judge
from schemas.catalog import Catalog
from schemas.enums import Channel, ContactClass, Topic
from streams.core.batch import Numbered
from streams.core.decoding import decode as check
from tests.benchmarks.integrity.conftest import FROM_DAY, UNIT

BY_NAME = {injector.name: injector for injector in INJECTORS}
SINCE = midnight(FROM_DAY)


def _done(name: str, events: list[Event], strength: float = 1.0, seed: int = 1) -> list[Event]:
    return BY_NAME[name].inject(events, UNIT, FROM_DAY, strength, np.random.default_rng(seed))


def _answers(events: Iterable[Event]) -> dict[str, Event]:
    return {event.fields["response_id"]: event for event in answers(events, UNIT, FROM_DAY)}


def _is_top(event: Event) -> bool:
    return bool(event.fields["score"] == scale_of(event.fields)[1])


@pytest.mark.parametrize("injector", INJECTORS, ids=lambda injector: injector.name)
def test_it_is_pure_and_touches_its_unit_from_its_day_on_alone(injector: Injector, events: list[Event]) -> None:
    before = [dict(event.fields) for event in events]
    after = injector.inject(events, UNIT, FROM_DAY, 1.0, np.random.default_rng(5))
    again = injector.inject(events, UNIT, FROM_DAY, 1.0, np.random.default_rng(5))
    assert [event.fields for event in events] == before
    assert [(event.arrived_at, event.fields) for event in after] == [(event.arrived_at, event.fields) for event in again]
    assert [event.arrived_at for event in after] == sorted(event.arrived_at for event in after)
    kept = {id(event) for event in after}
    for event in events:
        if event.fields["unit_id"] != UNIT or (event.at < SINCE - timedelta(days=30)):
            assert id(event) in kept
    new = [event for event in after if event.record is None]
    assert all(event.fields["unit_id"] == UNIT and event.at >= SINCE for event in new)
    assert bool(new) == (injector.name != "nothing")


@pytest.mark.parametrize("injector", INJECTORS, ids=lambda injector: injector.name)
def test_what_it_makes_is_accepted(injector: Injector, events: list[Event]) -> None:
    after = injector.inject(events, UNIT, FROM_DAY, 2.0, np.random.default_rng(5))
    for topic in (Topic.FEEDBACK, Topic.INVITATIONS, Topic.TRANSACTIONS):
        made = [event.to_record() for event in after if event.record is None and event.topic is topic]
        numbered = [Numbered(number, record.timestamp, record.key, record.value, record.headers) for number, record in enumerate(made)]
        assert not check(topic, numbered, Catalog(fx_rates={"USD": 1, "GBP": 1})).rejected


@pytest.mark.parametrize("injector", [one for one in INJECTORS if one.kind is Kind.ATTACK and one.name != "cherry_picking"], ids=lambda one: one.name)
def test_the_stronger_the_more_answers_it_makes_or_changes(injector: Injector, events: list[Event]) -> None:
    def touched(strength: float) -> int:
        after = injector.inject(events, UNIT, FROM_DAY, strength, np.random.default_rng(5))
        return len({event.fields["response_id"] for event in after if event.record is None and is_submission(event)})

    assert 0 < touched(0.25) < touched(1.0) < touched(2.0)


def test_begging_moves_a_quarter_to_the_top_and_customers_admit_it_only_where_they_are_asked(events: list[Event]) -> None:
    was, now = _answers(events), _answers(_done("begging", events))
    lower = [name for name in was if not _is_top(was[name])]
    assert 0.1 < np.mean([_is_top(now[name]) for name in lower]) < 0.4
    assert all("asked_for_score" in was[name].fields for name in now if now[name].fields.get("asked_for_score"))
    assert all(now[name].fields["score"] >= was[name].fields["score"] for name in now)


def test_bribing_leaves_those_alone_who_gave_the_top_score(events: list[Event]) -> None:
    was, now = _answers(events), _answers(_done("bribing", events))
    assert all(now[name] is was[name] for name in was if _is_top(was[name]))
    assert 0.3 < np.mean([_is_top(now[name]) for name in was if not _is_top(was[name])]) < 0.7


def test_ballots_come_from_three_devices_and_stealthy_ones_from_as_many_as_accounts(events: list[Event]) -> None:
    was = _answers(events)
    for name, rate in (("ballot_stuffing", 0.8), ("stealth_stuffing", 0.5)):
        fakes = {name: event for name, event in _answers(_done(name, events)).items() if name not in was}
        assert 0.6 * rate * len(was) < len(fakes) < 1.3 * rate * len(was)
        assert all(_is_top(fake) for fake in fakes.values())
        accounts = {fake.fields["account_id"] for fake in fakes.values()}
        devices = {fake.fields["device_hash"] for fake in fakes.values() if "device_hash" in fake.fields}
        assert len(devices) == 3 if name == "ballot_stuffing" else len(devices) >= 0.8 * len(accounts)


def test_a_ring_is_the_same_few_accounts_at_every_unit(events: list[Event]) -> None:
    rings = []
    for unit in (UNIT, "unit-002"):
        after = BY_NAME["rater_ring"].inject(events, unit, FROM_DAY, 2.0, np.random.default_rng(2))
        rings.append({event.fields["account_id"] for event in after if event.record is None})
    assert rings[0] == rings[1]
    assert len(rings[0]) == 15


def test_pushes_fill_the_last_days_of_months_alone(events: list[Event]) -> None:
    was, now = _answers(events), _answers(_done("month_end_push", events))
    days = {now[name].at.date() for name in now if now[name] is not was[name]}
    assert days
    assert all((day + timedelta(days=5)).month != day.month for day in days)


def test_cherry_picking_keeps_troubled_customers_from_answering_and_nobody_else(events: list[Event]) -> None:
    troubled = {event.fields["transaction_id"] for event in events if event.fields.get("risk_flags") and event.at >= SINCE}
    was, now = _answers(events), _answers(_done("cherry_picking", events))
    gone = [was[name] for name in was.keys() - now.keys()]
    assert gone
    assert all(event.fields["transaction_id"] in troubled for event in gone)
    assert all(now[name] is was[name] for name in now)


def test_hijacked_invitations_are_answered_by_staff(events: list[Event]) -> None:
    now = _answers(_done("contact_hijack", events))
    hijacked = [event for event in now.values() if event.fields.get("contact_class") == ContactClass.STAFF]
    assert hijacked
    assert all(_is_top(event) for event in hijacked)
    assert len({event.fields["contact_hash"] for event in hijacked}) == 1
    assert len({event.fields["device_hash"] for event in hijacked}) == 2


def test_a_campaign_lends_no_words_that_a_comparison_would_reach(events: list[Event]) -> None:
    after = _done("campaign_surge", events)
    said: dict[str, list[Event]] = {}
    for event in _answers(after).values():
        if "comment" in event.fields and len(event.fields["comment"]) > 60:
            said.setdefault(event.fields["comment"], []).append(event)
    more = [event for event in after if event.record is None]
    assert not {event.fields["account_id"] for event in more} & {event.fields["account_id"] for event in events}
    lent = [event for event in more if event.fields.get("comment")]
    for event in lent:
        near = [other for other in said.get(event.fields["comment"], []) if abs(other.at - event.at) <= timedelta(days=30) and other.record]
        assert not near


def test_a_kiosk_is_one_device_and_says_that_it_is_one(events: list[Event]) -> None:
    was, now = _answers(events), _answers(_done("kiosk", events))
    rated = [now[name] for name in now.keys() - was.keys()]
    assert {event.fields["channel"] for event in rated} == {Channel.KIOSK}
    assert len({event.fields["device_hash"] for event in rated}) == 1
    assert len({event.fields["account_id"] for event in rated}) > 0.5 * len(rated)


def test_after_an_outage_everything_comes_at_once_and_nothing_is_lost(events: list[Event]) -> None:
    was, now = _answers(events), _answers(_done("outage", events))
    assert was.keys() == now.keys()
    per_day = Counter((event.at - SINCE).days for event in now.values())
    assert not any(per_day[day] for day in range(7))
    assert per_day[7] + per_day[8] >= sum((event.at - SINCE).days < 7 for event in was.values())


def test_improvement_lifts_scores_by_a_tenth_of_the_scale(events: list[Event]) -> None:
    was, now = _answers(events), _answers(_done("genuine_improvement", events))
    low = [name for name in was if was[name].fields["metric"] == "nps" and was[name].fields["score"] <= 8]
    assert np.mean([now[name].fields["score"] - was[name].fields["score"] for name in low]) == pytest.approx(1.1, abs=0.1)


def test_a_stream_that_nothing_was_done_to_is_judged_as_its_records_are(events: list[Event]) -> None:
    verdict = judge([event.to_record() for event in events], Catalog())
    assert verdict.states
    assert not verdict.flags
