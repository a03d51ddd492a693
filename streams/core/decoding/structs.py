"""Fast decoders, one per topic, derived from the event models: whatever they accept, the contract accepts value by value.

They are stricter than the contract (no envelopes, no unknown fields); what they refuse is read more patiently.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from schemas.enums import Topic
from schemas.events import EVENTS, ProductLine, Rule, rules_of
from schemas.events.fields import Kind
from schemas.events.values import ID_LENGTH, LARGEST_INTEGER

_ID = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]


@dataclass(frozen=True, slots=True)
class TopicStructs:
    """The struct of a topic's events, and its decoders; ``tolerant`` ones skip unknown fields, the others refuse them."""

    event: type[msgspec.Struct]
    line: type[msgspec.Struct]
    decoder: msgspec.json.Decoder[Any]
    tolerant: type[msgspec.Struct]
    names: frozenset[str]
    rules: dict[str, Rule]
    """Every field but ``event_type``, over all event types of the topic."""


LINE_NAMES = frozenset(ProductLine.model_fields)


@cache
def structs_of(topic: Topic) -> TopicStructs:
    """The decoders of a topic, made once."""
    models = EVENTS[topic]
    rules = {rule.name: rule for model in models.values() for rule in rules_of(model)}
    everywhere = {name for name in rules if all(any(rule.name == name and rule.required for rule in rules_of(model)) for model in models.values())}
    line, tolerant_line = _line(strict=True), _line(strict=False)
    event = _struct("Event", topic, rules, everywhere, line, strict=True)
    tolerant = _struct("TolerantEvent", topic, rules, everywhere, tolerant_line, strict=False)
    return TopicStructs(event, line, msgspec.json.Decoder(event), tolerant, frozenset({"event_type", *rules}), rules)


def _line(*, strict: bool) -> type[msgspec.Struct]:
    fields = [_field(rule, rule.required, None) for rule in rules_of(ProductLine)]
    return msgspec.defstruct("Line" if strict else "TolerantLine", fields, gc=False, kw_only=True, forbid_unknown_fields=strict)


def _struct(
    name: str, topic: Topic, rules: dict[str, Rule], everywhere: set[str], line: type[msgspec.Struct], *, strict: bool
) -> type[msgspec.Struct]:
    event_type = ("event_type", Literal[tuple(EVENTS[topic])])
    fields = [event_type, *(_field(rule, rule.name in everywhere, line) for rule in rules.values())]
    return msgspec.defstruct(name, fields, gc=False, kw_only=True, forbid_unknown_fields=strict)


def _field(rule: Rule, required: bool, line: type[msgspec.Struct] | None) -> Any:
    annotation = _type(rule, line)
    return (rule.name, annotation) if required else (rule.name, annotation | None, None)


def _type(rule: Rule, line: type[msgspec.Struct] | None) -> Any:
    shape = rule.shape
    limited = Meta(max_length=shape.limit)
    types: dict[Kind, Any] = {
        Kind.ID: _ID,
        Kind.TEXT: Annotated[str, limited] if shape.limit else str,
        Kind.CURRENCY: str,
        Kind.CLOSED: Literal[rule.values],
        Kind.INSTANT: str,
        Kind.MONEY: float | str,
        Kind.NUMBER: Annotated[float, Meta(gt=shape.above, le=shape.most)] if shape.above is not None else float,
        # Whole numbers written 2.0 are made whole with the columns.
        Kind.INTEGER: Annotated[int, Meta(ge=shape.least, le=shape.most or LARGEST_INTEGER)] | float,
        Kind.FLAG: bool,
        Kind.IDS: list[_ID],
        Kind.TEXTS: list[str],
        Kind.NUMBERS: Annotated[list[float], limited],
        Kind.ANSWERS: Annotated[dict[str, float], limited],
        Kind.LINES: Annotated[list[line], limited],  # type: ignore[valid-type]  # a type made at run time
    }
    return types[shape.kind]
