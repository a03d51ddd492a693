"""Event files: records of the input topics as NDJSON, plain, ``.gz`` or ``.zst``, one record a line, in order of arrival.

Reading back what was written gives the same bytes: a value that is a JSON object stands in its line as it is, one that is other text as a
string, one that is no text in ``value_b64``; likewise ``key_b64``, and ``header_list`` (name, base64) where ``headers`` cannot hold them.
"""

import base64
import binascii
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

import msgspec
import zstandard

from schemas.enums import Topic
from streams.errors import EventFileError

_LINES_AT_ONCE = 2_000
_GZIP_LEVEL = 4


@dataclass(slots=True)
class FileRecord:
    """A record of an event file; ``timestamp`` is in milliseconds since 1970."""

    topic: Topic
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=list)


class _Line(msgspec.Struct, gc=False):
    topic: Topic
    timestamp_ms: int
    key: str | None = None
    key_b64: str | None = None
    headers: dict[str, str | None] | None = None
    header_list: list[tuple[str, str | None]] | None = None
    value: msgspec.Raw = msgspec.Raw()
    """As it stands in the line; empty where the line has none."""
    value_b64: str | None = None


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_string = msgspec.json.Decoder(str).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_HEADS = {topic: b'{"topic":"' + topic.value.encode() + b'","key":' for topic in Topic}


def read_events(paths: Iterable[Path]) -> Iterator[FileRecord]:
    """The records of the files, one file after another; empty lines are skipped.

    Raises ``EventFileError`` naming file and line at the first line that is no record, and at a file that ends too soon.
    """
    for path in paths:
        yield from _read_file(path)


def _read_file(path: Path) -> Iterator[FileRecord]:
    number = 0
    try:
        with ExitStack() as stack:
            for line in _open_to_read(path, stack):
                number += 1
                if line != b"\n":
                    yield _record(line)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        advice = f"; topics are {', '.join(Topic)}, without a prefix" if "$.topic" in str(error) else ""
        raise EventFileError(path, number, f"{error}{advice}") from None
    except (EOFError, OSError, zstandard.ZstdError) as error:
        raise EventFileError(path, number + 1, f"cannot be read: {error}") from None


def _open_to_read(path: Path, stack: ExitStack) -> IO[bytes]:
    raw = stack.enter_context(path.open("rb", buffering=1 << 20))
    if path.suffix == ".gz":
        return stack.enter_context(io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=raw)), 1 << 20))
    if path.suffix == ".zst":
        plain = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return stack.enter_context(io.BufferedReader(stack.enter_context(plain), 1 << 20))
    return raw


def _record(line: bytes) -> FileRecord:
    try:
        parsed = _decode_line(line)
    except (msgspec.DecodeError, RecursionError) as error:
        parsed = _decode_unusable_value(line, error)
    value = bytes(parsed.value)
    if not value:
        if parsed.value_b64 is None:
            raise ValueError("Object missing required field `value`")
        content: bytes | None = _bytes(parsed.value_b64, "value_b64")
    elif parsed.value_b64 is not None:
        raise ValueError("`value` and `value_b64` exclude each other")
    else:
        content = _value(value)
    if parsed.key_b64 is not None:
        key: bytes | None = _bytes(parsed.key_b64, "key_b64")
    else:
        key = None if parsed.key is None else parsed.key.encode()
    return FileRecord(parsed.topic, parsed.timestamp_ms, key, content, _headers(parsed) if parsed.headers or parsed.header_list else [])


def _decode_unusable_value(line: bytes, error: Exception) -> _Line:
    """The line, if all that is wrong with it is in its value, such as a lone surrogate, NaN or its depth; raises ``ValueError`` else.

    Such a value is a record's own, to be refused as it is.
    """
    text = line.decode(errors="surrogateescape")
    found = _object_value(text)
    if found is None or not _is_json(line):
        raise ValueError(str(error)) from None
    # As a string the value has the bytes that it has in the line.
    return _decode_line((text[: found.start] + json.dumps(text[found]) + text[found.stop :]).encode())


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except RecursionError:
        return True  # nobody can say; the record's own examination will refuse it
    except ValueError:
        return False
    return True


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')


