"""What every sink promises, tried on each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.rows import TABLES, Table
from sinks.base import SinkRefused
from sinks.clickhouse import connect
from sinks.memory import MemorySink
from tests.sinks.conftest import Backend
from tests.sinks.rows import column, rows


@pytest.mark.parametrize("table", list(Table))
def test_a_row_comes_back_as_it_went_in(backend: Backend, table: Table) -> None:
    sent = rows(table, {})

    backend.sink.insert(table, sent)

    assert sent.equals(backend.read(table))


@pytest.mark.parametrize("table", list(Table))
def test_null_comes_back_as_null(backend: Backend, table: Table) -> None:
    optional = {c.name: None for c in TABLES[table].columns if "Nullable(" in c.clickhouse and not c.clickhouse.startswith("Array")}
    sent = rows(table, optional)

    backend.sink.insert(table, sent)

    assert sent.equals(backend.read(table))


def test_sending_the_same_rows_again_changes_nothing(backend: Backend) -> None:
    sent = rows(Table.CASES, {"case_id": "a"}, {"case_id": "b"})

    for _ in range(3):
        backend.sink.insert(Table.CASES, sent)

    assert sent.equals(backend.read(Table.CASES))


def test_the_highest_version_counts_whatever_the_order(backend: Backend) -> None:
    for version in (2, 3, 1):
        backend.sink.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"responses": version * 10, "version": version}))

    assert column(backend.read(Table.ACCOUNTS), "responses", "version") == [(30, 3)]


def test_the_highest_version_counts_within_one_insert(backend: Backend) -> None:
    both = [{"responses": 20, "version": 2}, {"responses": 10, "version": 1}]

    backend.sink.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, *both, *reversed(both)))

    assert column(backend.read(Table.ACCOUNTS), "responses") == [20]


def test_of_equal_versions_the_last_counts(backend: Backend) -> None:
    for responses in (1, 2):
        backend.sink.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"responses": responses}))

    assert column(backend.read(Table.ACCOUNTS), "responses") == [2]


def test_versions_use_all_64_bits(backend: Backend) -> None:
    highest = 2**64 - 1
    for version in (highest, highest - 1, 1 << 40):
        backend.sink.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"version": version}))

    assert column(backend.read(Table.ACCOUNTS), "version") == [highest]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([(key, version) for key in "abc" for version in (1, 2, 3)]), cut=st.integers(1, 9))
def test_any_order_and_any_cutting_give_the_same_rows(backend: Backend, order: list[tuple[str, int]], cut: int) -> None:
    sent = [{"account_id": key, "version": version, "messages": version} for key, version in order]
    for start in range(0, len(sent), cut):
        backend.sink.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, *sent[start : start + cut]))

    assert column(backend.read(Table.ACCOUNTS), "account_id", "messages") == [("a", 3), ("b", 3), ("c", 3)]


def test_no_rows_are_no_insert(backend: Backend) -> None:
    backend.sink.insert(Table.CASES, rows(Table.CASES))

    assert backend.read(Table.CASES).num_rows == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_text_of_any_script_comes_back(backend: Backend, text: str) -> None:
    backend.sink.insert(Table.RESPONSES, rows(Table.RESPONSES, {"account_id": "a", "comment": text, "answers": [(text, 1.5)]}))

    assert column(backend.read(Table.RESPONSES), "comment", "answers") == [(text, [(text, 1.5)])]


@pytest.mark.parametrize("value", [None, b"", b"\x00", b"\xff\xfe", b'{"a": "\xc3\x28"}', bytes(range(256)) * 4096], ids=repr)
def test_a_dead_letter_keeps_every_byte(backend: Backend, value: bytes | None) -> None:
    letter = {"key": value, "value": value, "header_names": ["content-type", ""], "header_values": [value, b"\x00\xff"]}

    backend.sink.insert(Table.DEAD_LETTERS, rows(Table.DEAD_LETTERS, letter))

    assert column(backend.read(Table.DEAD_LETTERS), "key", "value", "header_values") == [(value, value, [value, b"\x00\xff"])]


@pytest.mark.parametrize("amount", ["0", "0.0001", "99999999999999.9999", "-99999999999999.9999"])
def test_money_is_exact(backend: Backend, amount: str) -> None:
    money = Decimal(amount)

    backend.sink.insert(Table.TRANSACTIONS, rows(Table.TRANSACTIONS, {"amount": money, "cost": None, "product_amounts": [money, None]}))

    assert column(backend.read(Table.TRANSACTIONS), "amount", "cost", "product_amounts") == [(money, None, [money, None])]


def test_sums_are_exact(backend: Backend) -> None:
    cell = {"score_sum": Decimal("12345678901234567890.123456789"), "revenue": Decimal("-1234567890123456789012345678901234.5678")}

    backend.sink.insert(Table.LOYALTY, rows(Table.LOYALTY, cell))

    assert column(backend.read(Table.LOYALTY), *cell) == [tuple(cell.values())]


@pytest.mark.parametrize("instant", [datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)], ids=str)
def test_times_are_exact_from_the_first_to_the_last(backend: Backend, instant: datetime) -> None:
    backend.sink.insert(Table.CASES, rows(Table.CASES, {"occurred_at": instant, "due_at": instant, "day": instant.date()}))

    assert column(backend.read(Table.CASES), "occurred_at", "due_at", "day") == [(instant, instant, instant.date())]


@pytest.mark.parametrize("microseconds", [-1_000, -9_000_000_000_000_000_000, 1_790_000_000_000_000_000, 9_223_372_036_854_775_000])
def test_times_that_no_calendar_has_are_kept(backend: Backend, microseconds: int) -> None:
    """Timestamps of records are whatever a producer sent."""
    sent = (
        rows(Table.DEAD_LETTERS, {}).drop_columns("timestamp").append_column("timestamp", pa.array([microseconds]).cast(pa.timestamp("us", tz="UTC")))
    )

    backend.sink.insert(Table.DEAD_LETTERS, sent)

    assert backend.read(Table.DEAD_LETTERS).column("timestamp").cast(pa.int64()).to_pylist() == [microseconds]


def test_numbers_come_back_bit_for_bit(backend: Backend) -> None:
    numbers = [0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, float("inf")]

    backend.sink.insert(Table.OPERATIONS, rows(Table.OPERATIONS, *({"observation_id": str(i), "value": v} for i, v in enumerate(numbers))))

    found = column(backend.read(Table.OPERATIONS), "value")
    assert [np.float64(v).tobytes() for v in numbers] == [np.float64(str(v)).tobytes() for v in found]


def test_a_big_batch_lands_whole_and_in_many_months(backend: Backend) -> None:
    """More partitions than ClickHouse takes in one insert by default."""
    months = [date(1990 + index // 12, index % 12 + 1, 1) for index in range(240)]
    sent = rows(Table.CASES, *({"case_id": f"c{i}", "day": months[i % 240]} for i in range(30_000)))

    backend.sink.insert(Table.CASES, sent)

    found = backend.read(Table.CASES)
    assert sent.sort_by("case_id").equals(found.sort_by("case_id"))


def test_columns_are_matched_by_name(backend: Backend) -> None:
    sent = rows(Table.CASES, {"owner_id": "o", "case_id": "c"})

    backend.sink.insert(Table.CASES, sent.select(list(reversed(sent.column_names))))

    assert sent.equals(backend.read(Table.CASES))


def test_columns_that_are_missing_take_their_default(backend: Backend) -> None:
    sent = rows(Table.ACCOUNTS, {}).select(["account_id", "first_seen", "last_seen", "version"])

    backend.sink.insert(Table.ACCOUNTS, sent)

    assert column(backend.read(Table.ACCOUNTS), "revenue", "last_score", "responses") == [(Decimal(0), None, 0)]


def test_dictionaries_and_several_chunks_are_fine(backend: Backend) -> None:
    sent = rows(Table.CASES, {"case_id": "a"}, {"case_id": "b"})
    channel = sent.schema.get_field_index("channel")
    encoded = sent.set_column(channel, "channel", sent.column("channel").dictionary_encode())

    backend.sink.insert(Table.CASES, pa.concat_tables([encoded.slice(0, 1), encoded.slice(1)]))

    assert sent.combine_chunks().equals(backend.read(Table.CASES).combine_chunks())


def test_an_unknown_column_is_refused(backend: Backend) -> None:
    with pytest.raises(SinkRefused, match="nonsense"):
        backend.sink.insert(Table.CASES, rows(Table.CASES, {}).append_column("nonsense", pa.array([1])))

    assert backend.read(Table.CASES).num_rows == 0


def test_null_where_none_may_be_is_refused(backend: Backend) -> None:
    sent = rows(Table.CASES, {"case_id": "good"}, {"case_id": None})

    with pytest.raises(SinkRefused, match="case_id"):
        backend.sink.insert(Table.CASES, sent)

    assert backend.read(Table.CASES).num_rows == 0


def test_a_value_that_does_not_fit_is_refused(backend: Backend) -> None:
    sent = rows(Table.ACCOUNTS, {}).drop_columns("responses").append_column("responses", pa.array(["many"]))

    with pytest.raises(SinkRefused, match="responses"):
        backend.sink.insert(Table.ACCOUNTS, sent)


def test_threads_may_insert_side_by_side(backend: Backend) -> None:
    def insert(number: int) -> None:
        backend.sink.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, *({"account_id": f"{number:02}-{i:03}"} for i in range(100))))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(insert, range(24)))

    assert column(backend.read(Table.ACCOUNTS), "account_id") == [f"{n:02}-{i:03}" for n in range(24) for i in range(100)]


def test_after_closing_nothing_is_taken_and_closing_again_is_fine(clickhouse_url: str) -> None:
    for sink in (MemorySink(), connect(clickhouse_url)):
        sink.close()
        sink.close()
        with pytest.raises(SinkRefused, match="closed"):
            sink.insert(Table.CASES, rows(Table.CASES, {}))
