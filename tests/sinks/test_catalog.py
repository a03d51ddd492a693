"""The catalog in ClickHouse."""

import pyarrow as pa
import pytest

from schemas.catalog import Catalog
from schemas.catalog_rows import CATALOG_TABLES
from sinks.base import SinkRefused
from sinks.catalog import check_catalog, write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.rows import emptied

FULL = Catalog.model_validate(
    {
        "timezone": "Europe/Berlin",
        "base_currency": "EUR",
        "fx_rates": {"USD": 0.91},
        "surveys": [
            {
                "survey_id": "s",
                "programme": "p",
                "action_rule": {"classes": ["detractor", "passive"], "within_hours": 24},
                "drivers": [{"name": "wait"}],
            },
            {"survey_id": "t", "drivers": [{"name": "price", "target": 4.5, "cost": 2}]},
        ],
        "units": [{"unit_id": "u", "peer_group": "g", "region": "north"}, {"unit_id": "v"}],
        "incentive_plans": [{"plan_id": "i", "units": ["u"], "period": "month", "payout_rule": {"above": 50, "pays": [1, "ü"]}}],
        "kpis": [{"kpi_id": "k", "orientation": "customer", "payout_share": 0.5}],
        "rituals": [{"ritual_id": "r", "criteria": ["nps"], "money_decided": 1000}],
        "sla_policies": [{"trigger": "detractor", "hours": 24}, {"trigger": "risk", "hours": 8, "business_calendar": {"holidays": ["2026-01-01"]}}],
        "products": [{"product_id": "ink", "consumable": True}],
        "margin": 0.4,
        "false_alarms": "one a quarter",
        "begging": {"nl": {"lists": {"top": ["tien"]}, "phrases": ["geef ons een {top}"]}},
    }
)


@pytest.fixture(params=["embedded", "served"])
def clickhouse(request: pytest.FixtureRequest) -> ClickHouse:
    """A migrated database without a catalog."""
    found: ClickHouse = request.getfixturevalue(request.param)
    return emptied(found, (table.name for table in CATALOG_TABLES))


def stored(clickhouse: ClickHouse) -> dict[str, list[dict[str, object]]]:
    """All rows of the catalog's tables."""
    return {t.name: clickhouse.query(f"SELECT * EXCEPT (version, inserted_at) FROM {t.name} ORDER BY {t.key}").to_pylist() for t in CATALOG_TABLES}


def expected(catalog: Catalog) -> dict[str, list[dict[str, object]]]:
    """What the tables must hold."""
    return {table.name: table.arrow(catalog).to_pylist() for table in CATALOG_TABLES}


@pytest.mark.parametrize("catalog", [Catalog(), FULL], ids=["empty", "full"])
def test_the_tables_hold_the_catalog(clickhouse: ClickHouse, catalog: Catalog) -> None:
    write_catalog(clickhouse, catalog)

    assert expected(catalog) == stored(clickhouse)


def test_writing_the_same_again_changes_nothing(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, FULL)

    assert write_catalog(clickhouse, FULL) == []
    assert expected(FULL) == stored(clickhouse)


def test_what_left_the_catalog_leaves_the_tables(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, FULL, version=1)

    changed = write_catalog(clickhouse, Catalog(timezone="Europe/Berlin"), version=2)

    assert "timezone" not in changed
    assert stored(clickhouse)["units"] == []
    assert stored(clickhouse)["timezone"] == [{"timezone": "Europe/Berlin"}]


def test_nested_parts_can_be_read_with_sql(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, FULL)

    found = clickhouse.query("SELECT action_rule.within_hours AS hours, arrayMap(d -> d.cost, drivers) AS costs FROM surveys WHERE survey_id = 't'")

    assert found.to_pylist() == [{"hours": 48.0, "costs": [2.0]}]


def test_every_part_of_the_catalog_is_stored() -> None:
    """Fails when the catalog grows a part, or a field of a part, that no table holds."""
    names = {table.name for table in CATALOG_TABLES} | {
        "grades", "loyalty_matrix", "begging", "detectors", "false_alarms", "induced_discount", "margin",
    }  # fmt: skip
    assert set(Catalog.model_fields) | {"catalog_settings"} == names
    for table in CATALOG_TABLES:
        rows = table.rows(FULL)
        assert all(set(row) == {column.name for column in table.columns} for row in rows), table.name
        assert isinstance(table.arrow(FULL), pa.Table)


def test_a_database_with_numbers_keeps_its_time_zone_and_currency(clickhouse: ClickHouse) -> None:
    write_catalog(clickhouse, FULL)
    check_catalog(clickhouse, Catalog())
    clickhouse.command("INSERT INTO cell_accounts (account_id) VALUES ('a')")
    try:
        check_catalog(clickhouse, FULL)
        with pytest.raises(SinkRefused, match="are of timezone Europe/Berlin, and no catalog is set that says which, so UTC: set CANDOR_CATALOG"):
            check_catalog(clickhouse, Catalog())
        with pytest.raises(SinkRefused, match="are of base_currency EUR, and the catalog says USD"):
            check_catalog(clickhouse, FULL.model_copy(update={"base_currency": "USD"}))
    finally:
        clickhouse.command("TRUNCATE TABLE cell_accounts")
