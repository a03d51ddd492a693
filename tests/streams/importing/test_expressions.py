"""Each form gives what its description says, and reports what does not fit."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from streams.importing.expressions import CannotMap, Compiler, Value
from streams.importing.forms import Expression, Part
from streams.importing.mapping import MappingError
from streams.importing.tables import Row

FORM: TypeAdapter[Part] = TypeAdapter(Expression)
ROW = {
    "id": "7",
    "name": " Ada ",
    "nothing": None,
    "blank": "  ",
    "price": "1.234,50",
    "cents": "1999",
    "word": "yes",
    "long": "0.12345",
    "infinite": "Infinity",
    "grouped": "1_000",
}


def compute(form: dict[str, Any], row: dict[str, str | None] | None = None, timezone: str = "UTC", secret: bytes | None = b"key") -> Value:
    values = ROW | (row or {})
    compiler = Compiler(frozenset(values), "table.csv", timezone, secret, "THE_SECRET")
    return compiler.compile(FORM.validate_python(form), "here")(Row(2, values))


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"column": "name"}, " Ada "),
        ({"column": "name", "trim": True}, "Ada"),
        ({"column": "blank", "trim": True}, None),
        ({"column": "nothing"}, None),
        ({"constant": 3}, 3),
        ({"constant": False}, False),
        ({"template": "a-{id}-{word}"}, "a-7-yes"),
        ({"template": "{{{id}}}"}, "{7}"),
        ({"template": "a-{nothing}"}, None),
        ({"concat": [{"column": "id"}, {"column": "nothing"}, {"constant": True}], "separator": "/"}, "7/true"),
        ({"concat": [{"column": "nothing"}]}, None),
        ({"map": {"column": "word"}, "values": {"yes": "web", "no": "store"}}, "web"),
        ({"map": {"column": "id"}, "values": {7: "seven"}}, "seven"),
        ({"map": {"column": "id"}, "values": {"yes": "web"}, "default": "other"}, "other"),
        ({"map": {"column": "id"}, "values": {"yes": "web"}, "default": None}, None),
        ({"map": {"column": "nothing"}, "values": {"yes": "web"}}, None),
        ({"number": {"column": "id"}}, 7),
        ({"number": {"constant": "7.0"}}, 7),
        ({"number": {"constant": "7.25"}}, 7.25),
        ({"number": {"column": "price"}, "decimal": ",", "thousands": "."}, 1234.5),
        ({"money": {"column": "price"}, "decimal": ",", "thousands": "."}, "1234.5"),
        ({"money": {"column": "cents"}, "multiply": 0.01}, "19.99"),
        ({"money": {"constant": "0.00"}}, "0"),
        ({"money": {"constant": "100"}}, "100"),
        ({"money": {"constant": "-3.10"}}, "-3.1"),
        ({"boolean": {"column": "word"}}, True),
        ({"boolean": {"constant": "N"}, "true_values": ["y"], "false_values": ["n"]}, False),
        ({"coalesce": [{"column": "nothing"}, {"column": "id"}, {"constant": "x"}]}, "7"),
        ({"if_empty": {"column": "nothing"}, "then": {"constant": "none"}, "otherwise": {"column": "id"}}, "none"),
        ({"if_empty": {"column": "id"}, "then": {"constant": "none"}, "otherwise": {"column": "word"}}, "yes"),
        ({"if_empty": {"column": "id"}, "then": {"constant": "none"}}, None),
        ({"object": {"staff": {"number": {"column": "id"}}, "price": {"column": "nothing"}}}, {"staff": 7}),
        ({"object": {"price": {"column": "nothing"}}}, None),
        ({"list": [{"column": "id"}, {"column": "nothing"}]}, ["7"]),
        ({"list": [{"column": "nothing"}]}, None),
    ],
)
def test_forms(form: dict[str, Any], wanted: Value) -> None:
    found = compute(form)

    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"map": {"column": "word"}, "values": {"no": "store"}}, "'yes' is not among the values"),
        ({"number": {"column": "name"}}, "expected a number, found ' Ada '"),
        ({"number": {"column": "infinite"}}, "expected a number"),
        ({"number": {"column": "grouped"}}, "expected a number"),
        ({"number": {"constant": "1.5"}, "decimal": ","}, "expected a number"),
        ({"money": {"column": "long"}}, "at most 4 decimals"),
        ({"boolean": {"column": "name"}}, "expected one of true, 1, yes"),
        ({"time": {"column": "word"}}, "expected a time like 'iso', found 'yes'"),
        ({"time": {"column": "word"}, "format": "unix"}, "expected seconds since 1970"),
        ({"concat": [{"object": {"a": {"constant": 1}}}]}, "expected a text"),
    ],
)
def test_what_does_not_fit_is_told(form: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotMap, match=message):
        compute(form)


@pytest.mark.parametrize(
    ("text", "form", "wanted"),
    [
        ("2018-01-01 12:00:00", {"format": "%Y-%m-%d %H:%M:%S"}, "2018-01-01T11:00:00Z"),
        ("31.12.2017 23:30", {"format": "%d.%m.%Y %H:%M", "timezone": "America/New_York"}, "2018-01-01T04:30:00Z"),
        ("2018-01-01T12:00:00.123456", {}, "2018-01-01T11:00:00.123456Z"),
        ("2018-01-01T12:00:00-05:00", {}, "2018-01-01T17:00:00Z"),
        ("2018-01-01 12:00 +0200", {"format": "%Y-%m-%d %H:%M %z"}, "2018-01-01T10:00:00Z"),
        ("1514764800", {"format": "unix"}, "2018-01-01T00:00:00Z"),
        ("1514764800.5", {"format": "unix"}, "2018-01-01T00:00:00.500000Z"),
        ("1514764800123", {"format": "unix_ms"}, "2018-01-01T00:00:00.123000Z"),
        # Berlin: clocks went forward at 2 on 2018-03-25 and back at 3 on 2018-10-28.
        ("2018-03-25 02:30:00", {}, "2018-03-25T01:30:00Z"),
        ("2018-10-28 02:30:00", {}, "2018-10-28T00:30:00Z"),
        ("2018-10-28 02:30:00", {"ambiguous": "later"}, "2018-10-28T01:30:00Z"),
        ("2018-10-28 02:30:00", {"nonexistent": "refuse"}, "2018-10-28T00:30:00Z"),
        ("2018-03-25 02:30:00", {"ambiguous": "refuse"}, "2018-03-25T01:30:00Z"),
    ],
)
def test_times(text: str, form: dict[str, Any], wanted: str) -> None:
    assert compute({"time": {"constant": text}, **form}, timezone="Europe/Berlin") == wanted


@pytest.mark.parametrize(
    ("text", "form", "message"),
    [
        ("2018-03-25 02:30:00", {"nonexistent": "refuse"}, "did not exist in Europe/Berlin"),
        ("2018-10-28 02:30:00", {"ambiguous": "refuse"}, "came twice in Europe/Berlin"),
    ],
)
def test_times_that_may_be_refused(text: str, form: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotMap, match=message):
        compute({"time": {"constant": text}, **form}, timezone="Europe/Berlin")


def test_a_hash_depends_on_its_secret_and_hides_the_value() -> None:
    first = compute({"hash": {"column": "name"}})
    longer = compute({"hash": {"column": "name"}, "length": 64})
    other = compute({"hash": {"column": "name"}}, secret=b"other")

    assert isinstance(first, str)
    assert isinstance(longer, str)
    assert (len(first), len(longer)) == (32, 64)
    assert longer.startswith(first)
    assert other != first == compute({"hash": {"constant": " Ada "}})
    assert compute({"hash": {"column": "nothing"}}) is None


def test_a_hash_without_secret_names_the_variable() -> None:
    with pytest.raises(MappingError, match="set the environment variable THE_SECRET"):
        compute({"hash": {"column": "name"}}, secret=None)


@pytest.mark.parametrize("form", [{"column": "nobody"}, {"template": "{nobody}"}, {"money": {"column": "nobody"}}])
def test_an_unknown_column_is_told_before_any_row_is_read(form: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match=r"here.*table\.csv has no column 'nobody'; it has blank, cents"):
        compute(form)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "write exactly one form"),
        ("id", "write exactly one form"),
        ({"column": "a", "constant": 1}, "write exactly one form"),
        ({"column": "a", "trimmed": True}, "Extra inputs"),
        ({"template": "{a!r}"}, "write the name of a column in braces"),
        ({"template": "{a"}, "double a brace"),
        ({"map": {"column": "a"}, "values": {True: "x"}}, "quote yes, no"),
    ],
)
def test_a_wrong_form_says_what_to_write(form: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FORM.validate_python(form)
