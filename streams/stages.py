"""The stages, made from the settings."""

from datetime import timedelta

from schemas.catalog import Catalog, CatalogError, load_catalog
from streams.core.accounts.stage import AccountsStages
from streams.core.accounts.state import Horizons
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
    return AccountsStages(catalog, Horizons(dedupe=dedupe, revision=revision, join=join))
