"""Devices and contacts that answered for many accounts over several units: known answers, drawn households, and what must be left out."""

from collections.abc import Mapping
from datetime import timedelta
from math import log

import numpy as np
import pytest

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import MONDAY, one, response, withdrawal
from tests.sinks.rows import rows

KNOWN: Mapping[str, object] = {"channel": "web", "day": MONDAY, "metric": "nps", "top_box": True, "contact_hash": None}
RING = [f"ring-{number:02}" for number in range(12)]


def _answer(account: str, device: str | None, unit: str = "u", **values: object) -> Mapping[str, object]:
    return response(
        **{**KNOWN, "account_id": account, "response_id": f"{account} at {unit}, {device}", "device_hash": device, "unit_id": unit, **values}
    )


def _households(sizes: Mapping[int, int], device: str = "device_hash") -> list[Mapping[str, object]]:
    """Answers of so many devices (or contacts) with so many accounts each; the accounts of one rate different units."""
    return [
        _answer(f"{size}-{number}-{member}", None, f"u{member % 3}", **{device: f"{size}-{number}"})
        for size, count in sizes.items()
        for number in range(count)
        for member in range(size)
    ]


def _ring(device: str = "ring", **values: object) -> list[Mapping[str, object]]:
    return [_answer(account, device, f"u{number % 3}", **values) for number, account in enumerate(RING)]


def _insert(clickhouse: ClickHouse, answers: list[Mapping[str, object]]) -> None:
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *answers))


def test_a_ring_of_a_dozen_accounts_over_three_units_is_named(clickhouse: ClickHouse) -> None:
    _insert(
        clickhouse,
        [*_households({1: 3000, 2: 150, 3: 20, 4: 2}), *_ring(), _answer("ring-00", "ring", "u9", day=MONDAY - timedelta(29), top_box=False)],
    )
    columns = "kind, hash, as_of, accounts, units, unit_ids, responses, first_day, last_day, top_box_share, tested"
    assert one(clickhouse, f"SELECT {columns} FROM integrity_rings WHERE named") == {
        "kind": "device", "hash": "ring", "as_of": MONDAY, "accounts": 12, "units": 4, "unit_ids": ["u0", "u1", "u2", "u9"], "responses": 13,
        "first_day": MONDAY - timedelta(29), "last_day": MONDAY, "top_box_share": pytest.approx(12 / 13), "tested": 3173,
    }  # fmt: skip
    ids = one(clickhouse, "SELECT response_ids FROM integrity_rings WHERE named")["response_ids"]
    assert isinstance(ids, list)
    assert {tuple(found.values()) for found in ids} == {
        *((account, f"{account} at u{number % 3}, ring") for number, account in enumerate(RING)), ("ring-00", "ring-00 at u9, ring")
    }  # fmt: skip


def test_the_chance_is_known_by_hand(clickhouse: ClickHouse) -> None:
    _insert(clickhouse, [*_households({1: 836, 2: 50, 3: 10, 4: 2}), *_ring(), *_ring("other ring")])
    # 900 devices, 64 of them with two accounts or more; of 60 with two or three, 10 have three. The bounds are those at which
    # n KL(x, p) = ln 200: 900 (0.071111 ln(0.071111 / 0.102368) + 0.928889 ln(0.928889 / 0.897632)) = 5.298 and
    # 60 (0.166667 ln(0.166667 / 0.35602) + 0.833333 ln(0.833333 / 0.64398)) = 5.298.
    found = one(clickhouse, "SELECT shared_share, tail_ratio, p_value FROM integrity_rings WHERE hash = 'ring'")
    assert found == pytest.approx({"shared_share": 0.102368, "tail_ratio": 0.5, "p_value": 0.102368 * 0.5**10}, rel=1e-3)
    four = one(clickhouse, "SELECT p_value, named FROM integrity_rings WHERE hash = '4-0'")
    assert four == pytest.approx({"p_value": 0.102368 * 0.5**2, "named": False}, rel=1e-3)


def _bound(found: int, size: int) -> float:
    """The 99.5 % bound, from the definition, on a grid."""
    rates = np.linspace(found / size, 1, 1_000_001)[1:-1]
    divergence = (size - found) * np.log((size - found) / size / (1 - rates)) + (found * np.log(found / size / rates) if found else 0)
    return float(rates[np.searchsorted(divergence, log(200))])


