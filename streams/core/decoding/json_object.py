"""JSON as the contract reads it: UTF-8, one object, the last of a doubled key, no NaN, no lone surrogates."""

import json
import math
from collections.abc import Sequence
from typing import Any

LONGEST_NUMBER = 400


class Malformed(ValueError):
    """The value is not one JSON object in UTF-8; the message says why."""


def parse_object(value: bytes | None) -> dict[str, Any]:
    """The object that a record's value holds; numbers too large for a double are infinities. Raises ``Malformed``."""
    if value is None:
        raise Malformed("the record has no value")
    try:
        content = _DECODER.decode(value.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos}") from None
    except RecursionError:
        raise Malformed("not usable JSON: nested too deeply") from None
    if not isinstance(content, dict):
        raise Malformed(f"not a JSON object but {_NAMES.get(type(content), 'a number')}")
    return content


_NAMES: dict[type, str] = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Here, not afterwards, because of a key given twice only the last is left afterwards.
    for name, value in pairs:
        _check_text(name)
        _check_text(value)
    return dict(pairs)


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Malformed("not usable JSON: a surrogate without its other half") from None
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def _constant(name: str) -> float:
    raise Malformed(f"not JSON: {name}")


def _integer(text: str) -> int | float:
    if len(text) <= LONGEST_NUMBER:
        return int(text)
    return -math.inf if text.startswith("-") else math.inf


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer)
