"""The kinds of fields that events are made of: one annotation for each, read by pydantic and by the decoder alike."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, auto
from typing import Annotated

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from schemas.events.values import (
    CURRENCY_PATTERN,
    ID_LENGTH,
    INSTANT_PATTERN,
    LARGEST_INTEGER,
    LARGEST_QUANTITY,
    MONEY_PATTERN,
    read_instant,
    read_integer,
    read_money,
    read_number,
)

_MONEY_TEXT = f"^{MONEY_PATTERN}$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(IntEnum):
    """How a value is read; an integer, since its hash is cheap."""

    ID = auto()
    TEXT = auto()
    CURRENCY = auto()
    CLOSED = auto()
    INSTANT = auto()
    MONEY = auto()
    NUMBER = auto()
    INTEGER = auto()
    FLAG = auto()
    IDS = auto()
    TEXTS = auto()
    NUMBERS = auto()
    ANSWERS = auto()
    LINES = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field's annotation says to the decoder: its kind, and its bounds where it has some.

    ``limit`` is the largest number of items or code points (more are ``oversize``); ``least`` and ``most`` are allowed, ``above`` is not.
    """

    kind: Kind
    limit: int | None = None
    least: int | None = None
    above: int | None = None
    most: int | None = None


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        value = value.isoformat()
    return _EPOCH + timedelta(microseconds=read_instant(value))


def _money(value: object) -> Decimal:
    if isinstance(value, Decimal):
        value = format(value.normalize(), "f")
    return Decimal(read_money(value)).scaleb(-4)


Id = Annotated[str, Strict(), Field(min_length=1, max_length=ID_LENGTH), Shape(Kind.ID)]
Text = Annotated[str, Strict(), Shape(Kind.TEXT)]
Comment = Annotated[str, Strict(), Field(max_length=10_000), Shape(Kind.TEXT, limit=10_000)]
Currency = Annotated[str, Strict(), Field(pattern=f"^{CURRENCY_PATTERN}$"), Shape(Kind.CURRENCY)]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{INSTANT_PATTERN}$"}),
    Shape(Kind.INSTANT),
]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": 100_000_000_000_000}, {"type": "string", "pattern": _MONEY_TEXT}]}
    ),
    Shape(Kind.MONEY),
]
Number = Annotated[float, BeforeValidator(read_number), Shape(Kind.NUMBER)]
# Bounds stand before the reader, so that they apply to the number and JSON Schema knows them.
Probability = Annotated[float, Field(gt=0, le=1), BeforeValidator(read_number), Shape(Kind.NUMBER, above=0, most=1)]
Weight = Annotated[float, Field(gt=0), BeforeValidator(read_number), Shape(Kind.NUMBER, above=0)]
Quantity = Annotated[float, Field(gt=0, le=LARGEST_QUANTITY), BeforeValidator(read_number), Shape(Kind.NUMBER, above=0, most=LARGEST_QUANTITY)]
Revision = Annotated[int, Field(ge=1, le=LARGEST_INTEGER), BeforeValidator(read_integer), Shape(Kind.INTEGER, least=1)]
Milliseconds = Annotated[int, Field(ge=0, le=LARGEST_INTEGER), BeforeValidator(read_integer), Shape(Kind.INTEGER, least=0)]
Version = Annotated[int, Field(ge=1, le=1), BeforeValidator(read_integer), Shape(Kind.INTEGER, least=1, most=1)]
Flag = Annotated[bool, Strict(), Shape(Kind.FLAG)]
Ids = Annotated[tuple[Id, ...], Shape(Kind.IDS)]
Texts = Annotated[tuple[Text, ...], Shape(Kind.TEXTS)]
Scores = Annotated[tuple[Number, ...], Field(max_length=16), Shape(Kind.NUMBERS, limit=16)]
Answers = Annotated[dict[Text, Number], Field(max_length=64), Shape(Kind.ANSWERS, limit=64)]
