"""CloudEvents 1.0 envelopes in structured mode."""

from collections.abc import Sequence
from typing import Any

from streams.core.decoding.json_object import Malformed

MEDIA_TYPE = b"application/cloudevents+json"
_ATTRIBUTES = {"id": "event_id", "type": "event_type", "time": "occurred_at"}


def is_envelope(headers: Sequence[tuple[str, bytes | None]]) -> bool:
    """Whether a header ``content-type`` (a name in any case, a value without its parameters) says CloudEvents."""
    # Kafka allows a header without a value, whatever the annotation says.
    return any(name.lower() == "content-type" and (value or b"").partition(b";")[0].strip() == MEDIA_TYPE for name, value in headers)


def opened(envelope: dict[str, Any]) -> dict[str, Any]:
    """The event in an envelope: its data, in which the envelope's id, type and time win. Raises ``Malformed`` where data is no object."""
    data = envelope.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise Malformed("data of the CloudEvents envelope is not an object")
    attributes = {name: envelope[attribute] for attribute, name in _ATTRIBUTES.items() if envelope.get(attribute) is not None}
    return {**data, **attributes}
