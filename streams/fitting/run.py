"""One run: reads, fits every model, and gives the rows that say what was found. The same data and settings give the same run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import xxhash

from schemas.catalog import Catalog
from schemas.rows import TABLES, Table
from streams.fitting.customers import fit_customers
from streams.fitting.effects import find_effects
from streams.fitting.findings import find_drivers, find_links, find_predictors
from streams.fitting.reading import Source
from streams.fitting.report import Report, unstamped

RELEASE = "4"
"""Raised when the same data would give other numbers, or more of them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run found. The rows carry neither run nor version until they are ``stamped``."""

    run_id: str
    reports: tuple[Report, ...]
    found: Mapping[Table, pa.Table] = field(repr=False)
    """Rows by table; runs themselves last, since these make all others visible."""

    def stamped(self, version: int) -> dict[Table, pa.Table]:
        """The rows to insert, in this order; ``version`` is in milliseconds since 1970 and above that of every earlier run."""
        return {table: _complete(table, rows, self.run_id, version) for table, rows in self.found.items()}


def fit(source: Source, catalog: Catalog, as_of: date | None = None) -> Run | None:
    """Fit everything as of the end of a local day; by default, what purchases tell as of the newest transaction, the rest as of the newest response.

    None where there is nothing to be fitted on.
    """
    bought, said = source.newest_days()
    if as_of is not None:
        bought = said = as_of
    purchases_as_of, responses_as_of = bought or said, said or bought
    if purchases_as_of is None or responses_as_of is None:
        return None
    customers = fit_customers(source.histories(purchases_as_of), purchases_as_of, catalog.margin)
    tables, reports = {Table.FIT_ACCOUNTS: customers.accounts, Table.FIT_NEWCOMERS: customers.newcomers}, [*customers.reports]
    for table, (rows, report) in {
        Table.FIT_DRIVERS: find_drivers(source, catalog, responses_as_of),
        Table.FIT_LINKAGE: find_links(source, responses_as_of),
        Table.FIT_PREDICTION: find_predictors(source, catalog, purchases_as_of),
        # Windows are complete where both are known.
        Table.FIT_EFFECTS: find_effects(source, min(purchases_as_of, responses_as_of)),
    }.items():
        tables[table] = pa.Table.from_pylist(rows, unstamped(table))
        reports.append(report)
    tables[Table.FIT_RUNS] = pa.Table.from_pylist([{**report.row(), "release": RELEASE} for report in reports], unstamped(Table.FIT_RUNS))
    return Run(_identity(source, catalog, reports), tuple(reports), tables)


def _identity(source: Source, catalog: Catalog, reports: list[Report]) -> str:
    settings = {
        "release": RELEASE,
        "as_of": [report.as_of.isoformat() for report in reports],
        "margin": catalog.margin,
        "grades": catalog.grades.model_dump(mode="json"),
        "drivers": {survey.survey_id: [driver.model_dump(mode="json") for driver in survey.drivers] for survey in catalog.surveys if survey.drivers},
    }
    return xxhash.xxh3_64_hexdigest(json.dumps([settings, source.fingerprint], sort_keys=True).encode())


def _complete(table: Table, rows: pa.Table, run_id: str, version: int) -> pa.Table:
    schema = TABLES[table].arrow_schema
    stamps = {"run_id": pa.repeat(run_id, rows.num_rows), "version": pa.repeat(pa.scalar(version, pa.uint64()), rows.num_rows)}
    return pa.table([stamps[one.name] if one.name in stamps else rows.column(one.name) for one in schema], schema=schema)
