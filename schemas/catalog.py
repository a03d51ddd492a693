"""The catalog: what a company tells Candor about itself. One YAML file, read at start; an empty one works."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from schemas.begging import Language, Lexicon
from schemas.enums import CaseTrigger, FalseAlarms, ResponseClass, RitualKind, Spoke
from schemas.events.fields import Currency, Id, Text

MOST_RATE_DIGITS = 28


class CatalogError(Exception):
    """The catalog file cannot be used; the message names the file, the place and what to do."""


def _exact(value: object) -> Decimal:
    """A number by its shortest decimal form, so that 0.91 in YAML is exactly 0.91."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("write a number, such as 0.91")  # noqa: TRY004  # pydantic reports ValueError
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError("write a number, such as 0.91") from None
    if not number.is_finite() or number <= 0:
        raise ValueError("write a number above 0")
    if len(number.as_tuple().digits) > MOST_RATE_DIGITS or not -20 <= number.adjusted() <= 20:
        raise ValueError(f"write a rate from 1e-20 to 1e20 with at most {MOST_RATE_DIGITS} digits")
    return number


Rate = Annotated[Decimal, BeforeValidator(_exact), WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]})]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Orientation = Literal["customer", "company"]
Better = Literal["higher", "lower"]


class Part(BaseModel):
    """A part of the catalog; unknown names are refused, since they are most often typing errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Driver(Part):
    """A driver question of a survey."""

    name: Text
    """Name of the question in the answers of responses."""
    target: float | None = None
    """Answer aimed at; default: the top of the scale of the survey's score, or the greatest answer where that is higher."""
    cost: Positive = 1.0
    """Relative cost of improving it by one point."""


class ActionRule(Part):
    """Which responses must be followed up, and how fast."""

    classes: tuple[ResponseClass, ...] = (ResponseClass.DETRACTOR,)
    """Classes that must be followed up."""
    within_hours: Positive = 48.0
    """Hours after the response within which it must be followed up."""


class Survey(Part):
    """A survey and its follow-up plan."""

    survey_id: Id
    """The survey."""
    programme: Text | None = None
    """The programme that it belongs to; default: the survey itself."""
    owner: Text | None = None
    """Who answers for it."""
    action_rule: ActionRule = ActionRule()
    """Which responses must be followed up."""
    drivers: tuple[Driver, ...] = ()
    """Driver questions whose target or cost differ from the defaults."""


class Unit(Part):
    """A location, team or seller that is rated."""

    unit_id: Id
    """The unit."""
    peer_group: Text | None = None
    """Units that it can be compared with."""
    region: Text | None = None
    """Where it is."""


class IncentivePlan(Part):
    """Money that depends on scores."""

    plan_id: Id
    """The plan."""
    units: tuple[Id, ...] = ()
    """Units whose people it pays."""
    period: Text | None = None
    """The period that it pays for."""
    payout_rule: JsonValue = None
    """How scores become money."""


class Kpi(Part):
    """A measure on a scorecard."""

    kpi_id: Id
    """The measure."""
    orientation: Orientation
    """Whom it serves: customer or company."""
    weight: Positive = 1.0
    """Weight on the scorecard."""
    payout_share: Share = 0.0
    """Share of variable pay that depends on it."""
    ritual: Text | None = None
    """The ritual in which it is looked at."""
    scorecard: Text = "default"
    """The scorecard that it stands on."""
    measure: Text | None = None
    """What it is computed from: a measure of operations, or nps, csat, ces or rating for the scores of responses; default: the kpi_id."""
    better: Better = "higher"
    """Which values are better."""
    spoke: Spoke | None = None
    """The part of the company that it belongs to, to be held against what customers get and feel; default: none."""


