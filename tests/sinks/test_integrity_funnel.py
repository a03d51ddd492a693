"""Units that gamed from their first day: held against plain Python, drawn honest fleets, and what must be left out."""

from datetime import timedelta

import numpy as np
import pytest

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.fleets import Kind, answers, draw, false_share, funnel, put
from tests.sinks.loyalty import MONDAY, cells, one

USUAL = {f"u{number}": (200, 80 + 2 * number, 130 + number) for number in range(9)}
"""Nine units like each other."""
HONEST = [
    Kind(units=9, size=200, spread=0.7, rate=0.45, rate_correlation=0.05, shape=0.6, shape_correlation=0.02),
    Kind(units=20, size=100, spread=0.8, rate=0.3, rate_correlation=0.03, shape=0.5, shape_correlation=0.008),
    Kind(units=60, size=300, spread=0.7, rate=0.45, rate_correlation=0.018, shape=0.6, shape_correlation=0.001),
    Kind(units=60, size=30, spread=1.0, rate=0.5, rate_correlation=0.05, shape=0.7, shape_correlation=0.02),
    Kind(units=60, size=300, spread=0.7, rate=0.65, rate_correlation=0.03, shape=0.8, shape_correlation=0.008),
    Kind(units=30, size=150, spread=0.6, rate=0.1, rate_correlation=0.03, shape=0.4, shape_correlation=0.02),
]
GAMED = Kind(60, 300, 0.5, rate=0.45, rate_correlation=0.018, shape=0.6, shape_correlation=0.001, gamed=3, converted=0.5)


@pytest.fixture(autouse=True)
def _no_catalog(embedded: ClickHouse) -> None:
    embedded.command("TRUNCATE TABLE units")
    embedded.command(f"TRUNCATE TABLE {Table.LOYALTY}")


@pytest.mark.parametrize("test", ["rate", "shape"])
@pytest.mark.parametrize("level", [0.15, 0.6])
def test_it_is_what_plain_python_computes(clickhouse: ClickHouse, test: str, level: float) -> None:
    random = np.random.default_rng(7)
    units = []
    for _ in range(11):
        sizes = {channel: int(random.integers(40, 300)) for channel in ("web", "store")}
        tops = {channel: int(random.binomial(n, np.clip(random.normal(level, 0.1), 0.05, 0.95))) for channel, n in sizes.items()}
        units.append({channel: (n, tops[channel]) for channel, n in sizes.items()})
    put(clickhouse, {f"{number:02}": "g" for number in range(11)})
    for channel in ("web", "store"):
        # Asked about the shape, all responses are in the two highest boxes or far more are below.
        counted = {
            f"{number:02}": (unit[channel][0] * (1 if test == "rate" else 3), unit[channel][1], unit[channel][0]) for number, unit in enumerate(units)
        }
        answers(clickhouse, counted, channel=channel)

    seen = clickhouse.query(
        f"SELECT {test}_expected AS usual, {test}_between AS between, {test}_z AS z, {test}_p_value AS chance FROM integrity_funnel ORDER BY unit_id"
    ).to_pylist()
    for row, expected in zip(seen, funnel(units, 0.018 if test == "rate" else 0.001), strict=True):
        assert row == pytest.approx({"usual": expected.usual, "between": expected.between, "z": expected.z, "chance": expected.chance}, rel=1e-4)


def test_limits_are_three_standard_deviations_away(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(USUAL, "g"))
    answers(clickhouse, USUAL)
    row = one(clickhouse, "SELECT rate_expected, rate_low, rate_high, rate_between FROM integrity_funnel WHERE unit_id = 'u4'")
    # Of 200 responses each, 80 to 96 are at the top. The unit in the middle has 88, its peers too: 0.44. What it differs by is the half response
    # added to them for the middle; units differ less than chance does, so the least correlation holds. Variance, in units of 0.44 * 0.56:
    # 1/200 + 0.018 + pi/2 * (1/200 + 0.018) / 9 + 1/1600 + 0.018 / 8 = 0.029889.
    odds, three = 0.44 / 0.56, 3 * 0.029889**0.5 / (0.44 * 0.56) ** 0.5
    low, high = odds * np.exp(-three), odds * np.exp(three)
    assert row == pytest.approx({"rate_expected": 0.44, "rate_low": low / (1 + low), "rate_high": high / (1 + high), "rate_between": 0.018}, rel=2e-3)


