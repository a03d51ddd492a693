"""Reading what a statement is, whatever its strings and comments say."""

import pytest

from sinks.chdb_server.statement import read


@pytest.mark.parametrize(
    ("text", "head", "input_format", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02", b"INSERT INTO t ", "Native", b"\x01\x02"),
        (
            b"insert into t (a, `format x`) settings a='FORMAT CSV' format ArrowStream\r\nX",
            b"insert into t (a, `format x`) settings a='FORMAT CSV' ",
            "ArrowStream",
            b"X",
        ),
        (b"/* FORMAT */ INSERT INTO t -- FORMAT TSV\n FORMAT CSV 1,2", b"/* FORMAT */ INSERT INTO t -- FORMAT TSV\n ", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT CSV\n\n1", b"INSERT INTO t ", "CSV", b"\n1"),
        (b"INSERT INTO t FORMAT CSV", b"INSERT INTO t ", "CSV", b""),
        (b"INSERT INTO FUNCTION null('format String') FORMAT CSV\nx", b"INSERT INTO FUNCTION null('format String') ", "CSV", b"x"),
        (b"INSERT INTO t FORMAT Native\n\n\n\xff FORMAT CSV\n", b"INSERT INTO t ", "Native", b"\n\n\xff FORMAT CSV\n"),
    ],
)
def test_the_data_of_an_insert_begins_after_its_format(text: bytes, head: bytes, input_format: str, data: bytes) -> None:
    statement = read(text)

    assert (text[: statement.head_end], statement.insert_format, text[statement.data_at :]) == (head, input_format, data)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (b"INSERT INTO t (a) FORMAT CSV", b"INSERT INTO t (a) "),
        (b"INSERT INTO t (a) settings x = 1 FORMAT CSV", b"INSERT INTO t (a) "),
        (b"INSERT INTO settings FORMAT CSV", b"INSERT INTO settings "),
        (b"INSERT INTO settings (settings) SETTINGS x = 1, y = 2 FORMAT CSV", b"INSERT INTO settings (settings) "),
        (b"INSERT INTO settings.t (a) FORMAT CSV", b"INSERT INTO settings.t (a) "),
        (b"INSERT INTO settings . settings SETTINGS x = 1 FORMAT CSV", b"INSERT INTO settings . settings "),
        (b"INSERT INTO t SETTINGS -- settings of today\n x = 1 FORMAT CSV", b"INSERT INTO t "),
        (b"INSERT INTO t SETTINGS /* SETTINGS */ x = 1 FORMAT /* FORMAT */ CSV", b"INSERT INTO t "),
        (b"INSERT INTO t FORMAT /* FORMAT */ CSV", b"INSERT INTO t "),
    ],
)
def test_a_table_ends_where_settings_or_the_format_begin(text: bytes, target: bytes) -> None:
    assert text[: read(text).target_end] == target


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO t VALUES ('a FORMAT b')",
        b"INSERT INTO t SELECT 1 FORMAT CSV",
        b"INSERT INTO t WITH x AS (SELECT 1) SELECT 2",
        b"INSERT INTO t FORMAT Values (1)",
    ],
)
def test_an_insert_of_values_or_of_a_query_has_no_data(text: bytes) -> None:
    assert read(text).insert_format is None


@pytest.mark.parametrize(
    ("text", "output_format"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 'FORMAT CSV'", None),
        (b"SELECT format('{}', 1) FORMAT Native SETTINGS max_threads = 1", "Native"),
        (b"SELECT 1 -- FORMAT CSV", None),
        (b"SELECT (SELECT 1 AS format)", None),
    ],
)
def test_the_format_of_an_answer_is_that_of_the_outermost_clause(text: bytes, output_format: str | None) -> None:
    assert read(text).output_format == output_format


@pytest.mark.parametrize(
    ("text", "has_result"),
    [
        (b"select 1", True),
        (b"(SELECT 1) UNION ALL (SELECT 2)", True),
        (b"-- why\nSHOW TABLES", True),
        (b"DROP TABLE t", False),
        (b"SET a = 1", False),
        (b"INSERT INTO t SELECT 1", False),
    ],
)
def test_whether_an_answer_has_rows(text: bytes, has_result: bool) -> None:
    assert read(text).has_result == has_result


@pytest.mark.parametrize(
    ("text", "stateful"), [(b"SET a = 1", True), (b"use d", True), (b"CREATE TEMPORARY TABLE t (a Int64)", True), (b"SELECT 'SET'", False)]
)
def test_what_a_session_remembers(text: bytes, stateful: bool) -> None:
    assert read(text).is_stateful == stateful
