"""What is judged as if it were one unit: plans at the end of their periods, and the praise of the whole fleet."""

from collections import defaultdict
from collections.abc import Collection

import numpy as np
import pytest

from schemas.catalog import Catalog
from schemas.rows import Table
from streams.core.units.findings import units_of
from streams.stages import units_stages
from tests.streams.core.units.answering import Answers
from tests.streams.core.units.fleet import Fleet

UNITS = tuple(f"u{number}" for number in range(6))
BEGIN = 20_454  # 2026-01-01


def _catalog(period: str = "month", units: tuple[str, ...] = UNITS) -> Catalog:
    return Catalog.model_validate({"incentive_plans": [{"plan_id": "bonus", "units": units, "period": period}], "timezone": "UTC"})


def _run(catalog: Catalog, partitions: int = 1, *, pushed: float = 0.8, better: Collection[str] = (), rests: int = 8) -> Fleet:
    """Six units of six answers a day over four months; on the last five days of a month so many of those below the top become top scores.

    Some units get ``better`` altogether, late enough for their peers and their past to be known. On one day of the week nobody answers.
    """
    chance, answers = np.random.default_rng(5), Answers(catalog, partitions)
    for day in range(BEGIN, BEGIN + 120):
        if day % 7 == rests:
            continue
        month_end = (np.datetime64(day, "D").astype("datetime64[M]") + 1).astype("datetime64[D]").astype(int) - day <= 5
        for unit in UNITS:
            rate = 0.85 if unit in better and day >= BEGIN + 70 else 0.45
            for _ in range(6):
                answers.add(unit, day, 10 if chance.random() < rate or (month_end and chance.random() < pushed) else 7)
        if day % 10 == 0:
            answers.tell()
    return answers.end()


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Pushed at the end of every month."""
    return _run(_catalog())


def test_a_push_at_the_end_of_months_is_a_finding_of_the_plan(fleet: Fleet) -> None:
    (found,) = fleet.findings().values()
    assert (found["plan_id"], found["unit_id"], found["detector"], found["family"]) == ("bonus", "", "period_end_push", "timing")
    assert found["plan_units"] == sorted(UNITS)
    assert found["finding_id"] == f"plan:bonus/period_end_push/{found['raised_on']}"
    # Of the first month nobody knows yet what is usual.
    assert found["raised_on"].isoformat() <= "2026-02-28"
    assert found["raised_on"] == found["raised_at"].date()
    assert found["raised_on"].day >= 24
    assert "last days of a period" in found["evidence"]
    assert found["evidence"].endswith(("of these last days.", "of these last days, or less often."))


@pytest.mark.parametrize("catalog", [_catalog("fortnight"), _catalog(units=()), Catalog()], ids=["no period", "no units", "no plan"])
def test_without_a_plan_nobody_looks(catalog: Catalog) -> None:
    assert not _run(catalog).findings()


def test_where_nobody_pushes_nothing_is_found() -> None:
    assert not _run(_catalog(), pushed=0.0).findings()


def test_one_of_many_partitions_tells_of_a_plan(fleet: Fleet) -> None:
    assert _run(_catalog(), 3).findings() == fleet.findings()


def test_days_on_which_nobody_answers_are_judged_in_partitions_without_units_too() -> None:
    assert _run(_catalog(), 9, rests=4).findings() == _run(_catalog(), 1, rests=4).findings() != {}


def test_units_of_a_plan_that_all_became_better_have_pushed_nothing() -> None:
    fleet = _run(_catalog(), pushed=0.0, better=UNITS)
    assert {row["detector"] for row in fleet.findings().values()} <= {"level_shift"}
    assert {row["state"] for row in fleet.verdicts().values()} <= {"clear", "investigate"}


def test_a_plan_that_is_taken_out_of_the_catalog_leaves_its_findings(fleet: Fleet) -> None:
    stages = units_stages(Catalog(), 1)
    checkpoint = fleet.checkpoints[0].values()
    flush = stages.restore(0, checkpoint).flush()
    assert flush is not None
    (found,) = (row for row in fleet.findings().values())
    rows = flush.cells.get(Table.FINDINGS)
    assert rows is None or rows.to_pylist()[0]["plan_units"] == found["plan_units"]
    assert units_of(stages.restore(0, checkpoint).state, 0) == sorted(UNITS)


def test_a_plan_by_itself_says_nothing_of_its_units(fleet: Fleet) -> None:
    assert {row["state"] for row in fleet.verdicts().values()} == {"clear"}


def test_a_units_own_finding_and_that_of_its_plan_are_two_kinds_of_evidence() -> None:
    fleet = _run(_catalog(), better=["u0"])
    verdicts = {row["unit_id"]: (row["state"], *sorted(row["families"])) for row in fleet.verdicts().values()}
    assert verdicts["u0"] == ("suspect", "score", "timing")
    assert {verdicts[unit] for unit in UNITS[1:]} == {("clear",)}


def test_what_is_closed_is_forgotten(fleet: Fleet) -> None:
    days = fleet.units[0].state.plan_days
    assert 0 < days.count < 20
    assert (days.day[: days.count] > fleet.units[0].state.closed).all()
    assert Table.FINDINGS in fleet.sink


def _regretting(later: float, partitions: int = 1) -> Fleet:
    """Twelve purchases a day, all answered about; four in a hundred are given back, of the praised ones from day 100 on so many."""
    chance, answers = np.random.default_rng(8), Answers(Catalog(), partitions)
    refunds: dict[int, list[str]] = defaultdict(list)
    for day in range(BEGIN, BEGIN + 200):
        for number in range(12):
            account, top = f"a{day}-{number}", number % 2 == 0
            answers.add(f"u{number % 3}", day, 10 if top else 6, account_id=account, transaction_id="t")
            if chance.random() < (later if top and day >= BEGIN + 100 else 0.04):
                refunds[day + int(chance.integers(1, 25))].append(account)
        for account in refunds[day]:
            answers.refund(account, day)
        if day % 10 == 0:
            answers.tell()
    return answers.end()


@pytest.mark.parametrize("partitions", [1, 3])
def test_praise_that_people_do_not_stand_by_is_a_finding_of_the_fleet(partitions: int) -> None:
    (found,) = _regretting(0.3, partitions).findings().values()
    assert (found["detector"], found["family"], found["unit_id"], found["plan_id"]) == ("regretted_praise", "behaviour", "", "")
    assert found["finding_id"] == f"fleet:/regretted_praise/{found['raised_on']}"
    # Whether people stand by an answer is known thirty days later.
    assert "2026-05-11" <= found["raised_on"].isoformat() <= "2026-06-15"
    assert "were given back within 30 days" in found["evidence"]


def test_customers_who_give_things_back_as_ever_are_no_finding() -> None:
    assert not _regretting(0.04).findings()