@pytest.mark.parametrize("kind", HONEST, ids=repr)
def test_in_honest_fleets_fewer_are_named_than_promised(embedded: ClickHouse, kind: Kind) -> None:
    draw(embedded, kind, seed=1)
    rows = embedded.query("SELECT unit_id, rate_p_value, shape_p_value, p_value FROM integrity_funnel").to_pylist()
    # Where all are honest, a fleet's false-discovery share is 1 as soon as one is named, by chance or not.
    assert false_share(rows, kind)[0] <= 0.05
    for test in ("rate_p_value", "shape_p_value"):
        chances = np.array([row[test] for row in rows if row[test] is not None])
        assert len(chances) >= 0.6 * len(rows)
        assert np.mean(chances <= 0.05) <= 0.05
        assert np.mean(chances <= 0.01) <= 0.01


def test_units_that_gamed_from_their_first_day_are_named(embedded: ClickHouse) -> None:
    draw(embedded, GAMED, seed=2)
    rows = embedded.query("SELECT unit_id, p_value, named FROM integrity_funnel").to_pylist()
    false, found = false_share(rows, GAMED)
    assert false <= 0.05
    assert found >= 0.9
    named = [int(row["unit_id"].split("/")[1]) < GAMED.gamed for row in rows if row["named"]]
    assert named.count(False) <= 0.05 * len(named)
    assert named.count(True) >= 0.9 * GAMED.gamed * 300


def test_names_are_those_of_benjamini_and_hochberg(embedded: ClickHouse) -> None:
    draw(embedded, GAMED, seed=3)
    rows = embedded.query("SELECT p_value, q_value, named FROM integrity_funnel WHERE p_value IS NOT NULL ORDER BY p_value").to_pylist()
    least = 1.0
    for rank in range(len(rows), 0, -1):
        least = min(least, rows[rank - 1]["p_value"] * len(rows) / rank)
        assert rows[rank - 1]["q_value"] == pytest.approx(least)
        assert rows[rank - 1]["named"] == (rows[rank - 1]["q_value"] <= 0.05)


def test_tens_made_of_nines_are_seen_in_the_shape_alone(clickhouse: ClickHouse) -> None:
    many = {f"u{number:02}": (200, 80 + number % 9, 130 + number % 7) for number in range(30)}
    put(clickhouse, dict.fromkeys(many, "g"))
    answers(clickhouse, {**many, "u00": (200, 114, 132)})
    row = one(
        clickhouse, "SELECT unit_id, rate_p_value > 0.01 AS rate_is_usual, shape_p_value < 1e-4 AS shape_is_not FROM integrity_funnel WHERE named"
    )
    assert row == {"unit_id": "u00", "rate_is_usual": True, "shape_is_not": True}


def test_the_mix_of_channels_explains_a_high_rate(clickhouse: ClickHouse) -> None:
    units = [f"u{number:02}" for number in range(20)]
    put(clickhouse, dict.fromkeys(units, "g"))
    answers(clickhouse, dict.fromkeys(units[1:], (300, 90, 150)), channel="web")
    answers(clickhouse, dict.fromkeys(units, (60, 54, 57)), channel="phone")
    answers(clickhouse, {"u00": (10, 9, 10)}, channel="chat")
    row = one(clickhouse, "SELECT n, rate_n, rate, rate_expected, named FROM integrity_funnel WHERE unit_id = 'u00'")
    assert row == pytest.approx({"n": 70, "rate_n": 60, "rate": 0.9, "rate_expected": 0.9, "named": False}, abs=0.01)


