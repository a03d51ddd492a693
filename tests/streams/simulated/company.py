"""A simulated company, replayed into ClickHouse and given to the oracle."""

from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

from schemas.catalog import BusinessCalendar, Catalog
from schemas.catalog import Survey as CatalogSurvey
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.core.accounts import AccountsStages
from streams.files import write_events
from streams.replay import Replay
from streams.simulate import Simulation
from tests.oracle.records import Calendar, Policy, Record, Rows, Survey
from tests.oracle.records import Catalog as OracleCatalog
from tests.oracle.tables import tables


def replayed(simulation: Simulation, catalog: Catalog, url: str, folder: Path) -> ClickHouse:
    """The database of that URL, made where it is not there, with the catalog and all that the accounts stage makes of the events."""
    clickhouse = connect(url)
    Migrator(clickhouse).apply()
    write_catalog(clickhouse, catalog)
    path = folder / "events.ndjson"
    write_events(path, simulation.records())
    Replay(AccountsStages(catalog), clickhouse, ClickHouseCheckpoints(clickhouse)).run([path])
    return clickhouse


def oracle_tables(simulation: Simulation, catalog: Catalog) -> dict[str, Rows]:
    """What the oracle makes of the same records, all in one partition of their topic."""
    offsets: dict[str, int] = {}
    records = []
    for record in simulation.records():
        topic = record.topic.value
        offsets[topic] = offsets.get(topic, -1) + 1
        records.append(Record(topic, 0, offsets[topic], record.timestamp, record.key, record.value, tuple(record.headers)))
    return tables(records, oracle_catalog(catalog))


def oracle_catalog(catalog: Catalog) -> OracleCatalog:
    """The catalog as the oracle takes it."""
    return OracleCatalog(
        catalog.timezone,
        catalog.base_currency,
        {currency: Decimal(str(rate)) for currency, rate in catalog.fx_rates.items()},
        catalog.consumables,
        {unit.unit_id: unit.peer_group or "" for unit in catalog.units},
        {one.survey_id: _survey(one) for one in catalog.surveys},
        {policy.trigger.value: Policy(timedelta(hours=policy.hours), _calendar(policy.business_calendar)) for policy in catalog.sla_policies},
    )


def _survey(one: CatalogSurvey) -> Survey:
    classes = frozenset(of_class.value for of_class in one.action_rule.classes)
    return Survey(one.programme or "", one.owner or "", classes, timedelta(hours=one.action_rule.within_hours))


def _calendar(given: BusinessCalendar | None) -> Calendar | None:
    if given is None:
        return None
    opens, closes = time.fromisoformat(given.opens), time.fromisoformat(given.closes)
    return Calendar(frozenset(given.weekdays), opens, closes, frozenset(map(date.fromisoformat, given.holidays)))
