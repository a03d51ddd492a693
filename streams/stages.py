"""The stages, made from the settings."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from schemas.begging import default_lexicons
from schemas.catalog import Catalog, CatalogError, load_catalog
from streams.core.accounts.signalling import Signalling
from streams.core.accounts.stage import AccountsStages
from streams.core.accounts.state import Horizons
from streams.core.chained import ChainedStages
from streams.core.decoding.times import local_days
from streams.core.hashing import hash_string
from streams.core.units.pools import plans_of
from streams.core.units.stage import UnitsStages
from streams.errors import ConfigurationError
from streams.settings import Settings

_MICROSECOND = timedelta(microseconds=1)


def catalog_of(settings: Settings) -> Catalog:
    """The catalog that the settings name; raises ``ConfigurationError``."""
    try:
        return load_catalog(settings.catalog)
    except CatalogError as error:
        raise ConfigurationError(str(error)) from None


def accounts_stages(settings: Settings, catalog: Catalog) -> AccountsStages:
    """Makes accounts stages with the horizons of the settings."""
    dedupe, revision, join = (
        timedelta(days=days) // _MICROSECOND for days in (settings.dedupe_horizon_days, settings.revision_horizon_days, settings.join_horizon_days)
    )
    return AccountsStages(catalog, Horizons(dedupe=dedupe, revision=revision, join=join), signalling_of(catalog))


def units_stages(catalog: Catalog, source_partitions: int) -> UnitsStages:
    """Makes units stages for inputs of so many partitions."""
    return UnitsStages(source_partitions, _peer_groups(catalog), catalog.false_alarms.days, plans_of(catalog))


def chained_stages(settings: Settings, catalog: Catalog) -> ChainedStages:
    """Makes both stages as one, for inputs of a single partition that are read without Kafka."""
    return ChainedStages(accounts_stages(settings, catalog), units_stages(catalog, source_partitions=1))


def signalling_of(catalog: Catalog) -> Callable[[], Signalling]:
    """Makes what an accounts stage tells the units stage with."""
    lexicons, groups = {**default_lexicons(), **catalog.begging}, _peer_groups(catalog)
    plans: dict[str, list[int]] = defaultdict(list)
    for plan in plans_of(catalog):
        for unit_id in plan.units:
            plans[unit_id].append(plan.key)
    return lambda: Signalling(
        lexicons, lambda unit: hash_string(groups.get(unit, "")), plans, lambda instants: local_days(instants, catalog.timezone)
    )  # fmt: skip


def _peer_groups(catalog: Catalog) -> dict[str, str]:
    return {unit.unit_id: unit.peer_group or "" for unit in catalog.units}
