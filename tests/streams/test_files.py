"""Event files give back what was put in, and say where they cannot be read."""

import base64
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.enums import Topic
from streams.errors import EventFileError
from streams.files import FileRecord, line_of, read_events, write_events

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), json_values, max_size=5)
values = st.none() | st.binary() | st.text().map(str.encode) | objects.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
values |= objects.map(lambda value: json.dumps(value, indent=2).encode())
records = st.builds(
    FileRecord,
    topic=st.sampled_from(Topic),
    timestamp=st.integers(0, 2**53),
    key=st.none() | st.binary() | st.text().map(str.encode),
    value=values,
    headers=st.lists(st.tuples(st.text(), st.binary() | st.text().map(str.encode)), max_size=4),
)


@given(st.lists(records, max_size=20), st.sampled_from([".ndjson", ".ndjson.gz", ".ndjson.zst"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_gives_back_the_bytes_that_were_written(tmp_path: Path, written: list[FileRecord], suffix: str) -> None:
    path = tmp_path / f"events{suffix}"

    assert write_events(path, written) == len(written)

    assert list(read_events([path])) == written


@given(records)
def test_every_line_is_json_for_everybody(record: FileRecord) -> None:
    line = line_of(record)

    assert line.count(b"\n") == 1
    parsed = json.loads(line)
    assert parsed["topic"] == record.topic.value
    assert parsed["timestamp_ms"] == record.timestamp


@pytest.mark.parametrize(
    "value",
    [
        r'{"x":"\ud83d"}',
        r'{"x":"\udc00"}',
        r'{"\ud83d":1}',
        '{"x":NaN}',
        '{ "value": {"x":-Infinity},"y" :"}\\\\", "y":"ü \\u00fc"}',
        '{"x":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_a_value_that_nobody_can_use_is_a_record_all_the_same(tmp_path: Path, value: str) -> None:
    """It ends in the dead letters, byte for byte; the lines after it are read."""
    path = tmp_path / "events.ndjson"
    head = '{"topic":"transactions","key":"a","timestamp_ms":1,"headers":{},"value":'
    path.write_text(f'{head}{value}, "x": ["value", {{}}]}}\n{head}{{"y":1}}}}\n')

    first, second = read_events([path])
    assert first.value == value.encode()
    assert second.value == b'{"y":1}'


@pytest.mark.parametrize("wrong", ['"key":"\\ud83d","timestamp_ms":1', '"key":"a","timestamp_ms":NaN'])
def test_a_line_that_is_wrong_elsewhere_is_none(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(f'{{"topic":"transactions",{wrong},"value":{{}}}}\n')

    with pytest.raises(EventFileError, match="line 1"):
        list(read_events([path]))


@pytest.mark.parametrize("inner", ["[" * 100_000, '{"a": 1'])
def test_a_value_that_does_not_end_names_its_line(tmp_path: Path, inner: str) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(f'{{"topic":"transactions","key":"a","timestamp_ms":1,"value":{{"x":{inner}\n')

    with pytest.raises(EventFileError, match="line 1"):
        list(read_events([path]))


@given(objects)
def test_an_object_stands_in_its_line_as_an_object(value: dict[str, object]) -> None:
    line = line_of(FileRecord(Topic.FEEDBACK, 1, b"a", json.dumps(value).encode()))

    assert json.loads(line)["value"] == value


def test_the_lines_of_the_contract_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(
        '{"topic": "feedback", "key": "a-1", "timestamp_ms": 1767225600000, "headers": {}, "value": {"a": 1}}\n'
        "\n"
        '{"topic": "outcomes", "key": null, "timestamp_ms": 1, "headers": {"content-type": "text"}, "value": "no \\u00e4 json"}\n'
        '{"topic": "actions", "key": "a-1", "timestamp_ms": 2, "value_b64": "/w=="}\n'
        '{"topic": "actions", "key": "a-1", "timestamp_ms": 3, "headers": {}, "value": null}',
        encoding="utf-8",
    )

    assert list(read_events([path])) == [
        FileRecord(Topic.FEEDBACK, 1767225600000, b"a-1", b'{"a": 1}'),
        FileRecord(Topic.OUTCOMES, 1, None, "no ä json".encode(), [("content-type", b"text")]),
        FileRecord(Topic.ACTIONS, 2, b"a-1", b"\xff"),
        FileRecord(Topic.ACTIONS, 3, b"a-1", None),
    ]


def test_files_are_read_one_after_another(tmp_path: Path) -> None:
    first, second = tmp_path / "1.ndjson", tmp_path / "2.ndjson.gz"
    write_events(first, [FileRecord(Topic.FEEDBACK, 2, b"a", b"x")])
    write_events(second, [FileRecord(Topic.FEEDBACK, 1, b"b", b"y")])

    assert [record.key for record in read_events([first, second])] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nothing", "malformed"),
        ('{"topic": "unheard", "timestamp_ms": 1, "value": null}', "Invalid enum value 'unheard'"),
        ('{"timestamp_ms": 1, "value": null}', "missing required field `topic`"),
        ('{"topic": "feedback", "value": null}', "missing required field `timestamp_ms`"),
        ('{"topic": "feedback", "timestamp_ms": "1", "value": null}', "timestamp_ms"),
        ('{"topic": "feedback", "timestamp_ms": 1}', "missing required field `value`"),
        ('{"topic": "feedback", "timestamp_ms": 1, "value": 5}', "Expected `object`, `string` or `null` - at `$.value`"),
        ('{"topic": "feedback", "timestamp_ms": 1, "value": null, "value_b64": ""}', "exclude each other"),
        ('{"topic": "feedback", "timestamp_ms": 1, "value_b64": "?"}', "Expected base64 - at `$.value_b64`"),
        ('{"topic": "feedback", "timestamp_ms": 1, "value": {"a": 1', "truncated"),
        ('{"topic": "feedback", "timestamp_ms": 1, "value": "\\ud800"}', "surrogate"),
        ('{"topic": "feedback", "timestamp_ms": 1, "headers": {"a": 5}, "value": null}', "headers"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(f'{{"topic": "feedback", "timestamp_ms": 1, "value": null}}\n{line}\n')

    with pytest.raises(EventFileError) as raised:
        list(read_events([path]))

    assert raised.value.line == 2
    assert str(raised.value).startswith(f"{path}, line 2: ")
    assert problem in str(raised.value) or problem == "surrogate"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_ends_too_soon_is_an_error_after_its_readable_records(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    write_events(path, (FileRecord(Topic.FEEDBACK, i, str(i * 7919).encode(), base64.b85encode(str(i * i).encode())) for i in range(50_000)))
    path.write_bytes(path.read_bytes()[:-1000])

    with pytest.raises(EventFileError):
        list(read_events([path]))


def test_a_file_with_another_content_than_its_suffix_says_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "events.gz"
    path.write_text("plain")

    with pytest.raises(EventFileError, match="cannot be read"):
        list(read_events([path]))


def test_the_same_records_give_the_same_compressed_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one.gz", tmp_path / "other.gz"
    for path in (one, other):
        write_events(path, [FileRecord(Topic.FEEDBACK, 1, b"a", b"{}")])

    assert one.read_bytes() == other.read_bytes()
    assert gzip.decompress(one.read_bytes()).endswith(b'"value":{}}\n')


def test_a_header_without_a_value_is_told_from_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"topic":"feedback","key":"a","timestamp_ms":1,"headers":{"none":null,"empty":""},"value":{}}\n')

    assert [list(record.headers) for record in read_events([path])] == [[("none", None), ("empty", b"")]]
