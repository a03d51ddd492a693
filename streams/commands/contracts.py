"""``candor contracts``."""

from pathlib import Path

import click

from schemas.events_page import events_page
from schemas.export import contract_files
from sinks.dictionary import read_fresh, render
from sinks.semantic.package import FOLDER, package_files
from sinks.semantic.superset.bundle import FOLDER as BUNDLE
from sinks.semantic.superset.bundle import bundle_files
from streams.commands.output import say, working
from streams.commands.reference import alerts_page, commands_page, settings_page
from streams.errors import ProblemFound
from streams.importing import mapping_schema
from streams.metrics.alerts import rules_file
from streams.metrics.dashboards.files import FOLDER as DASHBOARDS
from streams.metrics.dashboards.files import dashboard_files
from streams.metrics.page import metrics_page
from streams.settings import environment_example

CONTRACTS = Path("schemas/contracts")
RULES = (Path("deploy/prometheus/candor.rules.yml"), Path("deploy/helm/candor/files/candor.rules.yml"))


@click.command("contracts")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write into; default: this one, the project's."
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file is not what would be written.")
def command(into: Path, check: bool) -> None:
    """Write what is generated from the code, or check that it is up to date.

    JSON Schema and an example of every event, the catalog's JSON Schema and an AsyncAPI 3 document (schemas/contracts), the page of events
    (docs/events.md), the data dictionary of ClickHouse (docs/data-dictionary.md), the pages of metrics (docs/exported-metrics.md),
    commands, settings and alerts (docs/reference), sources and metrics for dbt (deploy/dbt/models/candor), datasets, charts and
    dashboards of Superset (deploy/superset/candor), the rules for Prometheus
    (deploy/prometheus, and once more in deploy/helm, since a chart holds all that it installs), the dashboards of Grafana
    (deploy/grafana/dashboards), the JSON Schema of mapping files (examples) and .env.example.
    """
    with working("reading views and models"):
        texts = generated()
    stale = [path for path in _present(into) if path not in texts]
    differing = [path for path, text in texts.items() if not (into / path).is_file() or (into / path).read_text(encoding="utf-8") != text]
    if check:
        if stale or differing:
            raise ProblemFound("not up to date, run candor contracts:\n" + "\n".join(str(path) for path in sorted([*stale, *differing])))
        say(f"{len(texts)} files are up to date")
        return
    for path in stale:
        (into / path).unlink()
    for path in differing:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_text(texts[path], encoding="utf-8")
    say(f"{len(differing)} of {len(texts)} files written, {len(stale)} removed")


def generated() -> dict[Path, str]:
    """Every generated file: its path from the root of the project, and its text."""
    relations = read_fresh()
    return {
        **{CONTRACTS / path: text for path, text in contract_files().items()},
        Path("docs/events.md"): events_page(),
        Path("docs/data-dictionary.md"): render(relations),
        **{Path(path): text for path, text in package_files(relations).items()},
        **{Path(path): text for path, text in bundle_files(relations).items()},
        Path("docs/exported-metrics.md"): metrics_page(),
        Path("docs/reference/commands.md"): commands_page(),
        Path("docs/reference/settings.md"): settings_page(),
        Path("docs/reference/alerts.md"): alerts_page(),
        **dict.fromkeys(RULES, rules_file()),
        **dashboard_files(),
        Path(".env.example"): environment_example(),
        Path("examples/mapping.schema.json"): mapping_schema(),
    }


def _present(root: Path) -> list[Path]:
    folders = ((CONTRACTS, "*.json"), (DASHBOARDS, "*.json"), (FOLDER, "*.*"), (BUNDLE, "*.*"))
    written = [path for folder, pattern in folders for path in (root / folder).rglob(pattern)]
    return [path.relative_to(root) for path in written]
