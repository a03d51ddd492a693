"""Which records can be used, and what they say: contracts 1, 2, 3, 5 and the readings R1 to R8, R31, R35 and R36.

Every check is a pass of its own over the fields, in the order of the table of dead letters, so that the reason that applies first is the one given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from tests.oracle import parse
from tests.oracle.parse import InvalidError, Json, MalformedError
from tests.oracle.records import Catalog, Record

Value = object
MAX_VALUE_BYTES = 1_048_576
MAX_MONEY = Decimal("99999999999999.9999")
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2300, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CHANNELS = {"web", "app", "email", "sms", "phone", "store", "kiosk", "chat", "partner", "other"}
SCALES: dict[str, tuple[float, float]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "rating": (1, 5)}
CONTACT_CLASSES = {"customer", "staff", "free", "role", "unknown"}
REASONS = {"referral", "recommendation", "advertising", "promotion", "sales", "merger", "unknown"}
SUPPRESSIONS = {"quarantine", "opt_out", "no_contact", "manual", "no_plan"}
PURPOSES = {"sell", "upsell", "value_education", "service", "loop_closure", "survey"}
TRIGGERS = {"detractor", "text", "risk", "manual"}
ATTESTATIONS = {"customer", "joint", "vendor"}
BOUNDS: dict[str, Callable[[float], bool]] = {
    "revision": lambda value: value >= 1,
    "duration_ms": lambda value: value >= 0,
    "inclusion_probability": lambda value: 0 < value <= 1,
    "weight": lambda value: value > 0,
}


class RefusedError(Exception):
    """The record cannot be used; ``field`` is the field at fault where one is."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason, field)
        self.reason = reason
        self.field = field


@dataclass(frozen=True, slots=True)
class Event:
    """A usable event: its fields parsed, with defaults in place of what is absent; None where absent and without a default."""

    record: Record
    event_type: str
    occurred_at: datetime
    fields: dict[str, Value]

    @property
    def account_id(self) -> str:
        return str(self.fields["account_id"])

    @property
    def event_id(self) -> str:
        return str(self.fields["event_id"])

    @property
    def synthetic(self) -> bool:
        return self.fields["synthetic"] is True


@dataclass(frozen=True, slots=True)
class Field:
    """What a field must be; ``limit`` is the greatest number of items or characters."""

    parse: Callable[[Json], Value]
    required: bool = False
    default: Value = None
    limit: int | None = None


def one_of(values: set[str]) -> Callable[[Json], Value]:
    """A parser of a closed list."""

    def parse_one(value: Json) -> Value:
        if not isinstance(value, str) or value not in values:
            raise InvalidError
        return value

    return parse_one


@dataclass(frozen=True, slots=True)
class Line:
    """A product line of a transaction."""

    product_id: str
    quantity: float
    amount: Decimal | None
    consumable: bool


def products(value: Json) -> Value:
    """Product lines; null inside a line means absent (R4). A missing product id is found by ``_missing``."""
    return [product_line(item) for item in parse.array(value)]


def product_line(item: Json) -> Line:
    """One line of a transaction."""
    if not isinstance(item, dict):
        raise InvalidError
    quantity, amount, consumable = item.get("quantity"), item.get("amount"), item.get("consumable")
    return Line(
        parse.identifier(item.get("product_id")),
        1.0 if quantity is None else parse.number(quantity),
        None if amount is None else parse.money(amount),
        False if consumable is None else parse.boolean(consumable),
    )


ID, REQUIRED_ID = Field(parse.identifier), Field(parse.identifier, required=True)
TEXT, TIME, MONEY, FLAG = Field(parse.text), Field(parse.time), Field(parse.money), Field(parse.boolean)
FALSE = Field(parse.boolean, default=False)
REQUIRED_NUMBER = Field(parse.number, required=True)
CONTACT_CLASS = Field(one_of(CONTACT_CLASSES), default="unknown")

