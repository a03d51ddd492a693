"""Forms to functions of a row."""

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from streams.importing import forms
from streams.importing.mapping import MappingError
from streams.importing.tables import Row

Value = str | bool | int | float | dict[str, "Value"] | list["Value"] | None
Compute = Callable[[Row], Value]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN_FORMAT = "%Y-%m-%d %H:%M:%S"
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
MOST_MONEY_DECIMALS = 4


class CannotMap(Exception):
    """A value of a row does not fit; the message says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes functions of forms, for a table with these columns."""

    columns: frozenset[str]
    file: str
    timezone: str
    secret: bytes | None
    secret_name: str

    def compile(self, form: forms.Part, place: str) -> Compute:
        """The function that computes a form; raises ``MappingError`` where it names a column that is not there or lacks its secret."""
        match form:
            case forms.Column():
                return self._column(form, place)
            case forms.Constant():
                constant: Value = form.constant
                return lambda _: constant
            case forms.Template():
                return self._template(form, place)
            case _:
                return self._composed(form, place)

    def _composed(self, form: forms.Part, place: str) -> Compute:
        match form:
            case forms.Concat():
                return self._concat(form, place)
            case forms.Coalesce():
                return _coalesce([self.compile(one, f"{place}.coalesce") for one in form.coalesce])
            case forms.IfEmpty():
                return self._if_empty(form, place)
            case forms.Object():
                return _object({name: self.compile(one, f"{place}.object.{name}") for name, one in form.object.items()})
            case forms.ListOf():
                return _list_of([self.compile(one, f"{place}.list") for one in form.list])
            case _:
                return self._parsed(form, place)

    def _parsed(self, form: forms.Part, place: str) -> Compute:
        match form:
            case forms.Time():
                return _of_text(self.compile(form.time, f"{place}.time"), _time_parser(form, form.timezone or self.timezone, place))
            case forms.Number():
                return _of_text(self.compile(form.number, f"{place}.number"), lambda text: _number(form, text))
            case forms.Money():
                return _of_text(self.compile(form.money, f"{place}.money"), lambda text: _money(form, text))
            case forms.Boolean():
                return _of_text(self.compile(form.boolean, f"{place}.boolean"), lambda text: _boolean(form, text))
            case forms.MapValues():
                return _map_values(form, self.compile(form.map, f"{place}.map"))
            case forms.Hash():
                return self._hash(form, place)
            case _:
                raise AssertionError(f"{type(form).__name__} is no form")

    def _check(self, column: str, place: str) -> None:
        if column not in self.columns:
            raise MappingError(f"{place}: {self.file} has no column {column!r}; it has {', '.join(sorted(self.columns))}")

    def _column(self, form: forms.Column, place: str) -> Compute:
        self._check(form.column, place)
        name = form.column
        if form.trim:
            return lambda row: (row.values[name] or "").strip() or None
        return lambda row: row.values[name]

    def _template(self, form: forms.Template, place: str) -> Compute:
        pieces = form.pieces
        for _, name in pieces:
            if name is not None:
                self._check(name, place)

        def compute(row: Row) -> Value:
            texts = []
            for text, name in pieces:
                texts.append(text)
                if name is not None:
                    value = row.values[name]
                    if value is None:
                        return None
                    texts.append(value)
            return "".join(texts)

        return compute

    def _concat(self, form: forms.Concat, place: str) -> Compute:
        parts = [self.compile(one, f"{place}.concat") for one in form.concat]

        def compute(row: Row) -> Value:
            texts = [_text(value) for value in _present(parts, row)]
            return form.separator.join(texts) if texts else None

        return compute

    def _if_empty(self, form: forms.IfEmpty, place: str) -> Compute:
        looked_at = self.compile(form.if_empty, f"{place}.if_empty")
        then = self.compile(form.then, f"{place}.then") if form.then else _nothing
        otherwise = self.compile(form.otherwise, f"{place}.otherwise") if form.otherwise else _nothing
        return lambda row: then(row) if looked_at(row) is None else otherwise(row)

    def _hash(self, form: forms.Hash, place: str) -> Compute:
        if not self.secret:
            raise MappingError(f"{place}: set the environment variable {self.secret_name} to the secret that personal fields are hashed with")
        secret = self.secret
        return _of_text(self.compile(form.hash, f"{place}.hash"), lambda text: hmac.new(secret, text.encode(), "sha256").hexdigest()[: form.length])


def _nothing(_: Row) -> Value:
    return None


def _present(parts: Iterable[Compute], row: Row) -> list[Value]:
    return [value for value in (part(row) for part in parts) if value is not None]


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise CannotMap(f"expected a text, found {value!r}")


