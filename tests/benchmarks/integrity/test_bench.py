"""The bench counts rightly: what was found, what scores are worth, where false alarms are; and its pages say so."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.integrity import contest, guarantee, pages, real
from benchmarks.integrity.companies import SINGLES, Size, assign, deal, draw, run
from benchmarks.integrity.daily import watch
from benchmarks.integrity.events import Event, decode, merge, split
from benchmarks.integrity.injectors import INJECTORS, STRENGTHS
from benchmarks.integrity.judging import Finding, first_raised, judge, units_of
from benchmarks.integrity.pages import Measured
from benchmarks.integrity.rivals import rivals
from benchmarks.integrity.scores import answers_of, bias_of
from benchmarks.integrity.trials import Treatment, Trial, try_out
from schemas.catalog import Catalog
from schemas.enums import Detector, Topic, UnitState
from streams.core.integrity.detectors import FLEET_DETECTORS, PLAN_DETECTORS, UNIT_DETECTORS
from streams.files import FileRecord
from tests.benchmarks.integrity.conftest import FROM_DAY, UNIT

SMALL = Size(units=12, months=4, first_day=45, last_day=60)
BY_NAME = {injector.name: injector for injector in INJECTORS}


def _answer(number: int, score: int, at: str = "2026-03-01T10:00:00Z", **fields: object) -> Event:
    told = {"event_id": f"e{number}", "event_type": "response.submitted", "occurred_at": at, "account_id": "a", "unit_id": "u", "metric": "nps"}
    return Event(Topic.FEEDBACK, 0, {**told, "response_id": f"r{number}", "score": score, **fields})


def test_scores_are_those_of_the_published_example() -> None:
    events = [_answer(number, 10 if number < 70 else 8 if number < 90 else 3) for number in range(100)]
    answers = answers_of(events)
    flagged = {f"r{number}" for number in range(20)}
    bias = bias_of({"one": next(iter(answers_of([_answer(0, 8)]).values()))}, answers, flagged)
    assert bias is not None
    assert (bias.raw, bias.excluded, bias.mid, bias.low) == (60, 50, 40, 20)


def test_of_an_answer_the_newest_revision_counts_unless_it_was_withdrawn() -> None:
    events = [_answer(1, 10), _answer(1, 3, revision=2), _answer(1, 10), _answer(2, 10), _answer(3, 10, synthetic=True)]
    events.append(Event(Topic.FEEDBACK, 0, {**_answer(2, 10).fields, "event_type": "response.withdrawn"}))
    assert {name: answer.direction for name, answer in answers_of(events).items()} == {"r1": -1}


def test_records_that_nobody_changed_come_out_byte_for_byte(records: list[FileRecord]) -> None:
    of_units, others = split(records, {UNIT, "unit-003"})
    assert all(of_units.values())
    again = merge(of_units.values(), others)
    assert sorted((record.timestamp, record.value or b"") for record in again) == sorted(
        (record.timestamp, record.value or b"") for record in records
    )


@pytest.mark.parametrize(
    ("row", "units"),
    [
        ({"unit_id": "u1"}, ("u1",)),
        ({"unit_id": "", "plan_id": "p"}, ("u1", "u2")),
        ({"unit_id": "p"}, ("u1", "u2")),
        ({"unit_id": "", "plan_id": "q", "plan_units": ["u3", "u4"]}, ("u3", "u4")),
        ({"unit_id": None, "plan_id": None}, ()),
        ({"unit_id": ""}, ()),
    ],
)
def test_findings_are_about_a_unit_a_plan_or_the_fleet(row: dict[str, object], units: tuple[str, ...]) -> None:
    assert units_of(row, {"p": ("u1", "u2")}) == units


def test_a_finding_counts_if_it_is_about_one_of_the_units_and_raised_since() -> None:
    findings = [
        Finding(("u1",), "level_shift", "score", date(2026, 2, 9), 1e6),
        Finding((), "regretted_praise", "behaviour", date(2026, 2, 8), 1e6),
        Finding(("u1", "u2"), "period_end_push", "timing", date(2026, 2, 7), 1e6),
        Finding(("u1",), "level_shift", "score", date(2026, 1, 31), 1e6),
        Finding(("u3",), "level_shift", "score", date(2026, 2, 9), 1e6),
    ]
    assert [one.raised_on.day for one in first_raised(findings, ("u1",), FROM_DAY)] == [7, 9]
    assert [one.raised_on.day for one in first_raised(findings, ("u1",), FROM_DAY, fleet=True)] == [7, 8, 9]


def test_everything_is_dealt_about_as_often() -> None:
    hands = list(deal(40, seed=1))
    assert all(sum(injector.units == 1 for injector, _ in hand) == SINGLES for hand in hands)
    dealt = Counter(one for hand in hands for one in ((injector.name, strength) for injector, strength in hand))
    for alone in (True, False):
        counts = [dealt[injector.name, strength] for injector in INJECTORS if (injector.units == 1) == alone for strength in STRENGTHS]
        assert max(counts) - min(counts) <= 1


def test_units_are_treated_once_and_a_plan_as_a_whole() -> None:
    company = draw(4, SMALL)
    dealt = [(BY_NAME[name], 1.0) for name in ("begging", "month_end_push", "kiosk", "always_begging")]
    treatments = assign(company, dealt, 4, SMALL)
    units = [unit for treatment in treatments for unit in treatment.units]
    assert len(units) == len(set(units)) == 8
    pushed = next(treatment for treatment in treatments if treatment.injector.name == "month_end_push")
    assert pushed.units in [plan.units for plan in company.catalog.incentive_plans]
    assert next(treatment for treatment in treatments if treatment.injector.from_first_day).from_day == company.start


def test_blatant_stuffing_is_found_flagged_and_taken_out_of_the_score(records: list[FileRecord]) -> None:
    units = [f"unit-{number:03d}" for number in range(1, 5)]
    treatment = Treatment(BY_NAME["ballot_stuffing"], 2.0, (UNIT,), FROM_DAY)
    trial = try_out(records, Catalog(), units, [treatment], seed=1)
    (outcome,) = trial.outcomes
    assert outcome.found_within(30)
    assert outcome.was(UnitState.SUSPECT, 60)
    assert outcome.flagged_rightly > 0.8 * outcome.changed
    assert outcome.bias is not None
    assert abs(outcome.bias.excluded) < 0.5 * outcome.bias.raw
    assert outcome.bias.low < outcome.bias.mid < outcome.bias.raw
    assert trial.honest == tuple(units[1:])
    assert trial.e_values[UNIT] > max(trial.e_values.get(unit, 0.0) for unit in trial.honest)


def test_what_rivals_are_shown_adds_up(records: list[FileRecord]) -> None:
    units = [f"unit-{number:03d}" for number in range(1, 5)]
    stream = watch(records, units)
    answers = answers_of(event for event in map(decode, records) if event is not None)
    assert abs(stream.per_day().sum() - len(answers)) < 0.02 * len(answers)
    assert (stream.per_day(stream.top) <= stream.per_day()).all()
    assert stream.asked.sum() > 0
    assert stream.sold.sum() > stream.asked.sum()
    assert (np.diff(stream.day) >= 0).all()


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    """Two small companies, with what they are tuned on in between."""
    return list(run([1, 2], SMALL))


def test_pages_name_every_detector_and_attack_and_how_they_were_made(trials: list[Trial], tmp_path: Path) -> None:
    clean = trials[:1]
    contests = contest.hold(rivals(), clean, [watch(trial.records, [f"unit-{number:03d}" for number in range(1, 13)]) for trial in clean])
    for trial in trials:
        stream = watch(trial.records, [f"unit-{number:03d}" for number in range(1, 13)])
        for held in contests:
            held.add(trial, stream)
    for held in contests:
        assert {contest.CANDOR, *(rival.name for rival in rivals())} == held.standings.keys()
        assert all(sum(map(len, one.delays.values())) == sum(len(trial.outcomes) for trial in trials) for one in held.standings.values())
    measured = Measured("the command", "Seeds 1 to 2.", 1.0)
    pages.write_power(tmp_path, trials, measured)
    pages.write_contest(tmp_path, contests, measured)
    power = (tmp_path / "power.md").read_text(encoding="utf-8")
    assert "the command" in power
    assert "Seeds 1 to 2." in power
    assert all(f"| {detector} |" in power for detector in Detector)
    assert all(f"`{injector.name}`: " in power for injector in INJECTORS)
    for page in tmp_path.glob("*.md"):
        _check_tables(page.read_text(encoding="utf-8").splitlines())
    for name in ("power", "delays", "bias", "confounders", "rivals-1", "rivals-2"):
        assert (tmp_path / f"{name}.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")
        assert f"({name}.svg)" in power + (tmp_path / "rivals.md").read_text(encoding="utf-8")


def _check_tables(lines: list[str]) -> None:
    for line, following in pairwise(lines):
        if line.startswith("|") and following.startswith("|"):
            assert line.count("|") == following.count("|")


def test_false_alarms_are_counted_per_detector_and_together(tmp_path: Path) -> None:
    runs = list(guarantee.measure(1, seed=2, count=60))
    assert len(runs) == len(guarantee.CORRELATIONS) * len(guarantee.BETWEEN) * (len(UNIT_DETECTORS) + len(PLAN_DETECTORS) + 1 + len(FLEET_DETECTORS))
    of_fleets = {detector.name for detector in FLEET_DETECTORS}
    assert all(run.unit_days == 60 * (1 if run.name in of_fleets else guarantee.UNITS_A_FLEET) and run.responses > 0 for run in runs)
    assert all(bool(run.alarms) == bool(run.alarmed_early) for run in runs)
    pages.write_guarantee(tmp_path, runs, Measured("the command", "", 1.0))
    _check_tables((tmp_path / "guarantee.md").read_text(encoding="utf-8").splitlines())


def _network(folder: Path) -> Path:
    random = np.random.default_rng(1)
    rows = [
        f"{rater},{random.integers(50, 80)},{random.choice([-10, 1, 2, 8])},{1.3e9 + 8_000 * number}"
        for number, rater in enumerate([*range(40)] * 30)
    ]
    path = folder / "network.csv"
    path.write_text("\n".join(reversed(rows)) + "\n", encoding="utf-8")
    return path


def test_trust_becomes_scores_and_pools_keep_every_rating(tmp_path: Path) -> None:
    assert [real.step_of(trust) for trust in (-10, -6, -5, -1, 1, 2, 4, 5, 10)] == [1, 1, 2, 2, 3, 4, 4, 5, 5]
    ratings = real.rev2("tiny", _network(tmp_path))
    times = [record.timestamp for record in ratings.records]
    assert len(times) == 1_200
    assert times == sorted(times)
    records, catalog, names = real.pooled(ratings, salt=3)
    pools = Counter(event.fields["unit_id"] for event in map(decode, records) if event is not None)
    assert pools.total() == 1_200
    assert set(pools) <= set(names)
    assert all(len(plan.units) == real.PLAN_POOLS for plan in catalog.incentive_plans)
    assert not ratings.allows(BY_NAME["contact_hijack"])
    assert ratings.allows(BY_NAME["bribing"])


def test_injected_ratings_have_no_field_that_real_ones_have_not(tmp_path: Path) -> None:
    ratings = real.rev2("tiny", _network(tmp_path))
    trials = list(real.run(ratings, range(5, 8)))
    assert [outcome for trial in trials for outcome in trial.outcomes]
    for trial in trials:
        assert all(event.fields.keys() <= ratings.fields for event in map(decode, trial.records) if event is not None)


def test_ratings_alone_are_judged_as_they_come_and_not_only_at_the_end(tmp_path: Path) -> None:
    ratings = real.rev2("tiny", _network(tmp_path))
    first_seen = [timeline[0][0] for timeline in judge(ratings.records, ratings.catalog).states.values()]
    last = max(event.at.date() for event in map(decode, ratings.records) if event is not None)
    assert first_seen
    assert min(first_seen) < last - timedelta(days=60)


def test_raters_are_ranked_by_what_they_give(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("".join(f"{rater},{-1 if rater < 10 else 1}\n" for rater in range(40)), encoding="utf-8")
    rankings = real.rank_raters(real.rev2("tiny", _network(tmp_path)), tmp_path / "truth.csv")
    assert {(one.fraudulent, one.honest) for one in rankings} == {(10, 30)}
    assert all(0 <= one.area <= 1 for one in rankings)
    assert real.ranked([True, False, True, False], [4.0, 3.0, 2.0, 1.0]) == pytest.approx((0.75, (1 + 2 / 3) / 2))
