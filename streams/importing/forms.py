"""What a field of an event can be made of: forms that are data, so a mapping can compute nothing but these."""

from decimal import Decimal
from string import Formatter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

Scalar = str | bool | int | float
KNOWN_FORMATS = ("iso", "unix", "unix_ms")


class Part(BaseModel):
    """A part of a mapping; unknown names are refused, since they are most often typing errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Column(Part):
    """The text of a column, as it is."""

    column: str
    """The column; after a join ``<source>.<column>``."""
    trim: bool = False
    """True: without white space around it; what is only white space is empty."""


class Constant(Part):
    """The same for every row."""

    constant: Scalar
    """The value."""


class Template(Part):
    """A text with columns in braces; empty where one of the columns is."""

    template: str
    """For example ``payment-{order_id}-{number}``; double braces stand for braces."""

    @field_validator("template")
    @classmethod
    def _names_columns_alone(cls, template: str) -> str:
        try:
            pieces = list(Formatter().parse(template))
        except ValueError as error:
            raise ValueError(f"{error}; double a brace that is meant as text") from None
        for _, name, specification, conversion in pieces:
            if name == "" or specification or conversion:
                raise ValueError("write the name of a column in braces and nothing else, such as {order_id}")
        return template

    @property
    def pieces(self) -> list[tuple[str, str | None]]:
        """Texts, and the column that follows each."""
        return [(text, name) for text, name, _, _ in Formatter().parse(self.template)]


class Concat(Part):
    """Several texts, one after another; empty ones are left out, and it is empty where all are."""

    concat: tuple["Expression", ...] = Field(min_length=1)
    """The texts."""
    separator: str = ""
    """What stands between them."""


class MapValues(Part):
    """Another value for each value."""

    map: "Expression"
    """The value that is looked up."""
    values: dict[str, Scalar | None] = Field(min_length=1)
    """Value found -> value given; null gives none."""
    default: Scalar | None = None
    """Given for all other values; where it is not written, they are reported. An empty value stays empty."""

    @field_validator("values", mode="before")
    @classmethod
    def _keys_are_texts(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if any(isinstance(key, bool) or key is None for key in values):
            raise ValueError("quote yes, no, on, off, true, false and null: YAML takes them for something else")
        return {str(key): value for key, value in values.items()}

    @property
    def has_default(self) -> bool:
        """Whether other values are allowed."""
        return "default" in self.model_fields_set


class Time(Part):
    """An instant."""

    time: "Expression"
    """The text that holds it."""
    format: str = "iso"
    """``iso`` (RFC 3339 or ISO 8601), ``unix`` or ``unix_ms`` (seconds or milliseconds since 1970), or a pattern such as ``%d.%m.%Y %H:%M``."""
    timezone: str | None = None
    """Zone of local times; default: the mapping's. Not used where the text holds an offset."""
    ambiguous: str = Field("earlier", pattern="^(earlier|later|refuse)$")
    """When clocks go back an hour comes twice: which of them is meant, or ``refuse``."""
    nonexistent: str = Field("forward", pattern="^(forward|refuse)$")
    """When clocks go forward an hour is missing: ``forward`` moves by the gap (00:00 becomes 01:00), ``refuse`` reports it."""


class _Numeric(Part):
    decimal: str = Field(".", min_length=1, max_length=1)
    """What separates the decimals."""
    thousands: str = Field("", max_length=1)
    """What separates thousands."""
    multiply: Decimal = Decimal(1)
    """Factor, for example 0.01 for cents."""


class Number(_Numeric):
    """A number."""

    number: "Expression"
    """The text that holds it."""


class Money(_Numeric):
    """An amount of money with at most 4 decimals, as exact decimal text."""

    money: "Expression"
    """The text that holds it."""


class Boolean(Part):
    """True or false; other texts are reported."""

    boolean: "Expression"
    """The text that holds it."""
    true_values: tuple[str, ...] = ("true", "1", "yes")
    """Texts that mean true."""
    false_values: tuple[str, ...] = ("false", "0", "no")
    """Texts that mean false."""


class Coalesce(Part):
    """The first of several that is not empty."""

    coalesce: tuple["Expression", ...] = Field(min_length=1)
    """In order of preference."""


class IfEmpty(Part):
    """One thing where another is empty, else a third."""

    if_empty: "Expression"
    """What is looked at."""
    then: "Expression | None" = None
    """Given where it is empty; default: nothing."""
    otherwise: "Expression | None" = None
    """Given where it is not; default: nothing."""


class Hash(Part):
    """A keyed hash (HMAC-SHA256) of personal data, so that equal values can be told without keeping them."""

    hash: "Expression"
    """The text that is hashed."""
    length: Annotated[int, Field(ge=16, le=64)] = 32
    """How many hexadecimal digits are kept."""


class Object(Part):
    """Names and values, such as answers; what is empty is left out, and it is empty where all are."""

    object: dict[str, "Expression"] = Field(min_length=1)
    """The values by name."""


class ListOf(Part):
    """Several values; what is empty is left out, and it is empty where all are."""

    list: tuple["Expression", ...] = Field(min_length=1)
    """The values in order."""


FORMS: dict[str, type[Part]] = {
    "column": Column,
    "constant": Constant,
    "template": Template,
    "concat": Concat,
    "map": MapValues,
    "time": Time,
    "number": Number,
    "money": Money,
    "boolean": Boolean,
    "coalesce": Coalesce,
    "if_empty": IfEmpty,
    "hash": Hash,
    "object": Object,
    "list": ListOf,
}


def _form(value: Any) -> str | None:
    """Which form is written: the one whose name is among the keys; None where that is not exactly one."""
    if isinstance(value, Part):
        names = [name for name, form in FORMS.items() if type(value) is form]
    else:
        names = [name for name in FORMS if isinstance(value, dict) and name in value]
    return names[0] if len(names) == 1 else None


AnyForm = (
    Annotated[Column, Tag("column")]
    | Annotated[Constant, Tag("constant")]
    | Annotated[Template, Tag("template")]
    | Annotated[Concat, Tag("concat")]
    | Annotated[MapValues, Tag("map")]
    | Annotated[Time, Tag("time")]
    | Annotated[Number, Tag("number")]
    | Annotated[Money, Tag("money")]
    | Annotated[Boolean, Tag("boolean")]
    | Annotated[Coalesce, Tag("coalesce")]
    | Annotated[IfEmpty, Tag("if_empty")]
    | Annotated[Hash, Tag("hash")]
    | Annotated[Object, Tag("object")]
    | Annotated[ListOf, Tag("list")]
)
Expression = Annotated[
    AnyForm,
    Discriminator(
        _form,
        custom_error_type="expression",
        custom_error_message="write exactly one form, such as {column: name}; the forms are " + ", ".join(FORMS),
    ),
]
for _model in FORMS.values():
    _model.model_rebuild()