def test_with_too_few_peers_nothing_is_said(clickhouse: ClickHouse) -> None:
    put(clickhouse, {**dict.fromkeys(USUAL, "g"), "u8": "h", "u7": None})
    answers(clickhouse, {**USUAL, "lonely": (50, 50, 50)})
    cells(clickhouse, {"unit_id": "", "n": 1000})
    row = one(
        clickhouse,
        "SELECT count() AS rows, countIf(peer_group IS NULL) AS without, count(rate_z) AS judged, sum(named) AS named FROM integrity_funnel",
    )
    assert row == {"rows": 10, "without": 2, "judged": 0, "named": 0}
    seen = one(clickhouse, "SELECT rate_peers, rate, rate_expected, rate_high, p_value, q_value FROM integrity_funnel WHERE unit_id = 'u3'")
    assert seen == {"rate_peers": 6, "rate": 0.43, "rate_expected": None, "rate_high": None, "p_value": None, "q_value": None}
    alone = one(clickhouse, "SELECT n, rate_n, rate_peers, rate, shape FROM integrity_funnel WHERE unit_id = 'u8'")
    assert alone == {"n": 200, "rate_n": 0, "rate_peers": 0, "rate": None, "shape": None}


def test_units_with_too_few_answers_are_neither_judged_nor_peers(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys((*USUAL, "small"), "g"))
    answers(clickhouse, {**USUAL, "small": (9, 9, 9)})
    small = one(clickhouse, "SELECT rate_n, rate_peers, rate, p_value FROM integrity_funnel WHERE unit_id = 'small'")
    assert small == {"rate_n": 9, "rate_peers": 9, "rate": 1.0, "p_value": None}
    assert one(clickhouse, "SELECT rate_peers FROM integrity_funnel WHERE unit_id = 'u1'") == {"rate_peers": 8}


def test_a_unit_without_any_top_score_and_peers_with_nothing_else_have_numbers(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(USUAL, "g"))
    answers(clickhouse, {**dict.fromkeys(USUAL, (50, 50, 50)), "u0": (50, 0, 0)})
    rows = clickhouse.query("SELECT unit_id, rate_expected, rate_p_value, shape_p_value FROM integrity_funnel ORDER BY unit_id").to_pylist()
    assert (rows[0]["rate_p_value"], rows[0]["shape_p_value"]) == (1.0, None)
    for row in rows[1:]:
        assert row["rate_expected"] == pytest.approx(1, abs=0.05)
        assert row["rate_p_value"] > 0.05


def test_the_window_ends_with_the_day_asked_for(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(USUAL, "g"))
    answers(clickhouse, USUAL)
    answers(clickhouse, {"u1": (100, 100, 100)}, day=MONDAY + timedelta(9))
    answers(clickhouse, {"u2": (0, 0, 0)}, day=MONDAY + timedelta(20))
    whole = one(clickhouse, "SELECT n, top_box, as_of, first_day, last_day FROM integrity_funnel WHERE unit_id = 'u1'")
    assert whole == {"n": 300, "top_box": 182, "as_of": MONDAY + timedelta(9), "first_day": MONDAY, "last_day": MONDAY + timedelta(9)}
    asked = "SELECT n, as_of FROM integrity_funnel_last_days(days = {days}, as_of = '{day}') WHERE unit_id = 'u1'"
    assert one(clickhouse, asked.format(days=9, day=MONDAY + timedelta(8))) == {"n": 200, "as_of": MONDAY}
    assert one(clickhouse, asked.format(days=9, day=MONDAY + timedelta(9))) == {"n": 100, "as_of": MONDAY + timedelta(9)}
    assert not clickhouse.query(asked.format(days=8, day=MONDAY + timedelta(8))).num_rows


def test_partial_sums_and_older_versions_add_up(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(USUAL, "g"))
    answers(clickhouse, USUAL)
    before = clickhouse.query("SELECT * FROM integrity_funnel ORDER BY unit_id").to_pylist()
    answers(clickhouse, {"u1": (150, 50, 100)}, version=2)
    answers(clickhouse, {"u1": (50, 32, 31)}, partition=1)
    assert clickhouse.query("SELECT * FROM integrity_funnel ORDER BY unit_id").to_pylist() == before


def test_metrics_are_not_mixed(clickhouse: ClickHouse) -> None:
    put(clickhouse, dict.fromkeys(USUAL, "g"))
    answers(clickhouse, USUAL)
    before = clickhouse.query("SELECT * EXCEPT (q_value) FROM integrity_funnel ORDER BY unit_id").to_pylist()
    answers(clickhouse, dict.fromkeys(USUAL, (400, 390, 400)), metric="csat")
    assert clickhouse.query("SELECT * EXCEPT (q_value) FROM integrity_funnel WHERE metric = 'nps' ORDER BY unit_id").to_pylist() == before
