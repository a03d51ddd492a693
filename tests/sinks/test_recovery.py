"""Plans, time to tell, and what contact is worth, on numbers that can be worked out by hand."""

from collections.abc import Mapping
from datetime import timedelta
from math import sqrt

import pytest

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import moved, sale
from tests.sinks.loyalty import one
from tests.sinks.test_follow_up import START, at, insert, response, shown, steps

DAY = 24.0


@pytest.fixture
def clickhouse(clickhouse: ClickHouse) -> ClickHouse:
    """Without a catalog, too: it stays when facts are taken away."""
    write_catalog(clickhouse, Catalog())
    return clickhouse


def message(name: str, hours: float, **values: object) -> Mapping[str, object]:
    """A message that closes the loop on a response of the same name."""
    known = {"account_id": "a", "message_id": name, "response_ids": [name], "occurred_at": at(hours), "purpose": "loop_closure"}
    return {**known, "synthetic": False, "offer_product_ids": [], **values}


def test_programmes_without_a_plan(clickhouse: ClickHouse) -> None:
    surveys = [
        {"survey_id": "owned", "programme": "stores", "owner": "ann"}, {"survey_id": "not owned", "programme": "stores"},
        {"survey_id": "alone", "owner": "bob"}, {"survey_id": "idle", "owner": "cid", "action_rule": {"classes": []}},
    ]  # fmt: skip
    write_catalog(clickhouse, Catalog.model_validate({"surveys": surveys}))
    names = ("owned", "owned", "not owned", "alone", "unknown")
    given = [response(f"r{number}", survey_id=survey) for number, survey in enumerate(names)]
    insert(
        clickhouse, Table.RESPONSES, *given, response("gone", survey_id="unknown", withdrawn=True), response("test", survey_id="x", synthetic=True)
    )

    columns = "programme, surveys, surveys_without_plan, has_plan, owners, responses, responses_without_plan"
    assert shown(clickhouse, columns, "follow_up_plans") == [
        ("alone", 1, 0, True, ["bob"], 1, 0), ("idle", 1, 1, False, ["cid"], 0, 0), ("stores", 2, 1, False, ["ann"], 3, 1),
        ("unknown", 1, 1, False, [], 1, 1),
    ]  # fmt: skip
    assert one(clickhouse, "SELECT avg(has_plan) AS coverage FROM follow_up_plans") == {"coverage": 0.25}


def test_time_to_tell_counts_those_whom_nobody_told(clickhouse: ClickHouse) -> None:
    """Of four one was told before it was resolved, one 10 hours after, one 30 after the first of its cases; one was last seen untold after 20."""
    for number, resolved in enumerate((0.0, 0.0, 10.0, 5.0)):
        insert(clickhouse, Table.CASES, *steps(f"c{number}", ("opened", -1), ("resolved", resolved), response_id=f"r{number}"))
    insert(clickhouse, Table.CASES, *steps("again", ("confirmed", 2), response_id="r1"), *steps("open", ("opened", 0), response_id="r9"))
    insert(clickhouse, Table.CASES, *steps("reopened", ("resolved", 0), ("reopened", 1), response_id="r8"))
    insert(clickhouse, Table.RESPONSES, *(response(f"r{number}") for number in (0, 1, 2, 3, 8, 9)))
    insert(
        clickhouse, Table.COMMUNICATIONS, message("r0", 10), message("r1", 30), message("r3", 4), message("r0", 1, message_id="s", purpose="service")
    )

    # 3/4 are left after 0 hours, 2/4 after 10.
    assert shown(clickhouse, "acted_upon, told, median_hours_to_tell") == [(4, 3, 10.0)]


def test_no_median_where_nobody_was_told(clickhouse: ClickHouse) -> None:
    insert(clickhouse, Table.CASES, *steps("1", ("resolved", 0), response_id="r"), *steps("2", ("resolved", 0), response_id="not known"))
    insert(clickhouse, Table.RESPONSES, response("r"))
    assert shown(clickhouse, "programme, acted_upon, told_rate, median_hours_to_tell") == [("none", 0, None, None), ("s", 1, 0.0, None)]


def detractor(clickhouse: ClickHouse, name: str, *, contacted: float | None, before: float = 100, after: float = 0, **values: object) -> None:
    """An account with one detractor's response, contacted after so many days; what it bought the day before, and 20 days after."""
    insert(clickhouse, Table.RESPONSES, response(f"r-{name}", account_id=name, **values))
    if contacted is not None:
        insert(clickhouse, Table.CASES, *steps("c", ("opened", 0), ("contacted", contacted * DAY), response_id=f"r-{name}", account_id=name))
    for number, (amount, day) in enumerate(((before, -1), (after, 20))):
        if amount:
            moved(clickhouse, {**sale(name, f"t{number}", 1, amount), "occurred_at": START + timedelta(day)})


def much_later(clickhouse: ClickHouse, days: int = 194) -> None:
    """The newest transaction, of somebody else."""
    moved(clickhouse, {**sale("somebody", "t", 1, 1), "occurred_at": START + timedelta(days)})


