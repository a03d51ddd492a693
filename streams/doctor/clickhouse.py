"""ClickHouse: reachable, new enough, permitting, on time, with the tables and views of this release, and counted by this catalog."""

import re
import secrets
import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pyarrow as pa

from schemas.catalog import CatalogError, load_catalog
from schemas.rows import TABLES
from sinks.base import SinkError, SinkRefused, SinkUnavailable
from sinks.catalog import check_catalog
from sinks.clickhouse import ClickHouse, connect
from sinks.dictionary import TRIED
from sinks.errorcodes import UNKNOWN_DATABASE, UNKNOWN_TABLE
from sinks.migrate import Migrator, load
from streams.doctor.finding import Finding, State
from streams.errors import CHECK_LOGIN, MAKE_TABLES, START_CLICKHOUSE
from streams.settings import Settings, variable

_OLDEST = (24, 3)
_MOST_SKEW_SECONDS = 5.0
_VIEW = re.compile(r"^CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
_MIGRATE = "run: candor migrate"


def check_clickhouse(settings: Settings) -> Iterator[Finding]:
    """All about ClickHouse; one finding where it is away."""
    try:
        clickhouse = connect(settings.clickhouse_url.get_secret_value())
    except SinkRefused as error:
        yield Finding("clickhouse", variable("clickhouse_url"), State.PROBLEM, str(error), f"put {variable('clickhouse_url')} right")
        return
    address = clickhouse.address
    if address.embedded and not Path(address.path).is_dir():
        # To ask anything would make it, and a mistyped name would look like an empty database.
        advice = f"put {variable('clickhouse_url')} right, or make it: candor migrate"
        yield Finding("clickhouse", "folder", State.PROBLEM, f"absent: {address.path}", advice)
        return
    try:
        yield from _check_server(clickhouse)
        yield from _check_clock(clickhouse)
        yield from _check_permissions(clickhouse)
        yield from _check_migrations(clickhouse)
        yield from _check_tables(clickhouse)
        yield from _check_numbers(clickhouse, settings)
    except SinkUnavailable as error:
        yield Finding("clickhouse", str(clickhouse.address), State.AWAY, str(error), START_CLICKHOUSE)
    except SinkError as error:
        yield _refused(error)
    finally:
        clickhouse.close()


def _refused(error: SinkError) -> Finding:
    if isinstance(error, SinkRefused) and error.code == UNKNOWN_DATABASE:
        return Finding("clickhouse", "database", State.PROBLEM, "absent", MAKE_TABLES)
    return Finding("clickhouse", "login", State.PROBLEM, str(error), CHECK_LOGIN)


def _check_server(clickhouse: ClickHouse) -> Iterator[Finding]:
    version = clickhouse.ping()
    yield Finding("clickhouse", "reachable", State.OK, str(clickhouse.address))
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < _OLDEST:
        yield Finding("clickhouse", "version", State.PROBLEM, version, f"ClickHouse {_OLDEST[0]}.{_OLDEST[1]} or newer is needed")
    else:
        yield Finding("clickhouse", "version", State.OK, version)


def _check_clock(clickhouse: ClickHouse) -> Iterator[Finding]:
    before = time.time()
    answer = float(clickhouse.command("SELECT toString(toUnixTimestamp64Milli(now64(3)) / 1000)"))
    after = time.time()
    # Its answer was made somewhere between; only what that cannot explain is skew.
    skew = max(before - answer, answer - after, 0.0)
    if skew > _MOST_SKEW_SECONDS:
        yield Finding("clickhouse", "clock", State.WARNING, f"{skew:.0f} s from ours", "set the clocks by NTP: freshness and alerts compare them")
    else:
        yield Finding("clickhouse", "clock", State.OK, "like ours")


def _check_permissions(clickhouse: ClickHouse) -> Iterator[Finding]:
    table = f"{TRIED}{secrets.token_hex(4)}"
    steps = (
        ("create", lambda: clickhouse.command(f"CREATE TABLE {table} (n Int64) ENGINE = Memory")),
        ("insert", lambda: clickhouse.insert_into(table, pa.table({"n": pa.array([1], pa.int64())}))),
        ("select", lambda: clickhouse.query(f"SELECT n FROM {table}")),  # noqa: S608 (a name of our own)
        ("drop", lambda: clickhouse.command(f"DROP TABLE {table}")),
    )
    for right, attempt in steps:
        try:
            attempt()
        except SinkRefused as error:
            if error.code == UNKNOWN_DATABASE:
                raise
            advice = f"grant {right.upper()} on {clickhouse.address.database}.* to the user in {variable('clickhouse_url')}"
            yield Finding("clickhouse", f"permission to {right}", State.PROBLEM, str(error), advice)
            return
    yield Finding("clickhouse", "permissions", State.OK, "create, insert, select and drop")


def _check_migrations(clickhouse: ClickHouse) -> Iterator[Finding]:
    status = Migrator(clickhouse).status()
    for migration in status.changed:
        advice = "restore the file and put the change into a new migration"
        yield Finding("migrations", f"{migration.number:04d} {migration.name}", State.PROBLEM, "changed after it was applied", advice)
    for migration in status.pending:
        yield Finding("migrations", f"{migration.number:04d} {migration.name}", State.PROBLEM, "not applied", _MIGRATE)
    for name in status.unknown:
        yield Finding("migrations", name, State.WARNING, "applied by a newer release", "run that release here too")
    if not status.changed and not status.pending:
        yield Finding("migrations", "all", State.OK, f"{len(status.applied)} applied")


def _check_tables(clickhouse: ClickHouse) -> Iterator[Finding]:
    rows = clickhouse.query(
        "SELECT table, name, type FROM system.columns WHERE database = {database:String}", {"database": clickhouse.address.database}
    )
    existing: dict[str, dict[str, str]] = {}
    for row in rows.to_pylist():
        existing.setdefault(row["table"], {})[row["name"]] = row["type"]
    # Views that take parameters have no columns to list.
    names = clickhouse.query("SELECT name FROM system.tables WHERE database = {database:String}", {"database": clickhouse.address.database})
    wrong = [*_differing_tables(existing), *_absent_views(set(names["name"].to_pylist()))]
    yield from wrong
    if not wrong:
        yield Finding("tables", "all", State.OK, f"{len(TABLES)} tables and {len(views())} views as declared")


def _differing_tables(existing: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    for table, spec in TABLES.items():
        columns = existing.get(table.value)
        if columns is None:
            yield Finding("tables", table.value, State.PROBLEM, "absent", _MIGRATE)
            continue
        differing = [column for column in spec.columns if columns.get(column.name) != column.clickhouse]
        for column in differing:
            found = f"{column.name} is {columns.get(column.name, 'absent')}, wanted {column.clickhouse}"
            yield Finding("tables", table.value, State.PROBLEM, found, f"{_MIGRATE}; if that does not help, somebody changed the table by hand")


def _absent_views(existing: AbstractSet[str]) -> Iterator[Finding]:
    for view in sorted(views() - existing):
        yield Finding("tables", view, State.PROBLEM, "the view is absent", _MIGRATE)


def _check_numbers(clickhouse: ClickHouse, settings: Settings) -> Iterator[Finding]:
    """Whether the catalog is that by which the numbers in the database were counted, where both can be read; else it is told already."""
    try:
        catalog = load_catalog(settings.catalog)
    except (CatalogError, OSError):
        return
    try:
        check_catalog(clickhouse, catalog)
    except SinkRefused as error:
        if error.code is None:
            yield Finding(
                "catalog", "numbers in the database", State.PROBLEM, str(error), "workers, candor replay and candor fit refuse until it is so"
            )
        elif error.code != UNKNOWN_TABLE:
            raise
    else:
        yield Finding("catalog", "numbers in the database", State.OK, "none of another time zone or base currency")


def views() -> frozenset[str]:
    """The views that the migrations of this release make."""
    return frozenset(name for migration in load() for name in _VIEW.findall(migration.text.replace("${on_cluster}", "")))
