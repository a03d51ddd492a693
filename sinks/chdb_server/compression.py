"""Content encodings of ClickHouse's HTTP interface."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import lz4.frame
import zstandard

SMALL_BYTES = 4096
"""Answers below this size are sent as they are."""


class _Frame(Protocol):
    """One compressed frame, being read."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_FRAMES: dict[str, Callable[[], _Frame]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": zlib.decompressobj,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
}
_WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor(level=1).compress(data),
    "gzip": lambda data: gzip.compress(data, compresslevel=1),
    "deflate": lambda data: zlib.compress(data, level=1),
}


class UnknownEncoding(Exception):
    """A content encoding that is not spoken here."""


def decompressed(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces of a body without its content encoding; raises ``UnknownEncoding``, or ``ValueError`` where the body is damaged."""
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in _FRAMES:
        raise UnknownEncoding(f"Content-Encoding {encoding} is not supported; use one of {', '.join(_FRAMES)}")
    frame = _FRAMES[encoding]()
    try:
        for piece in pieces:
            yield frame.decompress(piece)
            while frame.eof and (rest := frame.unused_data):
                frame = _FRAMES[encoding]()
                yield frame.decompress(rest)
    except (zlib.error, zstandard.ZstdError, RuntimeError, EOFError) as error:
        raise ValueError(f"The body is not {encoding}: {error}") from error
    if not frame.eof:
        raise ValueError(f"The body ends before its {encoding} data do")


def compressed(body: bytes, accepted: str) -> tuple[bytes, str]:
    """The body in the first of the accepted encodings that is spoken here, and its name; as it is, and empty, where compressing does not pay."""
    if len(body) >= SMALL_BYTES:
        for encoding in (name.split(";")[0].strip() for name in accepted.split(",")):
            if encoding in _WRITERS:
                return _WRITERS[encoding](body), encoding
    return body, ""
