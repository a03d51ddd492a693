"""The mapping file: which tables there are, how they are joined, and which events each row becomes."""

import json
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from schemas.enums import Topic
from schemas.events import EVENTS
from streams.errors import ConfigurationError
from streams.importing.forms import Expression, Part

FIELDS_MADE = ("event_type",)


class MappingError(ConfigurationError):
    """The mapping cannot be used; the message names file, place and what to do."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/Berlin") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Condition(Part):
    """A condition on a column; several parts must all hold."""

    column: str
    """The column that is looked at."""
    equals: str | None = None
    """Holds where the column is this text."""
    is_in: tuple[str, ...] | None = Field(None, alias="in")
    """Holds where the column is one of these texts."""
    not_in: tuple[str, ...] | None = None
    """Holds where the column is none of these texts; also where it is empty."""
    empty: bool | None = None
    """True: holds where the column is empty; false: where it is not."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.equals is None and self.is_in is None and self.not_in is None and self.empty is None:
            raise ValueError("a condition needs one of: equals, in, not_in, empty")
        return self


class Join(Part):
    """Columns of another source, looked up by key: its column ``c`` is then ``<source>.c`` (or ``<alias>.c``).

    The other source must have each key at most once; reduce it with a ``group`` where it has not.
    """

    source: str
    """The source that is looked up."""
    by: dict[str, str] = Field(min_length=1)
    """Column here -> column there; columns of earlier joins can be used."""
    alias: str | None = None
    """Stands before the columns instead of the name of the source."""
    required: bool = False
    """True: a row without match is reported and becomes no event; false: its columns are empty."""

    @property
    def prefix(self) -> str:
        """What stands before the columns."""
        return self.alias or self.source


class Order(Part):
    """A column to sort by."""

    column: str
    """The column."""
    numeric: bool = False
    """True: as numbers, 2 before 10; false: as text."""
    descending: bool = False
    """True: the greatest first."""


class Aggregate(Part):
    """One value of all rows of a group; exactly one part is given. Empty values are left out."""

    first: str | None = None
    """The column's value in the first row that has one."""
    last: str | None = None
    """The column's value in the last row that has one."""
    sum: str | None = None
    """Decimal sum of the column."""
    min: str | None = None
    """Least text of the column."""
    max: str | None = None
    """Greatest text of the column."""
    count: str | None = None
    """How many rows have the column."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.chosen) != 1:
            raise ValueError("give exactly one of: first, last, sum, min, max, count")
        return self

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """What to compute, and of which column."""
        return [(name, column) for name, column in self if column is not None]


class Group(Part):
    """Rows of another source, one for each key."""

    source: str
    """The source whose rows are grouped."""
    by: tuple[str, ...] = Field(min_length=1)
    """Columns of the key."""
    order_by: tuple[Order, ...] = ()
    """Order of the rows in a group; without it, that of the file."""
    columns: dict[str, Aggregate] = Field(min_length=1)
    """New column -> what it holds."""


class Source(Part):
    """A table: a CSV file, or another source grouped."""

    csv: str | None = None
    """A CSV file with a header, below the folder that is imported."""
    delimiter: str = Field(",", min_length=1, max_length=1)
    """What separates columns."""
    encoding: str = "utf-8-sig"
    """How the file is encoded; the default also reads plain UTF-8."""
    empty: tuple[str, ...] = ("",)
    """Texts that mean: no value."""
    group: Group | None = None
    """Another source, grouped."""
    join: tuple[Join, ...] = ()
    """Columns of other sources."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.csv is None) == (self.group is None):
            raise ValueError("give either csv or group")
        return self


class EventRule(Part):
    """One event for each row of a source."""

    source: str
    """The source whose rows become events."""
    where: tuple[Condition, ...] = ()
    """Rows that become events; all conditions must hold."""
    topic: Topic
    """The input topic."""
    event_type: str
    """The type of the event."""
    fields: dict[str, Expression] = Field(min_length=1)
    """Field of the contract -> what it holds; a field without value is left out."""

    @model_validator(mode="after")
    def _fields_exist(self) -> Self:
        models = EVENTS[self.topic]
        if self.event_type not in models:
            raise ValueError(f"event_type: {self.topic} has no {self.event_type!r}; it has {', '.join(models)}")
        known = models[self.event_type].model_fields
        for name in self.fields:
            if name in FIELDS_MADE:
                raise ValueError(f"fields: leave {name} out, it is given beside the fields")
            if name not in known:
                close = get_close_matches(name, known, 1)
                raise ValueError(f"fields: {self.event_type} has no field {name!r}{f'; did you mean {close[0]!r}?' if close else ''}")
        needed = [name for name, field in known.items() if field.is_required() and name not in FIELDS_MADE and name not in self.fields]
        if needed:
            raise ValueError(f"fields: {self.event_type} needs {', '.join(needed)}")
        return self


class Mapping(Part):
    """How the tables of one folder become events."""

    name: str = Field(min_length=1)
    """What is imported; for people."""
    timezone: Zone = "UTC"
    """Zone of times that have none of their own."""
    catalog: str | None = None
    """Catalog that fits these events, beside the mapping file; used to check currencies where no other is set."""
    hash_secret: str = "CANDOR_HASH_SECRET"  # noqa: S105 - the name of a variable
    """Environment variable that holds the secret of ``hash``."""
    sources: dict[str, Source] = Field(min_length=1)
    """Tables by name."""
    events: dict[str, EventRule] = Field(min_length=1)
    """Events by name; where times are equal, the order given here is the order of arrival."""

    @model_validator(mode="after")
    def _sources_exist(self) -> Self:
        for name, source in self.sources.items():
            named = [join.source for join in source.join] + ([source.group.source] if source.group else [])
            for other in named:
                self._check_source(other, f"sources.{name}")
        for name, rule in self.events.items():
            self._check_source(rule.source, f"events.{name}")
        self._check_cycles()
        return self

    def _check_source(self, name: str, place: str) -> None:
        if name not in self.sources:
            raise ValueError(f"{place}: there is no source {name!r}; there are {', '.join(self.sources)}")

    def _check_cycles(self) -> None:
        done: set[str] = set()

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise ValueError(f"sources: {' -> '.join((*above, name))} is a circle")
            if name not in done:
                for other in self.needs[name]:
                    visit(other, (*above, name))
                done.add(name)

        for name in self.sources:
            visit(name, ())

    @cached_property
    def needs(self) -> dict[str, list[str]]:
        """The sources that each source is made from."""
        return {
            name: [*([source.group.source] if source.group else []), *(join.source for join in source.join)] for name, source in self.sources.items()
        }


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; raises ``MappingError`` naming the file, the place and what to do."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise MappingError(f"{path}{place}: not YAML ({getattr(error, 'problem', None) or error}); correct it there") from error
    if not isinstance(content, dict):
        raise MappingError(f"{path}: expected name, sources and events, found a {type(content).__name__}")
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        raise MappingError(_explained(path, error)) from error


def _explained(path: Path, error: ValidationError) -> str:
    lines = [f"{path}: {error.error_count()} thing(s) to correct"]
    for item in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in item["loc"])
        advice = "; unknown name, check the spelling or remove it" if item["type"] == "extra_forbidden" else ""
        lines.append(f"  {place or 'mapping'}: {item['msg'].removeprefix('Value error, ')}{advice}")
    return "\n".join(lines)


def mapping_schema() -> str:
    """The JSON Schema of mapping files, for editors."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Mapping.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