def test_retained_revenue_of_contacted_against_comparable_detractors(clickhouse: ClickHouse) -> None:
    """Low scores: 300 and 500 against 100 and 300, so 200 more; better scores: one alone in its band is left out."""
    for name, contacted, after in (("a", 1, 300), ("b", 14, 500), ("c", None, 100), ("d", 15, 300)):
        detractor(clickhouse, name, contacted=contacted, after=after)
    detractor(clickhouse, "e", contacted=1, after=9_999, score_mapped=5.0)
    much_later(clickhouse)

    row = one(clickhouse, "SELECT * FROM retained_revenue")

    margin = 1.959964 * sqrt(20_000 / 2 + 20_000 / 2)
    assert {name: row[name] for name in ("programme", "contacted", "not_contacted", "left_out")} == {
        "programme": "s", "contacted": 2, "not_contacted": 2, "left_out": 1,
    }  # fmt: skip
    assert [row[f"revenue_{name}"] for name in ("contacted", "comparable", "lift", "lift_low", "lift_high")] == pytest.approx(
        [400, 200, 200, 200 - margin, 200 + margin]
    )
    assert [row[f"retention_{name}"] for name in ("contacted", "comparable", "lift")] == [1.0, 1.0, 0.0]


def test_comparable_ones_are_weighted_as_the_contacted_are(clickhouse: ClickHouse) -> None:
    """Of low scores two contacted, of better ones four; the others' means 10 and 40 weigh 1/3 and 2/3."""
    for score, many, mean in ((1.0, 2, 10), (6.0, 4, 40)):
        for number in range(many):
            detractor(clickhouse, f"yes-{score}-{number}", contacted=2, after=100, score_mapped=score)
        for number, after in enumerate((0, 2 * mean)):
            detractor(clickhouse, f"no-{score}-{number}", contacted=None, after=after, score_mapped=score)
    much_later(clickhouse)

    row = one(clickhouse, "SELECT contacted, revenue_comparable, retention_contacted, retention_comparable FROM retained_revenue")
    assert list(row.values()) == [6, pytest.approx(30.0), 1.0, pytest.approx(0.5)]


def test_without_comparable_ones_there_is_nothing_to_say(clickhouse: ClickHouse) -> None:
    detractor(clickhouse, "a", contacted=1, after=300)
    detractor(clickhouse, "b", contacted=None, after=300)
    much_later(clickhouse)

    row = one(clickhouse, "SELECT * EXCEPT programme FROM retained_revenue")
    assert list(row.values()) == [0, 0, 2, *(None,) * 10]


def test_detractors_are_judged_once_and_when_the_half_year_is_over(clickhouse: ClickHouse) -> None:
    detractor(clickhouse, "a", contacted=1, after=5)
    insert(clickhouse, Table.RESPONSES, response("later", 48, account_id="a", score_mapped=6.0))
    detractor(clickhouse, "b", contacted=1)
    insert(clickhouse, Table.RESPONSES, response("young", 1, account_id="c"), response("gone", account_id="d", withdrawn=True))
    much_later(clickhouse)

    assert shown(clickhouse, "account_id, response_id, contacted", "recovered_detractors") == [("a", "r-a", True), ("b", "r-b", True)]


def test_bands_are_quarters_of_what_was_bought_before(clickhouse: ClickHouse) -> None:
    """10 to 80 by tens: quarters end at the third, the fifth and the seventh, the first that are above a quarter, a half and three quarters."""
    for number in range(1, 9):
        detractor(clickhouse, f"a{number}", contacted=None, before=10 * number)
    detractor(clickhouse, "none", contacted=None, before=0)
    much_later(clickhouse)

    bands = shown(clickhouse, "account_id, revenue_band", "recovered_detractors")
    assert bands == [("a1", 1), ("a2", 1), ("a3", 1), ("a4", 2), ("a5", 2), ("a6", 3), ("a7", 3), ("a8", 4), ("none", 0)]


def test_refunds_are_taken_off_and_only_what_is_bought_in_time_counts(clickhouse: ClickHouse) -> None:
    detractor(clickhouse, "a", contacted=None)
    sales = [("at the end of contact", 14, 7), ("first", 14.001, 50), ("last", 194, 3), ("too late", 194.001, 1_000), ("long before", -181, 1_000)]
    moved(clickhouse, *({**sale("a", name, 1, amount), "occurred_at": START + timedelta(day)} for name, day, amount in sales))
    moved(clickhouse, {**sale("a", "back", 1, 20, event_type="transaction.refunded"), "occurred_at": START + timedelta(30)})
    moved(clickhouse, {**sale("a", "test", 1, 20, synthetic=True), "occurred_at": START + timedelta(30)})

    assert shown(clickhouse, "toFloat64(revenue_before), toFloat64(retained_revenue), retained", "recovered_detractors") == [(100.0, 33.0, True)]