COMMON: dict[str, Field] = {
    "event_id": REQUIRED_ID,
    "event_type": Field(parse.text, required=True),
    "occurred_at": Field(parse.time, required=True),
    "account_id": REQUIRED_ID,
    "schema_version": Field(parse.integer, default=1),
    "received_at": TIME,
    "customer_id": ID,
    "unit_id": ID,
    "agent_id": ID,
    "channel": Field(one_of(CHANNELS), default="other"),
    "synthetic": FALSE,
}
WITHDRAWN: dict[str, Field] = {"unit_id": REQUIRED_ID, "response_id": REQUIRED_ID, "survey_id": REQUIRED_ID}
SUBMITTED: dict[str, Field] = {
    **WITHDRAWN,
    "revision": Field(parse.integer, default=1),
    "invitation_id": ID,
    "transaction_id": ID,
    "metric": Field(one_of(set(SCALES)), required=True),
    "score": REQUIRED_NUMBER,
    "scale_min": Field(parse.number),
    "scale_max": Field(parse.number),
    "answers": Field(parse.answers, limit=64),
    "expected_score": Field(parse.number),
    "competitor_scores": Field(parse.numbers, limit=16),
    "asked_for_score": FLAG,
    "told_about_action": FLAG,
    "comment": Field(parse.text, limit=10_000),
    "language": TEXT,
    "landed_at": TIME,
    "duration_ms": Field(parse.integer),
    "device_hash": TEXT,
    "ip_prefix_hash": TEXT,
    "contact_hash": TEXT,
    "contact_class": CONTACT_CLASS,
}
TRANSACTION: dict[str, Field] = {
    "transaction_id": REQUIRED_ID,
    "original_transaction_id": ID,
    "amount": Field(parse.money, required=True),
    "currency": Field(parse.currency, required=True),
    "discount": Field(parse.money, default=Decimal(0)),
    "cost": MONEY,
    "products": Field(products, limit=1_000),
    "is_new_customer": FLAG,
    "acquisition_reason": Field(one_of(REASONS), default="unknown"),
    "referrer_account_id": ID,
    "recurring": FALSE,
    "risk_flags": Field(parse.texts),
}
INVITATION: dict[str, Field] = {
    "unit_id": REQUIRED_ID,
    "invitation_id": REQUIRED_ID,
    "transaction_id": ID,
    "survey_id": ID,
    "inclusion_probability": Field(parse.number),
    "suppression_reason": Field(one_of(SUPPRESSIONS)),
    "suppressed_by": ID,
    "contact_hash": TEXT,
    "contact_class": CONTACT_CLASS,
}
COMMUNICATION: dict[str, Field] = {
    "message_id": REQUIRED_ID,
    "campaign_id": ID,
    "purpose": Field(one_of(PURPOSES), required=True),
    "offer_product_ids": Field(parse.identifiers),
    "response_ids": Field(parse.identifiers),
}
CASE: dict[str, Field] = {
    "case_id": REQUIRED_ID,
    "response_id": ID,
    "trigger": Field(one_of(TRIGGERS)),
    "owner_id": ID,
    "due_at": TIME,
    "cause_code": TEXT,
    "resolution_code": TEXT,
}
OUTCOME: dict[str, Field] = {
    "outcome_id": REQUIRED_ID,
    "objective_id": REQUIRED_ID,
    "baseline": REQUIRED_NUMBER,
    "target": REQUIRED_NUMBER,
    "current": REQUIRED_NUMBER,
    "weight": Field(parse.number, default=1.0),
    "value_amount": MONEY,
    "claimed_amount": MONEY,
    "currency": Field(parse.currency),
    "attested_by": Field(one_of(ATTESTATIONS), required=True),
    "evidence_uri": TEXT,
}
OPERATION: dict[str, Field] = {"observation_id": REQUIRED_ID, "measure": REQUIRED_ID, "value": REQUIRED_NUMBER, "transaction_id": ID}

INVITATION_STEPS = ("eligible", "sampled", "suppressed", "sent", "delivered", "bounced", "opened", "reminded", "expired")
CASE_STEPS = ("opened", "assigned", "contacted", "escalated", "resolved", "confirmed", "reopened")
TYPES: dict[str, dict[str, dict[str, Field]]] = {
    "feedback": {"response.submitted": SUBMITTED, "response.withdrawn": WITHDRAWN},
    "transactions": {"transaction.completed": TRANSACTION, "transaction.refunded": TRANSACTION},
    "invitations": {f"invitation.{step}": INVITATION for step in INVITATION_STEPS},
    "communications": {"communication.sent": COMMUNICATION},
    "actions": {f"case.{step}": CASE for step in CASE_STEPS},
    "outcomes": {"outcome.recorded": OUTCOME},
    "operations": {"operation.observed": OPERATION},
}
MONEY_FIELDS = {"transactions": ("amount", "discount", "cost"), "outcomes": ("value_amount", "claimed_amount")}


def validate(record: Record, catalog: Catalog) -> Event:
    """The event that a record carries; raises ``RefusedError`` with the first reason that applies (R1)."""
    if record.value is not None and len(record.value) > MAX_VALUE_BYTES:
        raise RefusedError("oversize")
    try:
        given = _envelope(record, parse.document(record.value))
    except MalformedError:
        raise RefusedError("malformed") from None
    given = {name: value for name, value in given.items() if value is not None}  # null means absent (R4)
    spec = _spec(record.topic, given)
    _oversize(spec, given)
    _unknown(record.topic, given)
    _missing(spec, given)
    fields = _parsed(spec, given)
    _inconsistent(record.topic, fields)
    _out_of_range(fields)
    _convert(record.topic, fields, catalog)
    if record.key != str(fields["account_id"]).encode():
        raise RefusedError("key_mismatch", "account_id")
    currency = fields.get("currency")
    if currency is not None and catalog.rate(str(currency)) is None:
        raise RefusedError("unknown_currency", "currency")
    occurred_at, arrived_at = fields["occurred_at"], EPOCH + timedelta(milliseconds=record.timestamp_ms)
    assert isinstance(occurred_at, datetime)
    if occurred_at - arrived_at > timedelta(hours=24):  # strictly (R8)
        raise RefusedError("in_future", "occurred_at")
    if fields["received_at"] is None:
        fields["received_at"] = arrived_at
    return Event(record, str(fields["event_type"]), occurred_at, fields)


