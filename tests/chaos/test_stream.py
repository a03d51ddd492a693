"""The stream is as hostile as it claims, and no more than that; the comparison overlooks nothing."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest
from kafka.partitioner.default import murmur2 as kafkas_murmur2

from tests.chaos.compare import differences, letter_differences, same
from tests.chaos.stream import SAO_PAULO, StreamOptions, again, generate
from tests.chaos.wire import murmur2
from tests.oracle.accept import accept
from tests.oracle.records import Horizons, Row
from tests.oracle.tables import VIEWS, tables


@pytest.mark.parametrize("key", [b"", b"a", b"ab", b"abc", b"abcd", "konto ü/1".encode(), "🙂".encode() * 128, b"\xff\x00\xfe"])
def test_keys_are_hashed_as_kafka_does(key: bytes) -> None:
    assert murmur2(key) == kafkas_murmur2(key) & 0xFFFFFFFF


def test_good_events_are_never_refused() -> None:
    options = StreamOptions(bad=0.0, catalog=SAO_PAULO)

    for seed in range(5):
        assert not tables(generate(seed, options), SAO_PAULO)["dead_letters"]


def test_every_reason_of_the_dead_letters_occurs() -> None:
    reasons: Counter[str] = Counter()
    for seed in range(3):
        options = StreamOptions(bad=0.5, large=True)
        reasons.update(letter.reason for letter in accept(generate(seed, options), options.catalog, Horizons()).dead_letters)

    assert reasons.keys() == {
        "malformed", "oversize", "unknown_type", "unknown_version", "missing_field", "invalid_field", "out_of_range", "key_mismatch",
        "unknown_currency", "in_future",
    }  # fmt: skip


def test_sending_everything_again_changes_nothing_but_dead_letters() -> None:
    options = StreamOptions(events=800)
    once = generate(3, options)
    first, second = tables(once, options.catalog), tables(again(once), options.catalog)

    assert all(first[view] == second[view] for view in VIEWS if view != "dead_letters")
    assert len(second["dead_letters"]) == 2 * len(first["dead_letters"]) > 0


def test_the_same_seed_gives_the_same_stream() -> None:
    assert generate(5, StreamOptions(events=300)) == generate(5, StreamOptions(events=300)) != generate(6, StreamOptions(events=300))


def found_rows() -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {view: [] for view in VIEWS}
    rows["accounts"] = [{"account_id": "a", "revenue": Decimal("1.0000"), "last_score": 7.0, "version": 5}]
    return rows


EXPECTED: dict[str, dict[tuple[object, ...], Row]] = {view: {} for view in VIEWS} | {
    "accounts": {("a",): {"account_id": "a", "revenue": Decimal(1), "last_score": Fraction(7)}}
}


def test_equal_rows_do_not_differ() -> None:
    assert differences(EXPECTED, found_rows()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revenue": Decimal("1.0001")}, "revenue is"),
        ({"last_score": None}, "last_score is None"),
        ({"last_score": 7.0001}, "last_score is"),
        ({"account_id": "b"}, "should not be there"),
        ({"something": 1}, "something is not judged"),
    ],
)
def test_a_row_that_differs_is_told(change: Row, words: str) -> None:
    rows = found_rows()
    rows["accounts"][0] |= change

    assert any(words in line for line in differences(EXPECTED, rows))


def test_missing_and_repeated_rows_are_told() -> None:
    rows = found_rows()
    assert "missing" in differences(EXPECTED, {**rows, "accounts": []})[0]
    assert "more than one" in differences(EXPECTED, {**rows, "accounts": rows["accounts"] * 2})[0]


def test_a_dead_letter_must_be_there_once_and_unchanged() -> None:
    letter: Row = {
        "topic": "feedback", "partition": 0, "offset": 1, "timestamp_ms": 2, "reason": "malformed", "field": None, "key": b"k", "value": None,
        "headers": [("h", b"\xff")],
    }  # fmt: skip
    expected: dict[tuple[object, ...], Row] = {("feedback", 0, 1): letter}

    assert letter_differences(expected, [letter]) == []
    assert "more than once" in letter_differences(expected, [letter, letter])[0]
    assert "missing" in letter_differences(expected, [])[0]
    assert "value is" in letter_differences(expected, [letter | {"value": b""}])[0]
    assert "headers is" in letter_differences(expected, [letter | {"headers": []}])[0]
    assert "should not be there" in letter_differences({}, [letter])[0]


def test_a_flag_is_not_a_number() -> None:
    assert not same(expected=True, found=1)
    assert not same(expected=0, found=False)
