"""What is on this machine: versions, the environment, the catalog."""

import difflib
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic_settings import DotEnvSettingsSource

from schemas.catalog import Catalog, CatalogError, load_catalog
from streams.core.integrity.periods import last_days
from streams.doctor.finding import Finding, State
from streams.settings import BESIDE_SETTINGS, ENVIRONMENT_FILE, PREFIX, SECRETS_FOLDER, Settings, variable

_LIBRARIES = {"faust-streaming": "0.15.", "aiokafka": "0.14.", "kafka-python": "3.", "clickhouse-connect": "1.", "pyarrow": "", "chdb": ""}
"""What matters most, and how its version begins."""


def check_versions() -> Iterator[Finding]:
    """Python, Candor and the libraries that it leans on."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("versions", "python", State.OK, python)
    yield Finding("versions", "candor", State.OK, version("candor"))
    for library, prefix in _LIBRARIES.items():
        try:
            installed = version(library)
        except PackageNotFoundError:
            yield Finding("versions", library, State.PROBLEM, "not installed", "install it: pip install --require-hashes -r requirements.txt")
            continue
        if installed.startswith(prefix):
            yield Finding("versions", library, State.OK, installed)
        else:
            yield Finding("versions", library, State.PROBLEM, installed, f"install {prefix}x: Candor is tested with no other")


def check_environment() -> Iterator[Finding]:
    """Names that look like settings and are none, wherever settings are read from; in files, of either case, as settings are read there."""
    known = {variable(name) for name in Settings.model_fields} | BESIDE_SETTINGS
    unknown = [(name, where) for where, names in _given().items() for name in sorted(names - known)]
    for name, where in unknown:
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "remove it; .env.example lists all settings"
        yield Finding("settings", name, State.WARNING, f"is no setting; it stands in {where}", advice)
    if not unknown:
        yield Finding("settings", "names", State.OK, "all are settings")


def _given() -> dict[str, set[str]]:
    """Names that begin like ours, by where they stand."""
    given = {"the environment": set(os.environ)}
    file = Path(os.environ.get(ENVIRONMENT_FILE, ".env"))
    if file.is_file():
        given[str(file)] = set(DotEnvSettingsSource(Settings, env_file=file).env_vars)
    folder = os.environ.get(SECRETS_FOLDER)
    if folder:
        given[folder] = {path.name for path in Path(folder).iterdir() if path.is_file()}
    return {where: {name.upper() for name in names if name.upper().startswith(PREFIX)} for where, names in given.items()}


def check_catalog(settings: Settings) -> Iterator[Finding]:
    """Whether the catalog can be read and is valid."""
    name = str(settings.catalog) if settings.catalog else "none: the defaults"
    try:
        catalog = load_catalog(settings.catalog)
    except (CatalogError, OSError) as error:
        yield Finding("catalog", name, State.PROBLEM, str(error), f"put the file right, or unset {variable('catalog')}")
        return
    if settings.catalog is None:
        found = f"no catalog is set, so {catalog.timezone} and {catalog.base_currency} alone; {variable('catalog')} names one"
    else:
        found = f"timezone {catalog.timezone}, base currency {catalog.base_currency}, {len(catalog.fx_rates)} rates"
    yield Finding("catalog", name, State.OK, found)
    yield from _check_plans(catalog)


def _check_plans(catalog: Catalog) -> Iterator[Finding]:
    """Incentive plans at which nobody can look for pushes."""
    for plan in catalog.incentive_plans:
        if last_days(plan.period) is None:
            said = f"period {plan.period!r} is not understood" if plan.period else "has no period"
            advice = "write month, quarter or year, or a single one such as 2026-Q1"
            yield Finding("catalog", f"plan {plan.plan_id}", State.WARNING, f"{said}: nobody looks for pushes at its end", advice)
        elif not plan.units:
            yield Finding("catalog", f"plan {plan.plan_id}", State.WARNING, "names no units: nobody looks for pushes", "list its units")
