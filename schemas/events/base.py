"""What every event has, and how its fields are looked up."""

from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.fields import FieldInfo

from schemas.enums import Channel
from schemas.events.fields import Flag, Id, Instant, Kind, Shape, Version


class Record(BaseModel):
    """A frozen object in which null means absent and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: object) -> object:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


class Event(Record):
    """Fields of every event."""

    event_id: Id
    """Identity of the event within its topic and account; copies count once."""
    event_type: str
    """What happened."""
    schema_version: Version = 1
    """Version of this contract; only 1 is supported."""
    occurred_at: Instant
    """When it happened to the customer; at most 24 h after the record's Kafka timestamp."""
    received_at: Instant | None = None
    """When it reached the edge; default: the record's Kafka timestamp."""
    account_id: Id
    """The account; equals the record's key (UTF-8)."""
    customer_id: Id | None = None
    """The person, where an account has several."""
    unit_id: Id | None = None
    """Location, team or seller."""
    agent_id: Id | None = None
    """The employee."""
    channel: Channel = Channel.OTHER
    """Where the customer was met."""
    synthetic: Flag = False
    """True: test traffic, kept as a fact and counted nowhere."""


class Rule(NamedTuple):
    """One field of an event as the decoder needs it; ``values`` are those of a closed list."""

    name: str
    shape: Shape
    required: bool
    values: tuple[str, ...] = ()
    default: object = None


@cache
def rules_of(model: type[Record]) -> tuple[Rule, ...]:
    """The fields of a model in declared order, but ``event_type``, which selects the model."""
    return tuple(_rule(name, field) for name, field in model.model_fields.items() if name != "event_type")


def _rule(name: str, field: FieldInfo) -> Rule:
    # What a factory makes is empty, and so is absence.
    default = None if field.is_required() or field.default_factory is not None else field.default
    annotation, metadata = _unwrapped(field.annotation, list(field.metadata))
    for item in metadata:
        if isinstance(item, Shape):
            return Rule(name, item, field.is_required(), (), default)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Rule(name, Shape(Kind.CLOSED), field.is_required(), tuple(member.value for member in annotation), default)
    raise TypeError(f"{name} has no shape")


def _unwrapped(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """The type without ``| None`` and without ``Annotated``, and what was annotated."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    if get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        metadata = [*metadata, *inner]
    return annotation, metadata