class Ritual(Part):
    """A recurring decision about people or money."""

    ritual_id: Id
    """The ritual."""
    kind: RitualKind = RitualKind.OTHER
    """What it decides about."""
    criteria: tuple[Text, ...] = ()
    """What is looked at: a kpi_id, the objective of an outcome, or anything else in words."""
    money_decided: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Money that it decides about, in the base currency."""


class BusinessCalendar(Part):
    """Hours that count towards a policy; without one, all hours count."""

    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)
    """Working days, Monday 1 to Sunday 7."""
    opens: Annotated[str, Strict(), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "09:00"
    """Local time at which hours begin to count."""
    closes: Annotated[str, Strict(), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "17:00"
    """Local time at which hours cease to count."""
    holidays: tuple[Annotated[str, BeforeValidator(str), Field(pattern=r"^\d{4}-\d\d-\d\d$")], ...] = ()
    """Days on which no hours count."""

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        return self


class SlaPolicy(Part):
    """How fast a follow-up case must reach the customer."""

    trigger: CaseTrigger
    """What started the case."""
    hours: Positive
    """Hours until contact is due."""
    business_calendar: BusinessCalendar | None = None
    """Hours that count; default: all."""


class Product(Part):
    """A product."""

    product_id: Id
    """The product."""
    consumable: bool = False
    """True: used up, so it is never owned."""


class Grades(Part):
    """How a score is graded against what was expected."""

    delta: Share = 0.1
    """Width of the band around the expectation, as a share of the scale."""
    epsilon: Share = 0.05
    """Tolerance, as a share of the scale."""
    repurchase_days: Annotated[int, Field(ge=1)] = 180
    """Days within which another purchase counts as repurchase."""


class LoyaltyMatrix(Part):
    """Where the loyalty segments and quadrants are cut."""

    attitude: Share = 0.7
    """Least feeling of a loyal attitude."""
    behaviour: Share = 0.5
    """Least probability of being alive of a loyal behaviour."""
    feeling_cut: Share = 0.5
    """Feeling at which the quadrants are cut."""
    value_cut: Share = 0.5
    """Value delivered index at which the quadrants are cut."""


def _doubled(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []


class Catalog(Part):
    """What a company tells Candor about itself; every part has a default."""

    timezone: str = "UTC"
    """IANA name of the zone whose local dates are the days of all numbers."""
    base_currency: Currency = "EUR"
    """Currency in which money is added up; its own rate is 1."""
    fx_rates: dict[Currency, Rate] = Field(default_factory=dict)
    """Price of 1 unit of each currency in the base currency."""
    margin: Share = 1.0
    """Margin where costs are not known; 1 counts revenue."""
    induced_discount: Share = 0.2
    """A purchase with a greater discount, as a share of amount and discount together, counts as induced."""
    surveys: tuple[Survey, ...] = ()
    """Surveys: programme, owner, follow-up plan, drivers."""
    units: tuple[Unit, ...] = ()
    """Units: peer group and region."""
    incentive_plans: tuple[IncentivePlan, ...] = ()
    """Incentive plans: units, period, payout rule."""
    kpis: tuple[Kpi, ...] = ()
    """Measures on scorecards."""
    rituals: tuple[Ritual, ...] = ()
    """Recurring decisions about people or money."""
    sla_policies: tuple[SlaPolicy, ...] = ()
    """How fast follow-up cases must reach the customer, by trigger."""
    products: tuple[Product, ...] = ()
    """Products."""
    grades: Grades = Grades()
    """How scores are graded against expectations."""
    loyalty_matrix: LoyaltyMatrix = LoyaltyMatrix()
    """Where segments and quadrants are cut."""
    false_alarms: FalseAlarms = FalseAlarms.ONE_A_MONTH
    """False alarms that all units together may raise, at most, where nothing is wrong; the thresholds of all detectors follow from it."""
    begging: dict[Language, Lexicon] = Field(default_factory=dict)
    """How begging for a score sounds, by language (ISO 639); stands in for the lexicon that Candor brings for the language, if it brings one."""
    detectors: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """Settings of detectors where they differ from the defaults, by detector."""

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/Berlin") from None
        return name

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.fx_rates.get(self.base_currency, Decimal(1)) != 1:
            raise ValueError(f"fx_rates: the rate of the base currency {self.base_currency} is 1; leave it out")
        names = {
            "surveys": [survey.survey_id for survey in self.surveys],
            "units": [unit.unit_id for unit in self.units],
            "incentive_plans": [plan.plan_id for plan in self.incentive_plans],
            "kpis": [kpi.kpi_id for kpi in self.kpis],
            "rituals": [ritual.ritual_id for ritual in self.rituals],
            "sla_policies": [policy.trigger.value for policy in self.sla_policies],
            "products": [product.product_id for product in self.products],
        }
        for part, ids in names.items():
            if doubled := _doubled(ids):
                raise ValueError(f"{part}: {', '.join(doubled)} given more than once; keep one")
        return self

    @cached_property
    def rates(self) -> Mapping[str, Decimal]:
        """Price of 1 unit of every known currency in the base currency, the base currency included."""
        return {**self.fx_rates, self.base_currency: Decimal(1)}

    @cached_property
    def consumables(self) -> frozenset[str]:
        """Products that are used up."""
        return frozenset(product.product_id for product in self.products if product.consumable)


def load_catalog(path: Path | None) -> Catalog:
    """The catalog in a YAML file, or the empty one for None; raises ``CatalogError`` naming the file, the place and what to do."""
    if path is None:
        return Catalog()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read ({error}); CANDOR_CATALOG must name a readable YAML file in UTF-8") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise CatalogError(f"{path}{place}: not YAML ({getattr(error, 'problem', None) or error}); correct it there") from error
    if content is None:
        return Catalog()
    if not isinstance(content, dict):
        raise CatalogError(f"{path}: expected names and values, such as 'timezone: Europe/Berlin', found a {type(content).__name__}")
    try:
        return Catalog.model_validate(content)
    except ValidationError as error:
        raise CatalogError(_explained(path, error)) from error


def _explained(path: Path, error: ValidationError) -> str:
    lines = [f"{path}: {error.error_count()} thing(s) to correct"]
    for item in error.errors(include_url=False):
        place = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in item["loc"]).lstrip(".")
        advice = "; unknown name, check the spelling or remove it" if item["type"] == "extra_forbidden" else ""
        quote = "; quote it" if item["type"] == "string_type" and isinstance(item["input"], int | float) else ""
        lines.append(f"  {place or 'catalog'}: {item['msg']}{advice}{quote}")
    return "\n".join(lines)