def _of_text(inner: Compute, parse: Callable[[str], Value]) -> Compute:
    def compute(row: Row) -> Value:
        value = inner(row)
        return None if value is None else parse(_text(value))

    return compute


def _coalesce(parts: list[Compute]) -> Compute:
    return lambda row: next((value for value in (part(row) for part in parts) if value is not None), None)


def _object(parts: dict[str, Compute]) -> Compute:
    def compute(row: Row) -> Value:
        values = {name: part(row) for name, part in parts.items()}
        return {name: value for name, value in values.items() if value is not None} or None

    return compute


def _list_of(parts: list[Compute]) -> Compute:
    return lambda row: _present(parts, row) or None


def _map_values(form: forms.MapValues, inner: Compute) -> Compute:
    def parse(text: str) -> Value:
        if text in form.values:
            return form.values[text]
        if form.has_default:
            return form.default
        raise CannotMap(f"{text!r} is not among the values; add it, or give a default")

    return _of_text(inner, parse)


def _decimal(form: forms.Number | forms.Money, text: str) -> Decimal:
    plain = text.strip()
    if form.thousands:
        plain = plain.replace(form.thousands, "")
    if form.decimal != ".":
        plain = plain.replace(".", "?").replace(form.decimal, ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or "_" in plain:
        raise CannotMap(f"expected a number, found {text!r}")
    return number * form.multiply


def _number(form: forms.Number, text: str) -> Value:
    number = _decimal(form, text)
    return int(number) if number == number.to_integral_value() and abs(number) < 2**53 else float(number)


def _money(form: forms.Money, text: str) -> Value:
    number = _decimal(form, text)
    exact = number.quantize(Decimal(1).scaleb(-MOST_MONEY_DECIMALS)) if abs(number) < Decimal(10) ** 20 else None
    if exact is None or exact != number:
        raise CannotMap(f"expected an amount with at most {MOST_MONEY_DECIMALS} decimals, found {text!r}")
    whole = f"{exact:f}".rstrip("0").rstrip(".")
    return "0" if whole in {"", "-0"} else whole


def _boolean(form: forms.Boolean, text: str) -> Value:
    folded = text.strip().lower()
    if folded in {one.lower() for one in form.true_values}:
        return True
    if folded in {one.lower() for one in form.false_values}:
        return False
    raise CannotMap(f"expected one of {', '.join((*form.true_values, *form.false_values))}, found {text!r}")


def _time_parser(form: forms.Time, timezone: str, place: str) -> Callable[[str], Value]:
    try:
        zone = ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):
        raise MappingError(f"{place}: {timezone!r} is no IANA time zone; write one such as Europe/Berlin") from None
    return lambda text: rfc3339(_instant(form, zone, text.strip()))


def _instant(form: forms.Time, zone: ZoneInfo, text: str) -> datetime:
    if form.format in {"unix", "unix_ms"}:
        try:
            return _EPOCH + timedelta(microseconds=int(Decimal(text) * (1_000_000 if form.format == "unix" else 1_000)))
        except (InvalidOperation, OverflowError, ValueError):
            raise CannotMap(f"expected {'seconds' if form.format == 'unix' else 'milliseconds'} since 1970, found {text!r}") from None
    # The commonest pattern, read thirty times faster than strptime does.
    is_plain = form.format == "iso" or (form.format == _PLAIN_FORMAT and _PLAIN.fullmatch(text) is not None)
    try:
        moment = datetime.fromisoformat(text) if is_plain else datetime.strptime(text, form.format)  # noqa: DTZ007 - the zone follows
    except ValueError:
        raise CannotMap(f"expected a time like {form.format!r}, found {text!r}") from None
    try:
        return moment.astimezone(UTC) if moment.tzinfo is not None else _localised(form, zone, moment, text)
    except OverflowError:
        raise CannotMap(f"{text!r} is outside the years 1 to 9999") from None


def _localised(form: forms.Time, zone: ZoneInfo, moment: datetime, text: str) -> datetime:
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before == after:
        return first.astimezone(UTC)
    # PEP 495: in a gap fold=0 has the offset from before it, which lies behind; in a fold the first of the two instants.
    if before is not None and after is not None and before < after:
        if form.nonexistent == "refuse":
            raise CannotMap(f"{text!r} did not exist in {zone.key}: clocks went forward; set nonexistent: forward to move it by the gap")
        return first.astimezone(UTC)
    if form.ambiguous == "refuse":
        raise CannotMap(f"{text!r} came twice in {zone.key}: clocks went back; set ambiguous: earlier or later")
    return (second if form.ambiguous == "later" else first).astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """The instant as the contract wants it, in UTC."""
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
