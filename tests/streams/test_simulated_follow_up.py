"""Half a year of a simulated company, replayed into ClickHouse: who was heard is what the oracle computes from the records alone."""

from decimal import Decimal
from pathlib import Path

import pytest
from yaml import safe_load

from schemas.catalog import Catalog
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.core.accounts import AccountsStages
from streams.files import write_events
from streams.replay import Replay
from streams.simulate import Plan, Simulation, simulate
from tests.chaos.compare import differences, read_views
from tests.oracle.records import Catalog as OracleCatalog
from tests.oracle.records import Record, Rows
from tests.oracle.tables import tables

VIEWS = (
    "survey_chances", "response_strata", "representation", "revenue_weighted_loyalty", "loyalty_by_unit", "loyalty_by_channel", "loyalty_total",
)  # fmt: skip


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(Plan(seed=12, events=12_000, accounts=400, units=8, months=6))


@pytest.fixture(scope="module")
def catalog(simulation: Simulation) -> Catalog:
    return Catalog.model_validate(safe_load(simulation.catalog()))


@pytest.fixture(scope="module")
def expected(simulation: Simulation, catalog: Catalog) -> dict[str, Rows]:
    offsets: dict[str, int] = {}
    records = []
    for record in simulation.records():
        topic = record.topic.value
        offsets[topic] = offsets.get(topic, -1) + 1
        records.append(Record(topic, 0, offsets[topic], record.timestamp, record.key, record.value, tuple(record.headers)))
    rates = {currency: Decimal(str(rate)) for currency, rate in catalog.fx_rates.items()}
    peer_groups = {unit.unit_id: unit.peer_group or "" for unit in catalog.units}
    return tables(records, OracleCatalog(catalog.timezone, catalog.base_currency, rates, catalog.consumables, peer_groups))


@pytest.fixture
def clickhouse(simulation: Simulation, catalog: Catalog, clickhouse_url: str, tmp_path: Path) -> ClickHouse:
    connected = connect(clickhouse_url)
    Migrator(connected).apply()
    write_catalog(connected, catalog)
    path = tmp_path / "events.ndjson"
    write_events(path, simulation.records())
    Replay(AccountsStages(catalog), connected, ClickHouseCheckpoints(connected)).run([path])
    return connected


def test_every_view_holds_what_the_oracle_says(clickhouse: ClickHouse, expected: dict[str, Rows]) -> None:
    problems = differences({view: expected[view] for view in VIEWS}, read_views(clickhouse, VIEWS))

    assert not problems, "\n".join(problems)


def test_the_company_has_some_of_everything(expected: dict[str, Rows]) -> None:
    """Else equal rows would say little."""
    dispositions = {row["disposition"] for row in expected["survey_chances"].values()}
    assert dispositions == {"complete", "refusal", "noncontact", "other", "not_sampled"}
    for view in VIEWS[1:]:
        for name in {name for row in expected[view].values() for name in row}:
            if not name.startswith("flagged"):
                assert any(row[name] not in (None, 0, []) for row in expected[view].values()), f"{view}.{name} is never above nothing"
    weighted = list(expected["representation"].values())
    assert any(isinstance(row["greatest_weight"], float) and row["greatest_weight"] > 3 for row in weighted)
    assert any(isinstance(row["least_weight"], float) and row["least_weight"] < 0.3 for row in weighted)
    assert any(isinstance(row["raking_error"], float) and row["raking_error"] > 0.001 for row in weighted)
