"""From an event to the bytes, key and partition that a producer would send, in any of the spellings that the contracts allow."""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Fields = dict[str, Json]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def murmur2(data: bytes) -> int:
    """Kafka's hash of a key, as an unsigned 32-bit number."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def plain_time(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def any_time(rng: random.Random, instant: datetime) -> str:
    """The same instant in any offset, with trailing zeros cut or digits added that must be cut again."""
    offset = rng.choice([timedelta(0), timedelta(hours=2), timedelta(hours=-3), timedelta(hours=5, minutes=45), timedelta(hours=-11, minutes=-30)])
    local = instant.astimezone(timezone(offset))
    fraction = f"{local.microsecond:06d}"
    fraction = rng.choice([fraction, fraction.rstrip("0"), fraction + "999"]) if local.microsecond else rng.choice(["", "0", "000000000"])
    minutes = round(offset.total_seconds() / 60)
    suffix = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    if minutes == 0:
        suffix = rng.choice(["Z", "+00:00", "-00:00"])
    return local.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + suffix


def any_money(rng: random.Random, amount: Decimal) -> Json:
    """The same amount as a decimal string or as a number."""
    if rng.random() < 0.5:
        return str(amount)
    return int(amount) if amount == int(amount) and rng.random() < 0.5 else float(amount)


def any_bytes(rng: random.Random, fields: Mapping[str, Json]) -> bytes:
    """The event as JSON: fields in any order, escaped or not, with or without blanks, sometimes with a key given twice (the last counts)."""
    names = list(fields)
    rng.shuffle(names)
    blanks = rng.choice([(",", ":"), (", ", ": "), (" ,\n", " :\t")])
    ascii_only = rng.random() < 0.3
    parts = [f"{json.dumps(name, ensure_ascii=ascii_only)}{blanks[1]}{json.dumps(fields[name], ensure_ascii=ascii_only)}" for name in names]
    if rng.random() < 0.02:
        parts.insert(0, f'"{names[-1]}"{blanks[1]}"not this one"')
    return ("{" + blanks[0].join(parts) + "}").encode()


def as_cloudevent(rng: random.Random, fields: Mapping[str, Json]) -> tuple[bytes, tuple[tuple[str, bytes | None], ...]]:
    """The event in a CloudEvents envelope, whose ``id``, ``type`` and ``time`` win over fields of ``data``."""
    data = {name: value for name, value in fields.items() if name not in ("event_id", "event_type", "occurred_at")}
    if rng.random() < 0.3:
        data["event_id"] = "an id of the data, not of the envelope"
    envelope: Fields = {
        "specversion": "1.0",
        "source": "/tests",
        "id": fields.get("event_id"),
        "type": fields.get("event_type"),
        "time": fields.get("occurred_at"),
        "data": data,
    }
    header = rng.choice(["content-type", "Content-Type", "CONTENT-TYPE"])
    value = rng.choice([b"application/cloudevents+json", b"application/cloudevents+json; charset=utf-8"])
    return any_bytes(rng, envelope), ((header, value), ("trace", b"\x00\xff"))
