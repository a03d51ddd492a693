"""The tables that hold the catalog in ClickHouse, named as its parts are, and their rows.

What has no table of its own is a row of ``catalog_settings``; ``grades`` is one of them, since that is the name of what BI reads of grades.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import BaseModel

from schemas.catalog import Catalog
from schemas.columns import FLAG, ID, NAME, NUMBER, OPTIONAL_ID, OPTIONAL_NUMBER, Column

_ACTION_RULE = "Tuple(classes Array(String), within_hours Float64)"
_DRIVERS = "Array(Tuple(name String, target Nullable(Float64), cost Float64))"
_STRINGS = "Array(String)"
_DRIVER = pa.struct([("name", pa.string()), ("target", pa.float64()), ("cost", pa.float64())])
_ARROW: dict[str, pa.DataType] = {
    ID: pa.string(),
    OPTIONAL_ID: pa.string(),
    NAME: pa.string(),
    NUMBER: pa.float64(),
    OPTIONAL_NUMBER: pa.float64(),
    FLAG: pa.bool_(),
    _STRINGS: pa.list_(pa.string()),
    _ACTION_RULE: pa.struct([("classes", pa.list_(pa.string())), ("within_hours", pa.float64())]),
    _DRIVERS: pa.list_(_DRIVER),
}
VERSION = Column("version", "UInt64", "When the catalog was written, in milliseconds since 1970; older rows are taken away.")
_Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """One table: ordered by its first column, which is its key."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: Callable[[Catalog], Sequence[_Row]]

    @property
    def key(self) -> str:
        """The column that tells the rows apart."""
        return self.columns[0].name

    def arrow(self, catalog: Catalog) -> pa.Table:
        """The rows for a catalog, ordered by key, without the version."""
        schema = pa.schema([(column.name, _ARROW[column.clickhouse]) for column in self.columns])
        return pa.Table.from_pylist(list(self.rows(catalog)), schema=schema).sort_by(self.key)


def _json(value: object) -> str | None:
    if value is None:
        return None
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _dumped(parts: Sequence[BaseModel], as_json: Sequence[str] = ()) -> list[_Row]:
    """The parts as rows; the named fields, which have no fixed shape, as JSON."""
    found = []
    for part in parts:
        row = part.model_dump(mode="json")
        found.append({**row, **{name: _json(row[name]) for name in as_json}})
    return found


_SETTINGS = ("begging", "detectors", "false_alarms", "grades", "induced_discount", "loyalty_matrix", "margin")


def _settings(catalog: Catalog) -> list[_Row]:
    parts = catalog.model_dump(mode="json")
    return [{"name": name, "value": _json(parts[name])} for name in _SETTINGS]


CATALOG_TABLES: tuple[CatalogTable, ...] = (
    CatalogTable(
        "timezone",
        "The zone whose local dates are the days of all numbers: one row.",
        (Column("timezone", ID, "IANA name."),),
        lambda catalog: [{"timezone": catalog.timezone}],
    ),
    CatalogTable(
        "base_currency",
        "The currency in which money is added up: one row.",
        (Column("base_currency", ID, "ISO 4217."),),
        lambda catalog: [{"base_currency": catalog.base_currency}],
    ),
    CatalogTable(
        "fx_rates",
        "Prices of currencies in the base currency, itself included.",
        (
            Column("currency", ID, "ISO 4217."),
            Column("rate", NUMBER, "Price of 1 unit in the base currency; amounts are converted with the exact decimal of the catalog."),
        ),
        lambda catalog: [{"currency": currency, "rate": float(rate)} for currency, rate in catalog.rates.items()],
    ),
    CatalogTable(
        "surveys",
        "Surveys and their follow-up plans.",
        (
            Column("survey_id", ID, "The survey."),
            Column("programme", OPTIONAL_ID, "The programme that it belongs to; NULL: the survey itself."),
            Column("owner", OPTIONAL_ID, "Who answers for it."),
            Column("action_rule", _ACTION_RULE, "Which classes of responses must be followed up, and within how many hours."),
            Column("drivers", _DRIVERS, "Driver questions: target (NULL: top of the scale) and relative cost of one point more."),
        ),
        lambda catalog: _dumped(catalog.surveys),
    ),
    CatalogTable(
        "units",
        "Locations, teams and sellers that are rated.",
        (
            Column("unit_id", ID, "The unit."),
            Column("peer_group", OPTIONAL_ID, "Units that it can be compared with."),
            Column("region", OPTIONAL_ID, "Where it is."),
        ),
        lambda catalog: _dumped(catalog.units),
    ),
    CatalogTable(
        "incentive_plans",
        "Money that depends on scores.",
        (
            Column("plan_id", ID, "The plan."),
            Column("units", _STRINGS, "Units whose people it pays."),
            Column("period", OPTIONAL_ID, "The period that it pays for."),
            Column("payout_rule", OPTIONAL_ID, "How scores become money, as JSON."),
        ),
        lambda catalog: _dumped(catalog.incentive_plans, ["payout_rule"]),
    ),
    CatalogTable(
        "kpis",
        "Measures on scorecards.",
        (
            Column("kpi_id", ID, "The measure."),
            Column("orientation", NAME, "Whom it serves: customer or company."),
            Column("weight", NUMBER, "Weight on the scorecard."),
            Column("payout_share", NUMBER, "Share of variable pay that depends on it, 0 to 1."),
            Column("ritual", OPTIONAL_ID, "The ritual in which it is looked at."),
            Column("scorecard", ID, "The scorecard that it stands on."),
            Column(
                "measure", OPTIONAL_ID, "A measure of operations, or the metric of responses, that it is computed from; NULL: that of its own name."
            ),
            Column("better", NAME, "Which values are better: higher or lower."),
            Column("spoke", OPTIONAL_ID, "The part of the company that it belongs to: finance, operations or employee; NULL: none."),
        ),
        lambda catalog: _dumped(catalog.kpis),
    ),
    CatalogTable(
        "rituals",
        "Recurring decisions about people or money.",
        (
            Column("ritual_id", ID, "The ritual."),
            Column("kind", NAME, "What it decides about: promotion, raise, bonus, hiring, budget, recognition or other."),
            Column("criteria", _STRINGS, "What is looked at: a kpi_id, the objective of an outcome, or anything else in words."),
            Column("money_decided", OPTIONAL_NUMBER, "Money that it decides about, in the base currency."),
        ),
        lambda catalog: _dumped(catalog.rituals),
    ),
    CatalogTable(
        "sla_policies",
        "How fast follow-up cases must reach the customer.",
        (
            Column("trigger", ID, "What started the case."),
            Column("hours", NUMBER, "Hours until contact is due."),
            Column("business_calendar", OPTIONAL_ID, "Hours that count, as JSON; NULL: all."),
        ),
        lambda catalog: _dumped(catalog.sla_policies, ["business_calendar"]),
    ),
    CatalogTable(
        "products",
        "Products of the catalog.",
        (Column("product_id", ID, "The product."), Column("consumable", FLAG, "Used up, so never owned.")),
        lambda catalog: _dumped(catalog.products),
    ),
    CatalogTable(
        "catalog_settings",
        "Settings of the catalog that are no lists: detectors, grades, induced_discount, loyalty_matrix, margin.",
        (Column("name", ID, "The setting."), Column("value", ID, "Its value, as JSON.")),
        _settings,
    ),
)