def _envelope(record: Record, document: dict[str, Json]) -> dict[str, Json]:
    """The fields of the event, taken out of a CloudEvents envelope where the header says that it is one (R35)."""
    types = [(value or b"").split(b";")[0].strip() for name, value in record.headers if name.lower() == "content-type"]
    if b"application/cloudevents+json" not in types:
        return document
    data = document.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise MalformedError
    outer = {"event_id": document.get("id"), "event_type": document.get("type"), "occurred_at": document.get("time")}
    return {**data, **{name: value for name, value in outer.items() if value is not None}}


def _spec(topic: str, given: dict[str, Json]) -> dict[str, Field]:
    event_type = given.get("event_type")
    own = TYPES[topic].get(event_type, {}) if isinstance(event_type, str) else {}
    return {**COMMON, **own}


def _oversize(spec: dict[str, Field], given: dict[str, Json]) -> None:
    for name, field in spec.items():
        value = given.get(name)
        if field.limit is not None and isinstance(value, str | list | dict) and len(value) > field.limit:
            raise RefusedError("oversize", name)


def _unknown(topic: str, given: dict[str, Json]) -> None:
    event_type = given.get("event_type")
    if isinstance(event_type, str) and event_type not in TYPES[topic]:
        raise RefusedError("unknown_type", "event_type")
    try:
        version = parse.integer(given.get("schema_version", 1))
    except InvalidError:
        return  # not an integer: invalid_field (R3)
    if version != 1:
        raise RefusedError("unknown_version", "schema_version")


def _missing(spec: dict[str, Field], given: dict[str, Json]) -> None:
    for name, field in spec.items():
        if field.required and name not in given:
            raise RefusedError("missing_field", name)
    lines = given.get("products") if "products" in spec else None
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, dict) and line.get("product_id") is None:
            raise RefusedError("missing_field", "products")


def _parsed(spec: dict[str, Field], given: dict[str, Json]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for name, field in spec.items():
        try:
            fields[name] = field.parse(given[name]) if name in given else field.default
        except InvalidError:
            raise RefusedError("invalid_field", name) from None
    return fields


def _inconsistent(topic: str, fields: dict[str, Value]) -> None:
    if topic == "outcomes" and fields["target"] == fields["baseline"]:
        raise RefusedError("invalid_field", "target")
    if "score" not in fields:
        return
    lowest, highest = SCALES[str(fields["metric"])]
    for name, default in (("scale_min", lowest), ("scale_max", highest)):
        if fields[name] is None:
            fields[name] = float(default)
    if float_of(fields["scale_min"]) >= float_of(fields["scale_max"]):
        raise RefusedError("invalid_field", "scale_min")


def _out_of_range(fields: dict[str, Value]) -> None:
    for name, value in fields.items():
        if isinstance(value, datetime) and not EARLIEST <= value < LATEST:
            raise RefusedError("out_of_range", name)
        if isinstance(value, Decimal) and not 0 <= value <= MAX_MONEY:
            raise RefusedError("out_of_range", name)
    if "score" in fields:
        _off_the_scale(fields)
    for name, within in BOUNDS.items():
        value = fields.get(name)
        if value is not None and not within(float_of(value)):
            raise RefusedError("out_of_range", name)
    for line in lines_of(fields):
        if line.quantity <= 0 or (line.amount is not None and not 0 <= line.amount <= MAX_MONEY):
            raise RefusedError("out_of_range", "products")


def _off_the_scale(fields: dict[str, Value]) -> None:
    lowest, highest = float_of(fields["scale_min"]), float_of(fields["scale_max"])
    competitors = fields["competitor_scores"]
    assert competitors is None or isinstance(competitors, list)
    for name, scores in (("score", [fields["score"]]), ("expected_score", [fields["expected_score"]]), ("competitor_scores", competitors or [])):
        if any(score is not None and not lowest <= float_of(score) <= highest for score in scores):
            raise RefusedError("out_of_range", name)


def _convert(topic: str, fields: dict[str, Value], catalog: Catalog) -> None:
    """Adds each amount in the base currency as ``..._base``, rounded half-even to 4 decimals; None where there is no rate (R31)."""
    currency = fields.get("currency")
    rate = catalog.rate(str(currency)) if currency is not None else None
    for name in MONEY_FIELDS.get(topic, ()):
        amount = fields[name]
        assert amount is None or isinstance(amount, Decimal)
        converted = None if amount is None or rate is None else (amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
        if converted is not None and converted > MAX_MONEY:
            raise RefusedError("out_of_range", name)
        fields[f"{name}_base"] = converted


def lines_of(fields: dict[str, Value]) -> list[Line]:
    """The product lines of a transaction; none where there are none."""
    lines = fields.get("products")
    return lines if isinstance(lines, list) else []


def float_of(value: Value) -> float:
    """A number that has been checked to be one."""
    assert isinstance(value, int | float)
    return float(value)


def int_of(value: Value) -> int:
    """An integer that has been checked to be one."""
    assert isinstance(value, int)
    return value