@pytest.mark.parametrize(
    ("twos", "threes", "ratio"),
    [(0, 0, 0.5), (60, 20, 0.5), (9, 10, 1.0), (300, 60, "measured"), (40, 1, "measured"), (40, 0, "measured"), (80, 30, "measured")],
    ids=repr,
)
def test_the_tail_is_measured_where_enough_is_shared(clickhouse: ClickHouse, twos: int, threes: int, ratio: float | str) -> None:
    _insert(clickhouse, [*_households({1: 400, 2: twos, 3: threes}), *_ring()])
    size = twos + threes
    if ratio == "measured":
        share = _bound(threes, size)
        ratio = min(0.5, share) / (1 - min(0.5, share))
    assert one(clickhouse, "SELECT tail_ratio FROM integrity_rings WHERE hash = 'ring'")["tail_ratio"] == pytest.approx(ratio, rel=1e-4)


def test_rings_do_not_hide_each_other(clickhouse: ClickHouse) -> None:
    _insert(clickhouse, [*_households({1: 900}), *(answer for number in range(5) for answer in _ring(f"ring {number}"))])
    assert one(clickhouse, "SELECT sum(named) AS named FROM integrity_rings") == {"named": 5}


def test_households_are_not_named(embedded: ClickHouse) -> None:
    random = np.random.default_rng(5)
    named = 0
    for shared, ratio in ((0.02, 0.2), (0.1, 0.3), (0.3, 0.45), (0.1, 0.5)):
        for table in (Table.RESPONSES, Table.WITHDRAWALS):
            embedded.command(f"TRUNCATE TABLE {table}")
        extra = random.geometric(1 - ratio, 3000)
        members = np.where(random.random(3000) < shared, 1 + extra, 1)
        for kind in ("device_hash", "contact_hash"):
            _insert(embedded, _households({int(size): int((members == size).sum()) for size in np.unique(members)}, kind))
        shown = one(embedded, "SELECT count() AS shown, sum(named) AS named FROM integrity_rings")
        assert shown["shown"] == (members >= 3).sum()
        named += int(str(shown["named"]))
    assert named == 0


def test_a_contact_of_many_accounts_is_named_whatever_the_channel(clickhouse: ClickHouse) -> None:
    _insert(clickhouse, [*_households({1: 900}), *_ring(contact_hash="mailbox", channel="kiosk")])
    assert one(clickhouse, "SELECT kind, hash, tested FROM integrity_rings") == {"kind": "contact", "hash": "mailbox", "tested": 1}
    _insert(clickhouse, _households({1: 900}, "contact_hash"))
    assert one(clickhouse, "SELECT kind, hash, tested FROM integrity_rings WHERE named") == {"kind": "contact", "hash": "mailbox", "tested": 901}


@pytest.mark.parametrize(
    "left_out",
    [{"channel": "kiosk"}, {"channel": "store"}, {"channel": "phone"}, {"synthetic": True}, {"withdrawn": True}, {"unit_id": None},
     {"unit_id": "only"}, {"device_hash": None}, {"device_hash": ""}, {"day": MONDAY - timedelta(30)}],
    ids=repr,
)  # fmt: skip
def test_what_is_no_ring_is_left_out(clickhouse: ClickHouse, left_out: Mapping[str, object]) -> None:
    _insert(clickhouse, _households({1: 900}))
    _insert(clickhouse, [{**answer, **left_out} for answer in _ring()])
    assert not clickhouse.query("SELECT * FROM integrity_rings").num_rows


def test_withdrawals_and_newer_revisions_take_answers_away(clickhouse: ClickHouse) -> None:
    _insert(clickhouse, [*_households({1: 900}), *_ring()])
    assert one(clickhouse, "SELECT accounts FROM integrity_rings") == {"accounts": 12}
    clickhouse.insert(
        Table.WITHDRAWALS, rows(Table.WITHDRAWALS, *(withdrawal(account_id=a["account_id"], response_id=a["response_id"]) for a in _ring()[:2]))
    )
    _insert(clickhouse, [{**answer, "device_hash": "another", "version": 2} for answer in _ring()[2:5]])
    _insert(clickhouse, [{**answer, "synthetic": True, "version": 2} for answer in _ring()[5:6]])
    found = clickhouse.query("SELECT hash, accounts, responses FROM integrity_rings ORDER BY hash").to_pylist()
    assert found == [{"hash": "another", "accounts": 3, "responses": 3}, {"hash": "ring", "accounts": 6, "responses": 6}]


def test_the_window_ends_with_the_newest_answer_that_counts(clickhouse: ClickHouse) -> None:
    _insert(clickhouse, [*_ring(), _answer("a", "x", day=MONDAY + timedelta(29)), _answer("b", "x", day=MONDAY + timedelta(40), synthetic=True)])
    assert one(clickhouse, "SELECT as_of, accounts FROM integrity_rings") == {"as_of": MONDAY + timedelta(29), "accounts": 12}
    _insert(clickhouse, [_answer("c", None, day=MONDAY + timedelta(30))])
    assert not clickhouse.query("SELECT * FROM integrity_rings").num_rows
