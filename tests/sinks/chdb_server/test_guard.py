"""What is refused before the engine sees it, however it is spelt, and what is not."""

import pytest

from sinks.chdb_server.guard import OUTSIDE, SEVERAL, refusal


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1; SELECT 2",
        b"SELECT 1;\n-- why\nDROP TABLE t",
        b"INSERT INTO t VALUES (1); SELECT 2",
        b"SELECT $a'$ ' $a'$; SELECT ' $a'$'",
        b"SELECT 1 # '\n; SELECT 2 -- '",
        b"SELECT 1 // '\n; SELECT 2 -- '",
        "SELECT ‘'’; SELECT '2'".encode(),
    ],
)
def test_one_statement_at_a_time(text: bytes) -> None:
    assert refusal(text, {}) == SEVERAL


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 INTO OUTFILE '/x'",
        b"SELECT 1 into/* */outfile '/x'",
        b"SELECT 1 # '\n INTO OUTFILE '/x' -- '",
        b"SELECT $$'$$ INTO OUTFILE '/x' -- '",
        b"EXPLAIN SELECT 1 INTO OUTFILE '/x'",
        b"INSERT INTO t FROM INFILE '/x' FORMAT CSV",
        b"SELECT file('/x')",
        b"SELECT file -- why\n ('/x')",
        b"SELECT `file`('/x')",
        b"SELECT \"fi\\x6Ce\"('/x')",
        b"SELECT `fi\\Nle`('/x')",
        "SELECT “file”('/x')".encode(),
        b"SELECT * APPLY(file) FROM (SELECT '/x')",
        b"SELECT * APPLY file FROM (SELECT '/x')",
        b"SELECT arrayMap(file, ['/x'])",
        b"INSERT INTO t VALUES (file('/x'))",
        b"INSERT INTO t FORMAT Values (file('/x'))",
        b"SELECT * FROM format(JSONEachRow, 'b String DEFAULT ' || x, '{}')",
        b"SELECT * FROM a, `format` (CSV, 'b String', '1')",
        b"CREATE TABLE t AS values('a Int8, b String ALIAS x', (1))",
        b"SELECT * FROM generateRandom('a Int8')",
        b"SELECT * FROM loop(generateRandom('a Int8'))",
        b"CREATE TABLE t (a String) ENGINE=FileLog('/x', 'CSV')",
        b"CREATE TABLE t (a String) engine /* */ = EmbeddedRocksDB(0, '/x') PRIMARY KEY a",
        b"CREATE TABLE t (query String) ENGINE `QueryRunner`",
        b"ATTACH TABLE t FROM '/x' (a String) ENGINE = MergeTree ORDER BY a",
    ],
)
def test_what_reaches_outside_is_refused_however_it_is_spelt(text: bytes) -> None:
    assert refusal(text, {}).startswith(OUTSIDE)


def test_a_function_named_by_a_parameter_is_refused() -> None:
    text = b"SELECT arrayMap({f:Identifier}, ['/x'])"

    assert refusal(text, {"f": "file"}).startswith(OUTSIDE)
    assert refusal(text, {"f": "fi\\x6Ce"}).startswith(OUTSIDE)
    assert refusal(text, {"f": "upper"}) == ""
    assert refusal(b"SELECT {f:String}", {"f": "file"}) == ""


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1;",
        b"SELECT 1 ; ; -- done; really\n",
        b"SELECT ';', `;`, \";\" /* ; */",
        b"SELECT 'file(1) INTO OUTFILE ''x'''",
        b"SELECT t.file, File FROM t",
        b"SELECT format('{}', a), format('{}', b) FROM t",
        b"INSERT INTO t (a, b) VALUES (1, 'x; y'), (2, NULL)",
        b"INSERT INTO FUNCTION null('a Int8') SELECT 1",
        b"SELECT * FROM numbers(3), merge('d', 't')",
        b"CREATE TABLE t (a Int8, engine String) ENGINE = MergeTree ORDER BY a",
        b"ATTACH TABLE t",
        b"ALTER TABLE t ATTACH PARTITION 1 FROM u",
    ],
)
def test_nothing_else_is_refused(text: bytes) -> None:
    assert refusal(text, {}) == ""
