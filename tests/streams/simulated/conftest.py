"""What a module's ``simulation`` and ``catalog`` become: the oracle's tables, and a database of each test's own."""

from pathlib import Path

import pytest

from schemas.catalog import Catalog
from sinks.clickhouse import ClickHouse
from streams.simulate import Simulation
from tests.oracle.records import Rows
from tests.streams.simulated.company import oracle_tables, replayed


@pytest.fixture(scope="module")
def expected(simulation: Simulation, catalog: Catalog) -> dict[str, Rows]:
    """What the oracle says."""
    return oracle_tables(simulation, catalog)


@pytest.fixture
def clickhouse(simulation: Simulation, catalog: Catalog, migrated_url: str, tmp_path: Path) -> ClickHouse:
    """What is in ClickHouse."""
    return replayed(simulation, catalog, migrated_url, tmp_path)
