"""The catalog: its defaults, its exactness, and how it explains what is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.catalog import Catalog, CatalogError, load_catalog


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    """Where a test writes its catalog."""
    return tmp_path / "catalog.yaml"


def test_an_empty_catalog_works(catalog_file: Path) -> None:
    """No file, an empty file and an empty model say the same."""
    catalog_file.write_text("# nothing yet\n")

    assert load_catalog(None) == load_catalog(catalog_file) == Catalog()
    assert Catalog().rates == {"EUR": 1}
    assert Catalog().timezone == "UTC"


def test_everything_can_be_said(catalog_file: Path) -> None:
    """Every part of the contract, in its shape."""
    catalog_file.write_text("""
timezone: America/Sao_Paulo
base_currency: BRL
fx_rates: {USD: 5.43, EUR: "5.91", JPY: 0.0345}
margin: 0.4
surveys:
  - survey_id: relationship
    programme: loyalty
    owner: cx
    action_rule: {classes: [detractor, passive], within_hours: 24}
    drivers: [{name: speed, target: 4.5, cost: 2}]
units: [{unit_id: u-1, peer_group: stores, region: south}]
incentive_plans: [{plan_id: bonus, units: [u-1], period: 2026-Q1, payout_rule: {above: 60, pays: 500}}]
kpis: [{kpi_id: nps, orientation: customer, weight: 2, payout_share: 0.3, ritual: monthly}]
rituals: [{ritual_id: monthly, criteria: [nps], money_decided: 100000}]
sla_policies:
  - {trigger: detractor, hours: 24}
  - {trigger: risk, hours: 8, business_calendar: {weekdays: [1, 2, 3], opens: "08:00", closes: "18:00", holidays: [2026-12-25]}}
products: [{product_id: p-1, consumable: true}, {product_id: p-2}]
grades: {delta: 0.2}
loyalty_matrix: {attitude: 0.8}
detectors: {burst: {threshold: 4}}
""")

    catalog = load_catalog(catalog_file)

    assert catalog.rates == {"BRL": 1, "USD": Decimal("5.43"), "EUR": Decimal("5.91"), "JPY": Decimal("0.0345")}
    assert catalog.consumables == {"p-1"}
    assert catalog.sla_policies[1].business_calendar is not None
    assert catalog.sla_policies[1].business_calendar.holidays == ("2026-12-25",)


def test_rates_are_exact() -> None:
    """A rate is what is written, not the double next to it."""
    assert Catalog.model_validate({"fx_rates": {"USD": 0.1}}).rates["USD"] == Decimal("0.1")


def test_catalog_cannot_be_changed() -> None:
    """It is read once, at start."""
    with pytest.raises(ValidationError, match="frozen"):
        Catalog().timezone = "Europe/Berlin"  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timezone: Mars/Olympus", ["timezone", "Europe/Berlin"]),
        ("fx_rates: {USD: 0}", ["fx_rates.USD", "above 0"]),
        ("fx_rates: {USD: .nan}", ["fx_rates.USD", "above 0"]),
        ("fx_rates: {USD: true}", ["fx_rates.USD", "such as 0.91"]),
        ("fx_rates: {USD: a lot}", ["fx_rates.USD", "such as 0.91"]),
        ("fx_rates: {USD: 1.0e+30}", ["fx_rates.USD", "1e20"]),
        ("fx_rates: {usd: 0.9}", ["fx_rates", "usd"]),
        ("base_currency: EUR\nfx_rates: {EUR: 2}", ["fx_rates", "leave it out"]),
        ("fx_rate: {USD: 0.9}", ["fx_rate", "spelling"]),
        ("products: [{product_id: 17}]", ["products[1].product_id", "quote it"]),
        ("products: [{product_id: p}, {product_id: p}]", ["products", "p given more than once"]),
        ("sla_policies: [{trigger: whim, hours: 1}]", ["sla_policies[1].trigger", "detractor"]),
        ("sla_policies: [{trigger: risk, hours: 0}]", ["sla_policies[1].hours"]),
        ("sla_policies: [{trigger: risk, hours: 1, business_calendar: {opens: '18:00', closes: '09:00'}}]", ["opens must be before closes"]),
        ("timezone: [", ["line 1", "not YAML"]),
        ("- a list", ["names and values", "list"]),
    ],
)
def test_faults_are_explained(catalog_file: Path, text: str, said: list[str]) -> None:
    """File, place, and what to do."""
    catalog_file.write_text(text)

    with pytest.raises(CatalogError) as caught:
        load_catalog(catalog_file)

    assert all(part in str(caught.value) for part in [str(catalog_file), *said]), str(caught.value)


def test_unreadable_files_are_explained(tmp_path: Path) -> None:
    """Absent, a folder, or not text."""
    (tmp_path / "latin.yaml").write_bytes(b"timezone: \xff")

    for path in (tmp_path / "absent.yaml", tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(CatalogError, match="CANDOR_CATALOG"):
            load_catalog(path)
