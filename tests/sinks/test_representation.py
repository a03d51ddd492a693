"""Who was heard, on numbers that can be worked out by hand or were published."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog import Catalog
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.oracle.representation import rake
from tests.sinks.growth import moved, sale
from tests.sinks.loyalty import MONDAY, cells, one, response
from tests.sinks.rows import column, rows

NOON = datetime(2025, 12, 22, 12, tzinfo=UTC)
NO_CLASS: dict[str, Any] = {"class": None}
CLASSES = {"promoter": 10.0, "passive": 8.0, "detractor": 3.0}


@pytest.fixture
def clickhouse(clickhouse: ClickHouse) -> ClickHouse:
    """Without a catalog, too: it stays when facts are taken away."""
    write_catalog(clickhouse, Catalog())
    return clickhouse


def invitation(number: int, step: str = "eligible", **values: object) -> Mapping[str, object]:
    """A step of a chance to ask; each chance has an account of its own."""
    known = {"account_id": f"a{number}", "invitation_id": f"i{number}", "event_type": f"invitation.{step}", "event_id": f"{number}{step}"}
    place = {"unit_id": "u", "channel": "email", "transaction_id": None, "suppression_reason": None, "synthetic": False}
    return {**known, **place, "day": MONDAY, "occurred_at": NOON, **values}


def answer(number: int, of_class: str = "passive", **values: object) -> Mapping[str, object]:
    """A counted nps response to a chance."""
    known = {"account_id": f"a{number}", "response_id": f"r{number}", "invitation_id": f"i{number}", "metric": "nps", "class": of_class}
    return {**response(), **known, "unit_id": "u", "channel": "web", "day": MONDAY, "transaction_id": None, **values}


def ask(clickhouse: ClickHouse, invitations: list[Mapping[str, object]], answers: list[Mapping[str, object]]) -> None:
    clickhouse.insert(Table.INVITATIONS, rows(Table.INVITATIONS, *invitations))
    if answers:
        clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *answers))


def strata(clickhouse: ClickHouse, *cells: tuple[str, str, int, int, int, int]) -> None:
    """Chances and answers: unit, channel, chances, then promoters, passives and detractors among those that were answered."""
    invitations: list[Mapping[str, object]] = []
    answers: list[Mapping[str, object]] = []
    for unit, channel, many, *counts in cells:
        first = len(invitations)
        invitations += [invitation(first + number, unit_id=unit, channel=channel) for number in range(many)]
        classes = [of_class for of_class, count in zip(CLASSES, counts, strict=True) for _ in range(count)]
        answers += [answer(first + number, of_class, unit_id=unit) for number, of_class in enumerate(classes)]
    ask(clickhouse, invitations, answers)


def total(clickhouse: ClickHouse, columns: str) -> tuple[object, ...]:
    return tuple(one(clickhouse, f"SELECT {columns} FROM representation WHERE grain = 'total' AND period = 'all'").values())


def peers(clickhouse: ClickHouse) -> None:
    """Two units in two peer groups."""
    units = [{"unit_id": "u", "peer_group": "city"}, {"unit_id": "v", "peer_group": "town"}]
    write_catalog(clickhouse, Catalog.model_validate({"units": units}))


@pytest.mark.parametrize(
    ("given", "indicator", "bound"),
    [
        # Equal strata that answer with 0.2 and 0.4.
        ([("email", 10, 2), ("sms", 10, 4)], 0.8, 1 / 3),
        # Weights 0.5, 0.3, 0.2 that answer with 0.1, 0.25, 0.4: R 0.7657, CV 0.5715.
        ([("email", 100, 10), ("sms", 60, 15), ("phone", 40, 16)], 0.7656925097228003, 0.571482),
    ],
)
def test_the_r_indicator_of_known_strata(clickhouse: ClickHouse, given: list[tuple[str, int, int]], indicator: float, bound: float) -> None:
    strata(clickhouse, *(("u", channel, many, 0, heard, 0) for channel, many, heard in given))
    assert total(clickhouse, "r_indicator, bias_bound") == (pytest.approx(indicator, abs=1e-9), pytest.approx(bound, abs=1e-5))
    cells(clickhouse, {"n": 1}, {"n": 1, "metric": "csat"})
    for row in clickhouse.query("SELECT r_indicator, bias_bound FROM loyalty_total WHERE period = 'all'").to_pylist():
        assert list(row.values()) == [pytest.approx(indicator, abs=1e-9), pytest.approx(bound, abs=1e-5)]


def test_what_small_strata_add_by_chance_is_taken_out(clickhouse: ClickHouse) -> None:
    """Shares 1/4 and 3/4 of four each: S squared 1/16; each share has a variance of 3/16 / 3 = 1/16, of which half enters S squared."""
    strata(clickhouse, ("u", "email", 4, 1, 0, 0), ("u", "sms", 4, 3, 0, 0))
    assert total(clickhouse, "r_indicator, r_indicator_adjusted") == (pytest.approx(0.5), pytest.approx(1 - 2 * (1 / 32) ** 0.5))


def test_where_everybody_answers_alike_the_indicator_is_one(clickhouse: ClickHouse) -> None:
    strata(clickhouse, ("u", "email", 9, 1, 1, 1), ("u", "sms", 3, 1, 0, 0))
    assert total(clickhouse, "r_indicator, r_indicator_adjusted, bias_bound") == (1.0, 1.0, 0.0)


def test_where_nobody_answers_there_is_no_bound_and_no_score(clickhouse: ClickHouse) -> None:
    strata(clickhouse, ("u", "email", 4, 0, 0, 0))
    columns = "r_indicator, bias_bound, n, nps, nps_weighted, nps_weighted_low, nps_weighted_high, effective_sample_size, raking_error, least_weight"
    assert total(clickhouse, columns) == (1.0, None, 0, *(None,) * 7)


def test_the_published_table_is_raked(clickhouse: ClickHouse) -> None:
    """Answers [[30, 20], [10, 40]], of populations 60 to 40 and 50 to 50: cells [[40, 20], [10, 30]], weights 4/3, 1, 1, 3/4."""
    size, effect = 94.48818897637794, 1.0583333333
    peers(clickhouse)
    # Chances with the margins 600:400 and 500:500, in cells of any size.
    strata(clickhouse, ("u", "email", 320, 30, 0, 0), ("u", "sms", 280, 0, 20, 0), ("v", "email", 180, 0, 0, 10), ("v", "sms", 220, 0, 40, 0))
    columns = "n, nps, nps_weighted, representativeness_gap, effective_sample_size, design_effect, least_weight, greatest_weight"
    assert total(clickhouse, columns) == (
        100, 20.0, pytest.approx(30.0), pytest.approx(10.0), pytest.approx(size), pytest.approx(effect), pytest.approx(0.75), pytest.approx(4 / 3),
    )  # fmt: skip
    assert total(clickhouse, "raking_error < 1e-12") == (1,)
    # The interval is that of 94.488 responses, of which 40 % are promoters and 10 % detractors.
    up, down = (0.4 * size + 0.75) / (size + 3), (0.1 * size + 0.75) / (size + 3)
    margin = 1.959964 * ((up + down - (up - down) ** 2) / (size + 3)) ** 0.5
    low, high = total(clickhouse, "nps_weighted_low, nps_weighted_high")
    assert (low, high) == (pytest.approx(100 * (up - down - margin)), pytest.approx(100 * (up - down + margin)))


def test_new_and_returning_are_weighted_too(clickhouse: ClickHouse) -> None:
    """Half of the chances are of newcomers, but three of four answers: weights 2/3 and 2."""
    known = [invitation(number, transaction_id=f"t{number}") for number in range(8)]
    moved(clickhouse, *(sale(f"a{number}", f"t{number}", 1, is_new_customer=number < 4) for number in range(8)))
    ask(clickhouse, known, [*(answer(number, "promoter") for number in range(3)), answer(4, "detractor")])
    assert total(clickhouse, "nps, nps_weighted, least_weight, greatest_weight") == (50.0, pytest.approx(0.0), pytest.approx(2 / 3), 2.0)


def test_weights_are_cut(clickhouse: ClickHouse) -> None:
    """Weights 10 x 0.1 / 8 = 0.125 and 10 x 0.9 / 2 = 4.5 are cut to 0.3 and 3: (8 x 0.3 - 2 x 3) / 8.4."""
    strata(clickhouse, ("u", "email", 10, 8, 0, 0), ("u", "sms", 90, 0, 0, 2))
    assert total(clickhouse, "least_weight, greatest_weight, nps_weighted, effective_sample_size") == (
        pytest.approx(0.125), pytest.approx(4.5), pytest.approx(100 * (2.4 - 6) / 8.4), pytest.approx(8.4**2 / (8 * 0.09 + 2 * 9)),
    )  # fmt: skip


def test_of_whom_nobody_answered_the_others_stand_for_them(clickhouse: ClickHouse) -> None:
    strata(clickhouse, ("u", "email", 10, 2, 0, 1), ("u", "sms", 90, 0, 0, 0))
    assert total(clickhouse, "strata, nps_weighted, greatest_weight") == (2, pytest.approx(100 / 3), 1.0)


def test_margins_that_contradict_each_other_give_no_score(clickhouse: ClickHouse) -> None:
    """Answers came from city by email and from town by sms alone, so both margins would have to be equal."""
    peers(clickhouse)
    strata(clickhouse, ("u", "email", 10, 1, 0, 0), ("u", "sms", 50, 0, 0, 0), ("v", "email", 0, 0, 0, 0), ("v", "sms", 10, 1, 0, 0))
    assert total(clickhouse, "n, nps, nps_weighted, effective_sample_size, raking_error > 0.001") == (2, 100.0, None, None, 1)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 1_000)), min_size=16, max_size=16),
)
@settings(max_examples=60, deadline=None)
def test_sixty_rounds_are_enough_where_every_stratum_answered(cells: list[tuple[int, int]]) -> None:
    """Whatever the sizes: the margins are met to a millionth, and a thousand rounds more change nothing that shows."""
    names = [(group, channel, is_new) for group in ("a", "b", "c", "d") for channel in ("x", "y") for is_new in (False, True)]
    sizes = dict(zip(names, (size for size, _ in cells), strict=True))
    population = dict(zip(names, (size + more for size, more in cells), strict=True))

    weights, error = rake(population, sizes)
    many, _ = rake(population, sizes, rounds=1_060)

    assert error < 1e-6
    assert all(abs(weights[name] - many[name]) < 1e-6 for name in names)


def test_rates_of_aapor(clickhouse: ClickHouse) -> None:
    sent = {"complete": ("sent", "opened"), "opened": ("sent", "delivered", "opened"), "silent": ("sent", "delivered", "reminded", "expired"),
            "bounced": ("sent", "bounced"), "opted out": ("sampled", "suppressed"), "picked": ("sampled", "suppressed"),
            "drawn": ("sampled",), "left": ()}  # fmt: skip
    steps = []
    for number, (kind, happened) in enumerate(sent.items()):
        reason = "opt_out" if kind == "opted out" else "manual"
        steps += [invitation(number, step, suppression_reason=reason if step == "suppressed" else None) for step in ("eligible", *happened)]
    not_eligible = [invitation(20, "sent"), *(invitation(21, step, synthetic=True) for step in ("eligible", "sent"))]
    ask(clickhouse, [*steps, *not_eligible], [answer(0), answer(2, withdrawn=True), answer(4, synthetic=True), answer(20)])

    row = one(clickhouse, "SELECT * EXCEPT (period, window_start) FROM response_strata WHERE period = 'all'")
    kinds = column(clickhouse.query("SELECT disposition FROM survey_chances ORDER BY invitation_id"), "disposition")

    assert kinds == ["complete", "refusal", "noncontact", "noncontact", "refusal", "other", "other", "not_sampled"]
    assert row == {
        "unit_id": "u", "peer_group": "", "channel": "email", "is_new": True, "eligible": 8, "sampled": 7, "deliverable": 3, "completes": 1,
        "refusals": 2, "noncontacts": 2, "others": 2,
        "nps_responses": 1, "promoters": 0, "detractors": 0, "rr1": 1 / 7, "coverage": 3 / 8, "propensity": 1 / 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sales", "named", "is_new"),
    [
        ([], None, True),
        ([("t", -1, None)], "t", True),
        ([("t", -1, None)], None, True),
        ([("t", -1, None), ("u", -2, None)], "t", False),
        ([("t", -1, None), ("u", -1, None)], "t", True),
        ([("t", -1, None), ("s", -1, None)], "t", False),
        ([("t", -1, None), ("u", 1, None)], None, True),
        ([("t", -1, None), ("u", -2, None)], None, False),
        ([("t", -1, False)], "t", False),
        ([("t", -1, True), ("u", -2, None), ("v", -3, None)], "t", True),
        ([("t", -2, None), ("u", -1, None)], "t", True),
        ([("u", -2, None), ("v", -1, None)], "late", False),
    ],
    ids=str,
)
def test_who_is_new(clickhouse: ClickHouse, sales: list[tuple[str, int, bool | None]], named: str | None, is_new: bool) -> None:
    """By day of the purchase, against the day on which it became eligible."""
    ask(clickhouse, [invitation(1, transaction_id=named)], [])
    movements: list[tuple[str, int, dict[str, object]]] = [(name, day, {"is_new_customer": said}) for name, day, said in sales]
    movements += [("never", -9, {"event_type": "transaction.refunded"}), ("tested", -9, {"synthetic": True})]
    for name, day, values in movements:
        moved(clickhouse, {**sale("a1", name, 1), "occurred_at": NOON + timedelta(days=day), **values})
    assert one(clickhouse, "SELECT is_new FROM survey_chances") == {"is_new": is_new}


def test_a_chance_is_what_its_earliest_eligible_event_says(clickhouse: ClickHouse) -> None:
    later = invitation(1, unit_id="v", channel="sms", event_id="later", occurred_at=NOON + timedelta(1), day=MONDAY + timedelta(1))
    sent = invitation(1, "sent", unit_id="w", channel="phone", occurred_at=NOON - timedelta(1))
    ask(clickhouse, [later, sent, invitation(1, transaction_id="t")], [])
    assert one(clickhouse, "SELECT unit_id, channel, transaction_id, eligible_at, day FROM survey_chances") == {
        "unit_id": "u", "channel": "email", "transaction_id": "t", "eligible_at": NOON, "day": MONDAY,
    }  # fmt: skip


def test_loyalty_shows_who_was_heard_of_its_unit_channel_and_window(clickhouse: ClickHouse) -> None:
    later: dict[str, Any] = {"day": MONDAY + timedelta(28), "occurred_at": NOON + timedelta(28)}
    chances = [invitation(0), invitation(1), invitation(2, channel="sms"), invitation(3, unit_id="v"), invitation(4, **later)]
    ask(clickhouse, chances, [answer(0, "promoter"), answer(2, "detractor"), answer(4, "promoter", **later)])
    cells(clickhouse, *({"unit_id": unit, "channel": channel, "n": 1, "day": day} for unit, channel, day in
                        [("u", "email", MONDAY), ("w", "web", MONDAY), ("u", "email", MONDAY + timedelta(28))]))  # fmt: skip
    shown = "r_indicator, nps_weighted, effective_sample_size FROM {} WHERE period = '{}' ORDER BY ALL"

    assert clickhouse.query("SELECT unit_id, " + shown.format("loyalty_by_unit", "all")).to_pylist() == [
        # Of email two of three answered, of sms the only one: the weights are 3/4 x 3/2 and 1/4 x 3.
        {"unit_id": "u", "r_indicator": pytest.approx(1 - 2 * (3 / 16 * (1 / 3) ** 2) ** 0.5), "nps_weighted": pytest.approx(50.0),
         "effective_sample_size": pytest.approx(9 / (2 * (9 / 8) ** 2 + (3 / 4) ** 2))},
        {"unit_id": "w", "r_indicator": None, "nps_weighted": None, "effective_sample_size": None},
    ]  # fmt: skip
    assert clickhouse.query("SELECT channel, " + shown.format("loyalty_by_channel", "28 days")).to_pylist() == [
        {"channel": "email", "r_indicator": 1.0, "nps_weighted": 100.0, "effective_sample_size": 1.0},
        {"channel": "email", "r_indicator": 1.0, "nps_weighted": 100.0, "effective_sample_size": 1.0},
        {"channel": "web", "r_indicator": None, "nps_weighted": None, "effective_sample_size": None},
    ]  # fmt: skip


def test_other_metrics_have_no_weighted_score(clickhouse: ClickHouse) -> None:
    ask(clickhouse, [invitation(0), invitation(1)], [answer(0, "promoter"), answer(1, metric="csat", **NO_CLASS)])
    cells(clickhouse, {"n": 1}, {"metric": "csat", "n": 1})
    found = clickhouse.query("SELECT metric, r_indicator, nps_weighted, nps_weighted_low FROM loyalty_total WHERE period = 'all' ORDER BY metric")
    assert column(found, "metric", "r_indicator", "nps_weighted") == [("csat", 1.0, None), ("nps", 1.0, 100.0)]
    assert column(found, "nps_weighted_low")[0] is None


def test_newest_versions_alone_are_read(clickhouse: ClickHouse) -> None:
    ask(
        clickhouse,
        [invitation(0, unit_id="old"), invitation(0, unit_id="new", version=2)],
        [answer(0, "promoter"), answer(0, "detractor", version=2)],
    )
    assert one(clickhouse, "SELECT unit_id, promoters, detractors FROM survey_chances") == {"unit_id": "new", "promoters": 0, "detractors": 1}


def test_the_score_by_revenue(clickhouse: ClickHouse) -> None:
    """A promoter of 300, a detractor of 100 and a passive of 100: 40 points instead of 0, worth (500 squared) / (110,000) responses."""
    for number, amount in enumerate((300, 100, 100, 0)):
        moved(clickhouse, sale(f"a{number}", "t", 1, amount))
    moved(clickhouse, sale("a4", "t", 1, 77, synthetic=True), sale("a5", "t", 1, 77, event_type="transaction.refunded"))
    classes = ("promoter", "detractor", "passive", "promoter", "promoter", "promoter")
    ask(clickhouse, [invitation(9)], [answer(number, of_class, transaction_id="t") for number, of_class in enumerate(classes)])
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, answer(0, "promoter", response_id="gone", transaction_id="t", withdrawn=True)))

    row = one(clickhouse, "SELECT * FROM revenue_weighted_loyalty WHERE grain = 'total' AND period = 'all'")

    assert (row["n"], row["revenue"], row["nps"]) == (3, Decimal(500), 0.0)
    assert row["nps_revenue_weighted"] == pytest.approx(100 * (300 - 100) / 500)
    assert row["effective_sample_size"] == pytest.approx(500**2 / 110_000)


def test_two_answers_about_one_purchase_bring_its_weight_twice(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a0", "t", 1, 10))
    ask(clickhouse, [invitation(9)], [answer(0, "promoter", transaction_id="t"), answer(0, "detractor", response_id="second", transaction_id="t")])
    assert one(clickhouse, "SELECT n, nps_revenue_weighted FROM revenue_weighted_loyalty WHERE grain = 'unit' AND period = 'all'") == {
        "n": 2, "nps_revenue_weighted": 0.0,
    }  # fmt: skip
