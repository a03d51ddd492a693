"""Published and computed answers as events: what goes in as records comes out of the views as they say, on the real engine."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from schemas.rows import Table
from tests.oracle.make import REFUNDED, Writer
from tests.sinks.loyalty import sign, suspect
from tests.sinks.rows import rows
from tests.whole_path import put_in, shown

SCORES = {"promoter": 9, "passive": 8, "detractor": 3}


def answers(writer: Writer, unit: str, promoters: int, passives: int, detractors: int, day: float = 0, **values: object) -> None:
    """So many nps responses about a unit, each of an account of its own."""
    given = ["promoter"] * promoters + ["passive"] * passives + ["detractor"] * detractors
    for number, of_class in enumerate(given):
        writer.add("feedback", day, account_id=f"{unit}-{number}", unit_id=unit, score=SCORES[of_class], **values)


def chances(writer: Writer, unit: str, channel: str, many: int, numbers: Iterator[int], *heard: int) -> None:
    """So many chances to ask; the first are answered by so many promoters, passives and detractors."""
    given = [score for score, so_many in zip(SCORES.values(), heard, strict=True) for _ in range(so_many)]
    for number in range(many):
        name = f"c-{next(numbers)}"
        writer.add("invitations", account_id=name, unit_id=unit, channel=channel, event_type="invitation.eligible")
        if number < len(given):
            writer.add("feedback", 1, account_id=name, unit_id=unit, invitation_id="i", score=given[number])


def test_scores_and_their_intervals(migrated_url: str, tmp_path: Path) -> None:
    """70, 20 and 10 of 100, with 20 promoters flagged as the stage of the units would; and two samples of 400."""
    writer = Writer()
    answers(writer, "u", 70, 20, 10, day=-70)
    answers(writer, "g1", 200, 120, 80)
    answers(writer, "g2", 220, 120, 60)
    clickhouse = put_in(migrated_url, writer, tmp_path)
    clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *(sign(account_id=f"u-{number}", revision=1) for number in range(20))))
    suspect(clickhouse)

    of_u = "FROM loyalty_by_unit WHERE unit_id = 'u' AND period = 'all'"
    ((nps, low, high),) = shown(clickhouse, f"SELECT nps, nps_low, nps_high {of_u}")
    assert (nps, low, high) == (60, pytest.approx(58.25242718446603 - 12.982666930617764, abs=1e-5), pytest.approx(71.2350941, abs=1e-5))
    assert shown(clickhouse, f"SELECT nps_excluded, nps_bound_mid, nps_bound_low {of_u}") == [(50, 40, 20)]
    samples = "SELECT nps / 100, (promoters + detractors) / n - pow(nps / 100, 2), n FROM loyalty_by_unit WHERE unit_id LIKE 'g_' AND period = 'all'"
    (one, spread, n), (two, other, m) = shown(clickhouse, f"{samples} ORDER BY unit_id")
    assert spread / n + other / m == pytest.approx(0.05361902647381804**2)
    assert (two - one) / (spread / n + other / m) ** 0.5 == pytest.approx(1.8650096164806282)


def test_who_was_heard(migrated_url: str, tmp_path: Path) -> None:
    """Two strata that answer with 0.2 and 0.4; three of 0.5, 0.3 and 0.2 that answer with 0.1, 0.25 and 0.4; scores of 1/2, 1/3 and 1/6."""
    writer, numbers = Writer(), count()
    for unit, channel, many, *heard in (
        ("two", "email", 10, 0, 2, 0), ("two", "sms", 10, 0, 4, 0),
        ("three", "email", 100, 0, 10, 0), ("three", "sms", 60, 0, 15, 0), ("three", "phone", 40, 0, 16, 0),
        ("halves", "email", 6, 2, 1, 0), ("halves", "sms", 4, 1, 1, 1),
    ):  # fmt: skip
        chances(writer, unit, channel, many, numbers, *heard)
    clickhouse = put_in(migrated_url, writer, tmp_path)

    by_unit = "FROM representation WHERE grain = 'unit' AND period = 'all'"
    found = {name: values for name, *values in shown(clickhouse, f"SELECT name, r_indicator, bias_bound {by_unit}")}
    assert found["two"] == pytest.approx([0.8, 1 / 3], abs=1e-9)
    assert found["three"] == pytest.approx([0.7656925097228003, 0.11715374513859982 / 0.205], abs=1e-9)
    assert shown(clickhouse, f"SELECT pow(nps_bias_bound / bias_bound / 100, 2), nps {by_unit} AND name = 'halves'") == [
        (pytest.approx(0.5555555555555556), pytest.approx(100 / 3))
    ]  # fmt: skip
    assert shown(clickhouse, "SELECT unit_id, r_indicator FROM loyalty_by_unit WHERE period = 'all' AND unit_id = 'two'") == [
        ("two", pytest.approx(0.8))
    ]


def test_answers_are_raked_to_the_purchases(migrated_url: str, tmp_path: Path) -> None:
    """Answers [[30, 20], [10, 40]], of populations 60 to 40 and 50 to 50: cells [[40, 20], [10, 30]]."""
    writer, numbers = Writer(), count()
    for unit, channel, many, *heard in (
        ("u", "email", 60, 30, 0, 0), ("u", "sms", 60, 0, 20, 0), ("v", "email", 40, 0, 0, 10), ("v", "sms", 40, 0, 40, 0),
    ):  # fmt: skip
        chances(writer, unit, channel, many, numbers, *heard)
    units = [{"unit_id": "u", "peer_group": "city"}, {"unit_id": "v", "peer_group": "town"}]
    clickhouse = put_in(migrated_url, writer, tmp_path, units=units)

    ((weighted, effective, design, least, greatest),) = shown(
        clickhouse,
        "SELECT nps_weighted, effective_sample_size, design_effect, least_weight, greatest_weight FROM representation"
        " WHERE grain = 'total' AND period = 'all'",
    )
    # 40 of the weighted hundred are promoters and 10 detractors.
    assert (weighted, effective, design) == (pytest.approx(40 - 10), pytest.approx(94.48818897637794), pytest.approx(1.0583333333))
    assert (least, greatest) == (pytest.approx(0.75), pytest.approx(4 / 3))
    assert shown(clickhouse, "SELECT nps, nps_weighted FROM loyalty_total WHERE period = 'all'") == [(20, pytest.approx(30))]


def test_follow_up_growth_messages_and_wallets(migrated_url: str, tmp_path: Path) -> None:
    writer = Writer()
    # 48 hours; contacts after 10, 50 and 47; one case open for 60 hours, one for 20. Somebody takes the older one up now, after 60.
    for case, opened, contacted in (("a", 0, 10), ("b", 0, 50), ("c", 0, 47), ("d", 0, None), ("e", 40, None)):
        writer.add("actions", opened / 24, account_id=case)
        if contacted is not None:
            writer.add("actions", contacted / 24, account_id=case, event_type="case.contacted")
    writer.add("actions", 60 / 24, account_id="d", event_type="case.assigned")
    # Of four contacted detractors one gives a 7 next: with 500 a quarter, each worth 1,100, that is 137,500.
    for number in range(4):
        account = {"account_id": f"detractor-{number}"}
        writer.add("feedback", -30, **account, response_id="1", score=6, survey_id="rescue")
        writer.add("feedback", -20, **account, response_id="2", score=7 if number == 0 else 6, survey_id="rescue")
        writer.add("actions", -30, **account, response_id="1")
        writer.add("actions", -29, **account, event_type="case.contacted")
    # 27,000 from two customers; the one that stays goes from 22,000 to 30,000.
    for customer, day, amount in (("stays", -10, 22_000), ("goes", -10, 5_000), ("stays", 0, 30_000)):
        writer.add("transactions", day, account_id=customer, transaction_id=str(day), amount=amount)
    # 100 messages: 70 sell, 7 of them what is owned; the other purchase of it was given back.
    writer.add("transactions", -10, account_id="told", transaction_id="1", amount=0, products=[{"product_id": "owned"}, {"product_id": "back"}])
    writer.add("transactions", -9, account_id="told", transaction_id="2", amount=0, products=[{"product_id": "back"}], **REFUNDED)
    for number in range(100):
        purpose = "sell" if number < 70 else "value_education" if number < 90 else "service"
        offers = (["owned"] if number < 7 else ["back"]) if number < 70 else []
        writer.add("communications", account_id="told", message_id=str(number), purpose=purpose, offer_product_ids=offers)
    # Brands by their rank: of two to five, each in turn; and two that share ranks 1 and 2 of three.
    brands = {2: [2 / 3, 1 / 3], 3: [1 / 2, 1 / 3, 1 / 6], 4: [0.4, 0.3, 0.2, 0.1], 5: [1 / 3, 4 / 15, 1 / 5, 2 / 15, 1 / 15]}
    for many, shares in brands.items():
        for rank in range(len(shares)):
            others = [score for score in range(many) if score != many - 1 - rank]
            writer.add("feedback", account_id=f"wallet {many} {rank}", score=many - 1 - rank, competitor_scores=others)
    writer.add("feedback", account_id="wallet tie", score=8, competitor_scores=[8, 3])
    writer.add("feedback", account_id="value", score=8.4, competitor_scores=[8.0], expected_score=8.4)
    clickhouse = put_in(migrated_url, writer, tmp_path)

    assert shown(clickhouse, "SELECT due, in_sla, sla_attainment, median_hours_to_contact FROM follow_up WHERE programme = 'none'") == [
        (4, 2, 0.5, 50)
    ]
    waits = sorted(shown(clickhouse, "SELECT hours, contacted_at IS NOT NULL FROM follow_up_cases WHERE programme = 'none'"))
    left = 1.0
    for place, (hours, contacted) in enumerate(waits):
        left *= 1 - contacted / (len(waits) - place) if float(str(hours)) <= 48 else 1
    assert 1 - left == pytest.approx(0.4666667)
    assert shown(clickhouse, "SELECT rescue_rate, 500 * rescue_rate * 1100 FROM follow_up WHERE programme = 'rescue'") == [(0.25, 137_500)]
    assert shown(clickhouse, "SELECT nrr FROM growth_monthly WHERE month = '2026-03-01'") == [(pytest.approx(1.1111111),)]
    assert shown(clickhouse, "SELECT selling, value, value_share, sell_to_value, owned_offer_rate FROM messages_monthly") == [
        (70, 20, pytest.approx(0.22222222), 3.5, pytest.approx(0.1))
    ]  # fmt: skip
    wallets = dict(shown(clickhouse, "SELECT account_id, wallet_share FROM share_of_wallet"))
    assert {name: share for name, share in wallets.items() if "tie" not in str(name) and name != "value"} == {
        f"wallet {many} {rank}": pytest.approx(share) for many, shares in brands.items() for rank, share in enumerate(shares)
    }
    assert wallets["wallet tie"] == pytest.approx(0.41667, abs=1e-5)
    assert shown(clickhouse, "SELECT relative_value FROM graded_responses") == [(pytest.approx(1.05),)]