def _object_value(text: str) -> slice | None:
    """Where the object stands that is the line's ``value``, found without recursion; None where there is none."""
    depth, start, name = 0, -1, ""
    found = None
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            depth += 1
            if depth == 2 and token[0] == "{" and name == '"value"':
                start = token.start()
        elif token[0] in "}]":
            depth -= 1
            if depth == 1 and start >= 0:
                found, start = slice(start, token.end()), -1
        elif depth == 1:
            name = token[0]
    return found


def _value(raw: bytes) -> bytes | None:
    first = raw[:1]
    if first == b"{":
        return raw
    if first == b'"':
        return _decode_string(raw).encode()
    if first == b"n":
        return None
    raise ValueError("Expected `object`, `string` or `null` - at `$.value`")


def _bytes(encoded: str, name: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"Expected base64 - at `$.{name}`") from None


def _headers(parsed: _Line) -> list[tuple[str, bytes | None]]:
    headers: list[tuple[str, bytes | None]] = [(name, None if value is None else value.encode()) for name, value in (parsed.headers or {}).items()]
    headers += [(name, None if value is None else _bytes(value, "header_list")) for name, value in parsed.header_list or []]
    return headers


def line_of(record: FileRecord) -> bytes:
    """The line of a record, with its newline."""
    return b"".join(
        (
            _HEADS[record.topic],
            _key_member(record.key),
            b',"timestamp_ms":%d,' % record.timestamp,
            _headers_member(record.headers) if record.headers else b'"headers":{}',
            b"," + _value_member(record.value) + b"}\n",
        )
    )


def _key_member(key: bytes | None) -> bytes:
    if key is None:
        return b"null"
    try:
        return _encode(key.decode())
    except UnicodeDecodeError:
        return b'null,"key_b64":' + _encode(key)


def _value_member(value: bytes | None) -> bytes:
    if value is None:
        return b'"value":null'
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return b'"value_b64":' + _encode(value)
    if value[:1] == b"{" and value[-1:] == b"}" and b"\n" not in value and b"\r" not in value:
        try:
            _decode_any(value)
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            return b'"value":' + value
    return b'"value":' + _encode(text)


def _headers_member(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    try:
        as_object = {name: value.decode() for name, value in headers if value is not None}
    except UnicodeDecodeError:
        as_object = {}
    if len(as_object) == len(headers):
        return b'"headers":' + _encode(as_object)
    return b'"headers":{},"header_list":' + _encode(list(headers))


class EventWriter:
    """Writes an event file, by the suffix of ``path`` compressed or not; an existing file is replaced. To be used in a ``with`` statement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0
        self._lines: list[bytes] = []
        self._files = ExitStack()
        self._file: IO[bytes] = self._open()

    def _open(self) -> IO[bytes]:
        raw = self._files.enter_context(self.path.open("wb", buffering=1 << 20))
        if self.path.suffix == ".gz":
            # Neither name nor time of writing: the same records give the same file.
            packed = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=raw, mtime=0)
            self._files.push(packed)
            return cast("IO[bytes]", packed)
        if self.path.suffix == ".zst":
            return self._files.enter_context(zstandard.ZstdCompressor().stream_writer(raw, closefd=False))
        return raw

    def write(self, record: FileRecord) -> None:
        """Append one record."""
        self._lines.append(line_of(record))
        self.records += 1
        if len(self._lines) == _LINES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._file.write(b"".join(self._lines))
        self._lines.clear()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Write what is left and close."""
        with self._files:
            self._flush()


def write_events(path: Path, records: Iterable[FileRecord]) -> int:
    """How many records were written to ``path``."""
    with EventWriter(path) as writer:
        for record in records:
            writer.write(record)
    return writer.records
