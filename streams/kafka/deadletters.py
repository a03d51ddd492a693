"""Dead letters on their topic: the record as it was, and why it could not be used in headers of our own."""

from streams.core.stage import DeadLetter

PREFIX = "candor-"
HEADERS = ("reason", "field", "message", "topic", "partition", "offset", "timestamp", "stage")
"""Names of our headers, without the prefix, in the order in which they follow the record's own; ``field`` is left out where there is none."""


def dead_letter_headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    """The record's own headers, untouched, then ours; numbers are decimal, ``timestamp`` is in milliseconds since 1970."""
    ours: dict[str, object] = {
        "reason": letter.reason.value,
        "field": letter.field,
        "message": letter.message,
        "topic": str(letter.topic),
        "partition": letter.partition,
        "offset": letter.offset,
        "timestamp": letter.timestamp,
        "stage": letter.stage.value,
    }
    return [*letter.headers, *((PREFIX + name, str(ours[name]).encode()) for name in HEADERS if ours[name] is not None)]
